// Parts that several views are made of.
import {h, setText} from './dom.js';
import {age, stars} from './format.js';
import {live} from './live.js';

/** A part of a view with a heading. `extra` stands beside the heading. */
export function panel(title, {extra = [], class: name = ''} = {}, ...children) {
  return h('section', {class: `panel ${name}`}, h('div', {class: 'head'}, h('h2', {}, title), h('div', {class: 'extra'}, extra)), children);
}

/** Tells how old the figures beside it are: they are those of the last sample that Redis answered. */
export function sampleAge(signal, before = '') {
  const element = h('span', {class: 'age'});
  const show = () => setText(element, live.knownAt ? before + age(Date.now() - live.knownAt) : '');
  everySecond(signal, show);
  live.addEventListener('sample', show, {signal});
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

export function entryLink(id) {
  return h('a', {href: `#/checkins/${id}`, class: 'id'}, id);
}

export function rating(of) {
  return h('span', {class: 'stars', role: 'img', 'aria-label': `${of} of 5 stars`}, stars(of));
}

/**
 * The commands that give the same as the panel they stand in.
 *
 * @param commands [[what it does, the command]]
 */
export function doItYourself(...commands) {
  return h('details', {class: 'commands'}, h('summary', {}, 'Do it yourself'),
    commands.map(([what, command]) => {
      const copy = h('button', {type: 'button', class: 'small', onclick: () => copyText(command, copy)}, 'Copy');
      return h('div', {class: 'command'}, h('p', {}, what, copy), h('pre', {tabindex: '0'}, h('code', {}, command)));
    }));
}

async function copyText(text, button) {
  try {
    await navigator.clipboard.writeText(text);
    setText(button, 'Copied');
  } catch {
    setText(button, 'Select it and copy'); // pages that came over plain HTTP from another machine have no clipboard
  }
  setTimeout(() => setText(button, 'Copy'), 2000);
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
