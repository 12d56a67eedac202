package io.ncc.checkin.service;

import io.ncc.redis.RepeatedErrors;
import java.time.Duration;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.apache.tomcat.util.threads.TaskQueue;
import org.apache.tomcat.util.threads.ThreadPoolExecutor;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The threads of Tomcat that work on requests: few as long as they keep up, and more where they are held, such as by clients that send slowly. Tomcat's own
 * pool has a thread for each request at the same time, and then a request costs more CPU time, because the threads take turns on the cores.
 *
 * <p>{@link #look} finds out a hundred times a second whether the few keep up. So a request that finds all threads held waits for two looks, 20 ms at most. If a
 * thousand requests at once come to hold theirs, it waits for about ten, because a look at most doubles the number of threads.
 */
final class Workers extends ThreadPoolExecutor {

    private static final Logger log = LoggerFactory.getLogger(Workers.class);
    private static final Duration PAUSE = Duration.ofMillis(10);

    /** After so many looks, there may be fewer threads again. */
    static final int LOOKS = 100;

    private final RepeatedErrors failures = new RepeatedErrors();
    private final int few;
    private final int most;
    private long started;
    private int waiting;
    private int leastBusy = Integer.MAX_VALUE;
    private int looks;

    Workers(int few, int most, TaskQueue queue, ThreadFactory threads) {
        super(few, few, 0, TimeUnit.SECONDS, queue, threads); // only what exceeds the size ends
        this.few = few;
        this.most = most;
    }

    /**
     * Has them looked after until they are shut down.
     *
     * @param name of the thread that does so
     */
    void watch(String name) {
        Thread watcher = new Thread(this::lookAndPause, name);
        watcher.setDaemon(true);
        watcher.start();
    }

    private void lookAndPause() {
        while (!isShutdown()) {
            try {
                look();
            } catch (RuntimeException | OutOfMemoryError e) { // mostly, the system has no more threads for this process
                if (failures.isDue(String.valueOf(e.getMessage()))) {
                    log.warn("No more threads than {} can work on requests now", getPoolSize(), e);
                }
                shrinkTo(Math.max(few, getPoolSize())); // as many as there are, so that the next look tries again
            }
            LockSupport.parkNanos(PAUSE.toNanos());
        }
    }

    /** To be called by one thread at a time. */
    void look() {
        int busy = getActiveCount();
        long startedNow = getCompletedTaskCount() + busy;
        boolean left = startedNow - started < waiting; // some that waited at the last look still do
        started = startedNow;
        waiting = getQueue().size();
        leastBusy = Math.min(leastBusy, busy);
        looks++;
        if (left) {
            growTo(Math.min(most, busy + Math.max(few, Math.min(busy, waiting))));
        } else if (looks >= LOOKS) {
            shrinkTo(leastBusy + few); // those that are held were busy at each look
            looks = 0;
            leastBusy = Integer.MAX_VALUE;
        }
    }

    /** Starts the threads itself. Otherwise, the thread that accepts a request would, and Tomcat has only one: it must not fail. */
    private void growTo(int size) {
        if (size > getCorePoolSize()) {
            setMaximumPoolSize(size);
            setCorePoolSize(size);
            prestartAllCoreThreads();
        }
    }

    /** A maximum that equals the core ends each idle thread beyond it at once, and each busy one after its request. */
    private void shrinkTo(int size) {
        if (size < getCorePoolSize()) {
            setCorePoolSize(size);
            setMaximumPoolSize(size);
        }
    }
}
