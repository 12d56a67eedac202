package io.ncc.checkin.processor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.lettuce.core.RedisClient;
import io.lettuce.core.StreamMessage;
import io.lettuce.core.XAddArgs;
import io.lettuce.core.XReadArgs.StreamOffset;
import io.lettuce.core.api.StatefulRedisConnection;
import io.micrometer.core.instrument.MeterRegistry;
import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.CheckinCodec;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.testsupport.BoardsFold;
import io.ncc.checkin.testsupport.HttpAnswer;
import io.ncc.checkin.testsupport.RandomCheckins;
import io.ncc.checkin.testsupport.RealRedis;
import io.ncc.checkin.testsupport.SequentialFold;
import io.ncc.engine.Batch;
import io.ncc.engine.Entry;
import io.ncc.engine.Mode;
import io.ncc.redis.RedisCondition;
import io.ncc.redis.StreamId;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.health.contributor.CompositeHealthContributor;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.boot.health.contributor.Status;
import org.springframework.context.ConfigurableApplicationContext;

/** Two projections of one stream: each is what counting every entry once makes of it, whatever happens to the other. */
@Timeout(120)
final class BoardsIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final Keys KEYS = Keys.unpartitioned();
    private static final String STREAM = KEYS.checkins();
    private static final Duration LIMIT = Duration.ofSeconds(40);

    /** Much less than is appended: trimming doesn't wait for foreign groups. */
    private static final String[] SHORT_STREAM = {
        "--checkin.processor.retain-entries=100", "--checkin.processor.max-length=1000"
    };

    /** Nothing is to be trimmed. */
    private static final String[] LONG_STREAM = {
        "--checkin.processor.retain-entries=2000000", "--checkin.processor.max-length=4000000"
    };

    private final List<ConfigurableApplicationContext> processors = new ArrayList<>();
    private final RandomCheckins checkins = new RandomCheckins(3, 1_500, 20);

    @AfterEach
    void stopAll() {
        processors.forEach(ConfigurableApplicationContext::close);
    }

    private ConfigurableApplicationContext start(String... args) {
        return startOnly("totals,boards", args);
    }

    private ConfigurableApplicationContext startOnly(String projections, String... args) {
        String[] all = Stream.concat(
                        Stream.of(
                                "--server.port=0",
                                "--spring.data.redis.url=" + redis.uri(),
                                "--checkin.processor.projections=" + projections,
                                "--checkin.processor.batch-size=100",
                                "--checkin.processor.claim-every=200ms"),
                        Stream.of(args))
                .toArray(String[]::new);
        ConfigurableApplicationContext processor = ProcessorApplication.run(all);
        processors.add(processor);
        return processor;
    }

    @ParameterizedTest
    @ValueSource(strings = {"group", "sequential"})
    void bothAreTheirFold(String mode) {
        checkins.append(redis.commands(), 5_000);
        start("--checkin.processor.mode=" + mode);
        start("--checkin.processor.mode=" + mode);
        checkins.append(redis.commands(), 5_000);
        awaitFolds();
    }

    @Test
    void bothAreTheirFoldInEachPartition() {
        Partitions partitions = Partitions.of(4);
        checkins.append(partitions, partition -> redis.commands(), 5_000);
        start("--checkin.partitions=4");
        checkins.append(partitions, partition -> redis.commands(), 5_000);
        partitions.all().forEach(partition -> awaitFolds(partitions.keys(partition)));
    }

    @ParameterizedTest
    @ValueSource(strings = {Keys.GROUP, Keys.BOARDS_GROUP})
    void whatHappensToTheGroupOfOneDoesNothingToTheOther(String group) {
        start();
        checkins.append(redis.commands(), 3_000);
        redis.commands().xgroupDestroy(STREAM, group);
        checkins.append(redis.commands(), 3_000);
        awaitFolds();
        redis.commands().xgroupSetid(StreamOffset.from(STREAM, "0"), group);
        checkins.append(redis.commands(), 3_000);
        awaitFolds();
    }

    @Test
    void onlyTheLast24HoursAreCountedByTheHour() {
        for (long hours : List.of(1_000, 26, 22, 1)) {
            Instant then = Instant.now().minus(Duration.ofHours(hours));
            redis.commands().xadd(STREAM, new XAddArgs().id(then.toEpochMilli() + "-0"), checkin(hours));
        }
        start();
        awaitFolds();
        assertThat(redis.commands().zrange(KEYS.userBoard(), 0, -1)).containsExactlyInAnyOrder("1000", "26", "22", "1");
        assertThat(redis.commands().zrange(KEYS.userDayBoard(), 0, -1)).containsExactlyInAnyOrder("22", "1");
        assertThat(redis.commands().zcard(KEYS.boardHours())).isEqualTo(2);
    }

    /** At each step the boards of the last 24 hours are the sums of the boards of the hours. Also when memory is full. */
    @ParameterizedTest
    @ValueSource(strings = {"0", "1"})
    void anHourThatIsNoneOfTheLast24IsTakenOffStepByStep(String maxMemory) {
        Instant in = Instant.now().truncatedTo(ChronoUnit.HOURS).minus(Duration.ofHours(22));
        Instant out = in.minus(Duration.ofHours(3));
        redis.commands().multi(); // in which no command waits for the reply to the one before
        for (int id = 1; id <= 1_200; id++) {
            putOnBoards(out, id, 2);
            putOnBoards(in, id, id % 3);
        }
        assertThat(redis.commands().exec().wasDiscarded()).isFalse();
        redis.commands().configSet("maxmemory", maxMemory);
        var projection = new BoardsProjection(Partitions.none(), 0, Mode.GROUP);
        RedisClient client = RedisClient.create(redis.uri());
        List<Long> left = new ArrayList<>();
        try (StatefulRedisConnection<String, String> connection = client.connect()) {
            boolean more;
            do {
                more = done(projection.tidy(connection.async()));
                left.add(redis.commands().zcard(KEYS.userBoard(out)));
                assertThat(scores(KEYS.userDayBoard())).isEqualTo(sum(KEYS.userBoard(in), KEYS.userBoard(out)));
                assertThat(scores(KEYS.locationDayBoard()))
                        .isEqualTo(sum(KEYS.locationBoard(in), KEYS.locationBoard(out)));
            } while (more);
        } finally {
            redis.commands().configSet("maxmemory", "0");
            client.shutdown(0, 1, TimeUnit.SECONDS);
        }
        assertThat(left).containsExactly(700L, 200L, 0L, 0L);
        assertThat(redis.commands().zrange(KEYS.boardHours(), 0, -1)).containsExactly(Keys.nameOf(in));
        assertThat(redis.commands().exists(KEYS.userBoard(out), KEYS.locationBoard(out)))
                .isZero();
    }

    /**
     * First the clock of the processor is ahead, then that of Redis.
     *
     * @param processor how far its clock is ahead of that of Redis
     * @param entry how far its time is ahead of the clock of Redis
     */
    @ParameterizedTest
    @CsvSource({"PT72H, PT0H", "PT-25H, PT-25H"})
    void aClockThatIsAheadHidesNoCheckin(Duration processor, Duration entry) {
        Instant then = Instant.now().plus(entry);
        String id = then.toEpochMilli() + "-0";
        redis.commands().xadd(STREAM, new XAddArgs().id(id), checkin(7));
        var projection = new BoardsProjection(
                Partitions.none(), 0, Mode.SEQUENTIAL, () -> Instant.now().plus(processor));
        RedisClient client = RedisClient.create(redis.uri());
        try (StatefulRedisConnection<String, String> connection = client.connect()) {
            assertThat(done(projection.apply(connection.async(), Batch.of(new Entry(id, checkin(7), 1))))
                            .applied())
                    .isEqualTo(1);
            assertThat(done(projection.tidy(connection.async()))).isFalse();
            for (String board : List.of(KEYS.userBoard(), KEYS.userDayBoard(), KEYS.userBoard(then))) {
                assertThat(scores(board)).as(board).isEqualTo(Map.of("7", 1.0));
            }
        } finally {
            client.shutdown(0, 1, TimeUnit.SECONDS);
        }
    }

    /** The probe, and some of the keys: a command that is permitted with these only must not be noticed too late. */
    @ParameterizedTest
    @CsvSource({
        "zincrby, ~ncc:boards:users*",
        "zincrby, ~ncc:boards:locations*",
        "zadd, ~ncc:boards:*",
        "zadd, ~ncc:boards:applied ~ncc:locations:*:visitors",
        "zremrangebyrank, ~ncc:boards:*",
        "zremrangebyrank, ~ncc:locations:*:visitors"
    })
    void aCommandThatIsPermittedWithSomeKeysOnlyIsNoticedBeforeAnythingIsCounted(String command, String keys) {
        String id = redis.commands().xadd(STREAM, checkin(7));
        Batch batch = Batch.of(new Entry(id, checkin(7), 1));
        var projection = new BoardsProjection(Partitions.none(), 0, Mode.SEQUENTIAL);
        RedisClient client = RedisClient.create(redis.uri());
        try (StatefulRedisConnection<String, String> connection = client.connect()) {
            redis.forbidExceptWith(keys + " ~ncc:boards:probe", command);
            assertThatThrownBy(() -> done(projection.apply(connection.async(), batch)))
                    .satisfies(e -> assertThat(RedisCondition.of(e)).isEqualTo(RedisCondition.FORBIDDEN));
            redis.permitEverything();
            redis.commands().del(projection.keys().probe());
            assertThat(redis.commands().keys("*")).containsExactly(STREAM);

            assertThat(done(projection.apply(connection.async(), batch)).applied())
                    .isEqualTo(1);
        } finally {
            redis.permitEverything();
            client.shutdown(0, 1, TimeUnit.SECONDS);
        }
        BoardsFold.of(redis.commands(), KEYS).assertEqualTo(redis.commands());
    }

    @ParameterizedTest
    @CsvSource({"zincrby, ~ncc:boards:probe", "zrem, ~ncc:boards:hours", "zremrangebyrank, ~ncc:boards:probe"})
    void anHourIsNotTakenOffInPart(String command, String keys) {
        Instant out = Instant.now().truncatedTo(ChronoUnit.HOURS).minus(Duration.ofHours(25));
        putOnBoards(out, 7, 2);
        var projection = new BoardsProjection(Partitions.none(), 0, Mode.GROUP);
        RedisClient client = RedisClient.create(redis.uri());
        try (StatefulRedisConnection<String, String> connection = client.connect()) {
            if (redis.version().isAtLeast(7, 0)) { // before, the user has no command for some keys only
                redis.forbidExceptWith(keys, command);
                assertThatThrownBy(() -> done(projection.tidy(connection.async())))
                        .satisfies(e -> assertThat(RedisCondition.of(e)).isEqualTo(RedisCondition.FORBIDDEN));
                redis.permitEverything();
                assertThat(scores(KEYS.userDayBoard())).isEqualTo(scores(KEYS.userBoard(out)));
                assertThat(scores(KEYS.locationDayBoard())).isEqualTo(scores(KEYS.locationBoard(out)));
            }
            assertThat(done(projection.tidy(connection.async()))).isTrue();
        } finally {
            redis.permitEverything();
            client.shutdown(0, 1, TimeUnit.SECONDS);
        }
        assertThat(redis.commands().keys("ncc:boards:*")).isEmpty();
    }

    private static <T> T done(CompletionStage<T> call) {
        return call.toCompletableFuture().orTimeout(10, TimeUnit.SECONDS).join();
    }

    @Test
    void theProcessorsTakeItOff() {
        Instant out = Instant.now().truncatedTo(ChronoUnit.HOURS).minus(Duration.ofHours(24));
        putOnBoards(out, 7, 3);
        putOnBoards(out.minus(Duration.ofHours(1)), 7, 2);
        start();
        start();
        await().atMost(LIMIT).until(() -> redis.commands().zcard(KEYS.boardHours()) == 0);
        assertThat(redis.commands().keys(KEYS.userBoard() + "*")).isEmpty();
        assertThat(redis.commands().keys(KEYS.locationBoard() + "*")).isEmpty();
    }

    private static void putOnBoards(Instant hour, long id, int count) {
        if (count > 0) {
            String member = Long.toString(id);
            redis.commands().zadd(KEYS.boardHours(), (double) hour.getEpochSecond(), Keys.nameOf(hour));
            for (String board : List.of(
                    KEYS.userBoard(hour), KEYS.locationBoard(hour), KEYS.userDayBoard(), KEYS.locationDayBoard())) {
                redis.commands().zincrby(board, count, member);
            }
        }
    }

    private static Map<String, Double> scores(String board) {
        Map<String, Double> scores = new HashMap<>();
        redis.commands()
                .zrangeWithScores(board, 0, -1)
                .forEach(member -> scores.put(member.getValue(), member.getScore()));
        return scores;
    }

    private static Map<String, Double> sum(String board, String other) {
        Map<String, Double> sum = scores(board);
        scores(other).forEach((member, score) -> sum.merge(member, score, Double::sum));
        return sum;
    }

    @Test
    void aDeadLetterOfOneThatIsReplayedCountsThereAndNotAgainInTheOther() {
        redis.commands().set(KEYS.visitors(1), "not a sorted set");
        String id = redis.commands().xadd(STREAM, checkin(7));
        start();
        await().atMost(LIMIT).until(() -> redis.commands().xlen(KEYS.boardsDeadLetters()) == 1);
        StreamMessage<String, String> letter = redis.commands()
                .xrange(KEYS.boardsDeadLetters(), Range.unbounded())
                .get(0);
        assertThat(letter.getBody())
                .containsEntry("originalId", id)
                .containsEntry("reason", "ncc:locations:1:visitors is not a sorted set");
        await().atMost(LIMIT).until(() -> "1".equals(redis.commands().hget(KEYS.user(7), "numCheckins")));
        assertThat(redis.commands().zscore(KEYS.userBoard(), "7")).isNull();

        redis.commands().del(KEYS.visitors(1));
        replay(id, Keys.BOARDS_GROUP);

        assertThat(redis.commands().hget(KEYS.user(7), "numCheckins")).isEqualTo("1");
        assertThat(redis.commands().hgetall(KEYS.totals()))
                .containsEntry("applied", "1")
                .containsEntry("foreign", "1");
        assertThat(redis.commands().zscore(KEYS.userBoard(), "7")).isEqualTo(1.0);
        assertThat(redis.commands().zscore(KEYS.visitors(1), "7")).isEqualTo(Double.parseDouble(id.split("-")[0]));
    }

    @Test
    void aDeadLetterOfTheTotalsThatIsReplayedIsNotCountedAgainOnTheBoards() {
        redis.commands().set(KEYS.location(1), "not a hash");
        String id = redis.commands().xadd(STREAM, checkin(7));
        start();
        await().atMost(LIMIT).until(() -> redis.commands().xlen(KEYS.deadLetters()) == 1);
        await().atMost(LIMIT).until(() -> redis.commands().zscore(KEYS.userBoard(), "7") != null);

        redis.commands().del(KEYS.location(1));
        replay(id, Keys.GROUP);

        assertThat(redis.commands().hget(KEYS.user(7), "numCheckins")).isEqualTo("1");
        assertThat(redis.commands().hgetall(KEYS.boardsTotals()))
                .containsEntry("applied", "1")
                .containsEntry("foreign", "1");
        for (String board : List.of(KEYS.userBoard(), KEYS.userDayBoard())) {
            assertThat(redis.commands().zscore(board, "7")).isEqualTo(1.0);
        }
        assertThat(redis.commands().zscore(KEYS.starBoard(), "1")).isEqualTo(5.0);
    }

    /** As the API server does, and waits until both projections have settled it. */
    private static void replay(String id, String group) {
        Map<String, String> again = new HashMap<>(checkin(7));
        again.put("replayOf", id);
        again.put("replayFor", group);
        String replay = redis.commands().xadd(STREAM, again);
        await().atMost(LIMIT).until(() -> replay.equals(redis.commands().get(KEYS.checkpoint())));
        await().atMost(LIMIT).until(() -> replay.equals(redis.commands().get(KEYS.boardsCheckpoint())));
    }

    @Test
    void aProjectionThatDoesNotRunHoldsBackTheTrimmingHoweverLongTheStreamIsAndAForeignGroupDoesNot() {
        startOnly("boards").close();
        redis.commands().xgroupCreate(StreamOffset.from(STREAM, "0"), "foreign");
        startOnly("totals", SHORT_STREAM);
        appendAndWaitUntilNothingIsTrimmed();

        startOnly("boards", LONG_STREAM);
        await().atMost(LIMIT).until(() -> "2000".equals(redis.commands().hget(KEYS.boardsTotals(), "applied")));
        await().atMost(LIMIT).until(() -> redis.commands().xlen(STREAM) == 100);
        assertThat(scores(KEYS.userBoard()).values().stream()
                        .mapToDouble(it -> it)
                        .sum())
                .isEqualTo(2_000.0);
    }

    /** With the commands of docs/operation.md. */
    @Test
    void aProjectionThatIsEndedHoldsNothingBackAndBeginsAnewWithTheOldestEntry() {
        startOnly("boards").close();
        startOnly("totals", SHORT_STREAM);
        appendAndWaitUntilNothingIsTrimmed();

        redis.commands().hdel(KEYS.projections(), Keys.BOARDS_GROUP);
        redis.commands().xgroupDestroy(STREAM, Keys.BOARDS_GROUP);
        await().atMost(LIMIT).until(() -> redis.commands().xlen(STREAM) == 100);
        redis.commands().keys("ncc:boards:*").forEach(redis.commands()::unlink);
        redis.commands().keys("ncc:locations:*:visitors").forEach(redis.commands()::unlink);

        MeterRegistry registry = startOnly("boards", LONG_STREAM).getBean(MeterRegistry.class);
        BoardsFold rest = BoardsFold.of(redis.commands(), KEYS);
        await().atMost(LIMIT).untilAsserted(() -> rest.assertEqualTo(redis.commands()));
        double missed = redis.version().isAtLeast(7, 0) ? 1_900 : 0;
        await().atMost(LIMIT)
                .untilAsserted(() -> assertThat(registry.get("checkin.stream.entries")
                                .tags("group", Keys.BOARDS_GROUP, "outcome", "missed")
                                .functionCounter()
                                .count())
                        .isEqualTo(missed));
    }

    private void appendAndWaitUntilNothingIsTrimmed() {
        checkins.append(redis.commands(), 2_000);
        await().atMost(LIMIT).until(() -> "2000".equals(redis.commands().hget(KEYS.totals(), "applied")));
        await().during(Duration.ofSeconds(2))
                .atMost(LIMIT)
                .until(() -> redis.commands().xlen(STREAM) == 2_000);
    }

    @Test
    void healthTellsTheProjectionsApart() {
        redis.commands().set(KEYS.userBoard(), "not a sorted set");
        redis.commands().xadd(STREAM, checkin(1));
        ConfigurableApplicationContext processor =
                start("--checkin.processor.max-deliveries=1000"); // each retry is one
        var processing = processor.getBean("processingHealthContributor", CompositeHealthContributor.class);
        await().atMost(LIMIT).untilAsserted(() -> {
            assertThat(statusOf(Keys.GROUP, processing)).isEqualTo(Status.UP);
            assertThat(statusOf(Keys.BOARDS_GROUP, processing)).isEqualTo(Status.DOWN);
        });
        String readiness = "http://localhost:" + processor.getEnvironment().getProperty("local.server.port")
                + "/actuator/health/readiness";
        await().atMost(LIMIT)
                .untilAsserted(
                        () -> assertThat(HttpAnswer.get(readiness).status()).isEqualTo(503));
        redis.commands().del(KEYS.userBoard());
        await().atMost(LIMIT)
                .untilAsserted(() ->
                        assertThat(statusOf(Keys.BOARDS_GROUP, processing)).isEqualTo(Status.UP));
        assertThat(HttpAnswer.get(readiness).status()).isEqualTo(200);
        awaitFolds();
    }

    @Test
    void healthNamesEachKeyThatIsDamaged() {
        var processing = startOnly("boards").getBean("processingHealthContributor", CompositeHealthContributor.class);
        redis.commands().set(KEYS.boardHours(), "x");
        awaitDamaged(processing, KEYS.boardHours() + " is not a sorted set"); // found although there are no checkins
        redis.commands().del(KEYS.boardHours());
        awaitDamaged(processing);

        redis.commands().hset(KEYS.projections(), Keys.BOARDS_GROUP, "x");
        awaitDamaged(processing, KEYS.projections() + ": checkinBoards is not a stream id");
        redis.commands().hset(KEYS.projections(), Keys.BOARDS_GROUP, "0-0");
        awaitDamaged(processing);

        Instant now = Instant.now();
        redis.commands().set(KEYS.userBoard(now), "x");
        redis.commands().xadd(STREAM, new XAddArgs().id(now.toEpochMilli() + "-0"), checkin(1));
        awaitDamaged(processing, KEYS.userBoard(now) + " is not a sorted set");
        redis.commands().set(KEYS.boardsTotals(), "x");
        awaitDamaged(
                processing,
                KEYS.boardsTotals() + " is a string, not a hash",
                KEYS.userBoard(now) + " is not a sorted set");
        redis.commands().del(KEYS.userBoard(now), KEYS.boardsTotals());
        awaitDamaged(processing);

        String highest = StreamId.HIGHEST.toString();
        redis.commands().xadd(KEYS.boardsDeadLetters(), new XAddArgs().id(highest), Map.of("a", "1"));
        redis.commands().xadd(STREAM, Map.of("not", "a checkin"));
        awaitDamaged(processing, KEYS.boardsDeadLetters() + " has no id left");
        redis.commands().del(KEYS.boardsDeadLetters());
        awaitDamaged(processing);
    }

    private static void awaitDamaged(CompositeHealthContributor processing, String... damaged) {
        HealthIndicator boards = (HealthIndicator) Objects.requireNonNull(processing.getContributor(Keys.BOARDS_GROUP));
        await().atMost(LIMIT).untilAsserted(() -> {
            Health health = Objects.requireNonNull(boards.health());
            assertThat(health.getStatus()).isEqualTo(damaged.length == 0 ? Status.UP : Status.DOWN);
            if (damaged.length > 0) {
                assertThat(health.getDetails()).containsEntry("damaged", List.of(damaged));
            }
        });
    }

    private static Status statusOf(String group, CompositeHealthContributor processing) {
        HealthIndicator ofGroup = (HealthIndicator) Objects.requireNonNull(processing.getContributor(group));
        return Objects.requireNonNull(ofGroup.health()).getStatus();
    }

    private static Map<String, String> checkin(long user) {
        return CheckinCodec.encode(new Checkin(user, 1, 5));
    }

    private static void awaitFolds() {
        awaitFolds(KEYS);
    }

    private static void awaitFolds(Keys keys) {
        SequentialFold totals = SequentialFold.over(Map.of(), keys).addStream(redis.commands());
        BoardsFold boards = BoardsFold.of(redis.commands(), keys);
        awaitCheckpoints(keys); // which costs the processors less than to look at all keys again and again
        await().atMost(LIMIT).untilAsserted(() -> boards.assertEqualTo(redis.commands()));
        await().atMost(LIMIT).untilAsserted(() -> totals.assertEqualTo(redis.commands()));
    }

    private static void awaitCheckpoints(Keys keys) {
        String last = redis.commands()
                .xrevrange(keys.checkins(), Range.unbounded(), Limit.from(1))
                .get(0)
                .getId();
        await().atMost(LIMIT)
                .until(() -> Stream.of(keys.checkpoint(), keys.boardsCheckpoint())
                        .allMatch(checkpoint -> last.equals(redis.commands().get(checkpoint))));
    }
}
