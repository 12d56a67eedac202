// The first view: is it well?
import {lineChart} from './chart.js';
import {button, choice, h, patch, press, setAttribute, setText} from './dom.js';
import {feedList} from './feed.js';
import {clock, count, duration, plural, rate} from './format.js';
import {lanes} from './lanes.js';
import {live} from './live.js';
import {doItYourself, entryLink, groupLink, panel, redisCommand, sampleAge, serverAddress} from './parts.js';
import {behindOf, drainOf, processorsOf, totalsOf, unknownOf} from './sample.js';
import {sendButton} from './send.js';
import {trend} from './series.js';
import {stateOf} from './state.js';

/** Over how many of the last seconds the trend is seen, and the change of "behind" in ms a second that is none. */
const TREND_SECONDS = 15;
const STEADY = 100;

const MOST_LANES = 12;
const DAY = 86400;

/** @returns where "behind" is going by the last seconds: 'rising', 'falling', 'steady' or null */
export function behindTrend() {
  const seconds = live.fine.times.slice(-TREND_SECONDS).map((time) => time / 1000);
  return trend(seconds, live.fine.behind.slice(-TREND_SECONDS), STEADY);
}

export function overview(root, _, signal) {
  const state = h('div', {class: 'state'},
    h('span', {class: 'light', 'aria-hidden': 'true'}), h('div', {}, h('h1'), h('p')));
  root.append(
    h('div', {class: 'title'}, state, sendButton(signal)),
    figures(signal),
    h('div', {class: 'grid'},
      h('div', {class: 'column'}, charts(signal), claims(signal)),
      h('div', {class: 'column'}, processors(signal), newest(signal))));
  live.watch(['sample', 'hello', 'connection'], signal, () => {
    const {level, title, detail} = stateOf(live.sample, behindTrend(), live.isLost());
    setAttribute(state, 'data-level', level);
    setText(state.querySelector('h1'), title);
    setText(state.querySelector('p'), detail);
  });
  return 'Overview';
}

function figures(signal) {
  const figure = (label, href) => {
    const value = h('b');
    const note = h('small');
    return {element: h(href ? 'a' : 'div', {class: 'figure', href}, h('span', {}, label), value, note), value, note};
  };
  const behind = figure('Behind: age of the oldest waiting checkin');
  const accepted = figure('Accepted a second');
  const applied = figure('Applied a second');
  const waiting = figure('Not yet applied', '#/groups');
  const dead = figure('Dead letters', '#/dead-letters');
  const all = [behind, accepted, applied, waiting, dead];
  behind.element.classList.add('headline');
  live.watch(['sample', 'hello', 'connection'], signal, () => {
    const sample = live.known;
    const isStale = live.isLost() || Boolean(live.sample && !live.sample.available);
    const show = (of, value, note) => {
      setText(of.value, value);
      setText(of.note, note);
    };
    all.forEach(({element}) => setAttribute(element, 'data-stale', isStale));
    if (!sample) {
      all.forEach((of) => show(of, '…', ''));
      return;
    }
    const totals = totalsOf(sample);
    const notYet = totals && totals.lag !== null ? totals.lag + totals.pending : null;
    show(behind, duration(behindOf(sample)), behindNote(sample));
    show(accepted, rate(sample.rates.accepted10), `${count(sample.accepted)} in all`);
    show(applied, rate(sample.rates.applied10), `${count(totals?.applied)} in all`);
    show(waiting, count(notYet),
      `${count(totals?.pending)} held by ${plural(totals?.consumers.length ?? 0, 'consumer')}`);
    show(dead, count(sample.deadLetters), sample.deadLetters === 0 ? 'none' : 'look at them');
    setAttribute(dead.element, 'data-look', sample.deadLetters > 0);
  });
  return h('section', {class: 'figures', 'aria-label': 'Figures'}, all.map(({element}) => element),
    h('p', {class: 'under'}, 'Rates are means of 10 s. ', sampleAge(signal, 'Updated ')));
}

function behindNote(sample) {
  const behind = behindOf(sample);
  if (!behind) {
    return behind === 0 ? 'nothing waits' : `not known of ${unknownOf(sample) || 'any group'}`;
  }
  const going = behindTrend();
  const arrow = {rising: '↑ rising', falling: '↓ falling', steady: '→ steady'}[going] ?? '';
  const drain = drainOf(sample);
  return going !== 'rising' && drain !== null && behind > 2000 ? `${arrow}, empty in about ${duration(drain)}` : arrow;
}

function charts(signal) {
  const rates = lineChart({
    title: 'Checkins a second',
    lines: [
      {name: 'accepted', label: 'accepted', color: '--accepted'},
      {name: 'applied', label: 'applied', color: '--applied'},
    ],
    format: rate,
    signal,
  });
  const behind = lineChart({
    title: 'Seconds behind',
    lines: [{name: 'seconds', label: 'oldest waiting checkin', color: '--behind'}],
    usual: DAY, // who stores checkins of the past, as the demo does, is years behind for a moment
    format: (seconds) => duration(toMilliseconds(seconds)),
    signal,
  });
  let history = live.fine;
  const draw = () => {
    if (history.times.length) {
      rates.draw(history);
      const seconds = history.behind.map((ms) => ms === null ? null : ms / 1000);
      behind.draw({times: history.times, step: history.step, seconds});
    }
  };
  const range = (label, of) => button(label, (event) => {
    history = of;
    press(event.target);
    draw();
  }, {class: 'small', 'aria-pressed': String(of === history)});
  const element = panel('History', {
    class: 'charts',
    extra: choice('Range', range('10 min', live.fine), range('3 h', live.coarse)),
  }, rates.element, behind.element, doItYourself(
    ['How the stream stands', `curl -s ${serverAddress()}/stream`],
    ['Every event of this page', `curl -sN ${serverAddress()}/console/events`],
    ['The same in Redis', redisCommand('XINFO STREAM', 'checkins')]));
  requestAnimationFrame(() => signal.aborted || live.watch(['sample', 'hello'], signal, draw)); // when it has a width
  return element;
}

function toMilliseconds(seconds) {
  return seconds === null || seconds === undefined ? null : seconds * 1000;
}

function processors(signal) {
  const body = h('div', {class: 'groups'});
  const create = (group) => {
    const ofGroup = lanes(MOST_LANES);
    const element = h('div', {class: 'group'},
      h('h3', {}, groupLink(group.name), ' ', h('span', {class: 'note'})), ofGroup.element);
    element.lanes = ofGroup;
    return element;
  };
  const update = (element, group) => {
    setText(element.querySelector('h3 .note'),
      `${plural(group.pending, 'entry', 'entries')} held, ${duration(group.behind)} behind`);
    element.lanes.draw(group, live.hello.claimAfter);
  };
  live.watch(['sample', 'hello'], signal, () =>
    patch(body, live.known ? processorsOf(live.known) : [], (group) => group.name, create, update));
  return panel('Who has what', {extra: sampleAge(signal)}, body, doItYourself(
    ['The consumers of a group', `curl -s ${serverAddress()}/stream/groups/checkinConsumers/consumers`],
    ['What they hold', `curl -s ${serverAddress()}/stream/groups/checkinConsumers/pending`],
    ['The same in Redis', redisCommand('XPENDING', 'checkins', 'checkinConsumers - + 10')]));
}

function newest(signal) {
  const {status, list} = feedList(8, signal);
  return panel('Newest checkins', {extra: [status, h('a', {href: '#/feed'}, 'Live feed')]}, list);
}

function claims(signal) {
  const list = h('ol', {class: 'claims', 'aria-label': 'Claims'});
  const empty = h('p', {class: 'empty'}, 'No consumer has taken over an entry of another one.');
  live.watch(['claim', 'hello'], signal, () => {
    const newest = live.claims.slice(-6).reverse();
    patch(list, newest, (claim) => `${claim.group} ${claim.id} ${claim.deliveries}`, (claim) => h('li', {},
      h('span', {class: 'when'}, clock(claim.observed)),
      h('span', {}, h('b', {}, claim.to), ' took ', entryLink(claim.id), ' from ', h('b', {}, claim.from),
        `, delivery ${claim.deliveries}`)));
    empty.hidden = newest.length > 0;
  });
  return panel('Claims', {extra: h('span', {class: 'note'}, 'as observed')}, list, empty);
}
