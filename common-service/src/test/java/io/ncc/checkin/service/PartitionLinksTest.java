package io.ncc.checkin.service;

import static org.assertj.core.api.Assertions.assertThat;

import io.lettuce.core.RedisConnectionException;
import io.ncc.checkin.model.Partitions;
import io.ncc.redis.RedisServers;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

final class PartitionLinksTest {

    private static final Duration UNTIL_REFUSED = Duration.ofMillis(300);

    /** No server can be reached, which takes a moment to find out. */
    private static final RedisServers NOWHERE = key -> codec -> {
        LockSupport.parkNanos(UNTIL_REFUSED.toNanos());
        throw new RedisConnectionException("nowhere");
    };

    @Test
    void serversThatAreAwayDelayTheStartAndTheStopOnce() {
        Partitions partitions = Partitions.of(64);
        PartitionLinks links = new PartitionLinks("test", partitions, NOWHERE, new PartitionCheck(partitions, NOWHERE));
        long begin = System.nanoTime();
        links.start();
        assertThat(links.isRunning()).isTrue();
        links.stop();
        assertThat(links.isRunning()).isFalse();
        assertThat(System.nanoTime() - begin)
                .isLessThan(64 * UNTIL_REFUSED.toNanos() / 4)
                .isGreaterThan(TimeUnit.MILLISECONDS.toNanos(100));
    }
}
