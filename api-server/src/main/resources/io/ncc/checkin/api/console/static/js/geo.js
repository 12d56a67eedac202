// Where places lie on the map. No function here touches the page.

const METRES_PER_DEGREE = 111320;

/** The smallest box around all points, a little wider; null if there are none. Never narrower than some 200 m. */
export function boundsOf(lon, lat) {
  if (!lon.length) {
    return null;
  }
  const range = (values) => {
    const low = values.reduce((one, other) => Math.min(one, other));
    const high = values.reduce((one, other) => Math.max(one, other));
    const margin = Math.max((high - low) * 0.04, 0.001);
    return [low - margin, high + margin];
  };
  const [west, east] = range(lon);
  const [south, north] = range(lat);
  return {west, east, south: Math.max(south, -90), north: Math.min(north, 90)};
}

/**
 * A plain projection of the box into width x height pixels, less a margin on each side. A degree of longitude is as
 * wide everywhere as it is in the middle of the box.
 *
 * @returns {x(lon), y(lat), lon(x), lat(y), metresPerPixel}
 */
export function fit({west, east, south, north}, width, height, margin = 0) {
  const shrink = Math.max(Math.cos((south + north) / 2 * Math.PI / 180), 0.01);
  const perDegree = Math.min((width - 2 * margin) / ((east - west) * shrink), (height - 2 * margin) / (north - south));
  const [middleLon, middleLat] = [(west + east) / 2, (south + north) / 2];
  return {
    x: (lon) => width / 2 + (lon - middleLon) * shrink * perDegree,
    y: (lat) => height / 2 - (lat - middleLat) * perDegree,
    lon: (x) => middleLon + (x - width / 2) / (shrink * perDegree),
    lat: (y) => middleLat - (y - height / 2) / perDegree,
    metresPerPixel: METRES_PER_DEGREE / perDegree,
  };
}

/** The largest of 1, 2, 5 times a power of ten that is at most `most`. */
export function roundStep(most) {
  const power = 10 ** Math.floor(Math.log10(most));
  return [5, 2, 1].map((factor) => factor * power).find((step) => step <= most * (1 + 1e-9)) ?? power;
}

/** The multiples of `step` from `from` to `to`. */
export function gridLines(from, to, step) {
  const lines = [];
  for (let i = Math.ceil(from / step); i * step <= to && lines.length < 100; i++) {
    lines.push(i * step);
  }
  return lines;
}

/** 122.25° W; with as many digits as `step` needs. */
export function degrees(value, step, [positive, negative]) {
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const text = Math.abs(value).toFixed(digits);
  return `${text}°${Number(text) === 0 ? '' : ' ' + (value > 0 ? positive : negative)}`;
}

/** A round length for the scale bar that is at most `pixels` wide: {metres, pixels, label}. */
export function scaleBar(metresPerPixel, pixels) {
  const metres = roundStep(metresPerPixel * pixels);
  return {metres, pixels: metres / metresPerPixel, label: metres >= 1000 ? `${metres / 1000} km` : `${metres} m`};
}

/** The index of the point nearest to (x, y) within `most` pixels, or -1. */
export function nearest(xs, ys, x, y, most) {
  let best = -1;
  let least = most * most;
  for (let i = 0; i < xs.length; i++) {
    const distance = (xs[i] - x) ** 2 + (ys[i] - y) ** 2;
    if (distance <= least) {
      least = distance;
      best = i;
    }
  }
  return best;
}
