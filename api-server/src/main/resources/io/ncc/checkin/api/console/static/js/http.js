// Requests to the API server. All URLs are relative, so that a proxy may put the console under a prefix.
import {askForToken} from './token.js';
import {parseJson} from './ids.js';

const TOKEN = 'checkins.token';

/** A problem (RFC 9457) that the server answered, or that it couldn't be reached. */
export class Problem extends Error {

  constructor(status, type, detail) {
    super(detail);
    this.status = status;
    this.type = type.replace('urn:checkins:problem:', '');
  }
}

/** Requests something, with the token of this tab; if the server wants one, asks the visitor for it and tries again. */
export async function request(path, options = {}) {
  for (;;) {
    const token = sessionStorage.getItem(TOKEN);
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
      throw new Problem(0, 'unreachable', 'The API server doesn\'t answer.');
    }
    if (answer.status !== 401) {
      return answer.ok ? answer : Promise.reject(await problemOf(answer));
    }
    sessionStorage.setItem(TOKEN, await askForToken(Boolean(token)));
  }
}

async function problemOf(answer) {
  try {
    const problem = await answer.json();
    const parts = (problem.errors ?? []).map((error) => `${error.parameter ?? error.pointer} ${error.message}`);
    return new Problem(answer.status, problem.type, [problem.detail, ...parts].join(' '));
  } catch {
    return new Problem(answer.status, 'unknown', `The server answered ${answer.status}.`);
  }
}

export async function getJson(path, signal) {
  return parseJson(await (await request(path, {signal, headers: {Accept: 'application/json'}})).text());
}

/** Sends a request that changes something; returns what the server answered, or null if there is nothing in its answer. */
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
 * Follows a route that answers with Server-Sent Events, until it ends or the signal aborts. It is no EventSource, which can't send a token.
 *
 * @param heard is called with the name and the data of each event
 * @param alive is called whenever something arrived, also a comment
 */
export async function follow(path, signal, heard, alive = () => {}) {
  const left = new AbortController(); // a page that the browser keeps for "back" keeps no connection
  window.addEventListener('pagehide', () => left.abort(), {signal});
  // no-store: others may follow the same URL, and a cache would make them wait for one another
  const answer = await request(path, {signal: AbortSignal.any([signal, left.signal]), cache: 'no-store', headers: {Accept: 'text/event-stream'}});
  alive();
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  const parser = new EventParser(heard);
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    alive();
    parser.push(part.value);
  }
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
