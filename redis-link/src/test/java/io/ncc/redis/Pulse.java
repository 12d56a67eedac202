package io.ncc.redis;

import io.lettuce.core.RedisException;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.awaitility.Awaitility;

/** Writes a key through a link of its own, again and again, and remembers for how long that wasn't possible. */
final class Pulse implements AutoCloseable {

    private static final Duration PAUSE = Duration.ofMillis(5);

    private final String key;
    private final RedisLink link;
    private final Thread thread;
    private final Set<RedisCondition> conditions = EnumSet.noneOf(RedisCondition.class);
    private final AtomicLong beats = new AtomicLong();
    private volatile long longestPause;

    Pulse(RedisServers servers, String key) {
        this.key = key;
        link = new RedisLink(key, servers.holding(key));
        thread = new Thread(this::run);
        link.start();
        thread.start();
        awaitBeat();
    }

    private void run() {
        long last = System.nanoTime();
        while (!Thread.currentThread().isInterrupted()) {
            try {
                link.call(commands -> commands.incr(key));
                long now = System.nanoTime();
                longestPause = Math.max(longestPause, now - last);
                last = now;
                beats.incrementAndGet();
            } catch (RedisException e) {
                synchronized (conditions) {
                    conditions.add(RedisCondition.of(e));
                }
            }
            try {
                TimeUnit.NANOSECONDS.sleep(PAUSE.toNanos());
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    /** Waits until a write that begins from now on succeeds. */
    void awaitBeat() {
        long seen = beats.get();
        Awaitility.await()
                .atMost(Duration.ofSeconds(20))
                .pollInterval(Duration.ofMillis(5))
                .until(() -> beats.get() > seen + 1);
    }

    /** The longest time from one success to the next. */
    Duration longestPause() {
        return Duration.ofNanos(longestPause);
    }

    /** Why writes failed. */
    Set<RedisCondition> conditions() {
        synchronized (conditions) {
            return EnumSet.copyOf(conditions);
        }
    }

    String key() {
        return key;
    }

    RedisLink link() {
        return link;
    }

    @Override
    public void close() {
        thread.interrupt();
        link.stop();
    }
}
