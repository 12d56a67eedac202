// Line charts over time, by uPlot, with a table of the same figures.
import UPlot from '../webjars/uplot/dist/uPlot.esm.js';
import {colorOf, h, numberCell, patch, rowHeading, setCells, setText, table} from './dom.js';
import {clock, short} from './format.js';

const MINUTE = 60000;
const MOST_MINUTES = 15;
const HEIGHT = 160;

/**
 * A chart of some values of a history.
 *
 * @param title what it shows
 * @param lines [{name: of the values in the history, label, color: a CSS variable}]
 * @param format of a value
 * @param usual up to which value the scale goes at most, if most values are below
 * @param signal ends it
 * @returns {element, draw: called with the history}
 */
export function lineChart({title, lines, format, usual = Infinity, signal}) {
  const canvas = h('div', {class: 'plot', role: 'img'});
  const values = lines.map(() => h('b', {}, ''));
  const legend = h('p', {class: 'legend'}, lines.map((line, i) =>
    h('span', {}, h('i', {class: 'swatch', data: {color: line.color}}), `${line.label} `, values[i])));
  const rows = h('tbody', {});
  const details = h('details', {class: 'alternative'}, h('summary', {}, 'As a table'),
    table(title, ['Minute', ...lines.map((line) => '#' + line.label)], rows));
  const element = h('figure', {class: 'chart'}, h('figcaption', {}, title, legend), canvas, details);
  let plot = null;
  let history = null;

  function showValues(index) {
    lines.forEach((line, i) => setText(values[i], history ? format(history[line.name][index]) : ''));
  }

  function make() {
    plot?.destroy();
    const axis = {
      stroke: colorOf('--muted'),
      font: '12px system-ui, sans-serif',
      grid: {stroke: colorOf('--line'), width: 1},
      ticks: {show: false},
    };
    const clocks = (_, times) => times.map((time) => clock(time * 1000).slice(0, history.step > 1000 ? 5 : 8));
    plot = new UPlot({
      width: widthOf(canvas),
      height: HEIGHT,
      legend: {show: false},
      cursor: {y: false, drag: {x: false, y: false}, points: {size: 7}},
      scales: {y: {range: () => [0, topOf(lines.flatMap((line) => history?.[line.name] ?? []), usual)]}},
      axes: [
        {...axis, size: 26, space: 70, values: clocks},
        {...axis, size: 44, space: 36, values: (_, ticks) => ticks.map(short)},
      ],
      series: [{}, ...lines.map((line, i) => ({
        stroke: colorOf(line.color),
        fill: i === 0 ? colorOf(line.color, 0.12) : undefined,
        width: 2,
        points: {show: false},
      }))],
      hooks: {setCursor: [(chart) => history && showValues(chart.cursor.idx ?? history.times.length - 1)]},
    }, data(), canvas);
  }

  function data() {
    return [history.times.map((time) => time / 1000), ...lines.map((line) => history[line.name])];
  }

  function draw(newHistory) {
    history = newHistory;
    if (!plot) {
      make();
    } else {
      plot.setData(data());
    }
    if (plot.cursor.idx === null || plot.cursor.idx === undefined || plot.cursor.left < 0) {
      showValues(history.times.length - 1);
    }
    const told = lines.map(({name, label}) =>
      `${label} now ${format(history[name][history.times.length - 1])}, highest ${format(highest(history[name]))}`);
    canvas.setAttribute('aria-label', `${title}. ${told.join('; ')}.`);
    if (details.open) {
      drawTable();
    }
  }

  function drawTable() {
    const shown = minutes(history, lines.map((line) => line.name)).slice(0, MOST_MINUTES);
    patch(rows, shown, ({time}) => String(time),
      ({time}) => h('tr', {}, rowHeading(clock(time).slice(0, 5)), lines.map(() => numberCell())),
      (row, {values: means}) => setCells(row, means.map(format)));
  }

  details.addEventListener('toggle', () => history && details.open && drawTable());
  const resized = new ResizeObserver(() => plot?.setSize({width: widthOf(canvas), height: HEIGHT}));
  resized.observe(canvas);
  document.addEventListener('theme', () => plot && make(), {signal});
  signal.addEventListener('abort', () => {
    resized.disconnect();
    plot?.destroy();
  });
  return {element, draw};
}

function widthOf(canvas) {
  return Math.max(canvas.clientWidth, 100);
}

/** The end of a scale from 0 for these values. Those above `usual` leave the chart, unless they are the half of all. */
export function topOf(values, usual) {
  const known = values.filter((value) => value !== null);
  const below = known.filter((value) => value <= usual);
  return Math.max((highest(below.length * 2 > known.length ? below : known) ?? 0) * 1.1, 1);
}

function highest(values) {
  const known = values.filter((value) => value !== null);
  return known.length ? known.reduce((one, other) => Math.max(one, other)) : null;
}

/** The means of each minute, newest first: [{time, values}]. A minute without a value has null. */
export function minutes(history, names) {
  const byMinute = new Map();
  history.times.forEach((time, i) => {
    const minute = time - time % MINUTE;
    if (!byMinute.has(minute)) {
      byMinute.set(minute, []);
    }
    byMinute.get(minute).push(i);
  });
  return [...byMinute].reverse().map(([time, indexes]) => ({
    time,
    values: names.map((name) => {
      const known = indexes.map((i) => history[name][i]).filter((value) => value !== null);
      return known.length ? known.reduce((sum, value) => sum + value, 0) / known.length : null;
    }),
  }));
}
