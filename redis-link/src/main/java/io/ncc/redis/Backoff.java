package io.ncc.redis;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Exponential backoff with full jitter. Each pause is random, up to a bound that doubles each time until it reaches the limit. So many
 * instances don't retry at the same moment. Not thread-safe.
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

    /** Starts again with the first bound, after an attempt succeeded. */
    public void reset() {
        next = first;
    }
}
