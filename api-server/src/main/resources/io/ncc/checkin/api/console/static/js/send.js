// The button that sends one checkin.
import {button, h} from './dom.js';
import {dialog} from './dialog.js';
import {send} from './http.js';
import {live} from './live.js';
import {doItYourself, quoted} from './parts.js';

/** A button that is there if the visitor may send checkins and the server knows a receiver. */
export function sendButton(signal) {
  const element = button('Send a checkin', ask, {class: 'primary'});
  live.watch(['hello'], signal, () => {
    element.hidden = !(live.may('write') || live.may('own')) || !live.hello.receiverUrl;
  });
  return element;
}

function ask() {
  const input = (name, value, properties) =>
    h('label', {}, name, h('input', {name, value, required: true, inputmode: 'numeric', ...properties}));
  const pattern = {pattern: '[1-9][0-9]{0,18}', title: 'a whole number from 1 on'};
  const fields = h('div', {class: 'fields'},
    input('userId', 1 + Math.floor(Math.random() * 1000), pattern),
    input('locationId', 1 + Math.floor(Math.random() * 200), pattern),
    input('starRating', 3 + Math.floor(Math.random() * 3), {type: 'number', min: 0, max: 5}));
  const value = (name) => fields.querySelector(`[name=${name}]`).value;
  const json = () =>
    `{"userId":${value('userId')},"locationId":${value('locationId')},"starRating":${value('starRating')}}`;
  const commands = doItYourself(['Send it to the receiver',
    () => `curl -s ${live.hello.receiverUrl}/checkins -H 'Content-Type: application/json' -d ${quoted(json())}`]);
  fields.addEventListener('input', () => commands.dispatchEvent(new Event('toggle'))); // the command is made anew
  const lead = h('p', {}, 'It goes to the receiver. Then you see what becomes of it.');
  dialog('Send a checkin', [lead, fields, commands], {
    label: 'Send',
    act: async () => {
      const {id} = await send('POST', 'console/checkins', {
        userId: value('userId'), locationId: value('locationId'), starRating: Number(value('starRating')),
      });
      location.hash = `#/checkins/${id}`;
    },
  });
}
