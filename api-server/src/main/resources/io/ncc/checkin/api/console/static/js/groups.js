// The consumer groups of the stream, their consumers and what these hold.
import {h, numberCell, patch, rowHeading, setAttribute, setCells, setText, table} from './dom.js';
import {count, duration, plural, UNKNOWN} from './format.js';
import {consumersOf, lanes} from './lanes.js';
import {live} from './live.js';
import {doItYourself, groupLink, panel, quoted, redisCommand, sampleAge, serverAddress} from './parts.js';

const HEADINGS = ['Group', '#Behind', '#Held', '#Not yet delivered', '#Applied', '#Dead letters', '#Consumers'];

/** The view: all groups, or one. */
export function groups(root, name, signal) {
  return name ? oneGroup(root, name, signal) : allGroups(root, signal);
}

function allGroups(root, signal) {
  const rows = h('tbody');
  const more = h('p', {class: 'note'});
  root.append(h('div', {class: 'title'}, h('h1', {}, 'Groups')),
    h('p', {class: 'lead'}, 'Each group reads the whole stream by itself. '
      + 'The processor\'s own keep totals and rankings; the others belong to other programs.'),
    panel('Consumer groups', {extra: sampleAge(signal)}, table('Consumer groups', HEADINGS, rows), more, doItYourself(
      ['All groups', `curl -s ${serverAddress()}/stream/groups`],
      ['The same in Redis', redisCommand('XINFO GROUPS', 'checkins')])));
  const create = ({name, processor}) => h('tr', {},
    rowHeading(groupLink(name), processor ? h('span', {class: 'tag'}, 'processor') : null),
    HEADINGS.slice(1).map(() => numberCell()));
  const update = (row, group) => setCells(row, [duration(group.behind), count(group.pending), count(group.lag),
    count(group.applied), count(group.deadLetters), count(numberOfConsumers(group))]);
  live.watch(['sample', 'hello'], signal, () => {
    patch(rows, live.known?.groups ?? [], (group) => group.name, create, update);
    const number = live.known?.moreGroups;
    setText(more, number ? `${plural(number, 'more group')}: this page is told of 20 at most.` : '');
  });
  return 'Groups';
}

/** What is said of a group that isn't in the sample. */
function absence() {
  if (!live.known) {
    return '';
  }
  return live.known.moreGroups ? 'It isn\'t among the groups that this page is told of.' : 'There is no such group now.';
}

function numberOfConsumers(group) {
  return consumersOf(group).length + group.moreConsumers;
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
      ['The same in Redis', redisCommand('XINFO CONSUMERS', 'checkins', quoted(name))])));
  live.watch(['sample', 'hello'], signal, () => {
    const group = live.known?.groups.find((other) => other.name === name);
    if (!group) {
      setText(lead, absence());
      return;
    }
    setText(lead, `${plural(numberOfConsumers(group), 'consumer')}, ${count(group.lag)} not yet delivered, `
      + `${count(group.pending)} held, ${duration(group.behind)} behind.`);
    ofGroup.draw(group, live.hello.claimAfter);
    patch(rows, consumersOf(group), (consumer) => consumer.name,
      (consumer) => h('tr', {}, rowHeading(consumer.name), numberCell(), numberCell()),
      (row, consumer) => {
        setCells(row, [count(consumer.pending), consumer.idle === null ? UNKNOWN : `${duration(consumer.idle)} ago`]);
        setAttribute(row, 'data-gone', consumer.pending === null);
      });
  });
  return name;
}
