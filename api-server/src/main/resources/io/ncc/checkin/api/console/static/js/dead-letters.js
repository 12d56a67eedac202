// Dead letters: what could not be applied. To see one, put it back or discard it.
import {dialog} from './dialog.js';
import {h, holdWhileUsed, patch, setText, table} from './dom.js';
import {count, dateAndTime, plural} from './format.js';
import {getJson, send} from './http.js';
import {parseEntryId} from './ids.js';
import {live} from './live.js';
import {doItYourself, entryLink, failure, panel, serverAddress} from './parts.js';

const PAGE = 50;
const REFRESH = 1000;

export function deadLetters(root, id, signal) {
  const reasons = h('tbody');
  const list = h('tbody');
  const news = h('button', {type: 'button', class: 'small news', hidden: true, onclick: () => show(true)});
  const empty = h('p', {class: 'empty'}, 'There are none.');
  const older = h('button', {type: 'button', hidden: true, onclick: () => load(next)}, 'Older ones');
  const newest = h('a', {href: '#/dead-letters', hidden: true, onclick: () => load(null)}, 'Back to the newest');
  const trouble = h('div');
  let page = [];
  let pageAt = null;
  let next = null;
  let shown = new Set();

  const heading = h('h1', {}, 'Dead letters');
  const listTable = table('Dead letters, newest first', ['When', 'Reason', '#Deliveries', 'Entry'], list, 'letters');
  const isHeld = holdWhileUsed(listTable, () => show(false));
  root.append(
    h('div', {class: 'title'}, heading),
    h('p', {class: 'lead'}, 'Entries that could not be applied. They block nothing. Put them back when the cause is mended, or discard them.'),
    trouble,
    panel('By reason', {}, table('Dead letters by reason', ['Reason', '#Number', 'Newest', 'Action'], reasons, 'reasons')),
    panel('Newest first', {extra: news}, listTable, empty, h('p', {class: 'pages'}, newest, older), doItYourself(
      ['List them', `curl -s '${serverAddress()}/dead-letters?order=desc&limit=10'`],
      ['Put one back', `curl -s -X POST ${serverAddress()}/dead-letters/1795169664047-0/replay`],
      ['Put back all of a reason', `curl -s -X POST --get ${serverAddress()}/dead-letters/replay --data-urlencode 'reason=…'`],
      ['The same in Redis', 'redis-cli XREVRANGE ncc:checkins:dead + - COUNT 10'])));

  async function load(from) {
    pageAt = from;
    try {
      const [ofPage, byReason] = await Promise.all([
        getJson(from ? relative(from) : `dead-letters?order=desc&limit=${PAGE}`, signal),
        getJson('dead-letters/reasons', signal)]);
      trouble.replaceChildren();
      page = ofPage.items;
      next = ofPage.next;
      showReasons(byReason.items ?? byReason);
      show(from !== null);
    } catch (problem) {
      if (!signal.aborted) {
        trouble.replaceChildren(failure(problem));
      }
    }
  }

  /** Rows that are in use stay where they are; what is new is counted meanwhile. */
  function show(anyway) {
    const fresh = page.filter((letter) => !shown.has(letter.id)).length;
    const still = !anyway && shown.size > 0 && (isHeld() || live.paused);
    news.hidden = !(still && fresh);
    setText(news, `${fresh}${fresh === PAGE ? '+' : ''} new`);
    if (still) {
      const there = new Set(page.map((letter) => letter.id));
      [...list.children].forEach((row) => row.classList.toggle('gone', page.length < PAGE && !there.has(row.patchKey)));
      return;
    }
    shown = new Set(page.map((letter) => letter.id));
    patch(list, page, (letter) => letter.id, row, (element) => element.classList.remove('gone'));
    empty.hidden = page.length > 0;
    older.hidden = next === null;
    newest.hidden = pageAt === null;
  }

  function row(letter) {
    const time = parseEntryId(letter.id)?.time;
    return h('tr', {},
      h('td', {class: 'when'}, dateAndTime(time)),
      h('th', {scope: 'row'}, h('button', {type: 'button', class: 'link', onclick: () => inspect(letter.id)}, letter.reason || 'no reason')),
      h('td', {class: 'number'}, count(letter.deliveries)),
      h('td', {}, h('span', {class: 'id'}, letter.originalId)));
  }

  function showReasons(all) {
    setText(heading, all.length ? `${plural(all.reduce((sum, reason) => sum + reason.count, 0), 'dead letter')}` : 'Dead letters');
    patch(reasons, all, (reason) => reason.reason, (reason) => h('tr', {},
      h('th', {scope: 'row'}, reason.reason || 'no reason'), h('td', {class: 'number'}), h('td', {class: 'when'}), h('td', {},
        h('button', {type: 'button', class: 'small', onclick: () => replayAll(reason.reason)}, 'Put all back…'))),
    (element, reason) => {
      element.querySelector('button').hidden = !live.may('operate');
      setText(element.children[1], count(reason.count));
      const newestId = parseEntryId(typeof reason.newest === 'string' ? reason.newest : reason.newest?.id ?? '');
      setText(element.children[2], newestId ? dateAndTime(newestId.time) : '');
    });
  }

  function replayAll(reason) {
    dialog('Put all back?', h('p', {}, 'All dead letters with the reason “', h('b', {}, reason || 'no reason'), '” go into the stream again, up to 1,000 at once.'), {
      label: 'Put all back',
      act: async () => {
        const {replayed, more} = await send('POST', `dead-letters/replay?reason=${encodeURIComponent(reason)}`);
        dialog('Put back', h('p', {}, `${plural(replayed.length, 'dead letter')} put back.${more ? ' There are more: do it again.' : ''}`));
        await load(pageAt);
      },
    });
  }

  async function inspect(letterId) {
    try {
      openLetter(await getJson(`dead-letters/${encodeURIComponent(letterId)}`, signal));
    } catch (problem) {
      dialog('It is no longer there', h('p', {}, problem.status === 404
        ? `The dead letter ${letterId} was already put back or discarded.` : problem.message));
      load(pageAt);
    }
  }

  function openLetter(letter) {
    const step = h('div', {class: 'step', 'aria-live': 'polite'});
    const element = dialog('Dead letter', [
      h('dl', {}, ...Object.entries({
        Reason: letter.reason, Entry: entryLink(letter.originalId), 'Dead letter': h('span', {class: 'id'}, letter.id),
        Deliveries: count(letter.deliveries), 'Last held by': letter.consumer,
      }).flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)])),
      table('Fields of the entry', ['Field', 'Value'], h('tbody', {}, letter.fields.slice(0, 100).map(({name, value}) =>
        h('tr', {}, h('th', {scope: 'row'}, name), h('td', {class: 'value'}, value.length > 2000 ? value.slice(0, 2000) + '…' : value))))),
      letter.fields.length > 100 ? h('p', {class: 'note'}, `${letter.fields.length - 100} more fields`) : null,
      letter.truncated ? h('p', {class: 'note'}, 'Parts of the entry are missing, so it can\'t be put back.') : null,
      step]);
    element.querySelector('a').addEventListener('click', () => element.close());
    if (!live.may('operate')) {
      return;
    }
    const path = `dead-letters/${encodeURIComponent(letter.id)}`;
    const choose = () => step.replaceChildren(
      letter.truncated ? '' : button('Put back…', 'primary', () => confirm('Put it back into the stream?', 'Put back', 'primary', replay)),
      button('Discard…', '', () => confirm('Discard it for good?', 'Discard', 'danger', discard)));
    choose();

    function confirm(question, label, kind, act) {
      const yes = button(label, kind, async () => {
        yes.disabled = true;
        try {
          await act();
        } catch (problem) {
          await tell(problem);
        }
        load(pageAt);
      });
      step.replaceChildren(h('span', {}, question), yes, button('No', '', choose));
      yes.focus();
    }

    async function replay() {
      const {replayedAs} = await send('POST', `${path}/replay`);
      done('Put back. It is the entry ', replayedAs);
    }

    async function discard() {
      await send('DELETE', path);
      done('Discarded.');
    }

    async function tell(problem) {
      if (problem.status !== 404) {
        step.replaceChildren(failure(problem), button('Try again', '', choose));
        return;
      }
      const status = await getJson(`checkins/${letter.originalId}`).catch(() => null);
      done(status?.replayedAs ? 'It was already put back, as ' : 'It was already put back or discarded.', status?.replayedAs);
    }

    function done(text, entry) {
      const link = entry && entryLink(entry);
      link?.addEventListener('click', () => element.close());
      step.replaceChildren(h('span', {class: 'done'}, text, link ?? ''));
      element.querySelector('.actions button').focus();
    }
  }

  let refreshing = null;
  function refreshSoon() {
    if (pageAt === null && !live.paused) {
      refreshing ??= setTimeout(() => load(null).finally(() => {
        refreshing = null;
      }), REFRESH);
    }
  }
  signal.addEventListener('abort', () => clearTimeout(refreshing));
  live.addEventListener('dead', refreshSoon, {signal});
  live.watch(['hello'], signal, () => load(pageAt));
  if (id) {
    inspect(id);
  }
  return 'Dead letters';
}

function button(label, kind, act) {
  return h('button', {type: 'button', class: kind, onclick: act}, label);
}

/** `next` is a path from the server's root, or from a proxy's; the page asks relative to itself. */
function relative(path) {
  return path.slice(path.lastIndexOf('/dead-letters') + 1);
}
