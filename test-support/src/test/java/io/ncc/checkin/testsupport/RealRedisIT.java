package io.ncc.checkin.testsupport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.RedisCommandTimeoutException;
import io.lettuce.core.RedisConnectionException;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.StatefulRedisConnection;
import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Runs on whichever server this machine gives; {@code -Dcheckins.test.redis=...} chooses. */
@Timeout(60)
final class RealRedisIT {

    @RegisterExtension
    static final RealRedis redis =
            RealRedis.server().setting("maxmemory", "50mb").setting("maxmemory-policy", "allkeys-lru");

    private static final RedisClient client = RedisClient.create();

    @AfterAll
    static void shutDownClient() {
        client.shutdown(Duration.ZERO, Duration.ofSeconds(2));
    }

    private static StatefulRedisConnection<String, String> connectWithTimeout(Duration timeout) {
        var uri = RedisURI.create(redis.uri());
        uri.setTimeout(timeout);
        return client.connect(uri);
    }

    @Test
    void settingsReachTheServer() {
        assertThat(redis.commands().configGet("maxmemory")).containsEntry("maxmemory", "52428800");
        assertThat(redis.commands().configGet("appendfsync")).containsEntry("appendfsync", "no");
        assertThat(redis.version().isAtLeast(6, 2)).isTrue();
    }

    @Test
    void dataSurviveARestart() {
        redis.commands().set("key", "value");
        int port = redis.port();
        redis.restart();
        assertThat(redis.port()).isEqualTo(port);
        assertThat(redis.commands().get("key")).isEqualTo("value");
    }

    @Test
    void dataSurviveAKill() {
        redis.commands().set("key", "value");
        redis.kill();
        assertThatThrownBy(() -> connectWithTimeout(Duration.ofSeconds(1)))
                .isInstanceOf(RedisConnectionException.class);
        redis.start();
        assertThat(redis.commands().get("key")).isEqualTo("value");
    }

    @Test
    void restartedEmptyItHasNoDataAndTheSamePort() {
        redis.commands().xadd("stream", "field", "value");
        int port = redis.port();
        redis.restartEmpty();
        assertThat(redis.port()).isEqualTo(port);
        assertThat(redis.commands().dbsize()).isZero();
    }

    @Test
    void aStoppedServerCanBeStartedEmpty() {
        redis.commands().set("key", "value");
        redis.stop();
        redis.restartEmpty();
        assertThat(redis.commands().dbsize()).isZero();
    }

    @Test
    void commandsOfAPausedServerTimeOutUntilItIsResumed() {
        try (var connection = connectWithTimeout(Duration.ofMillis(300))) {
            assertThat(connection.sync().ping()).isEqualTo("PONG");
            redis.pause();
            assertThatThrownBy(() -> connection.sync().ping()).isInstanceOf(RedisCommandTimeoutException.class);
            redis.resume();
            Awaitility.await()
                    .ignoreExceptions()
                    .untilAsserted(() -> assertThat(connection.sync().ping()).isEqualTo("PONG"));
            redis.resume();
        }
    }

    @Test
    void aPausedServerCanBeRestarted() {
        redis.commands().set("key", "value");
        redis.pause();
        redis.restart();
        assertThat(redis.commands().get("key")).isEqualTo("value");
        redis.pause();
        redis.kill();
        redis.start();
        assertThat(redis.commands().get("key")).isEqualTo("value");
    }

    @Test
    void killedConnectionsAreThoseOfOthers() {
        long own = redis.commands().clientId();
        try (var other = connectWithTimeout(Duration.ofSeconds(10))) {
            long before = other.sync().clientId();
            assertThat(redis.killConnections()).isGreaterThanOrEqualTo(1);
            assertThat(other.sync().clientId()).as("reconnected").isNotEqualTo(before);
        }
        assertThat(redis.commands().clientId()).isEqualTo(own);
    }

    @Test
    void fullMemoryRefusesWritesUntilItIsReleased() {
        redis.commands().set("key", "value");
        redis.fillMemory();
        redis.fillMemory();
        assertThatThrownBy(() -> redis.commands().set("key", "another"))
                .isInstanceOf(RedisCommandExecutionException.class)
                .hasMessageStartingWith("OOM");
        assertThat(redis.commands().get("key")).isEqualTo("value");

        redis.releaseMemory();
        assertThat(redis.commands().set("key", "another")).isEqualTo("OK");
        assertThat(redis.commands().configGet("maxmemory")).containsEntry("maxmemory", "52428800");
        assertThat(redis.commands().configGet("maxmemory-policy")).containsEntry("maxmemory-policy", "allkeys-lru");
    }

    /** Each leaves the server in a bad state; the next one would not begin with a working, empty one by itself. */
    @Nested
    @TestMethodOrder(MethodOrderer.OrderAnnotation.class)
    final class TheNextTestFindsItRunningAndEmpty {

        private void assertWorkingAndEmpty() {
            assertThat(redis.commands().dbsize()).isZero();
            assertThat(redis.commands().set("key", "value")).isEqualTo("OK");
        }

        @Test
        @Order(1)
        void afterItWasStopped() {
            assertWorkingAndEmpty();
            redis.stop();
        }

        @Test
        @Order(2)
        void afterItWasPaused() {
            assertWorkingAndEmpty();
            redis.pause();
        }

        @Test
        @Order(3)
        void afterItWasFilled() {
            assertWorkingAndEmpty();
            redis.fillMemory();
        }

        @Test
        @Order(4)
        void afterItWasFilledAndKilled() {
            assertWorkingAndEmpty();
            redis.fillMemory();
            redis.kill();
        }

        @Test
        @Order(5)
        void atLast() {
            assertWorkingAndEmpty();
        }
    }
}
