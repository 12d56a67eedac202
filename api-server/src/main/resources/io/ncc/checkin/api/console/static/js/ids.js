// Ids of entries, and what people type to find something. No function here touches the page.

const ENTRY = /^(\d{1,20})-(\d{1,20})(?:-(\d{1,3}))?$/;
const LARGEST = 2n ** 63n - 1n;

/** The time and the rest of an id of an entry, or null. The time is for showing: it is exact up to 2^53. */
export function parseEntryId(text) {
  const [all, time, sequence, partition] = ENTRY.exec(text) ?? [];
  return all ? {time: Number(time), sequence, partition: partition === undefined ? null : Number(partition)} : null;
}

/** Compares two ids of entries by time, number and partition, exactly; negative if the first is lower. */
export function compareEntryIds(one, other) {
  const a = one.split('-').map(BigInt);
  const b = other.split('-').map(BigInt);
  for (let i = 0; i < 3; i++) {
    const difference = (a[i] ?? 0n) - (b[i] ?? 0n);
    if (difference !== 0n) {
      return difference < 0n ? -1 : 1;
    }
  }
  return 0;
}

/** Whether the text is an id of a user or a location: 1 to 2^63-1. */
export function isId(text) {
  return /^[1-9]\d{0,18}$/.test(text) && BigInt(text) <= LARGEST;
}

/**
 * The address of the view of what someone looks for: `1795169664047-0`, `user 789`, `u789`, `location 171`. Else null.
 */
export function viewOf(query) {
  const text = query.trim().toLowerCase();
  if (parseEntryId(text)) {
    return `#/checkins/${text}`;
  }
  const match = /^(u|user|l|loc|location|place)?\s*#?(\d+)$/.exec(text);
  if (!match || !isId(match[2])) {
    return null;
  }
  return `#/${match[1] && !match[1].startsWith('u') ? 'locations' : 'users'}/${match[2]}`;
}

/**
 * Reads JSON so that no integer loses digits: one that a double can't hold becomes text. Ids go up to 2^63-1.
 * A browser that doesn't tell a reviver the source text rounds them, as JSON.parse does.
 */
export function parseJson(text) {
  const isRounded = (value) => Number.isInteger(value) && !Number.isSafeInteger(value);
  return JSON.parse(text, (key, value, context) =>
    isRounded(value) && context && /^-?\d+$/.test(context.source) ? context.source : value);
}
