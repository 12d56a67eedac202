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

/** Runs a task now and then until stopped, whatever becomes of it. The pauses are drawn from half to one and a half times the interval. */
final class Periodic {

    private static final Logger log = LoggerFactory.getLogger(Periodic.class);
    private static final Duration STOP_LIMIT = Duration.ofSeconds(5);

    private final String name;
    private final Duration interval;
    private final Task task;
    private final BooleanSupplier readerReports;
    private volatile Thread thread = new Thread("not started");
    private volatile CountDownLatch stopping = new CountDownLatch(1);
    private volatile long lastTurn = System.nanoTime();
    private volatile @Nullable RedisCondition trouble;

    /** What is to be done. */
    interface Task {

        /**
         * One turn.
         *
         * @param waiting to be run now and then by a turn that takes long because it waits for others
         * @return whether to go on at once
         */
        boolean run(Runnable waiting) throws InterruptedException;
    }

    /** @param readerReports whether the reader is in trouble, and says so, at the moment */
    Periodic(String name, Duration interval, Task task, BooleanSupplier readerReports) {
        this.name = name;
        this.interval = interval;
        this.task = task;
        this.readerReports = readerReports;
    }

    /** For how long the present turn should have been over, also one that fails; negative in time. */
    Duration overdue() {
        return Duration.ofNanos(System.nanoTime() - lastTurn).minus(interval.multipliedBy(2));
    }

    /** Why its turns fail, where that is for a reason that the reader need not meet; null if it isn't so. */
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
        try {
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
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** An outage is the reader's to report, and a missing group its to mend. A command may be forbidden that only this task needs. */
    private void enterTrouble(Throwable cause) {
        RedisCondition condition = RedisCondition.of(cause);
        boolean isOurs =
                !condition.isOutage() || (condition == RedisCondition.FORBIDDEN && !readerReports.getAsBoolean());
        if (isOurs && condition != RedisCondition.NO_GROUP) {
            if (trouble == null) {
                log.error("The {} fails ({})", name, condition, cause);
            }
            trouble = condition;
        }
    }

    private void leaveTrouble() {
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

    /** Lets a turn that is under way come to its end. */
    void stop() {
        stopping.countDown();
        try {
            thread.join(STOP_LIMIT.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
