package io.ncc.checkin.receiver;

import io.lettuce.core.api.StatefulRedisConnection;
import io.ncc.redis.ServerSettings;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;

/** Knows whether more of the memory of Redis is in use than the receiver may fill. Looks when it is asked, at most once a second. */
final class MemoryGuard {

    private static final Duration INTERVAL = Duration.ofSeconds(1);

    private final double limit;
    private final AtomicLong nextLook = new AtomicLong(System.nanoTime());
    private volatile boolean overLimit;

    /** @param limit the share of maxmemory; where Redis has none, there is no limit */
    MemoryGuard(double limit) {
        this.limit = limit;
    }

    /** As of the last look, and looks again if that was long ago. */
    boolean isOverLimit(StatefulRedisConnection<String, String> connection) {
        long now = System.nanoTime();
        long due = nextLook.get();
        if (now - due >= 0 && nextLook.compareAndSet(due, now + INTERVAL.toNanos())) {
            connection.async().info("memory").thenAccept(this::read);
        }
        return overLimit;
    }

    private void read(String info) {
        long most = field(info, "maxmemory");
        overLimit = most > 0 && field(info, "used_memory") >= limit * most;
    }

    private static long field(String info, String name) {
        return ServerSettings.fieldOf(info, name).map(Long::parseLong).orElse(0L);
    }
}
