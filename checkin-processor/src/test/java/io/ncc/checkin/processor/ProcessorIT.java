package io.ncc.checkin.processor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.lettuce.core.Consumer;
import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.lettuce.core.StreamMessage;
import io.lettuce.core.XAddArgs;
import io.lettuce.core.XGroupCreateArgs;
import io.lettuce.core.XReadArgs;
import io.lettuce.core.XReadArgs.StreamOffset;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.CheckinCodec;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.testsupport.HttpAnswer;
import io.ncc.checkin.testsupport.RandomCheckins;
import io.ncc.checkin.testsupport.RealRedis;
import io.ncc.checkin.testsupport.SequentialFold;
import java.net.URI;
import java.net.http.HttpRequest;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.context.ConfigurableApplicationContext;

/** Whole processors against a real Redis: whatever happens, the hashes are what reading the stream once in order makes of them. */
@Timeout(120)
final class ProcessorIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final Keys KEYS = Keys.unpartitioned();
    private static final String STREAM = KEYS.checkins();
    private static final Duration LIMIT = Duration.ofSeconds(40);

    private final List<ConfigurableApplicationContext> processors = new ArrayList<>();
    private final RandomCheckins checkins = new RandomCheckins(42, 50, 20);

    @AfterEach
    void stopAll() {
        processors.forEach(ConfigurableApplicationContext::close);
    }

    private ConfigurableApplicationContext start(String... args) {
        String[] all = Stream.concat(
                        Stream.of(
                                "--server.port=0",
                                "--spring.data.redis.host=" + redis.host(),
                                "--spring.data.redis.port=" + redis.port(),
                                "--checkin.processor.claim-every=100ms"),
                        Stream.of(args))
                .toArray(String[]::new);
        ConfigurableApplicationContext processor = ProcessorApplication.run(all);
        processors.add(processor);
        return processor;
    }

    @Test
    void aBacklogBecomesItsFold() {
        append(5_000);
        start();
        awaitFold();
    }

    @Test
    void withTokensItsMetricsAreForOperators() {
        ConfigurableApplicationContext processor = start(
                "--management.server.port=0",
                "--checkin.security.tokens[0].name=prometheus",
                "--checkin.security.tokens[0].sha256=0d6be69b264717f2dd33652e212b173104b4a647b7c11ae72e9885f11cd312fb",
                "--checkin.security.tokens[0].roles=operate");
        String actuator =
                "http://localhost:" + processor.getEnvironment().getProperty("local.management.port") + "/actuator";
        assertThat(HttpAnswer.get(actuator + "/health/liveness").status()).isEqualTo(200);
        assertThat(HttpAnswer.get(actuator + "/prometheus").status()).isEqualTo(401);
        assertThat(HttpAnswer.send(HttpRequest.newBuilder(URI.create(actuator + "/prometheus"))
                                .header("Authorization", "Bearer passwd"))
                        .body())
                .contains("checkin_stream_pending");
    }

    @Test
    void severalProcessorsShareTheWorkAndCountEachEntryOnce() {
        start("--checkin.processor.consumer=one", "--checkin.processor.batch-size=10");
        start("--checkin.processor.consumer=two", "--checkin.processor.batch-size=10");
        append(20_000);
        awaitFold();
        assertThat(consumers()).contains("one", "two");
    }

    @Test
    void entriesThatADeadConsumerHoldsAreTakenOver() {
        append(2_500);
        leavePendingFor("dead");
        start("--checkin.processor.claim-after=200ms", "--checkin.processor.batch-size=100");
        awaitFold();
    }

    @Test
    void aConsumerBeginsWithItsOwnPendingEntries() {
        append(2_500);
        leavePendingFor("itself");
        // nothing is claimed within the time of this test
        start(
                "--checkin.processor.consumer=itself",
                "--checkin.processor.claim-after=1h",
                "--checkin.processor.batch-size=100");
        awaitFold();
    }

    @Test
    void entriesThatAreNoCheckinsBecomeDeadLettersAndStopNothing() {
        append(10);
        String first = redis.commands().xadd(STREAM, Map.of("userId", "1", "locationId", "x", "starRating", "9"));
        String second = redis.commands().xadd(STREAM, Map.of("hello", "world"));
        append(10);
        start("--checkin.processor.batch-size=7");
        awaitFold();
        append(10);
        awaitFold();
        assertThat(deadLetters())
                .containsExactlyInAnyOrderEntriesOf(
                        Map.of(first, "locationId is not an id from 1 to 2^63-1", second, "userId is missing"));
    }

    @Test
    void aUserThatIsNoHashStopsNothing() {
        redis.commands().set(KEYS.user(1), "not a hash");
        String bad = redis.commands().xadd(STREAM, CheckinCodec.encode(new Checkin(1, 1, 5)));
        redis.commands().xadd(STREAM, CheckinCodec.encode(new Checkin(2, 1, 5)));
        start();
        await().atMost(LIMIT).until(() -> "1".equals(redis.commands().hget(KEYS.user(2), "numCheckins")));
        await().atMost(LIMIT).until(() -> pending() == 0);
        assertThat(deadLetters()).isEqualTo(Map.of(bad, "ncc:users:1 is not a hash"));
    }

    private static Map<String, String> deadLetters() {
        return redis.commands().xrange("ncc:checkins:dead", Range.unbounded()).stream()
                .collect(Collectors.toMap(
                        letter -> letter.getBody().get("originalId"),
                        letter -> letter.getBody().get("reason")));
    }

    @Test
    void onePoisonEntryInAThousandIsSetAsideAndDelaysNothing() {
        redis.commands().set(KEYS.user(1_001), "not a hash");
        redis.commands().hset(KEYS.location(1_002), "numStars", "nan");
        Map<String, String> poison = new HashMap<>();
        for (int i = 0; i < 10; i++) {
            append(999);
            poison.put(add("userId", "1", "starRating", "5"), "locationId is missing");
            append(999);
            poison.put(
                    add("userId", "one", "locationId", "1", "starRating", "5"), "userId is not an id from 1 to 2^63-1");
            append(999);
            poison.put(
                    add("userId", "1", "locationId", "1", "starRating", "9"), "starRating is not a digit from 0 to 5");
            append(999);
            poison.put(add("userId", "1001", "locationId", "1", "starRating", "5"), "ncc:users:1001 is not a hash");
            append(999);
            poison.put(
                    add("userId", "1", "locationId", "1002", "starRating", "5"),
                    "ncc:locations:1002: numStars is not an integer below 2^53");
        }
        SequentialFold expected = SequentialFold.over(redis.commands()).addStream(redis.commands());
        start();
        await().atMost(LIMIT).until(() -> pending() == 0 && "49950".equals(total("applied")));
        assertThat(deadLetters()).isEqualTo(poison);
        assertThat(total("dead")).isEqualTo("50");
        expected.assertEqualTo(redis.commands());
    }

    private static String add(String... namesAndValues) {
        Object[] fields = namesAndValues;
        return redis.commands().xadd(STREAM, fields);
    }

    private static String total(String name) {
        return redis.commands().hget(KEYS.totals(), name);
    }

    @Test
    void anEntryThatOthersDeletedWhileItWasPendingIsCountedAsLost() {
        append(10);
        leavePendingFor("itself");
        String deleted =
                redis.commands().xrange(STREAM, Range.unbounded()).get(4).getId();
        redis.commands().xdel(STREAM, deleted);
        start("--checkin.processor.consumer=itself", "--checkin.processor.claim-after=1h");
        awaitFold();
        assertThat(total("lost")).isEqualTo("1");
        assertThat(total("applied")).isEqualTo("9");
    }

    @Test
    void sequentialAndGroupProcessorsTogetherCountEachEntryOnce() {
        start("--checkin.processor.mode=sequential", "--checkin.processor.batch-size=50");
        start("--checkin.processor.batch-size=50");
        start("--checkin.processor.batch-size=50");
        for (int i = 0; i < 20; i++) {
            append(2_000);
        }
        awaitFold();
        assertThat(total("applied")).isEqualTo("40000");
    }

    @Test
    void changingTheModeNeedsNothing() {
        append(1_000);
        start().close();
        append(1_000);
        ConfigurableApplicationContext sequential = start("--checkin.processor.mode=sequential");
        awaitFold();
        sequential.close();
        append(1_000);
        start();
        awaitFold();
        assertThat(total("applied")).isEqualTo("3000");
    }

    @Test
    void aSequentialProcessorFollowsAStreamThatBeginsAnew() {
        start("--checkin.processor.mode=sequential", "--checkin.processor.block=200ms");
        append(100);
        awaitFold();
        redis.commands().flushall();
        redis.commands().xadd(STREAM, new XAddArgs().id("5-0"), CheckinCodec.encode(new Checkin(7, 8, 5)));
        await().atMost(LIMIT).until(() -> "1".equals(redis.commands().hget(KEYS.user(7), "numCheckins")));
    }

    @Test
    void aPlainProgramInAnotherLanguageCanShareTheGroup(@TempDir Path folder) throws Exception {
        start("--checkin.processor.batch-size=5");
        start("--checkin.processor.batch-size=5");
        try (PlainProgram plain = new PlainProgram(redis, folder)) {
            for (int i = 0; i < 100; i++) {
                append(30);
            }
            awaitCounters();
            List<String> counted = plain.stop();
            assertThat(counted).isNotEmpty().doesNotHaveDuplicates();
            assertThat(counted.size() + Long.parseLong(total("applied"))).isEqualTo(3_000);
        }
    }

    @Test
    void anIdleSequentialProcessorDoesNotReadAgainWhatIsAboveACheckpointThatIsHeldBack() throws InterruptedException {
        append(10);
        leavePendingFor("gone");
        String held = redis.commands()
                .xrange(STREAM, Range.unbounded(), Limit.from(1))
                .get(0)
                .getId();
        redis.commands().xdel(STREAM, held); // pending for ever, as nobody claims
        append(500);
        start("--checkin.processor.mode=sequential", "--checkin.processor.block=100ms");
        await().atMost(LIMIT).until(() -> "509".equals(total("applied")));
        Thread.sleep(500);
        long read = readSoFar();
        Thread.sleep(1_000);
        assertThat(readSoFar()).isEqualTo(read);
    }

    /** Entries that this process submitted, also in vain. */
    private long readSoFar() {
        MeterRegistry registry = processors.get(0).getBean(MeterRegistry.class);
        return (long) registry.get("checkin.processor.entries").counters().stream()
                .mapToDouble(Counter::count)
                .sum();
    }

    @Test
    void aFullMemoryWithABacklogEmptiesItself() {
        append(20_000);
        redis.fillMemory();
        try {
            assertThatThrownBy(() -> append(1)).hasStackTraceContaining("OOM");
            start("--checkin.processor.retain-entries=100");
            await().atMost(LIMIT).until(() -> redis.commands().xlen(STREAM) == 100);
            assertThat(total("applied")).isEqualTo("20000");
        } finally {
            redis.releaseMemory();
        }
    }

    @Test
    void theStreamIsTrimmedToItsRetentionAndNeverBeforeOthersAreDone() {
        redis.commands().xgroupCreate(StreamOffset.from(STREAM, "0"), "slow", XGroupCreateArgs.Builder.mkstream());
        start("--checkin.processor.retain-entries=1000");
        start("--checkin.processor.retain-entries=1000");
        int read = 0;
        List<String> pendingForSlow = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            append(1_000);
            for (StreamMessage<String, String> entry : readAs("slow", 300)) {
                read++;
                pendingForSlow.add(entry.getId());
            }
        }
        await().atMost(LIMIT).until(() -> "20000".equals(total("applied")) && pending() == 0);
        // what it still holds, and what it hasn't read yet, is all there
        assertThat(redis.commands()
                        .xrange(STREAM, Range.unbounded(), Limit.from(1))
                        .get(0)
                        .getId())
                .isEqualTo(pendingForSlow.get(0));
        redis.commands().xack(STREAM, "slow", pendingForSlow.toArray(String[]::new));
        while (read < 20_000) {
            List<StreamMessage<String, String>> entries = readAs("slow", 1_000);
            assertThat(entries).isNotEmpty();
            read += entries.size();
            redis.commands()
                    .xack(
                            STREAM,
                            "slow",
                            entries.stream().map(StreamMessage::getId).toArray(String[]::new));
        }
        assertThat(read).isEqualTo(20_000);
        await().atMost(LIMIT).until(() -> redis.commands().xlen(STREAM) == 1_000);
    }

    @SuppressWarnings("unchecked") // of Lettuce's generic varargs
    private static List<StreamMessage<String, String>> readAs(String group, int count) {
        return redis.commands()
                .xreadgroup(
                        Consumer.from(group, "reader"),
                        XReadArgs.Builder.count(count),
                        StreamOffset.lastConsumed(STREAM));
    }

    @Test
    void withSimulatedWorkEntriesAreSharedOutOneByOne() {
        start("--checkin.processor.consumer=one", "--checkin.processor.simulated-work=10ms..30ms");
        start("--checkin.processor.consumer=two", "--checkin.processor.simulated-work=10ms..30ms");
        append(50);
        awaitFold();
        assertThat(consumers()).contains("one", "two");
    }

    @Test
    void aConsumerThatStopsLeavesTheGroupUnlessItHoldsSomething() {
        ConfigurableApplicationContext leaving = start("--checkin.processor.consumer=leaving");
        append(10);
        awaitFold();
        leaving.close();
        assertThat(consumers()).isEmpty();
    }

    @Test
    void itGoesOnWhenItsConnectionsAreKilledUnderLoad() {
        start("--checkin.processor.batch-size=50");
        for (int i = 0; i < 10; i++) {
            append(1_000);
            redis.killConnections();
        }
        awaitFold();
    }

    @Test
    void aStopLeavesNothingPending() {
        for (int round = 0; round < 5; round++) {
            ConfigurableApplicationContext processor = start("--checkin.processor.batch-size=20");
            append(3_000);
            processor.close();
            assertThat(pending()).isZero();
        }
        start();
        awaitFold();
    }

    @Test
    void aStopDoesNotWaitForABlockedReadToEnd() {
        ConfigurableApplicationContext processor = start("--checkin.processor.block=5s");
        await().atMost(LIMIT).until(() -> redis.commands().clientList().contains("cmd=xreadgroup"));
        long start = System.nanoTime();
        processor.close();
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(4));
    }

    private void append(int count) {
        checkins.append(redis.commands(), count);
    }

    @SuppressWarnings("unchecked") // of Lettuce's generic varargs
    private void leavePendingFor(String consumer) {
        redis.commands().xgroupCreate(StreamOffset.from(STREAM, "0"), Keys.GROUP, XGroupCreateArgs.Builder.mkstream());
        assertThat(redis.commands()
                        .xreadgroup(
                                Consumer.from(Keys.GROUP, consumer),
                                XReadArgs.Builder.count(1_000_000),
                                StreamOffset.lastConsumed(STREAM)))
                .isNotEmpty();
    }

    private static void awaitFold() {
        SequentialFold expected = SequentialFold.over(Map.of()).addStream(redis.commands());
        await().atMost(LIMIT).untilAsserted(() -> {
            assertThat(pending()).isZero();
            expected.assertEqualTo(redis.commands());
        });
    }

    /** The counters only: the others a plain program reads and writes in two steps. */
    private static void awaitCounters() {
        SequentialFold fold = SequentialFold.over(Map.of()).addStream(redis.commands());
        await().atMost(LIMIT).untilAsserted(() -> {
            assertThat(pending()).isZero();
            fold.hashes().forEach((key, expected) -> {
                Map<String, String> actual = redis.commands().hgetall(key);
                for (String counted : List.of("numCheckins", "numStars")) {
                    assertThat(actual.get(counted)).as(key + " " + counted).isEqualTo(expected.get(counted));
                }
            });
        });
    }

    private static long pending() {
        // there is no group where no processor is one of a group, or where none has connected yet
        boolean isThere =
                redis.commands().xinfoGroups(STREAM).stream().anyMatch(group -> ((List<?>) group).contains(Keys.GROUP));
        return isThere ? redis.commands().xpending(STREAM, Keys.GROUP).getCount() : 0;
    }

    private static List<String> consumers() {
        return redis.commands().xinfoConsumers(STREAM, Keys.GROUP).stream()
                .map(consumer -> (String) ((List<?>) consumer).get(1))
                .toList();
    }
}
