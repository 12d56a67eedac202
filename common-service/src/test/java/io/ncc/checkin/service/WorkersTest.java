package io.ncc.checkin.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.tomcat.util.threads.TaskQueue;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
final class WorkersTest {

    private static final int FEW = 2;
    private static final int MOST = 40;

    private final AtomicBoolean outOfThreads = new AtomicBoolean();
    private final Workers workers = new Workers(FEW, MOST, new TaskQueue(), this::thread);
    private final CountDownLatch release = new CountDownLatch(1);
    private final AtomicInteger done = new AtomicInteger();

    @AfterEach
    void end() {
        release.countDown();
        workers.shutdownNow();
    }

    @Test
    void fewDoAllAsLongAsNoneWaitsFromOneLookToTheNext() {
        for (int look = 0; look < 3 * Workers.LOOKS; look++) {
            for (int each = 0; each < 5; each++) {
                workers.execute(done::incrementAndGet);
            }
            workers.look();
            soon().until(() -> workers.getSubmittedCount() == 0);
        }
        assertThat(done).hasValue(5 * 3 * Workers.LOOKS);
        assertThat(workers.getLargestPoolSize()).isEqualTo(FEW);
    }

    @Test
    void aRequestBehindHeldThreadsRunsSoon() {
        workers.watch("watcher");
        hold(MOST - 1);
        workers.execute(done::incrementAndGet);
        await().atMost(Duration.ofSeconds(2))
                .untilAtomic(done, value -> assertThat(value).isEqualTo(1));
        assertThat(workers.getActiveCount()).isGreaterThanOrEqualTo(MOST - 1);
    }

    @Test
    void thereAreMoreAlsoIfRequestsOnlyTakeLong() {
        workers.watch("watcher");
        for (int each = 0; each < 300; each++) {
            workers.execute(() -> {
                sleep();
                done.incrementAndGet();
            });
        }
        // two would need 7.5 s
        await().atMost(Duration.ofSeconds(5)).until(() -> done.get() == 300);
    }

    @Test
    void thoseThatAreNoLongerNeededEnd() {
        hold(10);
        lookUntil(() -> workers.getQueue().isEmpty() && workers.getActiveCount() == 10);
        look(2 * Workers.LOOKS);
        assertThat(workers.getPoolSize()).isBetween(10, 10 + FEW);
        workers.execute(done::incrementAndGet);
        look(2);
        await().until(() -> done.get() == 1);

        release.countDown();
        await().until(() -> workers.getSubmittedCount() == 0);
        look(2 * Workers.LOOKS);
        await().until(() -> workers.getPoolSize() == FEW);
    }

    @Test
    void thereAreNeverMoreThanTheMost() {
        hold(MOST);
        lookUntil(() -> workers.getQueue().isEmpty() && workers.getActiveCount() == MOST);
        workers.execute(done::incrementAndGet);
        look(20);
        assertThat(workers.getPoolSize()).isEqualTo(MOST);
        assertThat(workers.getQueue()).hasSize(1);

        release.countDown();
        await().until(() -> done.get() == 1);
    }

    @Test
    void whereTheSystemHasNoThreadThereAreMoreOnceItHas() {
        workers.watch("watcher");
        outOfThreads.set(true);
        hold(10);
        await().during(Duration.ofMillis(100)).until(() -> workers.getPoolSize() == FEW);

        outOfThreads.set(false);
        await().until(() -> workers.getActiveCount() == 10);
    }

    @Test
    void noRequestIsTakenAfterTheShutdown() {
        workers.watch("watcher");
        workers.execute(done::incrementAndGet);
        workers.shutdown();
        assertThatThrownBy(() -> workers.execute(done::incrementAndGet)).isInstanceOf(RejectedExecutionException.class);
        await().until(workers::isTerminated);
        assertThat(done).hasValue(1);
    }

    private Thread thread(Runnable task) {
        Thread thread = new Thread(task) {
            @Override
            public synchronized void start() {
                if (outOfThreads.get()) {
                    throw new OutOfMemoryError("unable to create native thread");
                }
                super.start();
            }
        };
        thread.setDaemon(true);
        return thread;
    }

    private void hold(int threads) {
        for (int each = 0; each < threads; each++) {
            workers.execute(() -> {
                try {
                    release.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            });
        }
    }

    private void look(int times) {
        for (int each = 0; each < times; each++) {
            workers.look();
        }
    }

    private void lookUntil(Callable<Boolean> condition) {
        soon().until(() -> {
            workers.look();
            return condition.call();
        });
    }

    private static ConditionFactory soon() {
        return await().pollDelay(Duration.ZERO).pollInterval(Duration.ofMillis(1));
    }

    private static void sleep() {
        try {
            TimeUnit.MILLISECONDS.sleep(50);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
