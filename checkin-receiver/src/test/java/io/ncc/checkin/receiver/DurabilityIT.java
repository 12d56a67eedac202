package io.ncc.checkin.receiver;

import static io.ncc.checkin.receiver.StartedReceiver.STREAM;
import static io.ncc.checkin.receiver.StartedReceiver.assertUnavailable;
import static io.ncc.checkin.receiver.StartedReceiver.checkin;
import static io.ncc.checkin.receiver.StartedReceiver.idOf;
import static io.ncc.checkin.receiver.StartedReceiver.ids;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.lettuce.core.Range;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.UnblockType;
import io.ncc.checkin.localredis.LocalRedis;
import io.ncc.checkin.localredis.RedisBinary;
import io.ncc.checkin.localredis.RedisVersion;
import io.ncc.checkin.testsupport.HttpAnswer;
import io.ncc.checkin.testsupport.RealRedis;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

/** What a 202 promises beyond that Redis has the checkin, and what comes in its place when that can't be promised. */
@Timeout(60)
final class DurabilityIT {

    @RegisterExtension
    static final RealRedis redis =
            RealRedis.server().setting("appendfsync", "always").setting("repl-diskless-sync-delay", "0");

    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final Duration DURABILITY_TIMEOUT = Duration.ofMillis(300);
    private static final String KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324";
    private static final RedisVersion FIRST_WITH_WAITAOF = new RedisVersion(7, 2, 0);

    @Test
    void whatA202MeansIsToldAndMemoryIsTheDefault() {
        try (StartedReceiver receiver = StartedReceiver.on(redis)) {
            assertThat(mode(receiver)).isEqualTo("memory");
            idOf(receiver.post(checkin(1)));
        }
    }

    @Test
    void aWaitAsLongAsACommandMayTakeStopsTheStart() {
        assertThatThrownBy(() -> StartedReceiver.on(
                        redis,
                        "spring.data.redis.timeout=500ms",
                        "checkin.receiver.durability=replica",
                        "checkin.receiver.durability-timeout=500ms"))
                .hasStackTraceContaining(
                        "checkin.receiver.durability-timeout must be less than spring.data.redis.timeout, 500ms");
    }

    private static String mode(StartedReceiver receiver) {
        return receiver.get("/actuator/info").json().at("/durability/mode").asString();
    }

    private static String mechanism(StartedReceiver receiver) {
        return receiver.get("/actuator/info").json().at("/durability/by").asString();
    }

    @Nested
    final class WithAReplica {

        private LocalRedis replica;
        private StartedReceiver receiver;

        @BeforeEach
        void start() {
            replica = LocalRedis.with(RedisBinary.chosen())
                    .setting("replicaof", redis.host() + ' ' + redis.port())
                    .start();
            receiver = startReceiver();
            await().atMost(LIMIT).until(receiver::accepts);
            redis.commands().flushall();
        }

        @AfterEach
        void stop() {
            receiver.close();
            replica.close();
        }

        private StartedReceiver startReceiver(String... more) {
            return StartedReceiver.on(
                    redis,
                    Stream.concat(
                                    Stream.of(
                                            "checkin.receiver.durability=replica",
                                            "checkin.receiver.durability-timeout=" + DURABILITY_TIMEOUT.toMillis()
                                                    + "ms"),
                                    Stream.of(more))
                            .toArray(String[]::new));
        }

        @Test
        void anAcceptedCheckinIsOnTheReplica() {
            for (int i = 0; i < 20; i++) {
                String id = idOf(receiver.post(checkin(7)));
                assertThat(idsOnReplica()).endsWith(id);
            }
            assertThat(mode(receiver)).isEqualTo("replica");
        }

        @Test
        void anAcceptedBatchIsOnTheReplica() {
            HttpAnswer answer = receiver.batch()
                    .post(Stream.generate(() -> checkin(7))
                            .limit(1_200)
                            .toList()
                            .toString());
            assertThat(answer.status()).isEqualTo(202);
            assertThat(idsOnReplica()).hasSize(1_200);
        }

        @Test
        void withoutTheReplicaTheOutcomeIsUnknownInTimeAndWithItAllIsWell() {
            replica.stop();
            long start = System.nanoTime();
            assertUnavailable(receiver.post(checkin(7)), "outcome-unknown");
            assertThat(Duration.ofNanos(System.nanoTime() - start))
                    .isBetween(DURABILITY_TIMEOUT.dividedBy(2), DURABILITY_TIMEOUT.plusSeconds(2));
            receiver.assertRefuses("durability-unavailable"); // and isn't stored: once is enough to know
            receiver.awaitReadiness(503);

            replica.startAgain();
            await().atMost(LIMIT).until(receiver::accepts);
            assertThat(idsOnReplica()).isEqualTo(ids(redis));
        }

        /** The mark is written together with the entry. */
        @Test
        void withARepeatWindowWhatIsSentAgainWithoutAKeyIsNotStoredTwice() {
            try (StartedReceiver once = startReceiver("checkin.receiver.repeat-window=10m")) {
                await().atMost(LIMIT).until(() -> once.readiness() == 200);
                replica.stop();
                HttpAnswer unknown = once.post(checkin(7));
                assertUnavailable(unknown, "outcome-unknown");
                assertThat(unknown.json().get("detail").asString())
                        .endsWith(
                                "sent again within checkin.receiver.repeat-window, it is refused as a repeat if it is stored.");

                replica.startAgain();
                await().atMost(LIMIT).until(() -> once.post(checkin(7)).status() == 409);
                HttpAnswer repeat = once.post(checkin(7));
                assertThat(repeat.problemType()).isEqualTo("repeat");
                assertThat(repeat.json().get("detail").asString()).endsWith("This request stored nothing.");
                assertThat(redis.commands().xlen(STREAM)).isEqualTo(1);
            }
        }

        @Test
        void aRepeatWaitsForTheReplicaToo() {
            replica.stop();
            assertUnavailable(receiver.post(KEY, checkin(7)), "outcome-unknown");
            assertUnavailable(receiver.post(KEY, checkin(7)), "durability-unavailable");
            assertThat(redis.commands().xlen(STREAM)).isEqualTo(1);

            replica.startAgain();
            await().atMost(LIMIT).until(() -> receiver.post(KEY, checkin(7)).status() == 202);
            String id = idOf(receiver.post(KEY, checkin(7)));
            assertThat(ids(redis)).containsExactly(id);
            assertThat(idsOnReplica()).containsExactly(id);
        }

        @Test
        void aRepeatAtAnotherReceiverWaitsForWhatThatOneHasNotWritten() {
            try (StartedReceiver other = startReceiver()) {
                idOf(other.post(checkin(1)));
                replica.pause(); // connected, and behind
                assertUnavailable(receiver.post(KEY, checkin(7)), "outcome-unknown");
                assertUnavailable(other.post(KEY, checkin(7)), "outcome-unknown");
                replica.resume();
                await().atMost(LIMIT).until(() -> other.post(KEY, checkin(7)).status() == 202);
                assertThat(idsOnReplica()).hasSize(2).isEqualTo(ids(redis));
            }
        }

        @Test
        void whatIsRefusedWaitsForNothing() {
            idOf(receiver.post(KEY, checkin(7)));
            replica.pause();
            HttpAnswer mismatch = receiver.post(KEY, checkin(8));
            replica.resume();
            assertThat(mismatch.problemType()).isEqualTo("idempotency-mismatch");
        }

        @Test
        void afterANewConnectionARepeatStillWaits() {
            replica.pause();
            assertUnavailable(receiver.post(KEY, checkin(7)), "outcome-unknown");
            redis.killConnections(); // perhaps the new one, while it is asked whether it keeps the promise
            await().atMost(LIMIT)
                    .untilAsserted(() -> assertUnavailable(receiver.post(KEY, checkin(7)), "durability-unavailable"));

            replica.resume();
            await().atMost(LIMIT).until(() -> receiver.post(KEY, checkin(7)).status() == 202);
            assertThat(redis.commands().xlen(STREAM)).isEqualTo(1);
        }

        @Test
        void anErrorInReplyToTheWaitMeansThatTheOutcomeIsUnknown() throws Exception {
            try (StartedReceiver patient = StartedReceiver.on(
                    redis,
                    "spring.data.redis.timeout=20s",
                    "checkin.receiver.durability=replica",
                    "checkin.receiver.durability-timeout=15s")) {
                await().atMost(LIMIT).until(patient::accepts);
                redis.commands().flushall();
                replica.pause();
                CompletableFuture<HttpAnswer> answer = CompletableFuture.supplyAsync(() -> patient.post(checkin(7)));
                await().atMost(LIMIT).until(() -> waiting().size() == 1);
                assertThat(redis.commands().clientUnblock(waiting().get(0), UnblockType.ERROR))
                        .isEqualTo(1);
                assertUnavailable(answer.get(LIMIT.toSeconds(), TimeUnit.SECONDS), "outcome-unknown");
                assertThat(redis.commands().xlen(STREAM)).isEqualTo(1);
                replica.resume();
            }
        }

        /** The connections that wait for the replica. */
        private List<Long> waiting() {
            return redis.commands()
                    .clientList()
                    .lines()
                    .filter(client -> client.contains(" cmd=wait ") && client.contains(" flags=b "))
                    .map(client -> Long.valueOf(client.substring("id=".length(), client.indexOf(' '))))
                    .toList();
        }

        private List<String> idsOnReplica() {
            RedisClient client = RedisClient.create(RedisURI.create("127.0.0.1", replica.port()));
            try {
                return client.connect().sync().xrange(STREAM, Range.<String>unbounded()).stream()
                        .map(entry -> entry.getId())
                        .toList();
            } finally {
                client.shutdown(0, 1, TimeUnit.SECONDS);
            }
        }
    }

    /** A setting that the promise rests on. */
    record Setting(String name, String right, String wrong) {

        @Override
        public String toString() {
            return name + ' ' + wrong;
        }
    }

    @Nested
    @ExtendWith(OutputCaptureExtension.class)
    final class OnDisk {

        @AfterEach
        void restore() {
            settings().forEach(setting -> redis.commands().configSet(setting.name, setting.right));
        }

        static List<Setting> settings() {
            Setting appendOnly = new Setting("appendonly", "yes", "no");
            return redis.version().compareTo(FIRST_WITH_WAITAOF) >= 0
                    ? List.of(appendOnly) // how often it syncs by itself doesn't matter where it can be waited for
                    : List.of(
                            appendOnly,
                            new Setting("appendfsync", "always", "everysec"),
                            new Setting("no-appendfsync-on-rewrite", "no", "yes"));
        }

        private static StartedReceiver startReceiver() {
            return StartedReceiver.on(redis, "checkin.receiver.durability=fsync");
        }

        @Test
        void aServerThatSyncsBeforeItAnswersIsAccepted() {
            try (StartedReceiver receiver = startReceiver()) {
                idOf(receiver.post(checkin(7)));
                assertThat(receiver.readiness()).isEqualTo(200);
                assertThat(mode(receiver)).isEqualTo("fsync");
            }
            redis.kill();
            redis.start();
            assertThat(redis.commands().xlen(STREAM)).isEqualTo(1);
        }

        /** Where it can be waited for: with appendfsync no, the disk never confirms. Elsewhere Redis syncs before it answers. */
        @Test
        void aRepeatAtAnotherReceiverWaitsForTheDiskToo() {
            boolean canWait = redis.version().compareTo(FIRST_WITH_WAITAOF) >= 0;
            String before = redis.commands().configGet("appendfsync").get("appendfsync");
            try (StartedReceiver receiver = startReceiver();
                    StartedReceiver other = startReceiver()) {
                idOf(other.post(checkin(1)));
                if (canWait) {
                    redis.commands().configSet("appendfsync", "no");
                    assertUnavailable(receiver.post(KEY, checkin(7)), "outcome-unknown");
                    assertUnavailable(other.post(KEY, checkin(7)), "outcome-unknown");
                    redis.commands().configSet("appendfsync", "always");
                    await().atMost(LIMIT).until(() -> receiver.accepts() && other.accepts());
                }
                String id = idOf(receiver.post(KEY, checkin(7)));
                assertThat(idOf(other.post(KEY, checkin(7)))).isEqualTo(id);
                List<String> stored = ids(redis);
                redis.kill();
                redis.start();
                assertThat(ids(redis)).isEqualTo(stored).contains(id);
            } finally {
                redis.commands().configSet("appendfsync", before);
            }
        }

        @ParameterizedTest
        @MethodSource("settings")
        void aServerThatDoesNotIsRefusedUntilItDoes(Setting setting, CapturedOutput log) {
            redis.commands().configSet(setting.name, setting.wrong);
            try (StartedReceiver receiver = startReceiver()) {
                await().atMost(LIMIT)
                        .until(() -> receiver.post(checkin(7)).body().contains("durability-unavailable"));
                receiver.assertRefuses("durability-unavailable");
                receiver.awaitReadiness(503);
                assertThat(refusals(log)).singleElement().asString().contains(setting.name + ' ' + setting.right);
                assertThat(receiver.get("/actuator/health")
                                .json()
                                .at("/components/append/details/reason")
                                .asString())
                        .contains(setting.name + ' ' + setting.right);
                assertThat(mechanism(receiver)).isEqualTo("not known yet");

                redis.commands().configSet(setting.name, setting.right);
                await().atMost(LIMIT).until(receiver::accepts);
                assertThat(mechanism(receiver)).matches("appendfsync always|WAITAOF 1 0 1000");
                receiver.awaitReadiness(200);

                redis.commands().configSet(setting.name, setting.wrong);
                redis.killConnections();
                await().atMost(LIMIT)
                        .until(() -> receiver.post(checkin(7)).body().contains("durability-unavailable"));
                receiver.assertRefuses("durability-unavailable");
                assertThat(refusals(log)).hasSize(2).last().asString().contains(setting.wrong);
            }
        }

        private static List<String> refusals(CapturedOutput log) {
            return log.toString()
                    .lines()
                    .filter(line -> line.contains(" ERROR ") && line.contains("is refused"))
                    .toList();
        }
    }
}
