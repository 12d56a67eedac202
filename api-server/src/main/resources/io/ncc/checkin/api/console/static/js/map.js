// The map: every place a dot, larger the more checkins it has, that pulses when one arrives. It needs nothing from elsewhere.
import {colorOf, h, motionReduced, patch, setText, table} from './dom.js';
import {count, plural} from './format.js';
import {boundsOf, degrees, fit, gridLines, nearest, roundStep, scaleBar} from './geo.js';
import {live} from './live.js';
import {doItYourself, failure, locationLink, panel, serverAddress} from './parts.js';
import {places} from './places.js';

const PULSE = 1600;
const MOST_PULSES = 200;
const TABLE_ROWS = 12;
const MARGIN = 30;

export function map(root, selected, signal) {
  const canvas = h('canvas', {role: 'img', 'aria-label': 'Map of the places'});
  const label = h('p', {class: 'maplabel', hidden: true});
  const lead = h('p', {class: 'lead'}, 'Each dot is a place. It pulses when somebody checks in there.');
  const trouble = h('div');
  const rows = h('tbody');
  const zoom = (name, factor) => h('button', {type: 'button', class: 'small', 'aria-label': name, onclick: () => zoomBy(factor)}, factor < 1 ? '+' : '−');
  root.append(h('div', {class: 'title'}, h('h1', {}, 'Map')), lead, trouble,
    panel('Places', {extra: [zoom('Zoom in', 0.5), zoom('Zoom out', 2), h('button', {type: 'button', class: 'small', onclick: () => fitAll()}, 'All')]},
      h('div', {class: 'mapgrid'}, h('div', {class: 'mapbox'}, canvas, label),
        table('The places with the most checkins', ['Place', '#Checkins', '#Longitude', '#Latitude'], rows)),
      doItYourself(['The places of this map', `curl -s ${serverAddress()}/console/places`],
        ['One of them', `curl -s ${serverAddress()}/locations/171`])));

  let columns = null;
  let all = null;
  let bounds = null;
  let projection = null;
  let xs = [];
  let ys = [];
  let indexes = new Map();
  let pulses = [];
  let drawing = false;
  let background = null;

  function zoomBy(factor) {
    if (!bounds) {
      return;
    }
    const around = indexes.get(selected);
    const middle = around === undefined ? [(bounds.west + bounds.east) / 2, (bounds.south + bounds.north) / 2] : [columns.lon[around], columns.lat[around]];
    const half = [(bounds.east - bounds.west) * factor / 2, (bounds.north - bounds.south) * factor / 2];
    setBounds({west: middle[0] - half[0], east: middle[0] + half[0], south: middle[1] - half[1], north: middle[1] + half[1]});
  }

  function fitAll() {
    if (all) {
      setBounds(all);
    }
  }

  function setBounds(wanted) {
    bounds = wanted;
    layOut();
  }

  /** Computes where everything lies, and draws what doesn't move once. */
  function layOut() {
    const width = canvas.clientWidth;
    const height = canvas.clientHeight;
    if (!bounds || !width) {
      return;
    }
    const density = devicePixelRatio;
    canvas.width = width * density;
    canvas.height = height * density;
    projection = fit(bounds, width, height, MARGIN);
    xs = columns.lon.map(projection.x);
    ys = columns.lat.map(projection.y);
    background = document.createElement('canvas');
    background.width = canvas.width;
    background.height = canvas.height;
    const context = background.getContext('2d');
    context.scale(density, density);
    drawStill(context, width, height);
    draw();
  }

  function drawStill(context, width, height) {
    context.font = '11px system-ui, sans-serif';
    context.strokeStyle = colorOf('--line');
    context.fillStyle = colorOf('--muted');
    context.lineWidth = 1;
    const step = roundStep(Math.max((projection.lon(width) - projection.lon(0)) / Math.max(width / 150, 1), 1e-5));
    for (const lon of gridLines(projection.lon(0), projection.lon(width), step)) {
      line(context, projection.x(lon), 0, projection.x(lon), height);
      context.textAlign = 'center';
      if (projection.x(lon) > 40) {
        context.fillText(degrees(lon, step, 'EW'), projection.x(lon), height - 6);
      }
    }
    for (const lat of gridLines(projection.lat(height), projection.lat(0), step)) {
      line(context, 0, projection.y(lat), width, projection.y(lat));
      context.textAlign = 'left';
      if (projection.y(lat) < height - 24) {
        context.fillText(degrees(lat, step, 'NS'), 4, projection.y(lat) - 4);
      }
    }
    const most = columns.ids.reduce((highest, _, i) => Math.max(highest, weightOf(i)), 1);
    context.fillStyle = colorOf('--accepted');
    xs.forEach((x, i) => {
      context.globalAlpha = 0.55;
      disc(context, x, ys[i], radiusOf(weightOf(i), most));
    });
    context.globalAlpha = 1;
    const chosen = indexes.get(selected);
    if (chosen !== undefined) {
      context.strokeStyle = colorOf('--text');
      context.lineWidth = 2;
      context.beginPath();
      context.arc(xs[chosen], ys[chosen], 12, 0, 2 * Math.PI);
      context.stroke();
      showLabel(chosen);
    }
    const bar = scaleBar(projection.metresPerPixel, Math.min(width / 4, 140));
    context.fillStyle = colorOf('--text');
    context.strokeStyle = colorOf('--text');
    context.lineWidth = 2;
    const right = width - 12;
    context.beginPath();
    context.moveTo(right - bar.pixels, 12);
    context.lineTo(right - bar.pixels, 18);
    context.lineTo(right, 18);
    context.lineTo(right, 12);
    context.stroke();
    context.textAlign = 'right';
    context.fillText(bar.label, right, 32);
  }

  /** What moves: the pulses. Nothing is drawn while there are none. */
  function draw() {
    const context = canvas.getContext('2d');
    const now = performance.now();
    pulses = pulses.filter((pulse) => now - pulse.from < PULSE);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.drawImage(background, 0, 0);
    context.scale(devicePixelRatio, devicePixelRatio);
    const color = colorOf('--pulse');
    for (const {index, from} of pulses) {
      const share = motionReduced() ? 0.3 : (now - from) / PULSE;
      context.globalAlpha = 1 - share;
      context.strokeStyle = color;
      context.fillStyle = color;
      context.lineWidth = 2;
      disc(context, xs[index], ys[index], 4);
      context.beginPath();
      context.arc(xs[index], ys[index], 5 + share * 22, 0, 2 * Math.PI);
      context.stroke();
    }
    context.globalAlpha = 1;
    drawing = pulses.length > 0 && !signal.aborted;
    if (drawing) {
      requestAnimationFrame(draw);
    }
  }

  function pulse(items) {
    if (!background || live.paused || document.hidden) {
      return;
    }
    for (const {locationId} of items) {
      const index = indexes.get(String(locationId));
      if (index !== undefined && pulses.length < MOST_PULSES) {
        pulses.push({index, from: performance.now()});
      }
    }
    canvas.dataset.pulses = Number(canvas.dataset.pulses ?? 0) + items.length;
    if (!drawing && pulses.length) {
      drawing = true;
      requestAnimationFrame(draw);
    }
  }

  /** Where there are very many places, one dot stands for those that lie side by side. */
  const isCluster = (index) => columns.ids[index] === 0;
  const weightOf = (index) => (isCluster(index) ? columns.places?.[index] : columns.checkins[index]) ?? 0;

  function showLabel(index) {
    label.hidden = index < 0;
    if (index >= 0) {
      label.replaceChildren(isCluster(index) ? 'Many places' : locationLink(columns.ids[index], columns.names[index]), isCluster(index) ? `: ${count(columns.places?.[index])}` : ` ${plural(columns.checkins[index] ?? 0, 'checkin')}`);
      const left = Math.min(Math.max(xs[index], 90), canvas.clientWidth - 90);
      label.style.left = `${left}px`;
      label.style.top = `${ys[index] > 60 ? ys[index] - 48 : ys[index] + 16}px`;
    }
  }

  const at = (event) => nearest(xs, ys, event.offsetX, event.offsetY, 14);
  canvas.addEventListener('pointermove', (event) => {
    const index = at(event);
    canvas.classList.toggle('pointing', index >= 0);
    if (index >= 0) {
      showLabel(index);
    }
  });
  canvas.addEventListener('click', (event) => {
    const index = at(event);
    if (index >= 0 && event.pointerType !== 'touch' && !isCluster(index)) {
      location.hash = `#/locations/${columns.ids[index]}`;
    } else {
      showLabel(index);
    }
  });
  const resized = new ResizeObserver(layOut);
  resized.observe(canvas);
  signal.addEventListener('abort', () => resized.disconnect());
  document.addEventListener('theme', layOut, {signal});
  live.addEventListener('feed', (event) => pulse(event.detail.items), {signal});

  places().then((loaded) => {
    columns = loaded;
    indexes = new Map(columns.ids.map((id, i) => [String(id), i]));
    all = boundsOf(columns.lon, columns.lat);
    if (!all) {
      setText(lead, 'No places have been loaded.');
      return;
    }
    setText(lead, columns.clustered ? 'One dot stands for the places that lie side by side.' : `${plural(columns.ids.length, 'place')}. A dot pulses when somebody checks in there.`);
    bounds = all;
    const chosen = indexes.get(selected);
    layOut();
    if (chosen !== undefined) {
      zoomBy(0.5);
    }
    const top = columns.ids.map((_, i) => i).sort((one, other) => weightOf(other) - weightOf(one)).slice(0, TABLE_ROWS);
    patch(rows, top, (i) => String(i), (i) => h('tr', {}, h('th', {scope: 'row'}, isCluster(i) ? 'Many places' : locationLink(columns.ids[i], columns.names[i])),
      [count(columns.checkins[i]), columns.lon[i].toFixed(4), columns.lat[i].toFixed(4)].map((text) => h('td', {class: 'number'}, text))));
  }).catch((problem) => signal.aborted || trouble.replaceChildren(failure(problem)));
  return 'Map';
}

function radiusOf(weight, most) {
  return 2.5 + 7 * Math.sqrt(weight / most);
}

function line(context, x1, y1, x2, y2) {
  context.beginPath();
  context.moveTo(Math.round(x1) + 0.5, Math.round(y1) + 0.5);
  context.lineTo(Math.round(x2) + 0.5, Math.round(y2) + 0.5);
  context.stroke();
}

function disc(context, x, y, radius) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
}
