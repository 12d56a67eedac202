// What a sample tells. No function here touches the page.

/** The name of the group that keeps the totals. */
export const TOTALS = 'checkinConsumers';

/** A group that is less than so many ms behind has only what is being done just now: nobody waits for it. */
const CURRENT = 2000;

/** The groups of the processor. */
export function processorsOf(sample) {
  return sample.groups.filter((group) => group.processor);
}

/** The group that keeps the totals: what is applied is counted by it. Undefined if no processor has run yet. */
export function totalsOf(sample) {
  return sample.groups.find((group) => group.name === TOTALS);
}

/** How many ms the group that is furthest behind is behind; null if of one of them that isn't known. */
export function behindOf(sample) {
  const all = processorsOf(sample).map((group) => group.behind);
  return all.length && !all.includes(null) ? Math.max(...all) : null;
}

/** The names of the groups of which it isn't known how far behind they are, as text; '' if it is known of all. */
export function unknownOf(sample) {
  return processorsOf(sample).filter((group) => group.behind === null).map((group) => group.name).join(' and ');
}

/** In how many ms everything will be applied; null if that isn't known, or a group that is behind isn't catching up. */
export function drainOf(sample) {
  const all = processorsOf(sample).filter(({behind}) => behind === null || behind >= CURRENT).map(({drain}) => drain);
  return all.includes(null) ? null : Math.max(0, ...all) * 1000;
}
