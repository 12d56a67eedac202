// The history behind the charts. No function here touches the page.

const NAMES = ['accepted', 'applied', 'behind', 'pending'];

/**
 * A ring of points in time. A value that isn't known is null, which a chart draws as a gap.
 */
export class Series {

  constructor(step, most) {
    this.step = step;
    this.most = most;
    this.times = [];
    NAMES.forEach((name) => {
      this[name] = [];
    });
  }

  /** Replaces everything with the history that the server has: the last point at `end`, one each `step` before it. */
  load({step, end, ...values}) {
    const length = Math.max(0, ...NAMES.map((name) => values[name]?.length ?? 0));
    const from = Math.max(0, length - this.most);
    this.step = step;
    this.times = [];
    for (let i = from; i < length; i++) {
      this.times.push(end - (length - 1 - i) * step);
    }
    NAMES.forEach((name) => {
      const of = values[name] ?? [];
      this[name] = this.times.map((_, i) => of[from + i] ?? null);
    });
  }

  /** Adds a point. What lies between it and the last one, if that is more than two and a half steps, is a gap. */
  add(time, values) {
    const last = this.times[this.times.length - 1];
    if (last !== undefined && time <= last) {
      return;
    }
    if (last !== undefined && time - last > 2.5 * this.step) {
      this.push(last + this.step, {});
    }
    this.push(time, values);
  }

  push(time, values) {
    this.times.push(time);
    NAMES.forEach((name) => this[name].push(values[name] ?? null));
    if (this.times.length > this.most) {
      this.times.shift();
      NAMES.forEach((name) => this[name].shift());
    }
  }

  /** The mean of each value over the last `milliseconds`. */
  means(milliseconds) {
    return Object.fromEntries(NAMES.map((name) => [name, this.mean(name, milliseconds)]));
  }

  /** The mean of what is known of the last `milliseconds`; null if nothing is. */
  mean(name, milliseconds) {
    const end = this.times[this.times.length - 1];
    let sum = 0;
    let known = 0;
    for (let i = this.times.length - 1; i >= 0 && this.times[i] > end - milliseconds; i--) {
      if (this[name][i] !== null) {
        sum += this[name][i];
        known++;
      }
    }
    return known ? sum / known : null;
  }
}

/**
 * Where a value is going: 'rising', 'falling' or 'steady', by the line of least squares through its last points; null
 * if it isn't known.
 *
 * @param tolerance a slope (change of the value for one of time) that is still steady
 */
export function trend(times, values, tolerance) {
  const points = times.map((time, i) => [time, values[i]]).filter(([, value]) => value !== null);
  if (points.length < 3) {
    return null;
  }
  const mean = (index) => points.reduce((sum, point) => sum + point[index], 0) / points.length;
  const [time, value] = [mean(0), mean(1)];
  const spread = points.reduce((sum, [t]) => sum + (t - time) ** 2, 0);
  const slope = points.reduce((sum, [t, v]) => sum + (t - time) * (v - value), 0) / spread;
  return Math.abs(slope) <= tolerance ? 'steady' : slope > 0 ? 'rising' : 'falling';
}
