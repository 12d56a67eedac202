package io.ncc.checkin.processor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lettuce.core.Consumer;
import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.lettuce.core.Range.Boundary;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.StreamMessage;
import io.lettuce.core.XAddArgs;
import io.lettuce.core.XGroupCreateArgs;
import io.lettuce.core.XReadArgs;
import io.lettuce.core.XReadArgs.StreamOffset;
import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.CheckinCodec;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.testsupport.RandomCheckins;
import io.ncc.checkin.testsupport.RealRedis;
import io.ncc.checkin.testsupport.SequentialFold;
import io.ncc.engine.Mode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.health.contributor.CompositeHealthContributor;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.boot.health.contributor.Status;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.context.ConfigurableApplicationContext;

/**
 * Another program takes over from a processor, or a processor from it, and no entry is applied twice or left out. The other program knows the
 * checkpoint or the group, but neither the settled ranges nor the scripts.
 */
@Timeout(120)
@ExtendWith(OutputCaptureExtension.class)
final class HandOverIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server().setting("appendonly", "no");

    private static final Keys KEYS = Keys.unpartitioned();
    private static final String STREAM = KEYS.checkins();
    private static final Duration LIMIT = Duration.ofSeconds(40);

    private final List<ConfigurableApplicationContext> processors = new ArrayList<>();
    private final RandomCheckins checkins = new RandomCheckins(42, 50, 20);

    @BeforeEach
    void empty() {
        redis.commands().flushall();
    }

    @AfterEach
    void stopAll() {
        processors.forEach(ConfigurableApplicationContext::close);
    }

    private ConfigurableApplicationContext start(Mode mode, String... args) {
        String[] all = Stream.concat(
                        Stream.of(
                                "--server.port=0",
                                "--spring.data.redis.host=" + redis.host(),
                                "--spring.data.redis.port=" + redis.port(),
                                "--checkin.processor.projections=totals",
                                "--checkin.processor.mode=" + mode,
                                "--checkin.processor.block=100ms"),
                        Stream.of(args))
                .toArray(String[]::new);
        ConfigurableApplicationContext processor = ProcessorApplication.run(all);
        processors.add(processor);
        return processor;
    }

    @ParameterizedTest
    @EnumSource
    void afterAStopAPlainReaderGoesOnAtTheCheckpointAndBack(Mode mode) {
        for (int round = 0; round < 3; round++) {
            append(2_000);
            ConfigurableApplicationContext processor = start(mode, "--checkin.processor.batch-size=20");
            append(500);
            processor.close(); // somewhere within the backlog

            append(300);
            goOnAtTheCheckpoint(400);
        }
        start(mode);
        awaitCounters();
    }

    @Test
    void afterEachBatchOfSequentialModeTheCheckpointIsTheLastEntryThatWasApplied() {
        append(1_000);
        start(Mode.SEQUENTIAL, "--checkin.processor.batch-size=1000");
        // in one reply, so that nothing happens in between
        await().atMost(LIMIT).untilAsserted(() -> {
            List<Object> state = redis.commands()
                    .eval(
                            "return {redis.call('HGET', KEYS[1], 'applied'), redis.call('GET', KEYS[2]), redis.call('ZCARD', KEYS[3])}",
                            ScriptOutputType.MULTI,
                            KEYS.totals(),
                            KEYS.checkpoint(),
                            KEYS.settledRanges());
            assertThat(state.get(0)).isNotNull();
            int applied = Integer.parseInt((String) state.get(0));
            assertThat(state).containsExactly(Integer.toString(applied), idOf(applied), 0L);
        });
        awaitCounters();
    }

    @ParameterizedTest
    @EnumSource
    void whatAnotherProgramOfTheGroupHasAppliedIsNotAppliedAgain(Mode mode) {
        append(3_000);
        List<StreamMessage<String, String>> read = readAsGroup(1_400);
        Random random = new Random(7);
        for (StreamMessage<String, String> entry : read) {
            if (random.nextInt(100) >= 3) { // the others stay pending
                count(entry);
                redis.commands().xack(STREAM, Keys.GROUP, entry.getId());
            }
        }
        append(100);

        start(mode, "--checkin.processor.claim-after=100ms", "--checkin.processor.claim-every=100ms");

        awaitCounters();
    }

    @Test
    void theOtherProgramMayHaveGoneOnAfterAProcessorThatHasACheckpoint() {
        append(500);
        start(Mode.GROUP).close();
        append(500);
        readAsGroup(300).forEach(entry -> {
            count(entry);
            redis.commands().xack(STREAM, Keys.GROUP, entry.getId());
        });

        start(Mode.SEQUENTIAL);

        awaitCounters();
    }

    @Test
    void aProgramOfTheGroupRepeatsNothingAfterSequentialMode() {
        append(1_000);
        readAsGroup(100); // which stay pending
        ConfigurableApplicationContext processor = start(Mode.SEQUENTIAL, "--checkin.processor.batch-size=20");
        await().atMost(LIMIT)
                .until(() -> redis.commands().xpending(STREAM, Keys.GROUP).getCount() == 0);
        append(500);
        processor.close(); // somewhere within the backlog

        readAsGroup(2_000).forEach(HandOverIT::count);

        awaitCounters();
    }

    @ParameterizedTest
    @EnumSource
    void aStreamThatWasLoadedAgainIsSaid(Mode mode, CapturedOutput output) {
        append(500);
        ConfigurableApplicationContext first = start(mode);
        await().atMost(LIMIT).until(() -> "500".equals(total("applied")));
        first.close();
        String last = idOf(500);
        redis.commands().del(STREAM);
        for (int i = 0; i < 100; i++) {
            redis.commands().xadd(STREAM, new XAddArgs().id(i + 1 + "-0"), CheckinCodec.encode(new Checkin(7, 8, 5)));
        }
        redis.commands().xadd(STREAM, new XAddArgs().id(last), CheckinCodec.encode(new Checkin(7, 8, 5)));
        redis.commands().xgroupCreate(StreamOffset.from(STREAM, "0"), Keys.GROUP);

        start(mode);

        String expected = "The stream ncc:checkins was replaced by another one";
        if (redis.version().major() < 7) { // in sequential mode nobody notices
            expected = mode == Mode.GROUP ? "101 entries of ncc:checkins were acknowledged without being applied" : "";
        }
        String said = expected;
        await().atMost(LIMIT).until(() -> output.getOut().contains(said));
        assertThat(total("applied")).isEqualTo("500");
    }

    @Test
    void manySkippedEntriesAreSaid(CapturedOutput output) {
        append(200);
        start(Mode.GROUP);
        await().atMost(LIMIT).until(() -> "200".equals(total("applied")));
        redis.commands().xgroupSetid(StreamOffset.from(STREAM, "0"), Keys.GROUP);

        await().atMost(LIMIT)
                .until(() -> output.getOut()
                        .contains("200 entries of ncc:checkins were acknowledged without being applied"));
        awaitCounters();
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "0-0"})
    void aCheckpointAtTheBeginningIsTaken(String beginning) {
        append(100);
        redis.commands().set(KEYS.checkpoint(), beginning);
        start(Mode.SEQUENTIAL);
        awaitCounters();
    }

    @ParameterizedTest
    @EnumSource
    void aCheckpointOfMillisecondsIsTaken(Mode mode) {
        for (int i = 1; i <= 100; i++) {
            redis.commands().xadd(STREAM, new XAddArgs().id(i + "-0"), CheckinCodec.encode(new Checkin(7, 8, 5)));
        }
        redis.commands().set(KEYS.checkpoint(), "40");
        start(mode);
        await().atMost(LIMIT).until(() -> "60".equals(total("applied")));
        await().atMost(LIMIT).until(() -> "100-0".equals(redis.commands().get(KEYS.checkpoint())));
    }

    /** As someone writes it to skip a backlog. */
    @ParameterizedTest
    @EnumSource
    void aCheckpointOfMillisecondsBeyondTheLastEntryCountsAsThatEntry(Mode mode) {
        append(100);
        redis.commands().set(KEYS.checkpoint(), String.valueOf(System.currentTimeMillis() + 60_000));
        start(mode);
        await().atMost(LIMIT)
                .until(() ->
                        String.valueOf(redis.commands().get(KEYS.checkpoint())).contains("-"));
        append(50);
        String newest = redis.commands()
                .xrevrange(STREAM, Range.unbounded(), Limit.from(1))
                .get(0)
                .getId();
        await().atMost(LIMIT).until(() -> newest.equals(redis.commands().get(KEYS.checkpoint())));
        assertThat(total("applied")).isEqualTo("50");
    }

    @Test
    void aDamagedKeyIsNamedByTheHealth() {
        append(1);
        redis.commands().set(KEYS.checkpoint(), "yesterday");
        HealthIndicator processing = (HealthIndicator) Objects.requireNonNull(start(Mode.GROUP)
                .getBean("processingHealthContributor", CompositeHealthContributor.class)
                .getContributor(Keys.GROUP));
        await().atMost(LIMIT)
                .untilAsserted(() -> assertDamaged(processing, "ncc:checkinprocessor:lastid is not a stream id"));

        redis.commands().del(KEYS.checkpoint());
        redis.commands().rpush(KEYS.settledRanges(), "x");
        await().atMost(LIMIT)
                .untilAsserted(() -> assertDamaged(processing, "ncc:checkinprocessor:applied is a list, not a zset"));

        redis.commands().del(KEYS.settledRanges());
        redis.commands().zadd(KEYS.settledRanges(), 0, "foo");
        await().atMost(LIMIT)
                .untilAsserted(() -> assertDamaged(
                        processing, "ncc:checkinprocessor:applied has a member that is not a range of ids"));

        redis.commands().del(KEYS.settledRanges());
        redis.commands().set(KEYS.checkpoint(), "1".repeat(21));
        await().atMost(LIMIT)
                .untilAsserted(() -> assertDamaged(processing, "ncc:checkinprocessor:lastid is not a stream id"));

        redis.commands().del(KEYS.checkpoint());
        redis.commands().hset(KEYS.totals(), "applied", "many");
        await().atMost(LIMIT)
                .untilAsserted(() ->
                        assertDamaged(processing, "ncc:checkinprocessor:totals: applied is not a number, or too high"));

        redis.commands().hset(KEYS.totals(), "applied", "1");
        await().atMost(LIMIT)
                .until(() ->
                        Objects.requireNonNull(processing.health()).getStatus().equals(Status.UP));
    }

    private static void assertDamaged(HealthIndicator processing, String key) {
        Health health = Objects.requireNonNull(processing.health());
        assertThat(health.getStatus()).isEqualTo(Status.DOWN);
        assertThat(health.getDetails()).containsEntry("damaged", List.of(key));
    }

    @Test
    void aConsumerStaysInTheGroupIfThatIsWanted() {
        append(10);
        ConfigurableApplicationContext staying =
                start(Mode.GROUP, "--checkin.processor.consumer=staying", "--checkin.processor.keep-consumer=true");
        awaitCounters();
        staying.close();
        assertThat(redis.commands().xinfoConsumers(STREAM, Keys.GROUP))
                .singleElement()
                .satisfies(consumer -> assertThat(((List<?>) consumer).get(1)).isEqualTo("staying"));
    }

    @Test
    void simulatedWorkIsShownEntryByEntry(CapturedOutput output) {
        String good = redis.commands().xadd(STREAM, Map.of("userId", "76", "locationId", "207", "starRating", "4"));
        String bad = redis.commands().xadd(STREAM, Map.of("hello", "world"));
        start(
                Mode.GROUP,
                "--checkin.processor.projections=boards", // as well
                "--checkin.processor.consumer=one",
                "--checkin.processor.simulated-work=1ms..2ms");
        for (String group : List.of(Keys.GROUP, Keys.BOARDS_GROUP)) {
            String one = "one of " + group + ": ";
            await().atMost(LIMIT).until(() -> output.getOut().contains(one + bad + " set aside"));

            assertThat(output.getOut())
                    .containsPattern(one + "works [12] ms on " + good + " \\{.*userId=76.*\\}")
                    .contains(one + good + " applied and acknowledged")
                    .contains(one + bad + " set aside as a dead letter: userId is missing");
        }
    }

    private void append(int count) {
        checkins.append(redis.commands(), count);
    }

    private static String idOf(int number) {
        return redis.commands()
                .xrange(STREAM, Range.unbounded(), Limit.from(number))
                .get(number - 1)
                .getId();
    }

    private static String total(String name) {
        return redis.commands().hget(KEYS.totals(), name);
    }

    /** The other program, without a group: it applies some entries after the checkpoint, and moves the checkpoint. */
    private static void goOnAtTheCheckpoint(int most) {
        String checkpoint = redis.commands().get(KEYS.checkpoint());
        Range<String> rest = checkpoint == null
                ? Range.unbounded()
                : Range.from(Boundary.excluding(checkpoint), Boundary.unbounded());
        redis.commands().xrange(STREAM, rest, Limit.from(most)).forEach(entry -> {
            count(entry);
            redis.commands().set(KEYS.checkpoint(), entry.getId());
        });
    }

    /** The other program, in the group: it reads entries. */
    @SuppressWarnings("unchecked") // of Lettuce's generic varargs
    private static List<StreamMessage<String, String>> readAsGroup(int most) {
        if (redis.commands().xinfoGroups(STREAM).isEmpty()) {
            redis.commands()
                    .xgroupCreate(StreamOffset.from(STREAM, "0"), Keys.GROUP, XGroupCreateArgs.Builder.mkstream());
        }
        return redis.commands()
                .xreadgroup(
                        Consumer.from(Keys.GROUP, "other"),
                        XReadArgs.Builder.count(most),
                        StreamOffset.lastConsumed(STREAM));
    }

    private static void count(StreamMessage<String, String> entry) {
        Map<String, String> fields = entry.getBody();
        for (String key : List.of("ncc:users:" + fields.get("userId"), "ncc:locations:" + fields.get("locationId"))) {
            redis.commands().hincrby(key, "numCheckins", 1);
        }
        redis.commands()
                .hincrby(
                        "ncc:locations:" + fields.get("locationId"),
                        "numStars",
                        Long.parseLong(fields.get("starRating")));
    }

    /** The counters only: the other program keeps no others. */
    private static void awaitCounters() {
        SequentialFold fold = SequentialFold.over(Map.of()).addStream(redis.commands());
        await().atMost(LIMIT)
                .untilAsserted(() -> fold.hashes().forEach((key, expected) -> {
                    Map<String, String> actual = redis.commands().hgetall(key);
                    for (String counted : List.of("numCheckins", "numStars")) {
                        assertThat(actual.get(counted)).as(key + " " + counted).isEqualTo(expected.get(counted));
                    }
                }));
    }
}
