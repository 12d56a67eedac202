// The one connection of a page, and what came through it.
import {follow, getJson} from './http.js';
import {Series} from './series.js';
import {isAskingForToken} from './token.js';

const SILENCE = 5000;
const HIDDEN = 10000;
const LONGEST_PAUSE = 2000;
const MOST_CLAIMS = 50;
const KEEPS = {hello: 'keepHello', sample: 'keepSample', claim: 'keepClaim'};

/**
 * What the page knows of the pipeline. It tells its listeners of changes by an event:
 * `hello`, `sample`, `feed`, `claim`, `dead` as the server sends them, and `connection` when the connection comes or goes.
 */
class Live extends EventTarget {

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
    this.claims = [];
    this.connected = false;
    /** Since when there is no connection; null while there is one. */
    this.lostAt = null;
    this.problem = null;
    this.attempts = 0;
    this.paused = false;
  }

  start() {
    document.addEventListener('visibilitychange', () => this.seenOrHidden());
    window.addEventListener('online', () => this.retryNow());
    this.seenOrHidden();
  }

  /** A page that nobody sees for a while lets go of its connection: a browser has six of them for a server. */
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

  retryNow() {
    this.wake?.();
  }

  async run() {
    this.lostAt = Date.now();
    while (!document.hidden) {
      this.abort = new AbortController();
      try {
        await this.connect(this.abort);
        this.lose(null);
      } catch (problem) {
        this.lose(problem.name === 'AbortError' ? null : problem);
      }
      if (document.hidden) {
        return;
      }
      await new Promise((resolve) => {
        this.wake = resolve;
        setTimeout(resolve, Math.min(250 * 2 ** this.attempts++, LONGEST_PAUSE) * (0.75 + Math.random() / 2));
      });
    }
  }

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
        this.heard(name, data);
      }, alive);
    } catch (problem) {
      const silent = problem.name === 'AbortError' && !heardAny && !document.hidden;
      if (!silent) {
        throw problem;
      }
      await this.poll(); // what is between holds events back
    } finally {
      clearTimeout(watch);
      abort.abort(); // ends what listens to its signal
    }
  }

  /** For proxies that hold events back. The next request begins after the last answer. */
  async poll() {
    while (!document.hidden) {
      const {hello, sample} = await getJson('console/sample', AbortSignal.timeout(SILENCE));
      this.heard('hello', hello);
      this.heard('sample', sample);
      await new Promise((resolve) => setTimeout(resolve, hello.sampleMs));
    }
  }

  lose(problem) {
    this.problem = problem;
    if (this.connected) {
      this.connected = false;
      this.lostAt = Date.now();
    }
    this.tell('connection');
  }

  heard(name, data) {
    if (!this.connected) {
      this.connected = true;
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
    this.fine.load(hello.history.fine);
    this.coarse.load(hello.history.coarse);
  }

  keepSample(sample) {
    this.sample = sample;
    if (!sample.available) {
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
  }

  addPoint(time, values) {
    this.fine.add(time, values);
    const last = this.coarse.times[this.coarse.times.length - 1] ?? 0;
    if (time - last >= this.coarse.step) {
      const mean = (name) => this.fine.mean(name, this.coarse.step);
      this.coarse.add(time, {accepted: mean('accepted'), applied: mean('applied'), behind: mean('behind'), pending: mean('pending')});
    }
  }

  keepClaim(claim) {
    this.claims = [...this.claims, claim].slice(-MOST_CLAIMS);
  }

  /**
   * Calls `draw` now, and whenever one of the events happens, until the signal aborts. While the visitor has paused the page it isn't called, and
   * once when they go on.
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

  /** Whether the visitor may do what needs the role; with read-only nobody may. A server without security has no roles. */
  may(role) {
    return this.hello !== null && !this.hello.readOnly && (!this.hello.roles || this.hello.roles.includes(role));
  }

  /** The time of Redis, as well as this page knows. */
  redisNow() {
    return this.known ? this.known.time + Date.now() - this.knownAt : Date.now();
  }

  /** From how many ms on another consumer may claim a pending entry. */
  claimAfter() {
    return this.hello?.claimAfter ?? 60000;
  }
}

/** The group that keeps the totals: what is accepted and applied is counted by it. Undefined if no processor has run yet. */
export function totalsOf(sample) {
  const ours = sample.groups.filter((group) => group.processor);
  return ours.find((group) => group.name === 'checkinConsumers') ?? ours[0];
}

/** How many ms the group that is furthest behind is behind; null if no group knows. */
export function behindOf(sample) {
  const all = sample.groups.filter((group) => group.processor && group.behind !== null).map((group) => group.behind);
  return all.length ? Math.max(...all) : null;
}

export const live = new Live();
