// Tests of what the console computes. ConsoleModulesIT runs each function of `tests` in a browser.
import {deadLetters, namedBy} from '../js/dead-letters.js';
import {h, holdWhileUsed, patch} from '../js/dom.js';
import {age, count, duration, milliseconds, plural, rate, short, stars, UNKNOWN} from '../js/format.js';
import {feedList, wanted} from '../js/feed.js';
import {boundsOf, degrees, fit, gridLines, nearest, roundStep, scaleBar} from '../js/geo.js';
import {EventParser, followWhileSeen, getJson} from '../js/http.js';
import {compareEntryIds, isId, parseEntryId, parseJson, viewOf} from '../js/ids.js';
import {consumersOf, freshness, placeOf} from '../js/lanes.js';
import {minutes, topOf} from '../js/chart.js';
import {checkin} from '../js/checkin.js';
import {groups} from '../js/groups.js';
import {Live, live} from '../js/live.js';
import {location} from '../js/location.js';
import {map} from '../js/map.js';
import {quoted, withToken} from '../js/parts.js';
import {behindOf, drainOf, totalsOf, unknownOf} from '../js/sample.js';
import {Series, trend} from '../js/series.js';
import {stateOf} from '../js/state.js';

function equal(actual, expected) {
  const [one, other] = [actual, expected].map((value) => JSON.stringify(value, (_, each) => Number.isNaN(each) ? 'NaN' : each));
  if (one !== other) {
    throw new Error(`is ${one}, and should be ${other}`);
  }
}

function near(actual, expected) {
  if (!(Math.abs(actual - expected) < 1e-6 * Math.max(1, Math.abs(expected)))) {
    throw new Error(`is ${actual}, and should be about ${expected}`);
  }
}

const later = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function eventually(condition) {
  for (let i = 0; i < 500; i++) {
    if (condition()) {
      return;
    }
    await later(10);
  }
  throw new Error(`never: ${condition}`);
}

/** In place of the network: each request is answered by an event, and by no end. */
function fakeConnections() {
  const {fetch} = window;
  const open = new Set();
  window.fetch = async (path, {signal}) => new Response(new ReadableStream({
    start(stream) {
      open.add(stream);
      signal.addEventListener('abort', () => open.delete(stream) && stream.error(signal.reason));
      stream.enqueue(new TextEncoder().encode('event: status\ndata: 1\n\n'));
    },
  }));
  return {
    open: () => open.size,
    end: () => open.forEach((stream) => open.delete(stream) && stream.close()),
    restore: () => {
      window.fetch = fetch;
    },
  };
}

const group = (properties) => ({
  name: 'checkinConsumers', processor: true, applied: 10, behind: 0, lag: 0, pending: 0, drain: null,
  consumers: [{name: 'one', idle: 5, pending: 0}], entries: [], ...properties,
});
const sample = (properties, ...groups) => ({
  available: true, away: [], length: 100, maxLength: 1000, deadLetters: 0, rates: {accepted: 1, accepted10: 1, applied: 1, applied10: 1},
  groups: groups.length ? groups : [group()], ...properties,
});

export const tests = {

  aValueThatIsNotKnownIsNeverZero() {
    for (const format of [count, rate, short, duration, milliseconds]) {
      equal([format(null), format(undefined), format(NaN)], [UNKNOWN, UNKNOWN, UNKNOWN]);
    }
    equal(age(null), '');
  },

  ratesHaveTheDigitsThatMatter() {
    equal([0, 0.04, 0.26, 9.94, 9.96, 48.4, 12345.6].map(rate), ['0', '0.1', '0.3', '9.9', '10', '48', '12,346']);
    equal([0, 7.25, 999, 1500, 20000, 3000000].map(short), ['0', '7.3', '999', '1.5k', '20k', '3M']);
  },

  durationsHaveAtMostTwoUnits() {
    equal([0, 49, 400, 9940, 9960, 12000, 59600, 60000, 200000, 7500000, 273600000].map(duration),
      ['0 s', '0 s', '0.4 s', '9.9 s', '10 s', '12 s', '1 min', '1 min', '3 min 20 s', '2 h 5 min', '3 d 4 h']);
    equal([duration(0, false), duration(5400, false), duration(70000, false)], ['0 s', '5 s', '1 min 10 s']);
    equal([duration(-5), milliseconds(4.4), milliseconds(320), milliseconds(1300)], ['0 s', '4 ms', '320 ms', '1.3 s']);
    equal([age(200), age(2900), age(65000)], ['now', '3 s ago', '1 min 5 s ago']);
  },

  aTextIsOneWordForAShell() {
    equal(['mine', 'a b', 'x; rm -rf ~', "it's", '$(id)'].map(quoted), ['mine', "'a b'", "'x; rm -rf ~'", "'it'\\''s'", "'$(id)'"]);
  },

  aCommandTakesTheTokenFromTheShell() {
    equal(withToken('curl -s http://localhost/stream', true), 'curl -H "Authorization: Bearer $TOKEN" -s http://localhost/stream');
    equal([withToken('curl -s x', false), withToken('redis-cli XLEN x', true)], ['curl -s x', 'redis-cli XLEN x']);
  },

  anAddressNamesAGroupAndADeadLetter() {
    equal(['', '5-0', 'checkinBoards', 'checkinBoards/5-0-3'].map(namedBy), [
      {group: 'checkinConsumers', id: null}, {group: 'checkinConsumers', id: '5-0'},
      {group: 'checkinBoards', id: null}, {group: 'checkinBoards', id: '5-0-3'}]);
  },

  wordsAgreeWithNumbers() {
    equal([plural(1, 'checkin'), plural(0, 'checkin'), plural(2000, 'entry', 'entries')], ['1 checkin', '0 checkins', '2,000 entries']);
    equal([stars(0), stars(3), stars(5)], ['☆☆☆☆☆', '★★★☆☆', '★★★★★']);
  },

  idsOfEntriesAreReadWithAndWithoutAPartition() {
    equal(parseEntryId('1795169664047-0'), {time: 1795169664047, sequence: '0', partition: null});
    equal(parseEntryId('1795169664047-3-12'), {time: 1795169664047, sequence: '3', partition: 12});
    equal(['', '5', 'a-1', '1-2-3-4', '1-', ' 1-2'].map(parseEntryId), [null, null, null, null, null, null]);
  },

  idsOfEntriesAreComparedAsNumbersOfAnySize() {
    equal([compareEntryIds('9-0', '10-0'), compareEntryIds('10-2', '10-11'), compareEntryIds('1-1-2', '1-1-2'), compareEntryIds('1-1-10', '1-1-9')], [-1, -1, 0, 1]);
    equal(compareEntryIds('18446744073709551615-18446744073709551615', '18446744073709551615-18446744073709551614'), 1);
  },

  idsAreOneToTheLargestLong() {
    equal(['1', '9223372036854775807'].map(isId), [true, true]);
    equal(['0', '01', '-1', '9223372036854775808', '1.0', ''].map(isId), [false, false, false, false, false, false]);
  },

  whatPeopleTypeLeadsToAView() {
    equal(['1795169664047-0', ' 1795169664047-0-3 ', 'user 789', 'u789', '789', 'Location 171', 'l171', 'place #4'].map(viewOf),
      ['#/checkins/1795169664047-0', '#/checkins/1795169664047-0-3', '#/users/789', '#/users/789', '#/users/789', '#/locations/171', '#/locations/171', '#/locations/4']);
    equal(['', 'Oakland', 'user x', 'user 0', '<img>'].map(viewOf), [null, null, null, null, null]);
  },

  idsThatADoubleCannotHoldKeepTheirDigits() {
    equal(parseJson('{"userId":9007199254740993,"starRating":5,"average":1.5,"text":"9007199254740993"}'),
      {userId: '9007199254740993', starRating: 5, average: 1.5, text: '9007199254740993'});
  },

  eventsAreTheSameWhereverTheirTextIsCut() {
    const text = ': hello\r\nevent: sample\r\ndata: {"a":\r\ndata: 1}\r\n\r\ndata: "é"\n\nevent: empty\n\nid: 4\ndata:2\n\n';
    for (let cut = 0; cut <= text.length; cut++) {
      const heard = [];
      const parser = new EventParser((name, data) => heard.push([name, data]));
      parser.push(text.slice(0, cut));
      parser.push(text.slice(cut));
      equal(heard, [['sample', {a: 1}], ['message', 'é'], ['message', 2]]);
    }
  },

  async aRouteIsFollowedAgainAfterTheConnectionWasLostAndNotWhileThePageIsHidden() {
    const connections = fakeConnections();
    const pageIs = (hidden) => {
      Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});
      document.dispatchEvent(new Event('visibilitychange'));
    };
    const heard = [];
    const problems = [];
    const leaves = new AbortController();
    const followed = followWhileSeen('x', leaves.signal, (name, data) => heard.push(name + data),
      (problem) => problems.push(problem) && false, {hidden: 50, pause: 10});
    try {
      await eventually(() => heard.length === 1 && connections.open() === 1);
      connections.end();
      await eventually(() => heard.length === 2 && connections.open() === 1);
      equal(problems, [null]);
      pageIs(true);
      await later(10);
      equal(connections.open(), 1); // the visitor may come back at once
      await eventually(() => connections.open() === 0 && problems.length === 2);
      await later(30);
      equal(heard.length, 2);
      pageIs(false);
      await eventually(() => heard.length === 3 && connections.open() === 1);
      leaves.abort();
      await followed;
      equal([connections.open(), problems.length], [0, 2]);
    } finally {
      leaves.abort();
      connections.restore();
      delete document.hidden;
    }
  },

  async aRouteOfWhichNothingIsHeardIsFollowedAgain() {
    const connections = fakeConnections();
    const leaves = new AbortController();
    let heard = 0;
    followWhileSeen('x', leaves.signal, () => heard++, () => false, {pause: 10, silence: 50});
    try {
      await eventually(() => heard >= 3);
      await eventually(() => connections.open() === 1);
    } finally {
      leaves.abort();
      connections.restore();
    }
  },

  async aTraceGoesOnAfterAMinuteAndEndsWhenTheCheckinIsSettled() {
    const {fetch} = window;
    const event = (name, data) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
    const held = (consumer, deliveries) => event('status', {id: '1-1', status: 'processing', consumer, deliveries, checkin: null});
    const timeout = event('end', {reason: 'timeout'});
    const answers = [held('a', 1) + timeout, null, held('a', 1) + held('b', 2) + timeout,
      event('status', {id: '1-1', status: 'applied', checkin: null}) + event('end', {reason: 'settled'})];
    let asked = 0;
    window.fetch = async () => {
      const answer = answers[asked++];
      return answer === null ? new Response('{"type": "redis", "detail": "Away."}', {status: 503}) : new Response(answer);
    };
    const leaves = new AbortController();
    const root = h('div');
    try {
      checkin(root, '1-1', leaves.signal, {pause: 10});
      const steps = () => [...root.querySelectorAll('.steps b')].map((step) => step.textContent.split(':')[0]);
      await eventually(() => steps().length === 4);
      equal(steps(), ['Accepted', 'Held by a, delivery 1', 'Held by b, delivery 2', 'Applied']);
      await later(50);
      equal([asked, root.querySelector('.failure')], [4, null]);
    } finally {
      leaves.abort();
      window.fetch = fetch;
    }
  },

  async aTokenThatCannotBeSentIsAskedForAgain() {
    const {fetch} = window;
    const sent = [];
    window.fetch = async (path, {headers}) => {
      sent.push(headers.get('Authorization'));
      return headers.get('Authorization') === 'Bearer good' ? new Response('"yes"') : new Response('', {status: 401});
    };
    sessionStorage.setItem('checkins.token', '“quoted”');
    try {
      const answer = getJson('x');
      await eventually(() => document.querySelector('#token'));
      const input = document.querySelector('#token');
      const give = (text) => {
        input.value = text;
        input.dispatchEvent(new Event('input'));
        input.form.requestSubmit();
        return input.validationMessage.split(':')[0];
      };
      equal(['“good”', '••••', 'go od', ' '].map(give), Array(4).fill('This is no token'));
      equal([give(' good '), await answer, sent], ['', 'yes', [null, 'Bearer good']]);
    } finally {
      sessionStorage.removeItem('checkins.token');
      window.fetch = fetch;
    }
  },

  async nothingChangesWhileThePageIsPausedAndAfterwardsAllIsShown() {
    const {fetch} = window;
    let number = 1;
    const streams = new Map();
    const letters = () => Array.from({length: number}, (_, i) => ({id: `${i + 1}-0`, reason: 'x', deliveries: 1, originalId: '1-1'}));
    window.fetch = async (path) => {
      if (/^(checkins.stream|console.trace)/.test(path)) {
        return new Response(new ReadableStream({start: (stream) => streams.set(path.split('/')[0], stream)}));
      }
      return new Response(JSON.stringify(path.startsWith('locations/171/') ? {items: []}
        : path.startsWith('locations') ? {id: 171, name: 'Here', numCheckins: number, averageStars: null, category: null, location: null}
        : path.startsWith('dead-letters/') ? {items: [{reason: 'x', count: number, newest: '1-0'}]} : {items: letters(), next: null}));
    };
    const tell = (of, name, data) =>
      streams.get(of).enqueue(new TextEncoder().encode(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`));
    let time = 1e9;
    const sampled = () => live.heard('sample', sample({time: time += 1000}, group({deadLetters: number})), false);
    const leaves = new AbortController();
    const [place, dead, one] = [h('div'), h('div'), h('div')];
    try {
      sampled();
      location(place, '171', leaves.signal);
      deadLetters(dead, '', leaves.signal);
      checkin(one, '1-1', leaves.signal);
      const shown = () => [place.querySelector('dl')?.textContent, place.querySelectorAll('.feed li').length,
        dead.querySelector('h1').textContent, dead.querySelectorAll('.letters tbody tr').length, one.querySelectorAll('.steps li').length];
      await eventually(() => streams.size === 2 && shown()[3] === 1 && shown()[0]);
      tell('console', 'status', {id: '1-1', status: 'queued', checkin: null});
      await eventually(() => shown()[4] === 2);
      const before = shown();

      live.pause(true);
      number = 2;
      tell('console', 'status', {id: '1-1', status: 'applied', checkin: null});
      tell('checkins', 'message', {id: '1-1', userId: 1, locationId: 171, starRating: 4, timestamp: 1});
      live.heard('dead', {count: 1}, false);
      sampled();
      await later(1200); // longer than a view waits before it loads again
      equal(shown(), before);

      live.pause(false);
      await eventually(() => JSON.stringify(shown()) === JSON.stringify(['Id171Checkins2Average–Category–Place–', 1, '2 dead letters', 2, 3]));
      number = 1; // somebody else has replayed one
      sampled();
      await eventually(() => shown()[2] === '1 dead letter' && shown()[3] === 1);
    } finally {
      leaves.abort();
      live.pause(false);
      window.fetch = fetch;
    }
  },

  groupsThatAreLeftOutAreCountedAndNotDenied() {
    const leaves = new AbortController();
    const [all, one] = [h('div'), h('div')];
    const lead = () => one.querySelector('.lead').textContent;
    live.heard('sample', sample({time: 2e9, moreGroups: 6}), false);
    groups(all, '', leaves.signal);
    groups(one, 'the 21st', leaves.signal);
    equal(all.querySelector('.note').textContent, '6 more groups: this page is told of 20 at most.');
    equal(lead(), 'It isn\'t among the groups that this page is told of.');
    live.heard('sample', sample({time: 2e9 + 1000, moreGroups: 0}), false);
    equal([all.querySelector('.note').textContent, lead()], ['', 'There is no such group now.']);
    leaves.abort();
  },

  historyIsAlignedWithItsEnd() {
    const series = new Series(1000, 3);
    series.load({step: 1000, end: 50000, accepted: [1, 2, 3, 4], applied: [1, null, 3, 4]});
    equal([series.times, series.accepted, series.applied, series.behind], [[48000, 49000, 50000], [2, 3, 4], [null, 3, 4], [null, null, null]]);
  },

  whatIsMissingBetweenTwoPointsIsAGap() {
    const series = new Series(1000, 10);
    series.add(1000, {accepted: 5});
    series.add(2100, {accepted: 6});
    series.add(9000, {accepted: 7});
    series.add(9000, {accepted: 8});
    equal([series.times, series.accepted], [[1000, 2100, 3100, 9000], [5, 6, null, 7]]);
  },

  aSeriesIsBoundedAndItsMeanIgnoresGaps() {
    const series = new Series(1000, 4);
    [1, 2, null, 4, 6].forEach((accepted, i) => series.add(1000 * i, {accepted}));
    equal([series.accepted, series.mean('accepted', 3000), series.mean('applied', 3000)], [[2, null, 4, 6], 5, null]);
  },

  theTrendFollowsTheLineThroughThePoints() {
    const times = [1, 2, 3, 4, 5];
    equal(trend(times, [100, 220, 300, 390, 510], 10), 'rising');
    equal(trend(times, [500, null, 300, 210, 90], 10), 'falling');
    equal(trend(times, [100, 103, 99, 101, 100], 10), 'steady');
    equal(trend(times, [null, null, null, 1, 900], 10), null);
  },

  minutesAreMeansNewestFirst() {
    const history = {times: [60000, 119000, 120000, 180000], a: [1, 3, null, 8]};
    equal(minutes(history, ['a']), [{time: 180000, values: [8]}, {time: 120000, values: [null]}, {time: 60000, values: [2]}]);
  },

  theScaleLeavesOutWhatIsNotUsual() {
    equal([topOf([], 100), topOf([null, 0], 100), topOf([null, 10, 50], 100)].map((top) => Math.round(top)), [1, 1, 55]);
    equal([topOf([10, 20, 1e8], 100), topOf([10, 1e3, 1e3], 100)].map((top) => Math.round(top)), [22, 1100]);
  },

  theSentenceNamesTheWorstFirst() {
    const level = (of, going = null) => stateOf(of, going).level + ': ' + stateOf(of, going).title;
    equal(level(null), 'unknown: Looking…');
    equal(level({available: false, reason: 'TIMEOUT'}), 'bad: Redis is away');
    equal(level(sample({away: [3, 4], deadLetters: 2})), 'bad: 2 partitions can\'t be read');
    equal(level(sample({groups: []})), 'look: No processor has run yet');
    equal(level(sample({}, group({consumers: [], behind: 8000}))), 'bad: No processor is running');
    equal(level(sample({}, group({behind: null}))), 'look: It isn\'t known how far behind the processors are');
    const boards = group({name: 'checkinBoards', behind: null});
    equal(level(sample({}, group(), boards)), 'look: It isn\'t known how far behind the processors are');
    equal(stateOf(sample({}, group(), boards), null).detail, 'What checkinBoards settled can\'t be read.');
    equal(level(sample({}, group({behind: 90000}), boards)), 'bad: 1 min 30 s behind');
    equal(stateOf(sample({}, group({behind: 90000}), group({name: 'b', behind: 8000, consumers: []})), null).detail,
      'Checkins are stored; the oldest has waited for 8.0 s in b.');
    equal(level(sample({}, group({behind: 12000, drain: 40})), 'falling'), 'look: Catching up: 12 s behind');
    equal(stateOf(sample({}, group({behind: 12000, drain: 40})), 'falling').detail, 'At this rate it is done in about 40 s.');
    equal(level(sample({}, group({behind: 90000})), 'rising'), 'bad: 1 min 30 s behind');
    equal(level(sample({deadLetters: 1})), 'look: Running, with dead letters');
    equal(level(sample({length: 900})), 'look: The stream is filling up');
    equal(level(sample({})), 'good: All is well');
  },

  nothingIsWellOfWhichNothingIsHeard() {
    equal([stateOf(sample({}), null, true).level, stateOf(null, null, true).level], ['unknown', 'unknown']);
    equal(stateOf(sample({}), null, true).title, 'The API server can\'t be asked');
  },

  async aConnectionThatDoesNotComeBackIsLost() {
    const live = new Live();
    let told = 0;
    live.addEventListener('connection', () => told++);
    live.heard('sample', sample({time: 1000}), false);
    equal([live.isLost(), told], [false, 1]);
    live.lose(null);
    equal([live.isLost(), told], [false, 2]); // it may come back at once
    await eventually(() => live.isLost() && told === 3);
    live.heard('sample', sample({time: 1000}), false);
    equal([live.isLost(), told], [false, 4]);
  },

  thatRedisIsBackIsToldOnceAndAlsoAfterALostConnection() {
    const live = new Live();
    let told = 0;
    live.addEventListener('back', () => told++);
    const hear = (available, time) => {
      live.heard('sample', available ? sample({time}) : {available, reason: 'AWAY'}, false);
      return told;
    };
    equal([hear(true, 1000), hear(false), hear(false), hear(true, 4000), hear(true, 5000)], [0, 0, 0, 1, 1]);
    live.lose(null);
    equal([hear(true, 6000), hear(true, 7000)], [2, 2]);
  },

  async whatCouldNotBeLoadedIsLoadedWhenRedisIsBack() {
    const answers = {
      'console/places': {ids: [171], lon: [8.5], lat: [47.4], names: ['Here'], checkins: [1], places: [1], clustered: false},
      'locations/171': {id: 171, name: 'Here', numCheckins: 1, averageStars: 4, category: null, location: null},
      'locations/171/visitors?limit=10': {items: [{id: 1, firstName: 'Ada', lastName: null, lastCheckin: 1}]},
      'checkins?order=desc&limit=10': {items: [{id: '1-1', userId: 1, locationId: 171, starRating: 4, timestamp: 1}]},
    };
    const {fetch} = window;
    let isAway = true;
    window.fetch = async (path) => path.startsWith('checkins/stream')
      ? new Response(new ReadableStream({}))
      : isAway ? new Response('{"type": "redis", "detail": "Away."}', {status: 503}) : new Response(JSON.stringify(answers[path]));
    const leaves = new AbortController();
    const place = h('div');
    const all = h('div');
    const list = h('div');
    document.body.append(place, all, list);
    try {
      live.heard('sample', {available: false, reason: 'AWAY'}, false);
      location(place, '171', leaves.signal);
      map(all, '', leaves.signal);
      list.append(...feedList(8, leaves.signal).list);
      const text = () => [place, all].map((view) => view.querySelector('.failure')?.textContent);
      await eventually(() => text().join() === 'Away.,Away.');
      isAway = false;
      live.heard('sample', sample({time: 1000}), false);
      await eventually(() => place.querySelector('h1').textContent === 'Here' && place.textContent.includes('Ada'));
      await eventually(() => all.querySelector('.lead').textContent.startsWith('1 place.') && list.querySelectorAll('li').length === 1);
      equal(text(), [undefined, undefined]);
    } finally {
      leaves.abort();
      [place, all, list].forEach((view) => view.remove());
      window.fetch = fetch;
    }
  },

  aServerThatAnswersIsNotCalledAway() {
    const told = (reason) => Object.values(stateOf({available: false, reason}, null)).join(': ');
    equal(told('WRONG_TYPE'), 'bad: The stream can\'t be read (WRONG_TYPE): Something in Redis is damaged: it must be repaired.');
    equal(told('UNFIT'), 'bad: Redis is refused (UNFIT): The server must not be used: the log of the API server says what to change.');
    equal(['UNEXPECTED', 'FORBIDDEN', 'AWAY', 'LOADING'].map((reason) => stateOf({available: false, reason}, null).title),
      ['The stream can\'t be read (UNEXPECTED)', 'Redis refuses the API server (FORBIDDEN)', 'Redis is away', 'Redis is away']);
  },

  behindIsThatOfTheProcessorsGroupThatIsFurthestBehind() {
    equal(behindOf(sample({}, group({behind: 100}), group({behind: 300}), group({behind: 9000, processor: false}))), 300);
    equal(behindOf(sample({}, group({behind: null}))), null);
    equal(behindOf(sample({}, group({behind: 100}), group({behind: null}))), null);
    equal(unknownOf(sample({}, group({behind: 100}), group({name: 'a', behind: null}), group({name: 'b', behind: null}))), 'a and b');
  },

  everythingIsDoneWhenTheSlowestGroupIs() {
    const behind = 60000;
    const slowest = [group({behind, drain: 3}), group({behind, drain: 40}), group({behind, drain: 99, processor: false})];
    equal(drainOf(sample({}, ...slowest)), 40000);
    equal(drainOf(sample({}, ...slowest, group({behind, drain: null}))), null);
    equal(drainOf(sample({}, ...slowest, group({behind: null, drain: null}))), null);
    equal(drainOf(sample({}, ...slowest, group({behind: 100, drain: null}))), 40000); // nobody waits for it
  },

  whatIsAppliedIsCountedByTheGroupOfTheTotals() {
    equal(totalsOf(sample({}, group({name: 'checkinBoards', applied: 5}), group({applied: 7}))).applied, 7);
    equal(totalsOf(sample({}, group({name: 'checkinBoards'}))), undefined);
  },

  anEntryReachesTheLineWhenItMayBeClaimed() {
    equal([placeOf(0, 60000), placeOf(1e12, 60000)], [0, 1]);
    near(placeOf(60000, 60000), 0.85);
    equal([0, 5999, 6000, 30000, 59999, 60000].map((idle) => freshness(idle, 60000)), ['fresh', 'fresh', 'held', 'late', 'late', 'overdue']);
  },

  lanesDoNotChangePlacesAndAConsumerThatIsGoneHasOneWhileItHoldsEntries() {
    const of = {consumers: [{name: 'b', idle: 9, pending: 1}, {name: 'a', idle: 3, pending: 0}], entries: [{consumer: 'aa'}, {consumer: 'a'}]};
    equal(consumersOf(of), [{name: 'a', idle: 3, pending: 0}, {name: 'aa', idle: null, pending: null}, {name: 'b', idle: 9, pending: 1}]);
  },

  theFilterOfTheFeedTakesIdsAsTheyAreWritten() {
    const checkin = {userId: '9007199254740993', locationId: 171, starRating: 3};
    const all = {user: '', location: '', stars: 0};
    equal([all, {...all, user: '9007199254740993'}, {...all, user: '9'}, {...all, location: '171'}, {...all, stars: 3}, {...all, stars: 4}]
      .map((filter) => wanted(checkin, filter)), [true, true, false, true, true, false]);
  },

  theMapFitsAllPlacesAndKeepsTheirShape() {
    const bounds = boundsOf([-122.3, -122.2], [37.76, 37.86]);
    const map = fit(bounds, 800, 400, 20);
    const xs = [-122.3, -122.2].map(map.x);
    const ys = [37.86, 37.76].map(map.y);
    equal([xs[0] >= 20, xs[1] <= 780, ys[0] >= 20, ys[1] <= 380], [true, true, true, true]);
    near((xs[1] - xs[0]) / (ys[1] - ys[0]), Math.cos(37.81 * Math.PI / 180));
    near(map.lon(map.x(-122.27)), -122.27);
    near(map.lat(map.y(37.8)), 37.8);
    near(map.metresPerPixel * (ys[1] - ys[0]), 11132);
  },

  aSinglePlaceAndNoneHaveBoundsToo() {
    equal(boundsOf([], []), null);
    const {west, east, south, north} = boundsOf([8.5], [47.4]);
    near(east - west, 0.002);
    near(north - south, 0.002);
  },

  theGridHasRoundLines() {
    equal([0.07, 0.5, 1, 9.99, 30].map(roundStep).map((step) => Number(step.toPrecision(6))), [0.05, 0.5, 1, 5, 20]);
    equal(gridLines(-0.25, 0.25, 0.1).map((value) => Number(value.toFixed(6)) + 0), [-0.2, -0.1, 0, 0.1, 0.2]);
    equal([degrees(-122.25, 0.05, 'EW'), degrees(37.8, 0.1, 'NS'), degrees(0, 10, 'NS')], ['122.25° W', '37.8° N', '0°']);
    equal(scaleBar(12, 140), {metres: 1000, pixels: 1000 / 12, label: '1 km'});
    equal(nearest([0, 10, 20], [0, 0, 0], 12, 1, 5), 1);
    equal(nearest([0], [0], 12, 1, 5), -1);
  },

  patchingKeepsTheElementsOfTheirKeys() {
    const list = document.createElement('ul');
    const show = (...keys) => patch(list, keys, (key) => key, () => document.createElement('li'), (element, key) => {
      element.textContent = key;
    });
    const text = () => [...list.children].map((element) => element.textContent).join('');
    show('a', 'b', 'c');
    const [a, b, c] = list.children;
    for (const order of ['cab', 'xcab', 'b', '', 'abc', 'dacbe', 'e', 'cba']) {
      show(...order);
      equal(text(), order);
    }
    show('a', 'b', 'c');
    equal([list.children[0] === a, list.children[1] === b, list.children[2] === c], [false, false, false]); // they were away meanwhile
    const kept = list.children[1];
    show('b', 'x');
    equal(list.children[0] === kept, true);
  },

  patchingMovesNothingThatStaysWhereItIs() {
    const list = document.createElement('ul');
    const show = (keys) => patch(list, [...keys], (key) => key, () => document.createElement('li'));
    show('abcd');
    const moved = [];
    const insertBefore = list.insertBefore.bind(list);
    list.insertBefore = (element, place) => {
      moved.push(element.patchKey);
      return insertBefore(element, place);
    };
    show('xabc'); // a new one on top, the last one gone: the rest keeps focus, hover and selection
    show('bc');
    equal(moved, ['x']);
  },

  async rowsAreHeldWhileTheyHaveTheFocusOrThePointer() {
    const button = h('button', {});
    const list = h('div', {}, button);
    document.body.append(list);
    let released = 0;
    const held = holdWhileUsed(list, () => released++);
    equal(held(), false);
    button.focus();
    equal(held(), true);
    button.blur();
    await later(10);
    equal([held(), released], [false, 1]);
    list.dispatchEvent(new PointerEvent('pointerover', {pointerType: 'mouse'}));
    equal(held(), true);
    list.dispatchEvent(new PointerEvent('pointerleave'));
    await later(10);
    equal([held(), released], [false, 2]);
    list.remove();
  },

  textNeverBecomesMarkup() {
    const element = h('p', {title: '"><b>'}, '<img src=x onerror=alert(1)>');
    equal([element.children.length, element.textContent, element.title], [0, '<img src=x onerror=alert(1)>', '"><b>']);
  },
};

/** That a test which fails is seen to fail. */
export const failing = {

  thisFails() {
    equal(1, 2);
  },

  async thisFailsLater() {
    await Promise.reject(new Error('later'));
  },
};
