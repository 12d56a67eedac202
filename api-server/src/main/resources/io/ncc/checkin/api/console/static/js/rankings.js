// Rankings: who checked in most often and last, and where.
import {button, choice, h, patch, press, rowHeading, setText, table} from './dom.js';
import {count, dateAndTime} from './format.js';
import {getJson} from './http.js';
import {
  doItYourself, everyWhile, failure, fullName, locationLink, panel, redisCommand, serverAddress, userLink,
} from './parts.js';

const REFRESH = 5000;
const LIMIT = 10;
const WINDOWS = [['1h', 'This and last hour'], ['24h', '24 hours'], ['all', 'All time']];

export function rankings(root, _, signal) {
  let window = 'all';
  const user = (item) => userLink(item.id, fullName(item));
  const place = (item) => locationLink(item.id, item.name);
  const checkins = (item) => count(item.numCheckins);
  const stars = (item) => Number(item.average).toFixed(1);
  const when = (item) => dateAndTime(item.lastCheckin);
  const boards = [
    board('Users', ['User', '#Checkins'], user, checkins, () => `users/top?window=${window}&limit=${LIMIT}`, signal),
    board('Locations by checkins', ['Location', '#Checkins'], place, checkins,
      () => `locations/top?by=checkins&window=${window}&limit=${LIMIT}`, signal),
    board('Locations by stars, of all time', ['Location', '#Average'], place, stars,
      () => `locations/top?by=stars&limit=${LIMIT}`, signal),
    board('Seen last', ['User', 'When'], user, when, () => `users/recent?limit=${LIMIT}`, signal),
  ];
  const load = () => Promise.all(boards.map((each) => each.load()));
  const windows = WINDOWS.map(([value, label]) => button(label, (event) => {
    window = value;
    press(event.target);
    load();
  }, {class: 'small', 'aria-pressed': String(value === window)}));
  root.append(h('div', {class: 'title'}, h('h1', {}, 'Rankings'), choice('Time', ...windows)),
    h('div', {class: 'grid even'}, boards.map((each) => each.element)),
    panel('Commands', {class: 'bare'}, doItYourself(
      ['The users with the most checkins', `curl -s '${serverAddress()}/users/top?window=all&limit=10'`],
      ['The locations with the best ratings', `curl -s '${serverAddress()}/locations/top?by=stars&limit=10'`],
      ['The same in Redis', redisCommand('ZREVRANGE', 'boards:users', '0 9 WITHSCORES')])));
  everyWhile(signal, REFRESH, load);
  return 'Rankings';
}

/**
 * A table of a ranking.
 *
 * @param headings of what is ranked, and of its figure
 * @param link to an item
 * @param figure of an item, as text
 * @param path where the items are, by now
 * @returns {element, load}
 */
function board(title, headings, link, figure, path, signal) {
  const rows = h('tbody');
  const trouble = h('div');
  const element = panel(title, {}, table(title, ['Rank', ...headings], rows), trouble);
  const figureClass = headings[1].startsWith('#') ? 'number' : null;
  const create = (item) =>
    h('tr', {}, h('td', {class: 'rank'}), rowHeading(link(item)), h('td', {class: figureClass}));

  async function load() {
    try {
      const {items} = await getJson(path(), signal);
      patch(rows, items, (item) => String(item.id), create, (row, item) => {
        setText(row.firstChild, items.indexOf(item) + 1);
        setText(row.lastChild, figure(item));
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
