// Rankings: who checked in most often and last, and where.
import {h, patch, setAttribute, setText, table} from './dom.js';
import {count, dateAndTime} from './format.js';
import {getJson} from './http.js';
import {doItYourself, everyWhile, failure, fullName, locationLink, panel, serverAddress, userLink} from './parts.js';

const REFRESH = 5000;
const LIMIT = 10;
const WINDOWS = [['1h', 'This and last hour'], ['24h', '24 hours'], ['all', 'All time']];

export function rankings(root, _, signal) {
  let window = 'all';
  const boards = [
    board('Users', ['#Checkins'], (item) => userLink(item.id, fullName(item)), (item) => [count(item.numCheckins)], () => `users/top?window=${window}&limit=${LIMIT}`, signal),
    board('Locations by checkins', ['#Checkins'], (item) => locationLink(item.id, item.name), (item) => [count(item.numCheckins)],
      () => `locations/top?by=checkins&window=${window}&limit=${LIMIT}`, signal),
    board('Locations by stars, of all time', ['#Average'], (item) => locationLink(item.id, item.name), (item) => [Number(item.average).toFixed(1)],
      () => `locations/top?by=stars&limit=${LIMIT}`, signal),
    board('Seen last', ['When'], (item) => userLink(item.id, fullName(item)), (item) => [dateAndTime(item.lastCheckin)], () => `users/recent?limit=${LIMIT}`, signal),
  ];
  const load = () => Promise.all(boards.map((each) => each.load()));
  const choice = h('div', {class: 'choice', role: 'group', 'aria-label': 'Time'}, WINDOWS.map(([value, label]) => h('button', {
    type: 'button', class: 'small', 'aria-pressed': String(value === window), onclick: (event) => {
      window = value;
      [...choice.children].forEach((other) => setAttribute(other, 'aria-pressed', String(other === event.target)));
      load();
    },
  }, label)));
  root.append(h('div', {class: 'title'}, h('h1', {}, 'Rankings'), choice),
    h('div', {class: 'grid even'}, boards.map((each) => each.element)),
    panel('Commands', {class: 'bare'}, doItYourself(
      ['The users with the most checkins', `curl -s '${serverAddress()}/users/top?window=all&limit=10'`],
      ['The locations with the best ratings', `curl -s '${serverAddress()}/locations/top?by=stars&limit=10'`],
      ['The same in Redis', 'redis-cli ZREVRANGE ncc:boards:users 0 9 WITHSCORES'])));
  everyWhile(signal, REFRESH, load);
  return 'Rankings';
}

function board(title, headings, link, figures, path, signal) {
  const rows = h('tbody');
  const trouble = h('div');
  const element = panel(title, {}, table(title, ['Rank', title.split(' ')[0] === 'Locations' ? 'Location' : 'User', ...headings], rows), trouble);

  async function load() {
    try {
      const {items} = await getJson(path(), signal);
      patch(rows, items, (item) => String(item.id), (item) => h('tr', {}, h('td', {class: 'rank'}), h('th', {scope: 'row'}, link(item)), headings.map((heading) =>
        h('td', {class: heading.startsWith('#') ? 'number' : null}))), (row, item) => {
        setText(row.firstChild, items.indexOf(item) + 1);
        figures(item).forEach((text, i) => setText(row.children[i + 2], text));
      });
      trouble.replaceChildren(...items.length ? [] : [h('p', {class: 'empty'}, 'Nobody yet.')]);
    } catch (problem) {
      if (!signal.aborted) {
        trouble.replaceChildren(failure(problem));
      }
    }
  }
  return {element, load};
}
