// Parts that several views are made of.
import {button, h, setText} from './dom.js';
import {age, clock, stars} from './format.js';
import {hasToken} from './http.js';
import {live} from './live.js';

/** A part of a view with a heading. `extra` stands beside the heading. */
export function panel(title, {extra = [], class: name = ''} = {}, ...children) {
  return h('section', {class: `panel ${name}`},
    h('div', {class: 'head'}, h('h2', {}, title), h('div', {class: 'extra'}, extra)), children);
}

/**
 * Tells how old the figures beside it are: those of the last sample that Redis answered, or of the moment at which the
 * visitor paused the page.
 */
export function sampleAge(signal, before = '') {
  const element = h('span', {class: 'age'});
  let at = 0;
  const show = () => setText(element, at && before + (live.paused ? `at ${clock(at)}` : age(Date.now() - at)));
  live.watch(['sample', 'hello'], signal, () => {
    at = live.knownAt;
    show();
  });
  live.addEventListener('pause', show, {signal});
  everySecond(signal, show);
  return element;
}

export function everySecond(signal, act) {
  act();
  const timer = setInterval(act, 1000);
  signal.addEventListener('abort', () => clearInterval(timer));
}

/** Acts now, and again so many ms after it was done, while the page is seen and not paused. */
export async function everyWhile(signal, milliseconds, act) {
  while (!signal.aborted) {
    if (!document.hidden && !live.paused) {
      await act();
    }
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
  }
}

export function userLink(id, name) {
  return h('a', {href: `#/users/${id}`}, name || `user ${id}`);
}

/** The name of a user as far as it is known; else ''. */
export function fullName({firstName, lastName}) {
  return [firstName, lastName].filter(Boolean).join(' ');
}

export function locationLink(id, name) {
  return h('a', {href: `#/locations/${id}`}, name || `location ${id}`);
}

export function groupLink(name) {
  return h('a', {href: `#/groups/${encodeURIComponent(name)}`}, name);
}

export function entryLink(id) {
  return h('a', {href: `#/checkins/${id}`, class: 'id'}, id);
}

export function rating(of) {
  return h('span', {class: 'stars', role: 'img', 'aria-label': `${of} of 5 stars`}, stars(of));
}

/**
 * The commands that give the same as the panel they stand in.
 *
 * @param commands [[what it does, the command]], or in its place a function that makes it when it is to be seen; null if
 *     there is none
 */
export function doItYourself(...commands) {
  const rows = commands.map(([what, command]) => {
    const code = h('code');
    const copy = button('Copy', () => copyText(code.textContent, copy), {class: 'small'});
    const element = h('div', {class: 'command'}, h('p', {}, what, copy), h('pre', {tabindex: '0'}, code));
    const show = () => {
      const text = typeof command === 'string' ? command : command();
      element.hidden = text === null;
      setText(code, withToken(text ?? '', hasToken()));
    };
    return {show, element};
  });
  return h('details', {class: 'commands', ontoggle: () => rows.forEach(({show}) => show())},
    h('summary', {}, 'Do it yourself'), rows.map(({element}) => element));
}

/**
 * A command of curl with a token from the shell's environment, if the server wants one. The token itself isn't shown.
 */
export function withToken(command, wanted) {
  return wanted ? command.replace(/^curl /, 'curl -H "Authorization: Bearer $TOKEN" ') : command;
}

/**
 * A command of redis-cli on a key, for `doItYourself`.
 *
 * @param key without the prefix that all keys have
 * @param partition whose key it is, if there are partitions; null if it isn't known
 */
export function redisCommand(command, key, more = '', partition = 0) {
  return () => {
    const prefixes = live.hello?.keyPrefixes ?? [];
    const prefix = prefixes.length === 1 ? prefixes[0] : prefixes[partition];
    return prefix === undefined ? null : `${live.hello.redisCli} ${command} ${quoted(prefix + key)} ${more}`.trim();
  };
}

async function copyText(text, copy) {
  try {
    await navigator.clipboard.writeText(text);
    setText(copy, 'Copied');
  } catch {
    setText(copy, 'Select it and copy'); // pages that came over plain HTTP from another machine have no clipboard
  }
  setTimeout(() => setText(copy, 'Copy'), 2000);
}

/** A text as one word of a shell's command line. */
export function quoted(text) {
  return /^[\w./:-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** The address of this server, for commands. */
export function serverAddress() {
  return new URL('.', document.baseURI).href.replace(/\/$/, '');
}

/** What stands in place of something that couldn't be had. */
export function failure(problem) {
  return h('p', {class: 'failure'}, problem.message);
}
