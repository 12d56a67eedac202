// Requests to the API server. All URLs are relative, so that a proxy may put the console under a prefix.
import {askForToken, isToken} from './token.js';
import {parseJson} from './ids.js';

const TOKEN = 'checkins.token';
/** A page that nobody has seen for so many ms lets go of its connections: a browser has six of them for a server. */
export const HIDDEN = 10000;
const PAUSE = 2000;
/** A route that was silent for so many ms is asked again: the server says something each 15 s, or ends within 60 s. */
const SILENCE = 75000;

/** A problem (RFC 9457) that the server answered, or that it couldn't be reached. */
export class Problem extends Error {

  /** @param type null if the API server didn't say what it is: nobody answered, or a proxy did */
  constructor(status, type, detail) {
    super(detail);
    this.status = status;
    this.type = type;
  }
}

/**
 * Requests something with the token of this tab. If the server wants another one, asks the visitor for it and tries
 * again.
 */
export async function request(path, options = {}) {
  for (;;) {
    const token = tokenOfTab();
    const headers = new Headers(options.headers);
    if (token) {
      headers.set('Authorization', `Bearer ${token}`);
    }
    let answer;
    try {
      answer = await fetch(path, {cache: 'no-cache', ...options, headers, redirect: 'error'});
    } catch (failure) {
      if (failure.name === 'AbortError') {
        throw failure;
      }
      throw new Problem(0, null, 'The API server doesn\'t answer.');
    }
    if (answer.status !== 401) {
      return answer.ok ? answer : Promise.reject(await problemOf(answer));
    }
    if (tokenOfTab() === token) { // else the visitor was asked while the server answered
      keepToken(await askForToken(Boolean(token)));
    }
  }
}

/** Null if there is none, or if it can't be sent. */
function tokenOfTab() {
  const token = sessionStorage.getItem(TOKEN);
  return token && isToken(token) ? token : null;
}

function keepToken(token) {
  if (token) {
    sessionStorage.setItem(TOKEN, token);
  } else {
    forgetToken();
  }
}

async function problemOf(answer) {
  try {
    const problem = await answer.json();
    const parts = (problem.errors ?? []).map((error) => `${error.parameter ?? error.pointer} ${error.message}`);
    return new Problem(answer.status, problem.type ?? null, [problem.detail, ...parts].join(' '));
  } catch {
    return new Problem(answer.status, null, `The server answered ${answer.status}.`);
  }
}

export async function getJson(path, signal) {
  return parseJson(await (await request(path, {signal, headers: {Accept: 'application/json'}})).text());
}

/** Sends a request that changes something. Returns the server's answer, or null if there is nothing in it. */
export async function send(method, path, body) {
  const options = {method, headers: {Accept: 'application/json, application/problem+json'}};
  if (body !== undefined) {
    options.headers['Content-Type'] = 'application/json';
    options.body = JSON.stringify(body);
  }
  const text = await (await request(path, options)).text();
  return text ? parseJson(text) : null;
}

/** Forgets the token of this tab. */
export function forgetToken() {
  sessionStorage.removeItem(TOKEN);
}

export function hasToken() {
  return sessionStorage.getItem(TOKEN) !== null;
}

/**
 * Follows a route that answers with Server-Sent Events, until it ends or the signal aborts. It is no EventSource, which
 * can't send a token.
 *
 * @param heard is called with the name and the data of each event
 * @param alive is called whenever something arrived, also a comment
 */
export async function follow(path, signal, heard, alive = () => {}) {
  const left = new AbortController(); // a page that the browser keeps for "back" keeps no connection
  window.addEventListener('pagehide', () => left.abort(), {signal});
  // no-store: others may follow the same URL, and a cache would make them wait for one another
  const answer = await request(path, {
    signal: AbortSignal.any([signal, left.signal]), cache: 'no-store', headers: {Accept: 'text/event-stream'},
  });
  alive();
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  const parser = new EventParser(heard);
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    alive();
    parser.push(part.value);
  }
}

/**
 * Follows a route while the page is seen, and again after it was hidden or the connection was lost, until the signal
 * aborts.
 *
 * @param ended is called when a connection has ended, with the problem that ended it or null; returns whether that is all
 */
export async function followWhileSeen(path, signal, heard, ended, {hidden = HIDDEN, pause = PAUSE, silence = SILENCE} = {}) {
  while (!signal.aborted) {
    if (!document.hidden) {
      const ends = new AbortController();
      abortWhenHidden(ends, signal, hidden);
      let watch;
      const alive = () => {
        clearTimeout(watch);
        watch = setTimeout(() => ends.abort(), silence);
      };
      const problem = await follow(path, ends.signal, heard, alive).then(() => null, (failure) => failure);
      clearTimeout(watch);
      ends.abort();
      if (signal.aborted || ended(problem)) {
        return;
      }
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

function abortWhenHidden(ends, signal, hidden) {
  let timer;
  document.addEventListener('visibilitychange', () => {
    clearTimeout(timer);
    timer = document.hidden ? setTimeout(() => ends.abort(), hidden) : null;
  }, {signal: ends.signal});
  signal.addEventListener('abort', () => ends.abort(), {signal: ends.signal});
}

/** Makes events of the text of an event stream, wherever it was cut. */
export class EventParser {

  constructor(heard) {
    this.heard = heard;
    this.rest = '';
    this.name = 'message';
    this.data = [];
  }

  push(text) {
    const lines = (this.rest + text).split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop();
    lines.forEach((line) => this.line(line));
  }

  line(line) {
    if (line === '') {
      if (this.data.length) {
        this.heard(this.name, parseJson(this.data.join('\n')));
      }
      this.name = 'message';
      this.data = [];
      return;
    }
    const [, field, value] = /^([^:]*):? ?(.*)$/.exec(line);
    if (field === 'event') {
      this.name = value;
    } else if (field === 'data') {
      this.data.push(value);
    }
  }
}
