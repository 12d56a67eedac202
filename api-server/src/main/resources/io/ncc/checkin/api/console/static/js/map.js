// The map: each place is a dot, which is larger the more checkins it has, and pulses when one arrives.
import {button, h, numberCell, patch, rowHeading, setText, table} from './dom.js';
import {count, plural} from './format.js';
import {boundsOf} from './geo.js';
import {live} from './live.js';
import {MapPicture} from './map-picture.js';
import {doItYourself, failure, locationLink, panel, serverAddress} from './parts.js';
import {places} from './places.js';

const TABLE_ROWS = 12;
/** How near the edge of the map the middle of a label may be. */
const LABEL_MARGIN = 90;

/** The view. `selected` is the id of a location, or ''. */
export function map(root, selected, signal) {
  const canvas = h('canvas', {role: 'img', 'aria-label': 'Map of the places'});
  const label = h('p', {class: 'maplabel', hidden: true});
  const lead = h('p', {class: 'lead'}, 'Each dot is a place. It pulses when somebody checks in there.');
  const trouble = h('div');
  const rows = h('tbody');
  const zoom = (name, text, factor) => button(text, () => zoomBy(factor), {class: 'small', 'aria-label': name});
  const all = button('All', () => show(everything), {class: 'small'});
  root.append(h('div', {class: 'title'}, h('h1', {}, 'Map')), lead, trouble,
    panel('Places', {extra: [zoom('Zoom in', '+', 0.5), zoom('Zoom out', '−', 2), all]},
      h('div', {class: 'mapgrid'}, h('div', {class: 'mapbox'}, canvas, label),
        table('The places with the most checkins', ['Place', '#Checkins', '#Longitude', '#Latitude'], rows)),
      doItYourself(['The places of this map', `curl -s ${serverAddress()}/console/places`],
        ['One of them', `curl -s ${serverAddress()}/locations/171`])));

  let byId = new Map();
  let picture = null;
  let points = [];
  let everything = null;
  let bounds = null;

  function begin(columns) {
    trouble.replaceChildren();
    points = pointsOf(columns);
    byId = new Map(points.map((point) => [String(point.id), point]));
    everything = boundsOf(columns.lon, columns.lat);
    if (!everything) {
      setText(lead, 'No places have been loaded.');
      return;
    }
    setText(lead, columns.clustered ? 'One dot stands for the places that lie side by side.'
      : `${plural(columns.ids.length, 'place')}. A dot pulses when somebody checks in there.`);
    const weights = points.map((point) => point.weight);
    picture = new MapPicture(canvas, {lon: columns.lon, lat: columns.lat, weights});
    bounds = everything;
    if (byId.has(selected)) {
      zoomBy(0.5);
    } else {
      show(everything);
    }
    const top = [...points].sort((one, other) => other.weight - one.weight).slice(0, TABLE_ROWS);
    patch(rows, top, (point) => String(point.index), (point) => h('tr', {}, rowHeading(nameOf(point)),
      numberCell(count(point.checkins)), numberCell(point.lon.toFixed(4)), numberCell(point.lat.toFixed(4))));
  }

  function show(wanted) {
    if (wanted) {
      const chosen = byId.get(selected);
      bounds = wanted;
      picture.show(bounds, chosen?.index);
      showLabel(chosen?.index ?? -1);
    }
  }

  /** Keeps what was asked for in the middle. */
  function zoomBy(factor) {
    if (bounds) {
      const {west, east, south, north} = bounds;
      const {lon, lat} = byId.get(selected) ?? {lon: (west + east) / 2, lat: (south + north) / 2};
      const [width, height] = [(east - west) * factor / 2, (north - south) * factor / 2];
      show({west: lon - width, east: lon + width, south: lat - height, north: lat + height});
    }
  }

  function showLabel(index) {
    label.hidden = index < 0;
    if (index >= 0) {
      const point = points[index];
      const {x, y} = picture.positionOf(index);
      const what = point.isCluster ? `: ${count(point.weight)}` : ` ${plural(point.weight, 'checkin')}`;
      label.replaceChildren(nameOf(point), what);
      label.style.left = `${Math.min(Math.max(x, LABEL_MARGIN), canvas.clientWidth - LABEL_MARGIN)}px`;
      label.style.top = `${y > 60 ? y - 48 : y + 16}px`;
    }
  }

  const at = (event) => picture?.indexAt(event.offsetX, event.offsetY) ?? -1;
  canvas.addEventListener('pointermove', (event) => {
    const index = at(event);
    canvas.classList.toggle('pointing', index >= 0);
    if (index >= 0) {
      showLabel(index);
    }
  });
  canvas.addEventListener('click', (event) => {
    const index = at(event);
    if (index >= 0 && event.pointerType !== 'touch' && !points[index].isCluster) {
      location.hash = `#/locations/${points[index].id}`;
    } else {
      showLabel(index);
    }
  });
  const resized = new ResizeObserver(() => picture && show(bounds));
  resized.observe(canvas);
  document.addEventListener('theme', () => picture?.layOut(), {signal});
  live.addEventListener('pause', () => picture?.stop(), {signal});
  live.addEventListener('feed', ({detail: {items}}) => {
    if (picture && !live.paused && !document.hidden) {
      items.map(({locationId}) => byId.get(String(locationId))).filter(Boolean)
        .forEach(({index}) => picture.pulse(index));
    }
  }, {signal});
  signal.addEventListener('abort', () => {
    resized.disconnect();
    picture?.stop();
  });
  live.watch(['back'], signal, () => picture
    || places().then(begin).catch((problem) => signal.aborted || trouble.replaceChildren(failure(problem))));
  return 'Map';
}

/** What the columns of places tell of each. Where there are very many, one stands for those that lie side by side. */
function pointsOf({ids, lon, lat, names, checkins, places: together}) {
  return ids.map((id, index) => {
    const isCluster = id === 0;
    return {index, id, lon: lon[index], lat: lat[index], name: names[index], checkins: checkins[index], isCluster,
      weight: (isCluster ? together[index] : checkins[index]) ?? 0};
  });
}

function nameOf(point) {
  return point.isCluster ? 'Many places' : locationLink(point.id, point.name);
}
