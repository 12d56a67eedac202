package io.ncc.redis;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;

/**
 * The pauses between attempts at something that keeps failing: doubled each time up to a limit, each drawn at random below that ("full
 * jitter"), so that many instances don't come back in step. For one thread.
 */
public final class Backoff {

    private final Duration first;
    private final Duration limit;
    private Duration next;

    public Backoff(Duration first, Duration limit) {
        this.first = first;
        this.limit = limit;
        this.next = first;
    }

    /** The pause before the next attempt. */
    public Duration next() {
        Duration pause = Duration.ofNanos(ThreadLocalRandom.current().nextLong(1, next.toNanos() + 1));
        Duration doubled = next.multipliedBy(2);
        next = doubled.compareTo(limit) < 0 ? doubled : limit;
        return pause;
    }

    /** An attempt succeeded. */
    public void reset() {
        next = first;
    }
}
