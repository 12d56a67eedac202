// What the views of a user and of a location have in common: the totals, and the checkins as they come.
import {h, holdWhileUsed, patch, setText} from './dom.js';
import {checkinRow, refreshAge} from './feed.js';
import {followWhileSeen, getJson} from './http.js';
import {isId} from './ids.js';
import {live} from './live.js';
import {doItYourself, everySecond, failure, panel, redisCommand, serverAddress} from './parts.js';

const MOST = 50;
const REFRESH = 1000;
const REDRAW = 250;

/**
 * @param of {id, title, path: of the totals, filter: of the stream, key: in Redis, name(found), facts(found): [[label,
 *     content]], more(): what else to show}
 */
export function following(root, signal, of) {
  if (!isId(of.id)) {
    root.append(h('h1', {}, of.title), h('p', {class: 'failure'}, 'An id is a whole number from 1 on.'));
    return;
  }
  const heading = h('h1', {}, of.title);
  const facts = h('dl', {class: 'facts'});
  const list = h('ol', {class: 'feed'});
  const trouble = h('div');
  const empty = h('p', {class: 'empty'}, 'The checkins that come from now on appear here.');
  let checkins = [];
  const isHeld = holdWhileUsed(list, show);
  root.append(h('div', {class: 'title'}, heading), trouble, panel('Totals', {}, facts), ...of.more(),
    panel('Checkins as they come', {}, list, empty, doItYourself(
      ['The totals', `curl -s ${serverAddress()}/${of.path}`],
      ['The checkins as they come', `curl -sN '${serverAddress()}/checkins/stream?${of.filter}'`],
      ['The same in Redis', redisCommand('HGETALL', of.key, '', null)])));

  async function load() {
    try {
      const found = await getJson(of.path, signal);
      const name = of.name(found);
      setText(heading, name || of.title);
      document.title = `${name || of.title} · Checkins`;
      const all = [['Id', String(found.id)], ...of.facts(found)];
      facts.replaceChildren(...all.map(([label, content]) => h('div', {}, h('dt', {}, label), h('dd', {}, content))));
      trouble.replaceChildren();
    } catch (problem) {
      if (!signal.aborted) {
        trouble.replaceChildren(failure(problem));
      }
    }
  }

  let loading = null;
  let isOld = false;
  function loadSoon() {
    loading ??= setTimeout(() => {
      loading = null;
      isOld = live.paused;
      if (!isOld) {
        load();
      }
    }, REFRESH);
  }

  let showing = null;
  function showSoon() {
    showing ??= setTimeout(() => {
      showing = null;
      show();
    }, REDRAW);
  }

  function show() {
    if (!live.paused && !isHeld()) {
      patch(list, checkins, (checkin) => checkin.id, checkinRow, refreshAge);
      empty.hidden = checkins.length > 0;
    }
  }

  function heard(name, checkin) {
    if (name === 'message') {
      checkins = [checkin, ...checkins].slice(0, MOST);
      showSoon();
      loadSoon();
    }
  }

  live.addEventListener('pause', () => {
    show();
    if (isOld && !live.paused) {
      isOld = false;
      load();
    }
  }, {signal});
  signal.addEventListener('abort', () => {
    clearTimeout(loading);
    clearTimeout(showing);
  });
  everySecond(signal, () => live.paused || [...list.children].forEach((element) => refreshAge(element)));
  live.watch(['back'], signal, load);
  followWhileSeen(`checkins/stream?${of.filter}`, signal, heard, () => {
    loadSoon(); // what came meanwhile is in the totals
    return false; // the banner tells when there is no connection
  });
}
