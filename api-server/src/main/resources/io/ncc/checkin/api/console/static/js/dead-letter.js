// The dialog of one dead letter: what it is, and how to replay it or discard it.
import {dialog} from './dialog.js';
import {button, h, rowHeading, table} from './dom.js';
import {count} from './format.js';
import {getJson, send} from './http.js';
import {live} from './live.js';
import {entryLink, failure} from './parts.js';
import {TOTALS} from './sample.js';

const MOST_FIELDS = 100;
const MOST_CHARACTERS = 2000;

/** The query that names a group to the API. */
export function queryOf(group) {
  return `group=${encodeURIComponent(group)}`;
}

/**
 * Asks for a dead letter and opens its dialog.
 *
 * @param changed called when it was replayed or discarded, here or by someone else
 */
export async function openDeadLetter(id, group, changed) {
  try {
    show(await getJson(`dead-letters/${encodeURIComponent(id)}?${queryOf(group)}`), group, changed);
  } catch (problem) {
    dialog('It is no longer there', h('p', {}, problem.status === 404
      ? `The dead letter ${id} was already replayed or discarded.` : problem.message));
    changed();
  }
}

function show(letter, group, changed) {
  const step = h('div', {class: 'step', 'aria-live': 'polite'});
  const closed = new AbortController();
  const element = dialog('Dead letter', [...contentOf(letter, group), step]);
  element.addEventListener('close', () => closed.abort());
  live.watch(['hello'], closed.signal, () => { // if the page begins here, what the visitor may do isn't known at once
    if (!step.firstChild && live.may('operate')) {
      choose();
    }
  });

  function choose() {
    const back = button('Replay…', () => confirm('Replay it?', 'Replay', 'primary', replay),
      {class: 'primary'});
    const away = button('Discard…', () => confirm('Discard it for good?', 'Discard', 'danger', discard));
    step.replaceChildren(letter.truncated ? '' : back, away);
  }

  function confirm(question, label, kind, act) {
    const yes = button(label, async () => {
      yes.disabled = true;
      try {
        await act();
      } catch (problem) {
        await tell(problem);
      }
      changed();
    }, {class: kind});
    step.replaceChildren(h('span', {}, question), yes, button('No', choose));
    yes.focus();
  }

  async function replay() {
    const {replayedAs} = await send('POST', `dead-letters/${letter.id}/replay?${queryOf(group)}`);
    done('Replayed. It is the entry ', replayedAs);
  }

  async function discard() {
    await send('DELETE', `dead-letters/${letter.id}?${queryOf(group)}`);
    done('Discarded.');
  }

  async function tell(problem) {
    if (problem.status !== 404) {
      step.replaceChildren(failure(problem), button('Try again', choose));
      return;
    }
    // the status of a checkin is that in the totals
    const status = group === TOTALS ? await getJson(`checkins/${letter.originalId}`).catch(() => null) : null;
    const entry = status?.replayedAs;
    done(entry ? 'It was already replayed, as ' : 'It was already replayed or discarded.', entry);
  }

  function done(text, entry) {
    step.replaceChildren(h('span', {class: 'done'}, text, entry ? entryLink(entry) : ''));
    element.querySelector('.actions button').focus();
  }
}

function contentOf(letter, group) {
  const facts = {
    Reason: letter.reason,
    Entry: entryLink(letter.originalId),
    'Dead letter': h('span', {class: 'id'}, letter.id),
    Group: group,
    Deliveries: count(letter.deliveries),
    'Last held by': letter.consumer,
  };
  const fields = letter.fields.slice(0, MOST_FIELDS).map(({name, value}) => {
    const shown = value.length > MOST_CHARACTERS ? value.slice(0, MOST_CHARACTERS) + '…' : value;
    return h('tr', {}, rowHeading(name), h('td', {class: 'value'}, shown));
  });
  const more = letter.fields.length - MOST_FIELDS;
  return [
    h('dl', {}, Object.entries(facts).map(([name, value]) => [h('dt', {}, name), h('dd', {}, value)])),
    table('Fields of the entry', ['Field', 'Value'], h('tbody', {}, fields)),
    more > 0 ? h('p', {class: 'note'}, `${more} more fields`) : null,
    letter.truncated ? h('p', {class: 'note'}, 'Parts of the entry are missing, so it can\'t be replayed.') : null,
  ];
}
