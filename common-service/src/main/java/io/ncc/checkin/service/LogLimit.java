package io.ncc.checkin.service;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;

/** Lets one line of a kind through in a while, for failures that requests can repeat as often as clients like. */
public final class LogLimit {

    private static final long INTERVAL = Duration.ofSeconds(10).toNanos();

    private final AtomicLong next = new AtomicLong(System.nanoTime());

    /** Whether to log the line now. */
    public boolean passes() {
        long now = System.nanoTime();
        long due = next.get();
        return now - due >= 0 && next.compareAndSet(due, now + INTERVAL);
    }
}
