// One location: the totals, its checkins as they come, and who was here last.
import {h, rowHeading, table} from './dom.js';
import {count, dateAndTime, UNKNOWN} from './format.js';
import {following} from './following.js';
import {getJson} from './http.js';
import {live} from './live.js';
import {fullName, panel, rating, userLink} from './parts.js';

export function location(root, id, signal) {
  following(root, signal, {
    id,
    title: `Location ${id}`,
    path: `locations/${id}`,
    filter: `locationId=${id}`,
    key: `locations:${id}`,
    name: (found) => found.name,
    facts: (found) => [
      ['Checkins', count(found.numCheckins)],
      ['Average', found.averageStars === null ? UNKNOWN : rating(found.averageStars)],
      ['Category', found.category ?? UNKNOWN],
      ['Place', found.location ? h('a', {href: `#/map/${id}`}, found.location) : UNKNOWN],
    ],
    more: () => [visitors(id, signal)],
  });
  return `Location ${id}`;
}

function visitors(id, signal) {
  const rows = h('tbody');
  const element = panel('Last visitors', {}, table('Last visitors', ['User', 'When'], rows));
  element.hidden = true;
  live.watch(['back'], signal, () => getJson(`locations/${id}/visitors?limit=10`, signal).then(({items}) => {
    rows.replaceChildren(...items.map((item) => h('tr', {},
      rowHeading(userLink(item.id, fullName(item))), h('td', {class: 'when'}, dateAndTime(item.lastCheckin)))));
    element.hidden = !items.length;
  }, () => {})); // there are no boards
  return element;
}
