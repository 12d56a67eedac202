package io.ncc.checkin.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lettuce.core.Range;
import io.lettuce.core.StreamMessage;
import io.lettuce.core.XAddArgs;
import io.lettuce.core.XGroupCreateArgs;
import io.lettuce.core.XReadArgs;
import io.ncc.checkin.demo.load.SampleData;
import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.CheckinCodec;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.processor.ProcessorApplication;
import io.ncc.checkin.testsupport.RandomCheckins;
import io.ncc.checkin.testsupport.RealRedis;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.springframework.context.ConfigurableApplicationContext;
import picocli.CommandLine;

@Timeout(120)
final class PartitionCommandIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final Duration LIMIT = Duration.ofSeconds(30);
    private static final String AHEAD = "9000000000000-0"; // in the year 2255
    private static final Partitions FOUR = Partitions.of(4);

    private final Keys old = Keys.unpartitioned();
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int demo(String... arguments) {
        return DemoApplication.commandLine()
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .setColorScheme(CommandLine.Help.defaultColorScheme(CommandLine.Help.Ansi.OFF))
                .execute(arguments);
    }

    private int partition() {
        return demo(
                "partition", "--from", redis.uri(), "--checkin.partitions=4", "--spring.data.redis.url=" + redis.uri());
    }

    private static ConfigurableApplicationContext processor(String... more) {
        List<String> all = new ArrayList<>(List.of("--server.port=0", "--spring.data.redis.url=" + redis.uri()));
        all.addAll(List.of(more));
        return ProcessorApplication.run(all.toArray(String[]::new));
    }

    /** A stream with sample data, and an entry that is a dead letter, which a processor has settled. */
    private void settledStream() {
        assertThat(demo("load", "all", "--spring.data.redis.url=" + redis.uri()))
                .isZero();
        redis.commands().set("ncc:users:9223372036854775808", "not a user");
        redis.commands().set(old.location(171) + ":notes", "not a location");
        redis.commands().xadd(old.checkins(), Map.of("userId", "nobody"));
        redis.commands().xadd(old.checkins(), new XAddArgs().id(AHEAD), CheckinCodec.encode(new Checkin(789, 171, 5)));
        try (ConfigurableApplicationContext processor = processor()) {
            assertThat(processor.isRunning()).isTrue();
            await().atMost(LIMIT)
                    .until(() -> "5001".equals(redis.commands().hget(old.totals(), "applied"))
                            && redis.commands().xlen(old.deadLetters()) == 1);
        }
        out.getBuffer().setLength(0);
    }

    @Test
    void usersLocationsAndEntriesAreInTheirPartitionsAndProcessingGoesOn() {
        settledStream();

        assertThat(partition()).as(err.toString()).isZero();

        assertThat(out.toString().lines())
                .containsExactly(
                        "1,000 users copied",
                        "200 locations copied",
                        "1,000 users and 200 locations indexed, 0 stale entries removed",
                        "5,001 checkins copied");
        for (long id = 1; id <= SampleData.USERS; id++) {
            assertThat(redis.commands().hgetall(FOUR.keys(FOUR.ofUser(id)).user(id)))
                    .isEqualTo(redis.commands().hgetall(old.user(id)));
        }
        for (long id = 1; id <= SampleData.LOCATIONS; id++) {
            assertThat(redis.commands().get(FOUR.keys(FOUR.ofLocation(id)).details(id)))
                    .isNotNull()
                    .isEqualTo(redis.commands().get(old.details(id)));
            assertThat(redis.commands().hgetall(FOUR.keys(FOUR.ofLocation(id)).location(id)))
                    .isEqualTo(redis.commands().hgetall(old.location(id)));
        }
        Map<String, Map<String, String>> entries = new HashMap<>();
        for (int partition = 0; partition < 4; partition++) {
            Keys keys = FOUR.keys(partition);
            assertThat(redis.commands().get(keys.checkpoint())).isEqualTo(AHEAD);
            for (StreamMessage<String, String> entry : redis.commands().xrange(keys.checkins(), Range.unbounded())) {
                assertThat(FOUR.ofUser(Long.parseLong(entry.getBody().get("userId"))))
                        .isEqualTo(partition);
                entries.put(entry.getId(), entry.getBody());
            }
        }
        Map<String, Map<String, String>> expected = new HashMap<>();
        redis.commands()
                .xrange(old.checkins(), Range.unbounded())
                .forEach(entry -> expected.put(entry.getId(), entry.getBody()));
        expected.values().removeIf(fields -> fields.containsValue("nobody"));
        assertThat(entries).isEqualTo(expected);

        try (ConfigurableApplicationContext processor = processor("--checkin.partitions=4")) {
            assertThat(processor.isRunning()).isTrue();
            new RandomCheckins(1, SampleData.USERS, SampleData.LOCATIONS)
                    .append(FOUR, unused -> redis.commands(), 1_000);
            await().atMost(LIMIT).untilAsserted(() -> assertThat(applied()).isEqualTo(1_000));
        }
        assertThat(sumOf(key -> key.contains("}:users:"))).isEqualTo(6_001);
        assertThat(sumOf(key -> key.contains("}:locations:"))).isEqualTo(6_001);
        for (int partition = 0; partition < 4; partition++) {
            assertThat(redis.commands().xlen(FOUR.keys(partition).deadLetters()))
                    .isZero();
        }
        assertThat(partition()).isEqualTo(1);
        assertThat(err.toString()).contains("is in use already. Nothing was copied");
    }

    private static long applied() {
        return IntStream.range(0, 4)
                .mapToObj(
                        partition -> redis.commands().hget(FOUR.keys(partition).totals(), "applied"))
                .mapToLong(applied -> applied == null ? 0 : Long.parseLong(applied))
                .sum();
    }

    private static long sumOf(Predicate<String> keys) {
        return redis.commands().keys("*").stream()
                .filter(keys)
                .mapToLong(key -> Long.parseLong(redis.commands().hget(key, "numCheckins")))
                .sum();
    }

    @Test
    void aCopyThatBreaksOffIsCompletedByTheNext() {
        settledStream();
        Keys home = FOUR.keys(FOUR.ofLocation(171));
        redis.commands().set(home.location(171), "no hash");

        assertThat(partition()).isEqualTo(1);
        assertThat(err.toString()).startsWith("the copy is not complete, run it again: Redis: WRONGTYPE ");
        assertThat(redis.commands().exists(home.checkpoint())).isZero();

        redis.commands().del(home.location(171));
        assertThat(partition()).isZero();
        assertThat(partition()).as("once more").isZero();
        assertThat(sumOf(key -> key.contains("}:users:"))).isEqualTo(5_001);
        assertThat(sumOf(key -> key.contains("}:locations:"))).isEqualTo(5_001);
        assertThat(IntStream.range(0, 4)
                        .mapToLong(partition ->
                                redis.commands().xlen(FOUR.keys(partition).checkins()))
                        .sum())
                .isEqualTo(5_001);
    }

    @Test
    void anEntryThatIsNotSettledIsNamedAndNothingIsCopied() {
        String id = redis.commands().xadd(old.checkins(), CheckinCodec.encode(new Checkin(1, 2, 3)));
        redis.commands().set(old.checkpoint(), "5"); // milliseconds alone, as other programs may write it

        assertThat(partition()).isEqualTo(1);

        assertThat(err.toString().lines())
                .containsExactly("the entry " + id
                        + " of ncc:checkins is not settled. Stop the receivers, let a processor finish, and stop it");
        assertThat(redis.commands().keys("ncc:{*")).allMatch(key -> key.endsWith(":partitions"));
    }

    @Test
    void partitionsThatProcessorsUseAreNotCopiedTo() {
        redis.commands().hset(old.user(1), "id", "1");
        Keys keys = FOUR.keys(3);
        redis.commands()
                .xgroupCreate(
                        XReadArgs.StreamOffset.from(keys.checkins(), "0"),
                        Keys.GROUP,
                        XGroupCreateArgs.Builder.mkstream());

        assertThat(partition()).isEqualTo(1);

        assertThat(err.toString().lines()).containsExactly(keys.checkins() + " is in use already. Nothing was copied");
        assertThat(redis.commands().exists(FOUR.keys(FOUR.ofUser(1)).user(1))).isZero();
    }

    @Test
    void itNeedsPartitions() {
        assertThat(demo("partition", "--from", redis.uri(), "--spring.data.redis.url=" + redis.uri()))
                .isEqualTo(1);
        assertThat(err.toString().lines()).containsExactly("checkin.partitions must be set");
    }

    @Test
    void aSourceThatIsAwayIsOneLineAndNoStackTrace() {
        assertThat(demo(
                        "partition",
                        "--from=redis://127.0.0.1:1",
                        "--checkin.partitions=4",
                        "--spring.data.redis.url=" + redis.uri()))
                .isEqualTo(1);
        assertThat(err.toString().lines())
                .singleElement()
                .satisfies(line -> assertThat(line).startsWith("Redis: Connection refused"));
    }
}
