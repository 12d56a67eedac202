// The picture of the map: a grid, a dot for each place, and pulses, which are all that moves.
import {colorOf, motionReduced} from './dom.js';
import {degrees, fit, gridLines, nearest, roundStep, scaleBar} from './geo.js';

/** How many ms a pulse takes. */
const PULSE = 1600;
/** What it looks like for those who want less motion: as after this share of its time. */
const STILL = 0.3;
const MOST_PULSES = 200;
/** Pixels between the outermost places and the edge. */
const MARGIN = 30;
/** About how many pixels lie between two lines of the grid. */
const GRID = 150;
/** A place that is so many pixels away is hit. */
const REACH = 14;

export class MapPicture {

  /**
   * @param canvas where it is drawn
   * @param points {lon, lat, weights}: columns of the same length; what weighs more has a larger dot
   */
  constructor(canvas, {lon, lat, weights}) {
    this.canvas = canvas;
    this.points = {lon, lat, weights};
    this.mostWeight = weights.reduce((one, other) => Math.max(one, other), 1);
    this.pulses = [];
    this.drawing = false;
  }

  /** Shows what lies in a box, with a ring around the point `chosen`; none if that is undefined. */
  show(bounds, chosen) {
    this.bounds = bounds;
    this.chosen = chosen;
    this.layOut();
  }

  /** Computes where everything lies, and draws what doesn't move: once for each size, box and theme. */
  layOut() {
    const {clientWidth: width, clientHeight: height} = this.canvas;
    if (!this.bounds || !width) {
      return;
    }
    this.canvas.width = width * devicePixelRatio;
    this.canvas.height = height * devicePixelRatio;
    this.projection = fit(this.bounds, width, height, MARGIN);
    this.xs = this.points.lon.map(this.projection.x);
    this.ys = this.points.lat.map(this.projection.y);
    this.background = document.createElement('canvas');
    this.background.width = this.canvas.width;
    this.background.height = this.canvas.height;
    const context = this.background.getContext('2d');
    context.scale(devicePixelRatio, devicePixelRatio);
    context.font = '11px system-ui, sans-serif';
    this.drawGrid(context, width, height);
    this.drawDots(context);
    this.drawScaleBar(context, width);
    this.draw();
  }

  drawGrid(context, width, height) {
    const {x, y, lon, lat} = this.projection;
    const step = roundStep(Math.max((lon(width) - lon(0)) / Math.max(width / GRID, 1), 1e-5));
    context.strokeStyle = colorOf('--line');
    context.fillStyle = colorOf('--muted');
    context.lineWidth = 1;
    context.textAlign = 'center';
    for (const meridian of gridLines(lon(0), lon(width), step)) {
      line(context, [x(meridian), 0], [x(meridian), height]);
      if (x(meridian) > 40 && x(meridian) < width - 30) { // else it would stand on another label, or be cut off
        context.fillText(degrees(meridian, step, 'EW'), x(meridian), height - 6);
      }
    }
    context.textAlign = 'left';
    for (const parallel of gridLines(lat(height), lat(0), step)) {
      line(context, [0, y(parallel)], [width, y(parallel)]);
      if (y(parallel) < height - 24) {
        context.fillText(degrees(parallel, step, 'NS'), 4, y(parallel) - 4);
      }
    }
  }

  drawDots(context) {
    context.fillStyle = colorOf('--accepted');
    context.globalAlpha = 0.55;
    this.points.weights.forEach((weight, i) =>
      disc(context, this.xs[i], this.ys[i], 2.5 + 7 * Math.sqrt(weight / this.mostWeight)));
    context.globalAlpha = 1;
    if (this.chosen !== undefined) {
      context.strokeStyle = colorOf('--text');
      context.lineWidth = 2;
      ring(context, this.xs[this.chosen], this.ys[this.chosen], 12);
    }
  }

  drawScaleBar(context, width) {
    const bar = scaleBar(this.projection.metresPerPixel, Math.min(width / 4, 140));
    const right = width - 12;
    context.fillStyle = colorOf('--text');
    context.strokeStyle = colorOf('--text');
    context.lineWidth = 2;
    line(context, [right - bar.pixels, 12], [right - bar.pixels, 18], [right, 18], [right, 12]);
    context.textAlign = 'right';
    context.fillText(bar.label, right, 32);
  }

  /** Draws again and again while there are pulses, and once if there are none. */
  draw() {
    const context = this.canvas.getContext('2d');
    const now = performance.now();
    this.pulses = this.pulses.filter((pulse) => now - pulse.from < PULSE);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.globalAlpha = 1;
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    context.drawImage(this.background, 0, 0);
    context.scale(devicePixelRatio, devicePixelRatio);
    context.strokeStyle = context.fillStyle = colorOf('--pulse');
    context.lineWidth = 2;
    for (const {index, from} of this.pulses) {
      const share = motionReduced() ? STILL : (now - from) / PULSE;
      context.globalAlpha = 1 - share;
      disc(context, this.xs[index], this.ys[index], 4);
      ring(context, this.xs[index], this.ys[index], 5 + share * 22);
    }
    this.drawing = this.pulses.length > 0;
    if (this.drawing) {
      requestAnimationFrame(() => this.draw());
    }
  }

  pulse(index) {
    if (!this.background || this.pulses.length >= MOST_PULSES) {
      return;
    }
    this.pulses.push({index, from: performance.now()});
    if (!this.drawing) {
      this.drawing = true;
      requestAnimationFrame(() => this.draw());
    }
  }

  /** Ends all pulses. */
  stop() {
    this.pulses = [];
  }

  /** The index of the point at a position on the canvas; -1 if there is none. */
  indexAt(x, y) {
    return this.background ? nearest(this.xs, this.ys, x, y, REACH) : -1;
  }

  positionOf(index) {
    return {x: this.xs[index], y: this.ys[index]};
  }
}

/** Lines between points, each on the middle of a pixel, so that they are sharp. */
function line(context, ...points) {
  context.beginPath();
  points.forEach(([x, y]) => context.lineTo(Math.round(x) + 0.5, Math.round(y) + 0.5));
  context.stroke();
}

function disc(context, x, y, radius) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
}

function ring(context, x, y, radius) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.stroke();
}
