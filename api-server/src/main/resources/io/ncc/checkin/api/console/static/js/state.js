// The one sentence that tells whether all is well. No function here touches the page.
import {count, duration, plural} from './format.js';
import {drainOf, processorsOf, unknownOf} from './sample.js';

/** From how late on checkins are called late, in ms. */
const LATE = 5000;
const VERY_LATE = 60000;

/** What is said of a server that answers, by the reason why it can't be read; of any other reason, that it is away. */
const DAMAGED = ['The stream can\'t be read', 'Something in Redis is damaged: it must be repaired.'];
const UNREADABLE = {
  WRONG_TYPE: DAMAGED,
  UNEXPECTED: DAMAGED,
  NO_GROUP: DAMAGED,
  UNFIT: ['Redis is refused', 'The server must not be used: the log of the API server says what to change.'],
  FORBIDDEN: ['Redis refuses the API server', 'A right is missing: the log of the API server says which.'],
};

/**
 * What to tell first.
 *
 * @param sample the last one that came, or null
 * @param going where "behind" is going: 'rising', 'falling', 'steady' or null
 * @param lost whether nothing comes from the API server any more
 * @returns {level: 'good' | 'look' | 'bad' | 'unknown', title, detail}
 */
export function stateOf(sample, going, lost = false) {
  if (lost) {
    return state('unknown', 'The API server can\'t be asked',
      `Whether all is well isn't known.${sample ? ' The figures are the last known ones.' : ''}`);
  }
  if (!sample) {
    return state('unknown', 'Looking…', '');
  }
  if (!sample.available) {
    return outage(sample);
  }
  return away(sample) ?? processing(sample, going) ?? toLookAt(sample) ?? well(sample);
}

const state = (level, title, detail) => ({level, title, detail});

function outage({reason}) {
  const unreadable = UNREADABLE[reason];
  return unreadable
    ? state('bad', `${unreadable[0]} (${reason})`, unreadable[1])
    : state('bad', 'Redis is away', 'Nothing is accepted or applied. It goes on by itself when Redis is back.');
}

function away({away: partitions}) {
  return partitions?.length
    ? state('bad', `${plural(partitions.length, 'partition')} can't be read`,
      `Their users' checkins are refused while they are away: ${partitions.join(', ')}. The others work.`)
    : null;
}

function processing(sample, going) {
  const ours = processorsOf(sample);
  if (!ours.length) {
    return state('look', 'No processor has run yet',
      `${plural(sample.length, 'checkin')} ${sample.length === 1 ? 'is' : 'are'} stored and will be applied.`);
  }
  const idle = ours.find((group) => !group.consumers.length && group.behind > 0);
  if (idle) {
    return state('bad', 'No processor is running',
      `Checkins are stored; the oldest has waited for ${duration(idle.behind)} in ${idle.name}.`);
  }
  const behind = Math.max(...ours.map((group) => group.behind ?? 0)); // one that is known to be late is the worse
  if (behind < LATE) {
    const unknown = unknownOf(sample);
    return unknown
      ? state('look', 'It isn\'t known how far behind the processors are', `What ${unknown} settled can't be read.`)
      : null;
  }
  const drain = drainOf(sample);
  const end = drain === null
    ? 'It isn\'t known when it will be done.'
    : `At this rate it is done in about ${duration(drain)}.`;
  if (going === 'falling') {
    return state('look', `Catching up: ${duration(behind)} behind`, end);
  }
  return state(behind < VERY_LATE ? 'look' : 'bad', `${duration(behind)} behind`,
    going === 'rising' ? 'More arrives than is applied.' : end);
}

function toLookAt(sample) {
  if (sample.deadLetters > 0) {
    const waiting = `${plural(sample.deadLetters, 'dead letter')} ${sample.deadLetters === 1 ? 'waits' : 'wait'}`;
    return state('look', 'Running, with dead letters', `${waiting} for a decision: replay or discard.`);
  }
  if (sample.maxLength && sample.length > 0.8 * sample.maxLength) {
    return state('look', 'The stream is filling up', `${count(sample.length)} of ${count(sample.maxLength)} entries.`);
  }
  return null;
}

function well(sample) {
  return sample.rates.accepted10 > 0
    ? state('good', 'All is well', 'Every checkin is applied within seconds.')
    : state('good', 'All is well', 'Everything is applied. Nothing has arrived in the last ten seconds.');
}
