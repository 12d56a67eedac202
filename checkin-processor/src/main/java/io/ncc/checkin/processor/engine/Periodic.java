package io.ncc.checkin.processor.engine;

import io.ncc.checkin.service.RedisCondition;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Runs a task now and then until stopped, whatever becomes of it. The pauses are drawn from half to one and a half times the interval. */
final class Periodic {

    private static final Logger log = LoggerFactory.getLogger(Periodic.class);
    private static final Duration STOP_LIMIT = Duration.ofSeconds(5);

    private final String name;
    private final Duration interval;
    private final Task task;
    private volatile Thread thread = new Thread("not started");
    private volatile CountDownLatch stopping = new CountDownLatch(1);
    private volatile long lastTurn = System.nanoTime();

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

    Periodic(String name, Duration interval, Task task) {
        this.name = name;
        this.interval = interval;
        this.task = task;
    }

    /** For how long the present turn should have been over, also one that fails; negative in time. */
    Duration overdue() {
        return Duration.ofNanos(System.nanoTime() - lastTurn).minus(interval.multipliedBy(2));
    }

    void start() {
        stopping = new CountDownLatch(1);
        thread = new Thread(this::run, name);
        thread.setDaemon(true);
        thread.start();
    }

    private void run() {
        boolean failing = false;
        try {
            while (!stopping.await(jittered(interval).toNanos(), TimeUnit.NANOSECONDS)) {
                try {
                    boolean more = true;
                    while (more && stopping.getCount() > 0) {
                        more = task.run(this::turned);
                        turned();
                    }
                    failing = false;
                } catch (InterruptedException e) {
                    throw e;
                } catch (Throwable e) { // only a stop may end this loop
                    RedisCondition condition = RedisCondition.of(e);
                    // an outage is the reader's to report, and a missing group its to mend
                    if (!condition.isOutage() && condition != RedisCondition.NO_GROUP && !failing) {
                        log.error("The {} fails", name, e);
                        failing = true;
                    }
                }
                turned();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
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
