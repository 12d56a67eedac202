package io.ncc.checkin.benchmarks;

import io.lettuce.core.api.sync.RedisCommands;
import io.ncc.checkin.benchmarks.load.Requests;
import io.ncc.checkin.model.Keys;
import java.time.Duration;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import org.HdrHistogram.Histogram;

/** Appends checkins at a steady rate, and watches when the processor has counted them. */
final class XaddToHash {

    private static final Keys KEYS = Keys.unpartitioned();

    private final RedisCommands<String, String> appending;
    private final LongSupplier applied;

    /** @param applied how many have been counted; asked on another connection */
    XaddToHash(RedisCommands<String, String> appending, LongSupplier applied) {
        this.appending = appending;
        this.applied = applied;
    }

    /** Takes so long, and returns the nanoseconds from the moment at which each XADD was sent */
    Histogram run(int perSecond, Duration duration) {
        int total = Math.toIntExact(perSecond * duration.toSeconds());
        long before = applied.getAsLong();
        BlockingQueue<Long> sentAt = new ArrayBlockingQueue<>(total);
        Thread appender = new Thread(() -> append(perSecond, total, sentAt), "appender");
        appender.start();
        Histogram latency = new Histogram(3);
        try {
            for (long seen = 0; seen < total; ) {
                long counted = applied.getAsLong() - before;
                long now = System.nanoTime();
                for (; seen < counted; seen++) {
                    latency.recordValue(now - sentAt.take());
                }
                LockSupport.parkNanos(TimeUnit.MICROSECONDS.toNanos(50));
            }
            appender.join();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
        return latency;
    }

    private void append(int perSecond, int total, BlockingQueue<Long> sentAt) {
        Random random = new Random(1);
        long start = System.nanoTime();
        for (int i = 0; i < total; i++) {
            long due = start + TimeUnit.SECONDS.toNanos(1) * i / perSecond;
            while (System.nanoTime() < due) {
                LockSupport.parkNanos(due - System.nanoTime());
            }
            sentAt.add(System.nanoTime());
            appending.xadd(
                    KEYS.checkins(),
                    Map.of(
                            "userId", Integer.toString(1 + random.nextInt(Requests.USERS)),
                            "locationId", Integer.toString(1 + random.nextInt(Requests.LOCATIONS)),
                            "starRating", Integer.toString(random.nextInt(6))));
        }
    }
}
