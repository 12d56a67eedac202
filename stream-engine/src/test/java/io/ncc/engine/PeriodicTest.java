package io.ncc.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lettuce.core.RedisCommandTimeoutException;
import io.ncc.redis.RedisCondition;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
final class PeriodicTest {

    private static final Duration LIMIT = Duration.ofSeconds(10);

    private volatile @Nullable Throwable failure;
    private volatile boolean readerReports;
    private final AtomicInteger turns = new AtomicInteger();
    private final Periodic periodic =
            new Periodic("task", Duration.ofMillis(10), this::turn, () -> readerReports, Duration.ofMillis(800));

    private boolean turn(Runnable waiting) {
        turns.incrementAndGet();
        Throwable failing = failure;
        if (failing instanceof Error error) {
            throw error;
        }
        if (failing instanceof RuntimeException exception) {
            throw exception;
        }
        return false;
    }

    @AfterEach
    void stop() {
        periodic.stop();
    }

    @Test
    void anOutageThatOnlyTheTaskSuffersIsItsTroubleAfterAWhile() {
        failure = new RedisCommandTimeoutException();
        periodic.start();
        await().atMost(LIMIT).until(() -> turns.get() >= 3);
        assertThat(periodic.trouble()).isNull();

        await().atMost(LIMIT).until(() -> periodic.trouble() == RedisCondition.TIMEOUT);

        failure = null;
        await().atMost(LIMIT).until(() -> periodic.trouble() == null);
    }

    @Test
    void anOutageThatTheReaderReportsIsNotTheTasks() {
        failure = new RedisCommandTimeoutException();
        readerReports = true;
        periodic.start();
        await().during(Duration.ofSeconds(1)).atMost(LIMIT).until(() -> periodic.trouble() == null);
    }

    @Test
    void failuresNowAndThenAreNoTrouble() {
        periodic.start();
        long end = System.nanoTime() + Duration.ofSeconds(1).toNanos();
        while (System.nanoTime() < end) {
            failure = new RedisCommandTimeoutException();
            awaitTurns(2);
            failure = null;
            awaitTurns(2);
            assertThat(periodic.trouble()).isNull();
        }
    }

    @Test
    void runningOutOfMemoryDoesNotEndIt() {
        failure = new OutOfMemoryError("of a test");
        periodic.start();
        awaitTurns(3);
        failure = null;
        await().atMost(LIMIT).until(() -> periodic.trouble() == null);
        awaitTurns(3);
    }

    private void awaitTurns(int more) {
        int before = turns.get();
        await().atMost(LIMIT).pollInterval(Duration.ofMillis(1)).until(() -> turns.get() >= before + more);
    }
}
