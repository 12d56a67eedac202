// Numbers, times and ids as people read them. No function here touches the page.

const WHOLE = new Intl.NumberFormat('en', {maximumFractionDigits: 0});
const TENTHS = new Intl.NumberFormat('en', {minimumFractionDigits: 1, maximumFractionDigits: 1});

/** What stands for a value that isn't known. It is never 0. */
export const UNKNOWN = '–';

const known = (value) => value !== null && value !== undefined && !Number.isNaN(value);

/** 12,345. An integer beyond 2^53 comes as text, and stays as it is. */
export function count(value) {
  if (typeof value === 'string') {
    return value;
  }
  return known(value) ? WHOLE.format(value) : UNKNOWN;
}

/** A rate a second: 0, 0.3, 9.9, 48, 12,345. */
export function rate(value) {
  if (!known(value)) {
    return UNKNOWN;
  }
  return value === 0 || value >= 9.95 ? WHOLE.format(value) : TENTHS.format(Math.max(value, 0.1));
}

/** A short rate or count for an axis: 800, 1.5k, 20k, 3M. */
export function short(value) {
  if (!known(value)) {
    return UNKNOWN;
  }
  for (const [size, letter] of [[1e9, 'G'], [1e6, 'M'], [1e3, 'k']]) {
    if (Math.abs(value) >= size) {
      return String(Math.round(value / size * 10) / 10) + letter;
    }
  }
  return String(Math.round(value * 10) / 10);
}

/**
 * A duration in ms: 0.4 s, 12 s, 3 min 20 s, 2 h 5 min, 3 d 4 h.
 *
 * @param tenths whether those of a second matter below 10 s
 */
export function duration(ms, tenths = true) {
  if (!known(ms)) {
    return UNKNOWN;
  }
  const value = Math.max(ms, 0);
  if (tenths && value < 9950) {
    return value < 50 ? '0 s' : TENTHS.format(value / 1000) + ' s';
  }
  const seconds = Math.round(value / 1000);
  const units = [[86400, 'd'], [3600, 'h'], [60, 'min'], [1, 's']];
  const first = units.findIndex(([size]) => seconds >= size || size === 1);
  return units.slice(first, first + 2)
    .map(([size, name], i) => [Math.floor((i ? seconds % units[first][0] : seconds) / size), name])
    .filter(([number], i) => i === 0 || number > 0)
    .map(([number, name]) => `${number} ${name}`)
    .join(' ');
}

/** A duration of a few hundred ms with all its digits, as between two steps of a checkin: 4 ms, 320 ms, 1.3 s. */
export function milliseconds(ms) {
  return known(ms) && ms < 1000 ? `${Math.max(Math.round(ms), 0)} ms` : duration(ms);
}

/** How long ago, for the age of a figure. */
export function age(ms) {
  if (!known(ms)) {
    return '';
  }
  return ms < 1500 ? 'now' : `${duration(ms, false)} ago`;
}

/** 14:03:07, as of the visitor's clock. */
export function clock(ms) {
  return new Date(ms).toLocaleTimeString('en-GB');
}

/** 2026-11-28 14:03:07, as of the visitor's clock. */
export function dateAndTime(ms) {
  return known(ms) ? `${new Date(ms).toLocaleDateString('sv-SE')} ${clock(ms)}` : UNKNOWN;
}

/** ★★★☆☆, for eyes; screen readers get "3 of 5 stars". */
export function stars(rating) {
  return '★'.repeat(rating) + '☆'.repeat(Math.max(5 - rating, 0));
}

/** The plural of a noun, unless it is one: "1 checkin", "2,000 checkins". */
export function plural(number, one, many = one + 's') {
  return `${count(number)} ${number === 1 ? one : many}`;
}
