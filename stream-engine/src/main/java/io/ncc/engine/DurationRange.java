package io.ncc.engine;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;

/** A range of durations, both ends included. */
public record DurationRange(Duration shortest, Duration longest) {

    public DurationRange {
        if (shortest.isNegative() || shortest.compareTo(longest) > 0) {
            throw new IllegalArgumentException("the shortest duration must be from 0 to the longest");
        }
    }

    Duration random() {
        return Duration.ofNanos(ThreadLocalRandom.current().nextLong(shortest.toNanos(), longest.toNanos() + 1));
    }
}
