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

    /** Longer than a read takes to fail. */
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
    private volatile @Nullable String damage;
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

    /** @param readerReports whether the reader is in trouble now, and has logged it */
    Periodic(String name, Duration interval, Task task, BooleanSupplier readerReports) {
        this(name, interval, task, readerReports, TIME_ALONE);
    }

    /** @param timeAlone the time after which an outage that the reader doesn't report counts as this task's own */
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

    /** What is damaged, as the failure says it; null if it doesn't. */
    @Nullable
    String damage() {
        return damage;
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
                turned(); // no memory left to log or report it
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
     * The reader reports an outage, and creates a missing group. But only this task may suffer: its user may lack a permission that the reader doesn't
     * need, or only its commands may time out.
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
            damage = RedisCondition.damageIn(cause);
            trouble = condition;
        }
    }

    /** Whether the task has failed for so long that the reader would have reported the same outage. */
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
            damage = null;
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
