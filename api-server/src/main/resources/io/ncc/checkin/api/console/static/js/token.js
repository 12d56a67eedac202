// The dialog that asks for a token when the server wants one.
import {h} from './dom.js';

let asking = null;

/**
 * Asks the visitor for a token; all who ask meanwhile get the same answer.
 *
 * @param refused whether the server refused the token that it got
 */
export function askForToken(refused) {
  asking ??= ask(refused).finally(() => {
    asking = null;
  });
  return asking;
}

/** Whether the visitor is being asked. */
export function isAskingForToken() {
  return asking !== null;
}

function ask(refused) {
  return new Promise((resolve) => {
    const input = h('input', {
      id: 'token', type: 'password', name: 'token', required: true, autocomplete: 'off', spellcheck: 'false',
    });
    const dialog = h('dialog', {'aria-labelledby': 'token-title'},
      h('form', {
        onsubmit: (event) => {
          event.preventDefault();
          dialog.close();
        },
      },
      h('h2', {id: 'token-title'}, refused ? 'The server refused this token' : 'The server asks for a token'),
      h('p', {}, 'It is kept in this tab until you close it, and sent to this server only.'),
      h('label', {for: 'token'}, 'Token'), input,
      h('div', {class: 'actions'}, h('button', {class: 'primary'}, 'Continue'))));
    dialog.addEventListener('close', () => { // also by Esc; then the server asks again
      dialog.remove();
      resolve(input.value.trim());
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
