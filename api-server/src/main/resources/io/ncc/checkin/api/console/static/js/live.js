// The one connection of a page, and what came through it.
import {follow, getJson, HIDDEN} from './http.js';
import {behindOf, totalsOf} from './sample.js';
import {Series} from './series.js';
import {isAskingForToken} from './token.js';

/** After so many ms without an event a connection is taken for broken. */
const SILENCE = 5000;
/** Where events don't come through, the page polls for so many ms before it tries again. */
const POLLING = 60000;
/** A connection that comes back within so many ms was not lost. */
const LOST = 1000;
const SHORTEST_PAUSE = 250;
const LONGEST_PAUSE = 2000;
const MOST_CLAIMS = 20;
const KEEPS = {hello: 'keepHello', sample: 'keepSample', claim: 'keepClaim'};

/**
 * What the page knows of the pipeline. It tells its listeners of changes by an event: `hello`, `sample`, `feed`,
 * `claim`, `dead` as the server sends them, `connection` when the connection comes or goes or is taken for lost, `back`
 * when Redis answers again after an outage, or after the page had no connection, and `pause`.
 */
export class Live extends EventTarget {

  constructor() {
    super();
    this.fine = new Series(1000, 600);
    this.coarse = new Series(10000, 1080);
    this.hello = null;
    this.sample = null;
    /** The last sample that Redis answered: what is shown while it is away. */
    this.known = null;
    /** When it arrived, by the clock of this page. */
    this.knownAt = 0;
    /** Whether what was loaded meanwhile may be missing, or old. */
    this.wasAway = false;
    this.claims = [];
    this.connected = false;
    /** Whether it asks for samples, as events don't come through. Then there is no feed, and no claim. */
    this.polling = false;
    /** Since when there is no connection; null while there is one. */
    this.lostAt = null;
    this.problem = null;
    this.attempts = 0;
    this.paused = false;
  }

  start() {
    document.addEventListener('visibilitychange', () => this.seenOrHidden());
    window.addEventListener('online', () => this.retry?.());
    this.seenOrHidden();
  }

  seenOrHidden() {
    clearTimeout(this.hiding);
    if (document.hidden) {
      this.hiding = setTimeout(() => this.abort?.abort(), HIDDEN);
    } else if (!this.running) {
      this.running = this.run().finally(() => {
        this.running = null;
        if (!document.hidden) {
          this.seenOrHidden();
        }
      });
    }
  }

  async run() {
    this.lostAt = Date.now();
    while (!document.hidden) {
      this.abort = new AbortController();
      try {
        await this.connect(this.abort);
        if (!this.polling || document.hidden) { // else it only tries whether events come through by now
          this.lose(null);
        }
      } catch (problem) {
        this.lose(problem.name === 'AbortError' ? null : problem);
      }
      if (document.hidden) {
        return;
      }
      const pause = Math.min(SHORTEST_PAUSE * 2 ** this.attempts++, LONGEST_PAUSE) * (0.75 + Math.random() / 2);
      await new Promise((resolve) => {
        this.retry = resolve;
        setTimeout(resolve, pause);
      });
    }
  }

  /** Hears events until the connection ends. Where none come through, polls for a while. */
  async connect(abort) {
    let watch;
    let heardAny = false;
    const alive = () => {
      clearTimeout(watch);
      watch = setTimeout(() => isAskingForToken() ? alive() : abort.abort(), SILENCE);
    };
    try {
      alive();
      await follow('console/events', abort.signal, (name, data) => {
        heardAny = true;
        this.heard(name, data, false);
      }, alive);
    } catch (problem) {
      const refused = Boolean(problem.type); // by the API server itself, which would refuse the rest, too
      if (heardAny || refused || document.hidden) {
        throw problem;
      }
      await this.poll();
    } finally {
      clearTimeout(watch);
      abort.abort(); // ends what listens to its signal
    }
  }

  /** For proxies that hold events back or refuse them. The next request begins after the last answer. */
  async poll() {
    const end = Date.now() + POLLING;
    while (!document.hidden && Date.now() < end) {
      const {hello, sample} = await getJson('console/sample', AbortSignal.timeout(SILENCE));
      this.heard('hello', hello, true);
      this.heard('sample', sample, true);
      await new Promise((resolve) => setTimeout(resolve, hello.sampleMs));
    }
  }

  lose(problem) {
    this.problem = problem;
    this.wasAway = true;
    if (this.connected) {
      this.connected = false;
      this.lostAt = Date.now();
    }
    this.tell('connection');
    setTimeout(() => this.isLost() && this.tell('connection'), LOST);
  }

  /** Whether the server can't be asked, and not just for a moment. */
  isLost() {
    return this.lostAt !== null && Date.now() - this.lostAt >= LOST;
  }

  heard(name, data, polling) {
    if (!this.connected || this.polling !== polling) {
      this.connected = true;
      this.polling = polling;
      this.attempts = 0;
      this.lostAt = null;
      this.problem = null;
      this.tell('connection');
    }
    this[KEEPS[name]]?.(data);
    this.tell(name, data);
  }

  keepHello(hello) {
    this.hello = hello;
    this.claims = hello.claims;
    this.fine.load(hello.history.fine);
    this.coarse.load(hello.history.coarse);
  }

  keepSample(sample) {
    this.sample = sample;
    if (!sample.available) {
      this.wasAway = true;
      const last = this.fine.times[this.fine.times.length - 1];
      if (last !== undefined) {
        this.addPoint(last + this.fine.step, {});
      }
      return;
    }
    this.known = sample;
    this.knownAt = Date.now();
    this.addPoint(sample.time, {
      accepted: sample.rates.accepted,
      applied: sample.rates.applied,
      behind: behindOf(sample),
      pending: totalsOf(sample)?.pending ?? null,
    });
    if (this.wasAway) {
      this.wasAway = false;
      this.tell('back');
    }
  }

  addPoint(time, values) {
    this.fine.add(time, values);
    const last = this.coarse.times[this.coarse.times.length - 1] ?? 0;
    if (time - last >= this.coarse.step) {
      this.coarse.add(time, this.fine.means(this.coarse.step));
    }
  }

  keepClaim(claim) {
    this.claims = [...this.claims, claim].slice(-MOST_CLAIMS);
  }

  /**
   * Calls `draw` now, and whenever one of the events happens, until the signal aborts. While the visitor has paused the
   * page it isn't called, and once when they go on.
   */
  watch(names, signal, draw) {
    let missed = false;
    const happened = () => {
      missed = this.paused;
      if (!missed) {
        draw();
      }
    };
    names.forEach((name) => this.addEventListener(name, happened, {signal}));
    this.addEventListener('pause', () => missed && happened(), {signal});
    draw();
  }

  pause(paused) {
    this.paused = paused;
    this.tell('pause');
  }

  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, {detail}));
  }

  /**
   * Whether the visitor may do what needs the role. Nobody may with read-only, and everybody where no token is asked
   * for.
   */
  may(role) {
    return this.hello !== null && !this.hello.readOnly && (!this.hello.roles || this.hello.roles.includes(role));
  }

  /** The time of Redis, as well as this page knows. */
  redisNow() {
    return this.known ? this.known.time + Date.now() - this.knownAt : Date.now();
  }
}

export const live = new Live();
