package io.ncc.redis;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;

/** Lets each error through to the log once a minute. */
public final class RepeatedErrors {

    private static final long PAUSE_NANOS = Duration.ofMinutes(1).toNanos();
    private static final int MOST = 100;

    private final Map<String, Long> logged = new LinkedHashMap<>();

    /** Whether this error is to be logged now. */
    public synchronized boolean isDue(String error) {
        long now = System.nanoTime();
        Long before = logged.get(error);
        if (before != null && now - before < PAUSE_NANOS) {
            return false;
        }
        if (logged.size() >= MOST) {
            logged.clear(); // they differ in something that is not worth a line each, and are logged again
        }
        logged.put(error, now);
        return true;
    }
}
