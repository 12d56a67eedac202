// The frame around the views: addresses, the theme, the banner, and where the connection stands.
import {button, h, setAttribute, setText} from './dom.js';
import {clock, duration} from './format.js';
import {forgetToken, hasToken} from './http.js';
import {viewOf} from './ids.js';
import {live} from './live.js';
import {everySecond} from './parts.js';
import {stateOf} from './state.js';
import {isAskingForToken} from './token.js';
import {overview} from './overview.js';
import {feed} from './feed.js';
import {deadLetters} from './dead-letters.js';
import {rankings} from './rankings.js';
import {map} from './map.js';
import {groups} from './groups.js';
import {checkin} from './checkin.js';
import {user} from './user.js';
import {location as locationView} from './location.js';

/** The first part of an address, its view, and its name if it stands in the navigation. */
const VIEWS = [
  ['', overview, 'Overview'],
  ['feed', feed, 'Live feed'],
  ['dead-letters', deadLetters, 'Dead letters'],
  ['rankings', rankings, 'Rankings'],
  ['map', map, 'Map'],
  ['groups', groups, 'Groups'],
  ['checkins', checkin],
  ['users', user],
  ['locations', locationView],
];

const main = document.getElementById('main');
const pageEnds = new AbortController().signal; // never: for what lives as long as the page
let viewEnds = new AbortController();

function open() {
  const [, name = '', parameter = ''] = /^#\/?([^/]*)\/?(.*)$/.exec(location.hash || '#/') ?? [];
  const [key, view] = VIEWS.find(([first]) => first === name) ?? VIEWS[0];
  viewEnds.abort();
  viewEnds = new AbortController();
  main.replaceChildren();
  main.dataset.view = key || 'overview';
  const title = view(main, decoded(parameter), viewEnds.signal);
  document.title = `${title} · Checkins`;
  for (const link of document.querySelectorAll('#views a')) {
    setAttribute(link, 'aria-current', link.dataset.view === key ? 'page' : null);
    if (link.dataset.view === key) {
      link.scrollIntoView({block: 'nearest', inline: 'center'}); // on a telephone not all fit
    }
  }
  scrollTo(0, 0);
}

function decoded(parameter) {
  try {
    return decodeURIComponent(parameter);
  } catch {
    return parameter;
  }
}

function navigation() {
  document.getElementById('views').append(...VIEWS.filter(([, , name]) => name).map(([key, , name]) =>
    h('a', {href: `#/${key}`, data: {view: key}}, name)));
  const find = document.getElementById('find');
  const input = find.elements.q;
  find.addEventListener('submit', (event) => {
    event.preventDefault();
    const address = viewOf(input.value);
    input.setCustomValidity(address
      ? ''
      : 'The id of a checkin, such as 1795169664047-0, or “user 789”, or “location 171”');
    if (find.reportValidity() && address) {
      input.value = '';
      location.hash = address;
    }
  });
  input.addEventListener('input', () => input.setCustomValidity(''));
  document.querySelector('.skip').addEventListener('click', (event) => {
    event.preventDefault();
    main.focus();
  });
}

function tools() {
  const pause = button('Pause', () => {
    live.pause(!live.paused);
    setAttribute(pause, 'aria-pressed', String(live.paused));
    setText(pause, live.paused ? 'Go on' : 'Pause');
    setAttribute(document.documentElement, 'data-paused', live.paused);
  }, {'aria-pressed': 'false'});
  const theme = button('', () => {
    localStorage.setItem('checkins.theme', isDark() ? 'light' : 'dark');
    showTheme();
  });
  const token = button('Forget token', () => {
    forgetToken();
    location.reload();
  });

  function showTheme() {
    setAttribute(document.documentElement, 'data-theme', localStorage.getItem('checkins.theme'));
    setText(theme, isDark() ? 'Light' : 'Dark');
    setAttribute(theme, 'aria-label', isDark() ? 'Switch to light colours' : 'Switch to dark colours');
    document.dispatchEvent(new Event('theme'));
  }
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', showTheme);
  showTheme();
  const showToken = () => {
    token.hidden = !hasToken();
  };
  showToken();
  ['hello', 'connection'].forEach((name) => live.addEventListener(name, showToken)); // also one that lacks the role
  document.getElementById('tools').append(pause, theme, token);
}

function isDark() {
  const chosen = localStorage.getItem('checkins.theme');
  return chosen ? chosen === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
}

/** The banner tells what is wrong with what the page shows; nothing in it is about the pipeline being slow. */
function banner() {
  const element = document.getElementById('banner');
  const text = h('span');
  const since = h('span');
  element.append(text, ' ', since);
  everySecond(pageEnds, show);
  live.addEventListener('connection', show);
  live.addEventListener('sample', show);
  live.addEventListener('pause', show);

  function show() {
    const [message, from] = trouble() ?? ['', null];
    setText(text, message);
    setText(since, from === null || !message ? '' : `For ${duration(Date.now() - from, false)}.`);
    setAttribute(since, 'aria-hidden', 'true');
    element.hidden = !message;
    setText(document.getElementById('connection'), connection());
  }
}

function connection() {
  if (live.paused) {
    return 'paused';
  }
  if (!live.connected) {
    return 'not connected';
  }
  return live.polling ? 'live, by polling' : 'live';
}

function trouble() {
  if (live.isLost() && !isAskingForToken()) {
    const reason = live.problem?.message ?? 'The connection to the API server is lost.';
    return [`${reason} It is tried again and again. The figures are the last known ones.`, live.lostAt];
  }
  if (live.sample && !live.sample.available) {
    const {title} = stateOf(live.sample, null);
    return [`${title}. The figures are the last known ones, and the charts have a gap.`, live.sample.since];
  }
  return null;
}

/** Tells a screen reader when the state changes, and no more often. */
function announcements() {
  const announcer = document.getElementById('announcer');
  let level = null;
  live.watch(['sample', 'connection'], pageEnds, () => {
    const state = stateOf(live.sample, null, live.isLost());
    if (live.sample && state.level !== level) {
      level = state.level;
      setText(announcer, `${clock(Date.now())}: ${state.title}. ${state.detail}`);
    }
  });
}

/** Tells at the foot of the page what it is that it shows. */
function version() {
  const element = document.getElementById('version');
  live.addEventListener('hello', () => {
    const {version: number, redis, partitions, readOnly} = live.hello;
    const parts = [`Checkins ${number}`, redis, partitions && `${partitions} partitions`, readOnly && 'read-only'];
    setText(element, parts.filter(Boolean).join(' · '));
  });
}

navigation();
tools();
banner();
announcements();
version();
addEventListener('hashchange', () => {
  open();
  main.focus({preventScroll: true}); // where a screen reader goes on
});
open();
live.start();
