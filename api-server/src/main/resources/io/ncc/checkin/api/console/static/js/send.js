// The button that sends one checkin.
import {h} from './dom.js';
import {send} from './http.js';
import {live} from './live.js';
import {dialog} from './dialog.js';

/** A button that is there if the visitor may send checkins and the server knows a receiver. */
export function sendButton(signal) {
  const button = h('button', {type: 'button', class: 'primary', onclick: ask}, 'Send a checkin');
  live.watch(['hello'], signal, () => {
    button.hidden = !live.may('write') || !live.hello.receiverUrl;
  });
  return button;
}

function ask() {
  const input = (name, value, properties) => h('label', {}, name, h('input', {name, value, required: true, inputmode: 'numeric', ...properties}));
  const pattern = {pattern: '[1-9][0-9]{0,18}', title: 'a whole number from 1 on'};
  const fields = h('div', {class: 'fields'},
    input('userId', 1 + Math.floor(Math.random() * 1000), pattern),
    input('locationId', 1 + Math.floor(Math.random() * 200), pattern),
    input('starRating', 3 + Math.floor(Math.random() * 3), {type: 'number', min: 0, max: 5}));
  dialog('Send a checkin', [h('p', {}, 'It goes to the receiver. Then you see what becomes of it.'), fields], {
    label: 'Send',
    act: async () => {
      const value = (name) => fields.querySelector(`[name=${name}]`).value;
      const {id} = await send('POST', 'console/checkins', {
        userId: value('userId'), locationId: value('locationId'), starRating: Number(value('starRating')),
      });
      location.hash = `#/checkins/${id}`;
    },
  });
}
