// The dialog that asks for a token when the server wants one.
import {h} from './dom.js';

/** What can stand in a header: who copies a token may get typographic quotes, or the dots that mask it. */
const TOKEN = /^[\x21-\x7e]+$/;

let asking = null;

export function isToken(text) {
  return TOKEN.test(text);
}

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
      oninput: () => input.setCustomValidity(''),
    });
    const dialog = h('dialog', {'aria-labelledby': 'token-title'},
      h('form', {
        onsubmit: (event) => {
          event.preventDefault();
          input.setCustomValidity(isToken(input.value.trim())
            ? ''
            : 'This is no token: it has a space, or a character that isn\'t ASCII, such as “ or •');
          if (event.target.reportValidity()) {
            dialog.close();
          }
        },
      },
      h('h2', {id: 'token-title'}, refused ? 'The server refused this token' : 'The server asks for a token'),
      h('p', {}, 'It is kept in this tab until you close it, and sent to this server only.'),
      h('label', {for: 'token'}, 'Token'), input,
      h('div', {class: 'actions'}, h('button', {class: 'primary'}, 'Continue'))));
    dialog.addEventListener('close', () => { // also by Esc; then the server asks again
      dialog.remove();
      const token = input.value.trim();
      resolve(isToken(token) ? token : '');
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
