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
import io.ncc.engine.Entry;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
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
        return partition(4);
    }

    private int partition(int count) {
        return demo(
                "partition",
                "--from",
                redis.uri(),
                "--checkin.partitions=" + count,
                "--spring.data.redis.url=" + redis.uri());
    }

    private static ConfigurableApplicationContext processor(String... more) {
        List<String> all = new ArrayList<>(List.of(
                "--server.port=0",
                "--spring.data.redis.url=" + redis.uri(),
                "--checkin.processor.projections=totals,boards"));
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
                            && "5001".equals(redis.commands().hget(old.boardsTotals(), "applied"))
                            && redis.commands().xlen(old.deadLetters()) == 1
                            && redis.commands().xlen(old.boardsDeadLetters()) == 1);
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
                        "boards copied",
                        "5,001 checkins copied");
        assertBoardsAreCopied();
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
            await().atMost(LIMIT).untilAsserted(() -> {
                assertThat(applied(Keys::totals)).isEqualTo(1_000);
                assertThat(applied(Keys::boardsTotals)).isEqualTo(1_000);
            });
        }
        assertThat(sumOf(key -> key.contains("}:users:"))).isEqualTo(6_001);
        assertThat(sumOf(key -> key.contains("}:locations:"))).isEqualTo(6_001);
        for (Function<Keys, String> board : List.<Function<Keys, String>>of(Keys::userBoard, Keys::locationBoard)) {
            assertThat(scores(board).values().stream().mapToDouble(it -> it).sum())
                    .isEqualTo(6_001);
        }
        for (int partition = 0; partition < 4; partition++) {
            assertThat(redis.commands().xlen(FOUR.keys(partition).deadLetters()))
                    .isZero();
        }
        assertThat(partition()).isEqualTo(1);
        assertThat(err.toString()).contains("is in use already. Nothing was copied");
    }

    /** The boards of all partitions together are those that there were. */
    private void assertBoardsAreCopied() {
        List<Function<Keys, String>> boards = new ArrayList<>(List.of(
                Keys::userBoard,
                Keys::userDayBoard,
                Keys::locationBoard,
                Keys::locationDayBoard,
                Keys::starBoard,
                Keys::recentUsers,
                keys -> keys.visitors(171)));
        redis.commands().zrangeWithScores(old.boardHours(), 0, -1).forEach(named -> {
            Instant hour = Instant.ofEpochSecond((long) named.getScore());
            boards.add(keys -> keys.userBoard(hour));
            boards.add(keys -> keys.locationBoard(hour));
        });
        for (Function<Keys, String> board : boards) {
            assertThat(scores(board))
                    .as(board.apply(old))
                    .isEqualTo(scores(board.apply(old)))
                    .isNotEmpty();
        }
        for (long id = 1; id <= SampleData.USERS; id++) {
            assertThat(redis.commands().zscore(FOUR.keys(FOUR.ofUser(id)).userBoard(), Long.toString(id)))
                    .isEqualTo(redis.commands().zscore(old.userBoard(), Long.toString(id)));
        }
        for (int partition = 0; partition < 4; partition++) {
            Keys keys = FOUR.keys(partition);
            assertThat(redis.commands().get(keys.boardsCheckpoint())).isEqualTo(AHEAD);
            assertThat(scores(keys.boardHours())).isEqualTo(scores(old.boardHours()));
        }
    }

    private static Map<String, Double> scores(Function<Keys, String> board) {
        Map<String, Double> all = new HashMap<>();
        for (int partition = 0; partition < 4; partition++) {
            scores(board.apply(FOUR.keys(partition))).forEach((id, score) -> all.merge(id, score, Double::sum));
        }
        return all;
    }

    private static Map<String, Double> scores(String board) {
        Map<String, Double> scores = new HashMap<>();
        redis.commands()
                .zrangeWithScores(board, 0, -1)
                .forEach(member -> scores.put(member.getValue(), member.getScore()));
        return scores;
    }

    private static long applied(Function<Keys, String> totals) {
        return IntStream.range(0, 4)
                .mapToObj(partition -> redis.commands().hget(totals.apply(FOUR.keys(partition)), "applied"))
                .mapToLong(applied -> applied == null ? 0 : Long.parseLong(applied))
                .sum();
    }

    private static long sumOf(Predicate<String> keys) {
        return redis.commands().keys("*").stream()
                .filter(keys)
                .filter(key -> !key.endsWith(":visitors"))
                .mapToLong(key -> Long.parseLong(redis.commands().hget(key, "numCheckins")))
                .sum();
    }

    /** The original stays behind, so the boards must not leave its replay to the totals. */
    @Test
    void boardsThatBeginWithTheCopyCountEachCheckinOnce() {
        Instant anHourAgo = Instant.now().minus(1, ChronoUnit.HOURS);
        String dead = redis.commands()
                .xadd(
                        old.checkins(),
                        new XAddArgs().id(anHourAgo.toEpochMilli() + "-0"),
                        CheckinCodec.encode(new Checkin(789, 171, 5)));
        redis.commands().xadd(old.checkins(), CheckinCodec.encode(new Checkin(789, 172, 4)));
        Map<String, String> fields = new HashMap<>(CheckinCodec.encode(new Checkin(789, 171, 5)));
        fields.put(Entry.REPLAY_OF, dead);
        fields.put(Entry.REPLAY_FOR, Keys.GROUP);
        String replay = redis.commands().xadd(old.checkins(), fields);
        redis.commands().hset(old.deadLetterIds(), dead, "replayed " + replay);
        redis.commands().set(old.checkpoint(), replay);

        assertThat(partition()).as(err.toString()).isZero();

        try (ConfigurableApplicationContext processor = processor("--checkin.partitions=4")) {
            assertThat(processor.isRunning()).isTrue();
            await().atMost(LIMIT)
                    .untilAsserted(() -> assertThat(scores(Keys::userBoard)).containsEntry("789", 2.0));
        }
        assertThat(scores(Keys::locationBoard)).isEqualTo(Map.of("171", 1.0, "172", 1.0));
        assertThat(scores(keys -> keys.locationBoard(anHourAgo.truncatedTo(ChronoUnit.HOURS))))
                .containsEntry("171", 1.0);
        assertThat(applied(Keys::totals)).isZero();
    }

    /** Who builds the boards anew deletes them, as the entries that they stand for are copied, too. A replay may become a dead letter in its turn. */
    @Test
    void replaysForTheBoardsAreStillKnownAsSuch() {
        String trimmed = "1000-0";
        String replayOfTrimmed = replayForBoards(trimmed, trimmed);
        String first = redis.commands().xadd(old.checkins(), CheckinCodec.encode(new Checkin(789, 171, 5)));
        String second = replayForBoards(first, first);
        String third = replayForBoards(second, first);
        String discarded = redis.commands().xadd(old.checkins(), CheckinCodec.encode(new Checkin(789, 172, 4)));
        redis.commands().hset(old.boardsDeadLetterIds(), discarded, "discarded");
        redis.commands().hset(old.projections(), Keys.BOARDS_GROUP, discarded);
        redis.commands().set(old.boardsCheckpoint(), discarded);
        redis.commands().set(old.checkpoint(), discarded);

        assertThat(partition()).as(err.toString()).isZero();

        Keys home = FOUR.keys(FOUR.ofUser(789));
        assertThat(redis.commands().xrange(home.checkins(), Range.unbounded()))
                .extracting(StreamMessage::getId)
                .containsExactly(replayOfTrimmed, first, second, third, discarded);
        assertThat(redis.commands().hgetall(home.boardsDeadLetterIds()))
                .isEqualTo(Map.of(first, "replayed " + second, second, "replayed " + third));
    }

    /** @param original which of the replayed entries was no replay */
    private String replayForBoards(String replayed, String original) {
        Map<String, String> fields = new HashMap<>(CheckinCodec.encode(new Checkin(789, 171, 5)));
        fields.put(Entry.REPLAY_OF, original);
        fields.put(Entry.REPLAY_FOR, Keys.BOARDS_GROUP);
        String replay = redis.commands().xadd(old.checkins(), fields);
        redis.commands().hset(old.boardsDeadLetterIds(), replayed, "replayed " + replay);
        return replay;
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
    void anEntryThatIsNotSettledIsNamedAndNothingIsWritten() {
        String id = redis.commands().xadd(old.checkins(), CheckinCodec.encode(new Checkin(1, 2, 3)));
        redis.commands().set(old.checkpoint(), "5"); // milliseconds alone, as other programs may write it

        assertThat(partition()).isEqualTo(1);

        assertThat(err.toString().lines())
                .containsExactly("the entry " + id
                        + " of ncc:checkins is not settled. Stop the receivers, let a processor finish, and stop it");
        assertThat(redis.commands().keys("ncc:{*")).isEmpty();
    }

    @Test
    void afterARefusalAProcessorWithoutPartitionsFinishesAndAnotherNumberCanBeChosen() {
        String id = redis.commands().xadd(old.checkins(), CheckinCodec.encode(new Checkin(1, 2, 3)));
        assertThat(partition(8)).isEqualTo(1);

        try (ConfigurableApplicationContext processor = processor()) {
            assertThat(processor.isRunning()).isTrue();
            await().atMost(LIMIT)
                    .until(() -> id.equals(redis.commands().get(old.checkpoint()))
                            && id.equals(redis.commands().get(old.boardsCheckpoint())));
        }

        assertThat(partition(4)).as(err.toString()).isZero();
        assertThat(redis.commands().get(FOUR.keys(0).partitions())).isEqualTo("4");
    }

    @Test
    void anEntryThatTheBoardsHaveNotSettledIsNamed() {
        settledStream();
        String id = redis.commands().xadd(old.checkins(), CheckinCodec.encode(new Checkin(1, 2, 3)));
        redis.commands().set(old.checkpoint(), id);

        assertThat(partition()).isEqualTo(1);
        assertThat(err.toString()).startsWith("the entry " + id + " of ncc:checkins is not settled.");
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
        assertThat(redis.commands().keys("ncc:{*}:partitions")).isEmpty();
    }

    /** @param id of the entry to be copied: the clock may be behind it */
    @ParameterizedTest
    @ValueSource(strings = {"1-1", AHEAD})
    void partitionsThatAReceiverUsesAreNotCopiedTo(String id) {
        redis.commands().xadd(old.checkins(), new XAddArgs().id(id), CheckinCodec.encode(new Checkin(1, 2, 3)));
        redis.commands().set(old.checkpoint(), id);
        redis.commands().hset(old.user(1), "id", "1");
        Keys keys = FOUR.keys(FOUR.ofUser(1));
        redis.commands().xadd(keys.checkins(), CheckinCodec.encode(new Checkin(1, 7, 5)));

        assertThat(partition()).isEqualTo(1);

        assertThat(err.toString().lines()).containsExactly(keys.checkins() + " is in use already. Nothing was copied");
        assertThat(redis.commands().exists(keys.user(1), keys.checkpoint())).isZero();
        assertThat(redis.commands().xlen(keys.checkins())).isOne();
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
