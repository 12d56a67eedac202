package io.ncc.checkin.processor.engine;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import org.springframework.boot.convert.DurationStyle;

/** From one duration to another, written as {@code 1s..5s}. */
public record DurationRange(Duration shortest, Duration longest) {

    public DurationRange {
        if (shortest.isNegative() || shortest.compareTo(longest) > 0) {
            throw new IllegalArgumentException("not a range of durations such as 1s..5s");
        }
    }

    /** Found by Spring, which converts a setting with it. */
    public static DurationRange valueOf(String text) {
        String[] ends = text.split("\\.\\.", -1);
        if (ends.length != 2) {
            throw new IllegalArgumentException("not a range of durations such as 1s..5s");
        }
        return new DurationRange(DurationStyle.detectAndParse(ends[0]), DurationStyle.detectAndParse(ends[1]));
    }

    Duration random() {
        return Duration.ofNanos(ThreadLocalRandom.current().nextLong(shortest.toNanos(), longest.toNanos() + 1));
    }
}
