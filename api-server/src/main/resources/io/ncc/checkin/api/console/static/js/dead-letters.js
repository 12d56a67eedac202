// Dead letters: what a group could not apply, by reason, and newest first. What to do with one is in dead-letter.js.
import {openDeadLetter, queryOf} from './dead-letter.js';
import {dialog} from './dialog.js';
import {button, choice, h, holdWhileUsed, numberCell, patch, rowHeading, setText, table} from './dom.js';
import {count, dateAndTime, plural} from './format.js';
import {getJson, send} from './http.js';
import {parseEntryId} from './ids.js';
import {live} from './live.js';
import {doItYourself, failure, panel, redisCommand, serverAddress} from './parts.js';
import {processorsOf, TOTALS} from './sample.js';

const PAGE = 50;
/** A list is asked for again so many ms after there are new ones. */
const REFRESH = 1000;

/**
 * The group and the dead letter that an address names: `checkinBoards/5-0`, `checkinBoards`, `5-0`. If it names no
 * group, it is that of the totals.
 */
export function namedBy(address) {
  const parts = address.split('/').filter(Boolean);
  return {
    group: parts.find((part) => !parseEntryId(part)) ?? TOTALS,
    id: parts.find((part) => parseEntryId(part)) ?? null,
  };
}

/** The view. */
export function deadLetters(root, address, signal) {
  const {group, id} = namedBy(address);
  const query = queryOf(group);
  const newestFirst = `dead-letters?${query}&order=desc&limit=${PAGE}`;
  const heading = h('h1', {}, 'Dead letters');
  const reasons = reasonTable((reason) => replayAll(reason, query, reload));
  const letters = letterTable((letterId) => openDeadLetter(letterId, group, reload));
  const older = button('Older ones', () => load(next), {hidden: true});
  const newest = button('Back to the newest', () => load(newestFirst), {hidden: true});
  const trouble = h('div');
  let shown = newestFirst;
  let next = null;
  let loaded = null;

  root.append(
    h('div', {class: 'title'}, heading, groupChoice(group, signal)),
    h('p', {class: 'lead'}, 'Entries that could not be applied. They block nothing. '
      + 'Replay them when the cause is mended, or discard them.'),
    trouble,
    panel('By reason', {}, reasons.element),
    panel('Newest first', {extra: letters.news}, letters.element, h('p', {class: 'pages'}, newest, older), doItYourself(
      ['List them', `curl -s '${serverAddress()}/${newestFirst}'`],
      ['Replay one', `curl -s -X POST '${serverAddress()}/dead-letters/1795169664047-0/replay?${query}'`],
      ['Replay all of a reason',
        `curl -s -X POST --get '${serverAddress()}/dead-letters/replay?${query}' --data-urlencode 'reason=…'`],
      ['The same in Redis',
        redisCommand('XREVRANGE', group === TOTALS ? 'checkins:dead' : 'boards:dead', '+ - COUNT 10')])));

  async function load(page) {
    const turned = page !== shown;
    shown = page;
    loaded = counted();
    try {
      const [ofPage, ofReasons] = await Promise.all(
        [page, `dead-letters/reasons?${query}`].map((path) => getJson(path, signal)));
      if (page !== shown) {
        return; // the visitor has turned the page meanwhile
      }
      trouble.replaceChildren();
      next = ofPage.next && relative(ofPage.next);
      older.hidden = next === null;
      newest.hidden = page === newestFirst;
      const all = ofReasons.items.reduce((sum, reason) => sum + reason.count, 0);
      setText(heading, all ? plural(all, 'dead letter') : 'Dead letters');
      reasons.show(ofReasons.items);
      letters.show(ofPage.items, turned);
    } catch (problem) {
      if (!signal.aborted) {
        trouble.replaceChildren(failure(problem));
      }
    }
  }

  function reload() {
    return load(shown);
  }

  /** How many there are by the last sample. It falls when somebody else replays one. */
  function counted() {
    return live.known?.groups.find((one) => one.name === group)?.deadLetters ?? null;
  }

  let refreshing = null;
  function refreshSoon() {
    if (shown === newestFirst && counted() !== loaded) {
      refreshing ??= setTimeout(async () => {
        await (live.paused || reload());
        refreshing = null;
      }, REFRESH);
    }
  }
  signal.addEventListener('abort', () => clearTimeout(refreshing));
  live.addEventListener('dead', () => {
    loaded = NaN; // there may be as many as before
  }, {signal});
  live.watch(['hello', 'back'], signal, reload);
  live.watch(['sample'], signal, refreshSoon);
  if (id) {
    openDeadLetter(id, group, reload);
  }
  return 'Dead letters';
}

/** `next` is a path from the root of the server, or of a proxy; the page asks relative to itself. */
function relative(path) {
  return path.slice(path.lastIndexOf('/dead-letters') + 1);
}

/** The groups of the processor with the numbers of their dead letters. */
function groupChoice(chosen, signal) {
  const element = choice('Group');
  const create = ({name}) => button('', () => {
    location.hash = name === TOTALS ? '#/dead-letters' : `#/dead-letters/${encodeURIComponent(name)}`;
  }, {class: 'small', 'aria-pressed': String(name === chosen)});
  live.watch(['sample'], signal, () =>
    patch(element, live.known ? processorsOf(live.known) : [], (group) => group.name, create,
      (one, group) => setText(one, `${group.name} ${count(group.deadLetters)}`)));
  return element;
}

function reasonTable(replay) {
  const rows = h('tbody');
  const create = ({reason}) => h('tr', {}, rowHeading(reason || 'no reason'), numberCell(), h('td', {class: 'when'}),
    h('td', {}, button('Replay all…', () => replay(reason), {class: 'small'})));
  const update = (row, {count: number, newest}) => {
    setText(row.children[1], count(number));
    setText(row.children[2], dateAndTime(parseEntryId(newest)?.time));
    row.querySelector('button').hidden = !live.may('operate');
  };
  const show = (reasons) => patch(rows, reasons, ({reason}) => reason, create, update);
  return {element: table('Dead letters by reason', ['Reason', '#Number', 'Newest', 'Action'], rows, 'reasons'), show};
}

function replayAll(reason, query, changed) {
  const question = h('p', {}, 'All dead letters with the reason “', h('b', {}, reason || 'no reason'),
    '” go into the stream again, up to 1,000 at once.');
  dialog('Replay all?', question, {
    label: 'Replay all',
    act: async () => {
      const {replayed, more} = await send('POST', `dead-letters/replay?${query}&reason=${encodeURIComponent(reason)}`);
      const done = `${plural(replayed.length, 'dead letter')} replayed.`;
      dialog('Replay', h('p', {}, done, more ? ' There are more: do it again.' : ''));
      await changed();
    },
  });
}

/**
 * A page of dead letters. Rows stay where they are while the list is used or the page is paused; what is new is counted
 * meanwhile.
 *
 * @param open opens one, by its id
 * @returns {element, news: a button that tells how many are new, show}
 */
function letterTable(open) {
  const rows = h('tbody');
  const list = table('Dead letters, newest first', ['When', 'Reason', '#Deliveries', 'Entry'], rows, 'letters');
  const empty = h('p', {class: 'empty'}, 'There are none.');
  const news = button('', () => show(page, true), {class: 'small news', hidden: true});
  const isHeld = holdWhileUsed(list, () => show(page));
  let page = [];
  let shown = new Set();

  function show(letters, anyway = false) {
    page = letters;
    const still = !anyway && shown.size > 0 && (isHeld() || live.paused);
    const fresh = page.filter(({id}) => !shown.has(id)).length;
    news.hidden = !(still && fresh);
    setText(news, `${fresh}${fresh === PAGE ? '+' : ''} new`);
    if (still) {
      markGone();
      return;
    }
    shown = new Set(page.map(({id}) => id));
    patch(rows, page, ({id}) => id, createRow, (row) => row.classList.remove('gone'));
    empty.hidden = page.length > 0;
  }

  /** Only a page that isn't full tells that what it lacks is gone: else it may be on the next one. */
  function markGone() {
    const there = new Set(page.map(({id}) => id));
    [...rows.children].forEach((row) => row.classList.toggle('gone', page.length < PAGE && !there.has(row.patchKey)));
  }

  function createRow({id, reason, deliveries, originalId}) {
    return h('tr', {},
      h('td', {class: 'when'}, dateAndTime(parseEntryId(id)?.time)),
      rowHeading(button(reason || 'no reason', () => open(id), {class: 'link'})),
      numberCell(count(deliveries)),
      h('td', {}, h('span', {class: 'id'}, originalId)));
  }
  return {element: [list, empty], news, show};
}
