// The consumer groups of the stream, their consumers and what these hold.
import {h, patch, setAttribute, setText, table} from './dom.js';
import {count, duration, plural} from './format.js';
import {consumersOf, lanes} from './lanes.js';
import {live} from './live.js';
import {doItYourself, panel, quoted, sampleAge, serverAddress} from './parts.js';

export function groups(root, name, signal) {
  return name ? oneGroup(root, name, signal) : allGroups(root, signal);
}

function allGroups(root, signal) {
  const rows = h('tbody');
  root.append(h('div', {class: 'title'}, h('h1', {}, 'Groups')),
    h('p', {class: 'lead'}, 'Each group reads the whole stream by itself. The processor\'s own keep totals and rankings; the others belong to other programs.'),
    panel('Consumer groups', {extra: sampleAge(signal)},
      table('Consumer groups', ['Group', '#Consumers', '#Not yet delivered', '#Held', '#Behind', '#Applied'], rows), doItYourself(
        ['All groups', `curl -s ${serverAddress()}/stream/groups`],
        ['The same in Redis', 'redis-cli XINFO GROUPS ncc:checkins'])));
  live.watch(['sample', 'hello'], signal, () => patch(rows, live.known?.groups ?? [], (group) => group.name,
    (group) => h('tr', {}, h('th', {scope: 'row'}, h('a', {href: `#/groups/${encodeURIComponent(group.name)}`}, group.name),
      group.processor ? h('span', {class: 'tag'}, 'processor') : null), [0, 1, 2, 3, 4].map(() => h('td', {class: 'number'}))),
    (row, group) => [count(numberOfConsumers(group)), count(group.lag), count(group.pending), duration(group.behind), count(group.applied)]
      .forEach((text, i) => setText(row.children[i + 1], text))));
  return 'Groups';
}

function numberOfConsumers(group) {
  return consumersOf(group).length + (group.moreConsumers ?? 0);
}

function oneGroup(root, name, signal) {
  const lead = h('p', {class: 'lead'});
  const ofGroup = lanes(100);
  const rows = h('tbody');
  root.append(h('div', {class: 'title'}, h('h1', {}, name)), lead,
    panel('Who has what', {extra: sampleAge(signal)}, ofGroup.element),
    panel('Consumers', {}, table('Consumers', ['Consumer', '#Held', '#Last active'], rows), doItYourself(
      ['The consumers', `curl -s ${quoted(`${serverAddress()}/stream/groups/${encodeURIComponent(name)}/consumers`)}`],
      ['What they hold', `curl -s ${quoted(`${serverAddress()}/stream/groups/${encodeURIComponent(name)}/pending`)}`],
      ['The same in Redis', `redis-cli XINFO CONSUMERS ncc:checkins ${quoted(name)}`])));
  live.watch(['sample', 'hello'], signal, () => {
    const group = live.known?.groups.find((other) => other.name === name);
    if (!group) {
      setText(lead, live.known ? 'There is no such group now.' : '');
      return;
    }
    setText(lead, `${plural(numberOfConsumers(group), 'consumer')}, ${count(group.lag)} not yet delivered, ${count(group.pending)} held, ${duration(group.behind)} behind.`);
    ofGroup.draw(group, live.claimAfter());
    patch(rows, consumersOf(group), (consumer) => consumer.name,
      (consumer) => h('tr', {}, h('th', {scope: 'row'}, consumer.name), h('td', {class: 'number'}), h('td', {class: 'number'})),
      (row, consumer) => {
        setText(row.children[1], count(consumer.pending));
        setText(row.children[2], consumer.idle === null ? '–' : `${duration(consumer.idle)} ago`);
        setAttribute(row, 'data-gone', consumer.pending === null);
      });
  });
  return name;
}
