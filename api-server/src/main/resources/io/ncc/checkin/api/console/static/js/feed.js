// The live feed: at most ten checkins four times a second, whatever the traffic, and how many went by unseen.
import {button, h, holdWhileUsed, patch, setText} from './dom.js';
import {age, clock, count} from './format.js';
import {getJson} from './http.js';
import {live} from './live.js';
import {nameOf, places} from './places.js';
import {
  doItYourself, everySecond, locationLink, panel, rating, redisCommand, serverAddress, userLink,
} from './parts.js';
import {sendButton} from './send.js';

/** The names of places are asked for after so many ms: first the page has to be live. */
const NAMES_AFTER = 500;

/** Whether a checkin is wanted: `user`, `location` are ids as text, '' for all; `stars` is the least rating. */
export function wanted(checkin, {user, location, stars}) {
  return (!user || String(checkin.userId) === user)
    && (!location || String(checkin.locationId) === location)
    && checkin.starRating >= stars;
}

/** How many checkins that came before the page was opened it begins with. */
const EARLIER = 10;

/**
 * A list of the newest checkins that stays still while it is used.
 *
 * @param most how many rows it has
 * @param filter tells whether a checkin is wanted
 * @returns {list, status: what stands beside its heading, refilter}
 */
export function feedList(most, signal, filter = () => true) {
  const list = h('ol', {class: 'feed', 'aria-label': 'Newest checkins'});
  const held = button('', () => {
    take();
    show();
  }, {class: 'small news'});
  const passed = h('span', {class: 'note'});
  const empty = h('p', {class: 'empty'});
  let shown = [];
  let waiting = [];
  let passedOver = 0;
  let seen = 0;

  const isHeld = holdWhileUsed(list, show);

  function hear({items, passedOver: more}) {
    passedOver += more;
    seen += items.length;
    waiting = [...items.filter(filter).reverse(), ...waiting].slice(0, most);
    show();
  }

  function show() {
    const still = live.paused || isHeld();
    if (!still) {
      take();
    }
    empty.hidden = shown.length > 0;
    setText(empty, live.polling
      ? 'Checkins don\'t get through to this page. The figures do.'
      : 'Nothing has arrived yet.');
    held.hidden = !waiting.length;
    setText(held, `${count(waiting.length)}${waiting.length === most ? '+' : ''} new`);
    setText(passed, passedOver ? `${count(seen)} shown, ${count(passedOver)} more` : '');
  }

  function take() {
    shown = unique([...waiting, ...shown]).slice(0, most);
    waiting = [];
    draw();
  }

  function draw() {
    patch(list, shown, (checkin) => checkin.id, checkinRow, refreshAge);
  }

  let hasEarlier = false;
  async function loadEarlier() {
    const {items} = await getJson(`checkins?order=desc&limit=${EARLIER}`, signal);
    hasEarlier = true;
    shown = unique([...shown, ...items.filter(filter)]).slice(0, most);
    draw();
    show();
  }

  show();
  live.addEventListener('feed', (event) => hear(event.detail), {signal});
  live.addEventListener('pause', show, {signal});
  live.addEventListener('connection', show, {signal});
  everySecond(signal, () => live.paused || [...list.children].forEach((element) => refreshAge(element)));
  live.watch(['back'], signal, () => {
    if (!hasEarlier) {
      loadEarlier().catch(() => {}); // then it begins with what comes
    }
    setTimeout(() => signal.aborted || places().catch(() => {}), NAMES_AFTER); // without them, places have numbers
  });
  return {
    list: [list, empty],
    status: [passed, held],
    refilter() {
      shown = shown.filter(filter);
      waiting = waiting.filter(filter);
      draw();
      show();
    },
  };
}

function unique(checkins) {
  const seen = new Set();
  return checkins.filter(({id}) => !seen.has(id) && seen.add(id));
}

/** A row with a checkin. Its age is told by `refreshAge`. */
export function checkinRow(checkin) {
  const element = h('li', {},
    rating(checkin.starRating),
    h('span', {class: 'what'},
      userLink(checkin.userId), ' at ', locationLink(checkin.locationId, nameOf(checkin.locationId))),
    h('span', {class: 'when', title: clock(checkin.timestamp)}),
    h('a', {href: `#/checkins/${checkin.id}`, class: 'trace', 'aria-label': `Trace ${checkin.id}`}, 'trace'));
  element.checkin = checkin;
  return element;
}

export function refreshAge(element, checkin = element.checkin) {
  setText(element.children[2], age(live.redisNow() - checkin.timestamp));
}

/** The view. */
export function feed(root, _, signal) {
  const filter = {user: '', location: '', stars: 0};
  const note = h('p', {class: 'note'});
  const list = feedList(100, signal, (checkin) => wanted(checkin, filter));
  const idInput = (name) => h('input', {
    inputmode: 'numeric', size: 8, oninput: (event) => change(name, event.target.value.trim()),
  });
  const leastStars = h('select', {onchange: (event) => change('stars', Number(event.target.value))},
    [0, 1, 2, 3, 4, 5].map((stars) => h('option', {value: stars}, String(stars))));
  const change = (name, value) => {
    filter[name] = value;
    list.refilter();
    const all = linkToAll(filter);
    note.replaceChildren(...all ? ['Only what the feed shows is filtered. ', all] : []);
  };
  root.append(
    h('div', {class: 'title'}, h('h1', {}, 'Live feed'), sendButton(signal)),
    panel('Filter', {}, h('div', {class: 'fields'},
      h('label', {}, 'User', idInput('user')), h('label', {}, 'Location', idInput('location')),
      h('label', {}, 'Stars, at least', leastStars)), note),
    panel('Checkins', {extra: list.status}, list.list, doItYourself(
      ['All checkins as they come (Server-Sent Events)', `curl -sN ${serverAddress()}/checkins/stream`],
      ['Those of a user', `curl -sN '${serverAddress()}/checkins/stream?userId=789'`],
      ['The same in Redis', redisCommand('XREVRANGE', 'checkins', '+ - COUNT 10')])));
  return 'Live feed';
}

/** Where all checkins of the user or location of a filter can be followed; null if it has neither. */
function linkToAll({user, location}) {
  if (user) {
    return h('a', {href: `#/users/${user}`}, `Follow all of user ${user}`);
  }
  return location ? h('a', {href: `#/locations/${location}`}, `Follow all at location ${location}`) : null;
}
