package io.ncc.checkin.receiver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lettuce.core.Range;
import io.ncc.checkin.service.security.TokenDigests;
import io.ncc.checkin.testsupport.HttpAnswer;
import io.ncc.checkin.testsupport.RealRedis;
import java.time.Duration;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

/** The receiver takes the tokens that the API server's logins give. */
@Timeout(60)
@ExtendWith(OutputCaptureExtension.class)
final class SessionIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final Duration LIMIT = Duration.ofSeconds(10);

    private static StartedReceiver receiver;
    private static int tokens;

    /** Not known from an earlier test. */
    private String token;

    @BeforeAll
    static void start() {
        receiver = StartedReceiver.on(
                redis,
                "checkin.security.logins=true",
                // of an issuer that nobody reaches: a token of a session is no JWT
                "spring.security.oauth2.resourceserver.jwt.jwk-set-uri=http://127.0.0.1:9/keys",
                "logging.level.org.springframework.security=trace",
                "logging.level.org.springframework.web=trace",
                "logging.level.io.ncc=debug");
    }

    @AfterAll
    static void stop() {
        receiver.close();
    }

    @BeforeEach
    void login() {
        token = "chs_789_" + "x".repeat(40) + (100 + tokens++);
        redis.commands().set(key(), "789");
    }

    private String key() {
        return StartedReceiver.KEYS.session(TokenDigests.of(token));
    }

    private static HttpAnswer post(String token, long user) {
        return HttpAnswer.to(receiver.url("/checkins"))
                .header("Authorization", "Bearer " + token)
                .post("{\"userId\":" + user + ",\"locationId\":171,\"starRating\":5}");
    }

    @Test
    void aSessionIsForCheckinsOfItsUserOnly() {
        assertThat(post(token, 789).status()).isEqualTo(202);
        assertThat(post(token, 790).status()).isEqualTo(403);
        assertThat(redis.commands().xlen(StartedReceiver.STREAM)).isEqualTo(1);
    }

    @Test
    void aTokenWithoutASessionIsNone() {
        assertThat(post(token.replace("chs_789_", "chs_790_"), 790).status()).isEqualTo(401);
        redis.commands().set(key(), "790");
        assertThat(post(token, 789).status()).isEqualTo(401);
        redis.commands().del(key());
        assertThat(post(token, 789).status()).isEqualTo(401);
        assertThat(redis.commands().exists(StartedReceiver.STREAM)).isZero();
    }

    @Test
    void aSessionIsRememberedForSomeSecondsAndNoLonger() {
        assertThat(post(token, 789).status()).isEqualTo(202);
        redis.commands().del(key());
        assertThat(post(token, 789).status()).isEqualTo(202);
        await().atMost(LIMIT).until(() -> post(token, 789).status() == 401);
    }

    @Test
    void madeUpSessionsAreNoWayToRedisBeyondTheRateLimit() throws InterruptedException {
        int limit = 5;
        try (StartedReceiver limited =
                StartedReceiver.on(redis, "checkin.security.logins=true", "checkin.receiver.rate-limit=" + limit)) {
            assertThat(post(limited, "/checkins", token)).isEqualTo(202);
            long before = redis.calls("get");
            long start = System.nanoTime();
            for (int sent = 0; sent < 300 || secondsSince(start) < 6; sent++) { // longer than a session is remembered
                Thread.sleep(sent < 300 ? 0 : 20);
                String madeUp = "chs_789_" + UUID.randomUUID() + "x".repeat(7);
                assertThat(post(limited, sent % 2 == 0 ? "/checkins" : "/nowhere", madeUp))
                        .isIn(401, 429, 503);
            }
            assertThat(post(limited, "/checkins", token)).as("found before").isEqualTo(202);
            assertThat(redis.calls("get") - before).isLessThanOrEqualTo(limit * (2 + secondsSince(start)));
        }
    }

    private static int post(StartedReceiver to, String path, String token) {
        return HttpAnswer.to(to.url(path))
                .header("Authorization", "Bearer " + token)
                .post(StartedReceiver.checkin(789))
                .status();
    }

    private static long secondsSince(long start) {
        return Duration.ofNanos(System.nanoTime() - start).toSeconds();
    }

    @Test
    void neitherTheLogNorTheStreamHasTheToken(CapturedOutput output) {
        assertThat(post(token, 789).status()).isEqualTo(202);
        assertThat(post(token, 790).status()).isEqualTo(403);
        String secret = token.substring("chs_789_".length());
        assertThat(output.getAll()).contains("POST \"/checkins\"").doesNotContain(secret);
        assertThat(redis.commands().keys("*")).allSatisfy(key -> assertThat(key).doesNotContain(secret));
        assertThat(redis.commands().xrange(StartedReceiver.STREAM, Range.unbounded()))
                .hasSize(1)
                .asString()
                .doesNotContain(secret);
    }

    @Test
    void withoutRedisItIsNotKnownWhetherThereIsASession() {
        redis.stop();
        HttpAnswer answer = post(token, 789);
        assertThat(answer.status()).isEqualTo(503);
        assertThat(answer.problemType()).isEqualTo("token-unverified");
        redis.start();
        await().atMost(LIMIT).until(() -> post(token, 789).status() == 202);
    }
}
