package io.ncc.engine;

import io.ncc.redis.RedisCondition;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Runs a task periodically until it is stopped, even if the task fails. Each pause is random, from 0.5 to 1.5 times the interval. */
final class Periodic {

    private static final Logger log = LoggerFactory.getLogger(Periodic.class);
    private static final Duration STOP_LIMIT = Duration.ofSeconds(5);
    private static final int FAILURES_ALONE = 3;

    /** Longer than a read of the reader's takes to fail. */
    private static final Duration TIME_ALONE = Duration.ofSeconds(10);

    private final String name;
    private final Duration interval;
    private final Task task;
    private final BooleanSupplier readerReports;
    private final Duration timeAlone;
    private volatile Thread thread = new Thread("not started");
    private volatile CountDownLatch stopping = new CountDownLatch(1);
    private volatile long lastTurn = System.nanoTime();
    private volatile @Nullable RedisCondition trouble;
    private int failures;
    private long failingSince;

    /** The task to run. */
    interface Task {

        /**
         * One turn.
         *
         * @param waiting the task must run it regularly while it waits for something, so that it does not seem to hang
         * @return whether to run again without a pause
         */
        boolean run(Runnable waiting) throws InterruptedException;
    }

    /** @param readerReports whether the reader is in trouble now, and so has logged it */
    Periodic(String name, Duration interval, Task task, BooleanSupplier readerReports) {
        this(name, interval, task, readerReports, TIME_ALONE);
    }

    /** @param timeAlone after which an outage that the reader doesn't report is one of this task alone */
    Periodic(String name, Duration interval, Task task, BooleanSupplier readerReports, Duration timeAlone) {
        this.timeAlone = timeAlone;
        this.name = name;
        this.interval = interval;
        this.task = task;
        this.readerReports = readerReports;
    }

    /** How long ago the current turn should have ended, successfully or not; negative if it is in time. */
    Duration overdue() {
        return Duration.ofNanos(System.nanoTime() - lastTurn).minus(interval.multipliedBy(2));
    }

    /** The condition with which the task fails, unless the reader deals with it; null otherwise. */
    @Nullable
    RedisCondition trouble() {
        return trouble;
    }

    void start() {
        stopping = new CountDownLatch(1);
        thread = new Thread(this::run, name);
        thread.setDaemon(true);
        thread.start();
    }

    private void run() {
        while (stopping.getCount() > 0) {
            try {
                takeTurns();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            } catch (OutOfMemoryError e) {
                turned(); // there was not even enough to deal with a failure: nothing can be said
            }
        }
    }

    private void takeTurns() throws InterruptedException {
        while (!stopping.await(jittered(interval).toNanos(), TimeUnit.NANOSECONDS)) {
            try {
                boolean more = true;
                while (more && stopping.getCount() > 0) {
                    more = task.run(this::turned);
                    turned();
                }
                leaveTrouble();
            } catch (InterruptedException e) {
                throw e;
            } catch (Throwable e) { // only a stop may end this loop
                enterTrouble(e);
            }
            turned();
        }
    }

    /**
     * An outage is the reader's to report, and a missing group its to mend. But the reader may be well: a command may be forbidden that only
     * this task needs, or get no answer in time that the reader's do.
     */
    private void enterTrouble(Throwable cause) {
        RedisCondition condition = RedisCondition.of(cause);
        if (condition == RedisCondition.NO_GROUP) {
            return;
        }
        boolean isOurs =
                !condition.isOutage() || (condition == RedisCondition.FORBIDDEN && !readerReports.getAsBoolean());
        if (isOurs || isAlone()) {
            if (trouble == null) {
                log.error("The {} fails ({})", name, condition, cause);
            }
            trouble = condition;
        }
    }

    /** Whether it has failed again and again for so long that the reader, had it met the same, would have said so. */
    private boolean isAlone() {
        if (readerReports.getAsBoolean()) {
            failures = 0;
            return false;
        }
        if (failures++ == 0) {
            failingSince = System.nanoTime();
        }
        return failures >= FAILURES_ALONE && System.nanoTime() - failingSince >= timeAlone.toNanos();
    }

    private void leaveTrouble() {
        failures = 0;
        if (trouble != null) {
            trouble = null;
            log.info("The {} goes on", name);
        }
    }

    private void turned() {
        lastTurn = System.nanoTime();
    }

    private static Duration jittered(Duration interval) {
        return Duration.ofNanos(
                (long) (interval.toNanos() * ThreadLocalRandom.current().nextDouble(0.5, 1.5)));
    }

    /** Stops after the current turn; waits some seconds for its end. */
    void stop() {
        stopping.countDown();
        try {
            thread.join(STOP_LIMIT.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
