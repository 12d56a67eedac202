// What a sample tells. No function here touches the page.

/** The name of the group that keeps the totals. */
export const TOTALS = 'checkinConsumers';

/** The groups of the processor. */
export function processorsOf(sample) {
  return sample.groups.filter((group) => group.processor);
}

/** The group that keeps the totals: what is applied is counted by it. Undefined if no processor has run yet. */
export function totalsOf(sample) {
  return sample.groups.find((group) => group.name === TOTALS);
}

/** How many ms the group that is furthest behind is behind; null if no group knows. */
export function behindOf(sample) {
  const all = processorsOf(sample).map((group) => group.behind).filter((behind) => behind !== null);
  return all.length ? Math.max(...all) : null;
}

/** In how many ms everything will be applied, as far as that is known; else null. */
export function drainOf(sample) {
  const all = processorsOf(sample).map((group) => group.drain).filter((drain) => drain !== null);
  return all.length ? Math.max(...all) * 1000 : null;
}
