package io.ncc.checkin.processor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lettuce.core.Range;
import io.lettuce.core.StreamMessage;
import io.lettuce.core.XReadArgs.StreamOffset;
import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.CheckinCodec;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.testsupport.BoardsFold;
import io.ncc.checkin.testsupport.RandomCheckins;
import io.ncc.checkin.testsupport.RealRedis;
import io.ncc.checkin.testsupport.SequentialFold;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.health.contributor.CompositeHealthContributor;
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
    void theBoardsOfAnHourExpire() {
        Instant hour = Instant.now().truncatedTo(ChronoUnit.HOURS);
        String old = redis.commands().xadd(STREAM, checkin(1));
        start();
        await().atMost(LIMIT).until(() -> old.equals(redis.commands().get(KEYS.boardsCheckpoint())));
        Instant hourOfEntry =
                Instant.ofEpochMilli(Long.parseLong(old.split("-")[0])).truncatedTo(ChronoUnit.HOURS);
        assertThat(hourOfEntry).isAfterOrEqualTo(hour);
        Duration rest = Duration.between(Instant.now(), hourOfEntry.plus(Duration.ofHours(26)));
        for (String key : List.of(KEYS.userBoard(hourOfEntry), KEYS.locationBoard(hourOfEntry))) {
            assertThat(redis.commands().ttl(key)).isBetween(rest.toSeconds() - 5, rest.toSeconds() + 5);
        }
        assertThat(redis.commands().ttl(KEYS.userBoard())).isEqualTo(-1);
    }

    @Test
    void aDeadLetterOfOneThatIsPutBackCountsThereAndNotAgainInTheOther() {
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
        Map<String, String> again = new HashMap<>(checkin(7));
        again.put("replayOf", id);
        again.put("replayFor", Keys.BOARDS_GROUP);
        String replay = redis.commands().xadd(STREAM, again);
        await().atMost(LIMIT).until(() -> replay.equals(redis.commands().get(KEYS.checkpoint())));
        await().atMost(LIMIT).until(() -> replay.equals(redis.commands().get(KEYS.boardsCheckpoint())));

        assertThat(redis.commands().hget(KEYS.user(7), "numCheckins")).isEqualTo("1");
        assertThat(redis.commands().hgetall(KEYS.totals()))
                .containsEntry("applied", "1")
                .containsEntry("foreign", "1");
        assertThat(redis.commands().zscore(KEYS.userBoard(), "7")).isEqualTo(1.0);
        assertThat(redis.commands().zscore(KEYS.visitors(1), "7")).isEqualTo(Double.parseDouble(id.split("-")[0]));
    }

    @Test
    void aProjectionThatDoesNotRunHoldsBackTheTrimmingAndGoesOnWhereItWas() {
        startOnly("boards").close();
        startOnly("totals", "--checkin.processor.retain-entries=100", "--checkin.processor.max-length=1000");
        checkins.append(redis.commands(), 2_000);
        await().atMost(LIMIT).until(() -> "2000".equals(redis.commands().hget(KEYS.totals(), "applied")));
        await().during(Duration.ofSeconds(2))
                .atMost(LIMIT)
                .until(() -> redis.commands().xlen(STREAM) == 2_000);

        startOnly("boards", "--checkin.processor.retain-entries=2000000", "--checkin.processor.max-length=4000000");
        await().atMost(LIMIT).until(() -> "2000".equals(redis.commands().hget(KEYS.boardsTotals(), "applied")));
        await().atMost(LIMIT).until(() -> redis.commands().xlen(STREAM) == 100);
        assertThat(redis.commands().zrangeWithScores(KEYS.userBoard(), 0, -1).stream()
                        .mapToDouble(user -> user.getScore())
                        .sum())
                .isEqualTo(2_000.0);
    }

    @Test
    void healthTellsTheProjectionsApart() {
        redis.commands().set(KEYS.userBoard(), "not a sorted set");
        redis.commands().xadd(STREAM, checkin(1));
        CompositeHealthContributor processing =
                start().getBean("processingHealthIndicator", CompositeHealthContributor.class);
        await().atMost(LIMIT).untilAsserted(() -> {
            assertThat(statusOf(Keys.GROUP, processing)).isEqualTo(Status.UP);
            assertThat(statusOf(Keys.BOARDS_GROUP, processing)).isEqualTo(Status.DOWN);
        });
        redis.commands().del(KEYS.userBoard());
        await().atMost(LIMIT)
                .untilAsserted(() ->
                        assertThat(statusOf(Keys.BOARDS_GROUP, processing)).isEqualTo(Status.UP));
        awaitFolds();
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
        await().atMost(LIMIT).untilAsserted(() -> boards.assertEqualTo(redis.commands()));
        await().atMost(LIMIT).untilAsserted(() -> totals.assertEqualTo(redis.commands()));
    }
}
