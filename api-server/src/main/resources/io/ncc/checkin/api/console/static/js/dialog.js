// Dialogs. Esc, Cancel, a click beside one and another address close it and change nothing.
import {h} from './dom.js';

/**
 * Opens a dialog with one action. It closes when the action succeeds, and shows the message of its failure otherwise.
 *
 * @param action {label, act: async, danger} or null for a dialog that only shows something
 * @returns the dialog, which tells 'close'
 */
export function dialog(title, content, action = null, closeLabel = action ? 'Cancel' : 'Close') {
  const message = h('p', {class: 'failure', role: 'alert'});
  const cancel = h('button', {type: 'button', onclick: () => element.close()}, closeLabel);
  const act = action && h('button', {class: action.danger ? 'danger' : 'primary'}, action.label);
  const element = h('dialog', {'aria-label': title, onclick: (event) => event.target === element && element.close()},
    h('form', {onsubmit: submit}, h('h2', {}, title), content, message, h('div', {class: 'actions'}, cancel, act)));

  async function submit(event) {
    event.preventDefault();
    if (!act) {
      element.close();
      return;
    }
    act.disabled = true;
    message.textContent = '';
    try {
      await action.act();
      element.close();
    } catch (problem) {
      message.textContent = problem.message;
      act.disabled = false;
    }
  }

  element.addEventListener('close', () => element.remove());
  addEventListener('hashchange', () => element.close(), {once: true});
  document.body.append(element);
  element.showModal();
  return element;
}
