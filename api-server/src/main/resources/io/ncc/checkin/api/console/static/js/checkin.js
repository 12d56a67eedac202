// One checkin, traced: accepted, held, applied or dead, as it happens.
import {h, patch} from './dom.js';
import {dateAndTime, milliseconds} from './format.js';
import {followWhileSeen} from './http.js';
import {parseEntryId} from './ids.js';
import {live} from './live.js';
import {
  doItYourself, entryLink, failure, locationLink, panel, rating, redisCommand, serverAddress, userLink,
} from './parts.js';

/** What a status means: [what happened, a word for the colour]. */
export function stepOf(status) {
  switch (status.status) {
    case 'queued':
      return ['Waits in the stream', 'waiting'];
    case 'processing':
      return [`Held by ${status.consumer}, delivery ${status.deliveries}`, 'waiting'];
    case 'applied':
      return ['Applied: it is in the totals', 'good'];
    case 'settled-elsewhere':
      return ['Settled by another program: it is in no total', 'look'];
    case 'dead':
      return [`Could not be applied: ${status.reason ?? 'the reason is no longer known'}`, 'bad'];
    case 'trimmed':
      return ['Settled, and no longer in the stream', 'good'];
    case 'unknown':
      return ['There is no such checkin', 'bad'];
    default:
      return ['No processor could say what became of it', 'look'];
  }
}

/** @param times of followWhileSeen */
export function checkin(root, id, signal, times = {}) {
  if (!parseEntryId(id)) {
    root.append(h('h1', {}, 'Checkin'), h('p', {class: 'failure'}, 'This is no id of a checkin.'));
    return 'Checkin';
  }
  const {time, partition} = parseEntryId(id);
  const entry = id.split('-', 2).join('-');
  const what = h('p', {class: 'lead'});
  const list = h('ol', {class: 'steps', 'aria-live': 'polite'});
  const trouble = h('div');
  root.append(h('div', {class: 'title'}, h('h1', {}, 'Checkin ', h('span', {class: 'id'}, id))), what,
    panel('What became of it', {}, list, trouble, doItYourself(
      ['What became of it', `curl -s ${serverAddress()}/checkins/${id}`],
      ['The entry in Redis', redisCommand('XRANGE', 'checkins', `${entry} ${entry}`, partition)])));
  const steps = [{key: 'accepted', text: 'Accepted: it is stored in the stream', kind: 'good', at: time, exact: true}];
  let stored = null;
  let problem = null;
  let hasEnded = false;
  show();
  live.addEventListener('pause', show, {signal});

  function heard(name, status) {
    problem = null;
    if (name !== 'status') {
      hasEnded = status.reason === 'settled'; // else a minute was over, and it goes on
      return;
    }
    stored ??= status.checkin;
    if (status.status === 'unknown') {
      steps.length = 0; // nor was it accepted
    }
    const [text, kind] = stepOf(status);
    const key = [status.status, status.consumer, status.deliveries, status.replayedAs].join(' ');
    if (steps.some((step) => step.key === key)) {
      show();
      return;
    }
    const {replayedAs} = status;
    if (replayedAs && !steps.some((step) => step.replayedAs)) {
      const at = parseEntryId(replayedAs)?.time;
      steps.push({key: 'replayed', text: 'Was dead, and was replayed as ', kind: 'look', replayedAs, at});
    }
    steps.push({key, text, kind, at: live.redisNow(), deadLetter: status.deadLetter});
    show();
  }

  function show() {
    if (live.paused && list.children.length > 1) { // else the view was only opened
      return;
    }
    trouble.replaceChildren(...problem ? [failure(problem)] : []);
    if (stored && !what.firstChild) {
      const {userId, locationId, starRating} = stored;
      what.append(userLink(userId), ' at ', locationLink(locationId), ' ', rating(starRating));
    }
    patch(list, steps, (step) => step.key, (step) => h('li', {data: {kind: step.kind}},
      h('b', {}, step.text, step.replayedAs ? entryLink(step.replayedAs) : null,
        step.deadLetter ? [' ', h('a', {href: `#/dead-letters/${step.deadLetter}`}, 'See the dead letter')] : null),
      h('span', {class: 'when'}, whenOf(step))));
  }

  function whenOf(step) {
    if (step.exact) {
      return dateAndTime(step.at);
    }
    return step.at === null || step.at === undefined ? '' : `seen ${milliseconds(step.at - time)} later`;
  }

  followWhileSeen(`console/trace/${encodeURIComponent(id)}`, signal, heard, (cause) => {
    const isRefused = Boolean(cause?.type);
    problem = isRefused ? cause : null;
    show();
    return hasEnded || (isRefused && cause.status < 500);
  }, times);
  return `Checkin ${id}`;
}
