// Consumers as lanes: each pending entry is a dot that wanders to the right the longer it is held. Beyond the line
// another consumer may claim it.
import {h, numberCell, patch, rowHeading, setAttribute, setCells, setText, table} from './dom.js';
import {count, duration} from './format.js';
import {entryLink} from './parts.js';

const SHORTEST = 100;
const CLAIM_LINE = 0.85;
const MARKS = [1000, 10000, 60000, 600000];

/**
 * Where in a lane, from 0 to 1, an entry is that was held for `idle` ms. The scale is logarithmic, its line
 * `claimAfter`.
 */
export function placeOf(idle, claimAfter) {
  const scale = (ms) => Math.log1p(Math.max(ms, 0) / SHORTEST);
  return Math.min(scale(idle) / scale(claimAfter) * CLAIM_LINE, 1);
}

/** How far an entry is from being claimed, in words: they are also the classes of the dots. */
export function freshness(idle, claimAfter) {
  const share = idle / claimAfter;
  return share < 0.1 ? 'fresh' : share < 0.5 ? 'held' : share < 1 ? 'late' : 'overdue';
}

/** The consumers of a group by name, so that lanes don't change places. Of those that are gone there may be entries. */
export function consumersOf(group) {
  const byName = new Map(group.consumers.map((consumer) => [consumer.name, consumer]));
  for (const {consumer} of group.entries) {
    if (!byName.has(consumer)) {
      byName.set(consumer, {name: consumer, idle: null, pending: null});
    }
  }
  return [...byName.values()].sort((one, other) => one.name < other.name ? -1 : 1);
}

/** A height in the lane, the same for the same entry, so that dots side by side don't hide one another. */
function heightOf(id) {
  let sum = 7;
  for (const character of id) {
    sum = (sum * 31 + character.charCodeAt(0)) % 997;
  }
  return 22 + sum % 57;
}

/**
 * @param most how many lanes there may be
 * @returns {element, draw: called with a group and `claimAfter` in ms}
 */
export function lanes(most) {
  const list = h('ul', {class: 'lanes'});
  const scale = h('div', {class: 'lane scale', 'aria-hidden': 'true'});
  const rows = h('tbody', {});
  const empty = h('p', {class: 'empty'}, 'No consumers.');
  const more = h('p', {class: 'note'});
  const element = h('div', {}, scale, list, empty, more, h('details', {class: 'alternative'},
    h('summary', {}, 'Pending entries as a table'),
    table('Pending entries', ['Entry', 'Consumer', '#Held for', '#Deliveries'], rows)));

  function draw(group, claimAfter) {
    const consumers = consumersOf(group);
    patch(list, consumers.slice(0, most), (consumer) => consumer.name, createLane,
      (lane, consumer) => drawLane(lane, consumer, group, claimAfter));
    empty.hidden = consumers.length > 0;
    scale.hidden = consumers.length === 0;
    drawScale(claimAfter);
    const unseen = [
      [Math.max(consumers.length - most, 0) + group.moreConsumers, 'more consumers'],
      [Math.max(group.pending - group.entries.length, 0), 'more entries, which are younger than those here'],
    ].filter(([number]) => number > 0).map(([number, what]) => `${count(number)} ${what}`);
    setText(more, unseen.length ? `There are ${unseen.join(', and ')}.` : '');
    patch(rows, group.entries, (entry) => entry.id,
      (entry) => h('tr', {}, rowHeading(entryLink(entry.id)), h('td'), numberCell(), numberCell()),
      (row, entry) => setCells(row, [entry.consumer, duration(entry.idle), count(entry.deliveries)]));
  }

  function drawScale(claimAfter) {
    if (scale.claimAfter === claimAfter) {
      return;
    }
    scale.claimAfter = claimAfter;
    const mark = (place, text, name) =>
      h('text', {x: `${place * 100}%`, y: 13, 'text-anchor': 'middle', class: name}, text);
    const marks = MARKS.filter((ms) => placeOf(ms, claimAfter) < CLAIM_LINE - 0.12)
      .map((ms) => mark(placeOf(ms, claimAfter), duration(ms, false)));
    const line = mark(CLAIM_LINE, `claim ${duration(claimAfter, false)}`, 'claim');
    scale.replaceChildren(h('span', {}, 'held for'), h('svg', {class: 'track'}, marks, line), h('span', {}));
  }
  return {element, draw};
}

function createLane(consumer) {
  return h('li', {class: 'lane'},
    h('span', {class: 'name', title: consumer.name}, consumer.name),
    h('svg', {class: 'track', 'aria-hidden': 'true'},
      h('line', {x1: '0', x2: '100%', y1: '50%', y2: '50%', class: 'rail'}),
      h('line', {x1: `${CLAIM_LINE * 100}%`, x2: `${CLAIM_LINE * 100}%`, y1: '0', y2: '100%', class: 'claim'}),
      h('g')),
    h('span', {class: 'figures'}));
}

function drawLane(lane, consumer, group, claimAfter) {
  const entries = group.entries.filter((entry) => entry.consumer === consumer.name);
  const oldest = Math.max(0, ...entries.map((entry) => entry.idle));
  setAttribute(lane, 'data-state', entries.length ? freshness(oldest, claimAfter) : 'idle');
  const held = consumer.pending ? `${count(consumer.pending)} pending` : 'free';
  setText(lane.lastChild, consumer.pending === null ? 'gone' : held);
  setAttribute(lane.lastChild, 'title', consumer.idle === null ? null : `last active ${duration(consumer.idle)} ago`);
  patch(lane.querySelector('g'), entries, (entry) => entry.id,
    (entry) => h('circle', {r: 5, cy: `${heightOf(entry.id)}%`, onclick: () => {
      location.hash = `#/checkins/${entry.id}`;
    }}, h('title')),
    (dot, entry) => {
      setAttribute(dot, 'cx', `${(placeOf(entry.idle, claimAfter) * 98 + 1).toFixed(2)}%`);
      setAttribute(dot, 'class', freshness(entry.idle, claimAfter));
      setText(dot.firstChild, `${entry.id}, held for ${duration(entry.idle)}, delivery ${entry.deliveries}`);
    });
}
