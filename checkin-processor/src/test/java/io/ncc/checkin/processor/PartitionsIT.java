package io.ncc.checkin.processor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.CheckinCodec;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.testsupport.RandomCheckins;
import io.ncc.checkin.testsupport.RealRedis;
import io.ncc.checkin.testsupport.SequentialFold;
import io.ncc.redis.UnfitServerException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.health.contributor.CompositeHealthContributor;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.boot.health.contributor.Status;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.context.ConfigurableApplicationContext;

/** Processors of several partitions on one Redis: each partition is what reading its stream once in order makes of it. */
@Timeout(120)
@ExtendWith(OutputCaptureExtension.class)
final class PartitionsIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final Duration LIMIT = Duration.ofSeconds(40);
    private static final String WAY_OUT = "docs/scaling.md says how to change that while there are no checkins.";

    private final List<ConfigurableApplicationContext> processors = new ArrayList<>();
    private final RandomCheckins checkins = new RandomCheckins(7, 500, 20);

    @AfterEach
    void stopAll() {
        processors.forEach(ConfigurableApplicationContext::close);
    }

    private ConfigurableApplicationContext start(int partitions, String... args) {
        String[] all = Stream.concat(
                        Stream.of(
                                "--server.port=0",
                                "--spring.data.redis.url=" + redis.uri(),
                                "--checkin.partitions=" + partitions,
                                "--checkin.processor.projections=totals",
                                "--checkin.processor.claim-every=500ms"),
                        Stream.of(args))
                .toArray(String[]::new);
        ConfigurableApplicationContext processor = ProcessorApplication.run(all);
        processors.add(processor);
        return processor;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4, 16, 64})
    void eachPartitionBecomesItsFold(int count) {
        Partitions partitions = Partitions.of(count);
        append(partitions, 10_000);
        start(count);
        start(count);
        append(partitions, 10_000);
        awaitFolds(partitions, IntStream.range(0, count));
        assertThat(redis.commands().keys("ncc:*")).allMatch(key -> key.startsWith("ncc:{"));
    }

    /** With batches of 1,000, those of all engines would wait for each other for seconds. */
    @Test
    void aBacklogInManyPartitionsMakesNoCommandTimeOut(CapturedOutput output) {
        Partitions partitions = Partitions.of(64);
        new RandomCheckins(7, 20_000, 200).append(partitions, partition -> redis.commands(), 64 * 1_000);

        start(64, "--checkin.processor.projections=boards"); // as well

        for (Keys keys : partitions.all().stream().map(partitions::keys).toList()) {
            String last = lastOf(keys);
            await().atMost(LIMIT)
                    .until(() -> Stream.of(keys.checkpoint(), keys.boardsCheckpoint())
                            .allMatch(checkpoint -> last.equals(redis.commands().get(checkpoint))));
        }
        assertThat(output.getOut()).doesNotContain("TIMEOUT", "is interrupted");
    }

    @Test
    void aFullMemoryWithABacklogEmptiesItselfAlsoOverNewConnections() {
        Partitions partitions = Partitions.of(4);
        start(4).close();
        append(partitions, 8_000);
        List<SequentialFold> expected = partitions.all().stream()
                .map(partitions::keys)
                .map(keys -> SequentialFold.over(Map.of(), keys).addStream(redis.commands()))
                .toList();
        redis.fillMemory();
        try {
            start(4, "--checkin.processor.retain-entries=400");
            redis.killConnections();
            for (int partition : partitions.all()) {
                String stream = partitions.keys(partition).checkins();
                await(stream).atMost(LIMIT).until(() -> redis.commands().xlen(stream) == 100);
                expected.get(partition).assertEqualTo(redis.commands());
            }
        } finally {
            redis.releaseMemory();
        }
    }

    @Test
    void aProcessorTakesItsRangeOfPartitions() {
        Partitions partitions = Partitions.of(6);
        append(partitions, 5_000);
        start(6, "--checkin.processor.partitions=2-3");
        awaitFolds(partitions, IntStream.rangeClosed(2, 3));
        for (int partition : new int[] {0, 1, 4, 5}) {
            assertThat(redis.commands().exists(partitions.keys(partition).checkpoint()))
                    .as("checkpoint of partition %s", partition)
                    .isZero();
        }
        start(6, "--checkin.processor.partitions=0-1");
        start(6, "--checkin.processor.partitions=4-5");
        awaitFolds(partitions, IntStream.range(0, 6));
    }

    @Test
    void anEntryWhoseUserBelongsElsewhereIsADeadLetter() {
        Partitions partitions = Partitions.of(16); // user 1 belongs to partition 9
        Keys keys = partitions.keys(4);
        redis.commands().xadd(keys.checkins(), CheckinCodec.encode(new Checkin(1, 1, 5)));
        start(16);
        await().atMost(LIMIT).until(() -> redis.commands().xlen(keys.deadLetters()) == 1);
        assertThat(redis.commands()
                        .xrange(keys.deadLetters(), Range.unbounded())
                        .get(0)
                        .getBody())
                .containsEntry("reason", "userId belongs to partition 9");
        assertThat(redis.commands().exists(keys.user(1), keys.location(1))).isZero();
    }

    @Test
    void metersTellPartitionsApartAndWhatTheProcessDidIsInSum() {
        Partitions partitions = Partitions.of(2);
        append(partitions, 1_000);
        MeterRegistry registry = start(2).getBean(MeterRegistry.class);
        awaitFolds(partitions, IntStream.range(0, 2));
        await().atMost(LIMIT)
                .untilAsserted(() -> assertThat(IntStream.range(0, 2)
                                .mapToDouble(partition -> registry.get("checkin.stream.entries")
                                        .tags("partition", Integer.toString(partition), "outcome", "applied")
                                        .functionCounter()
                                        .count())
                                .sum())
                        .isEqualTo(1_000));
        assertThat(registry.get("checkin.processor.entries")
                        .tag("outcome", "applied")
                        .counters())
                .singleElement()
                .satisfies(counter -> assertThat(counter.count()).isEqualTo(1_000));
        assertThat(registry.get("checkin.partition.available").gauges())
                .hasSize(2)
                .extracting(Gauge::value)
                .containsOnly(1.0);
    }

    @Test
    void aPartitionThatIsDamagedIsNamedAndTheOthersGoOn() {
        Partitions partitions = Partitions.of(16);
        append(partitions, 2_000);
        redis.commands().set(partitions.keys(5).settledRanges(), "not a sorted set");
        ConfigurableApplicationContext processor = start(16);
        awaitFolds(partitions, IntStream.range(0, 16).filter(partition -> partition != 5));
        var processing = processor.getBean("processingHealthContributor", CompositeHealthContributor.class);
        HealthIndicator totals = (HealthIndicator) Objects.requireNonNull(processing.getContributor(Keys.GROUP));
        await().atMost(LIMIT).untilAsserted(() -> {
            Health health = Objects.requireNonNull(totals.health());
            assertThat(health.getStatus()).isEqualTo(Status.UP);
            assertThat(health.getDetails().get("away")).asString().startsWith("{5={condition=WRONG_TYPE");
        });
        assertThat(processor
                        .getBean(MeterRegistry.class)
                        .get("checkin.partition.available")
                        .tags("group", Keys.GROUP, "partition", "5")
                        .gauge()
                        .value())
                .isZero();
    }

    @ParameterizedTest
    @ValueSource(ints = {8, 32})
    void anotherNumberOfPartitionsIsRefusedByName(int count) {
        Partitions partitions = Partitions.of(16);
        start(16).close();
        append(partitions, 100);
        List<String> before = redis.commands().keys("*");
        ConfigurableApplicationContext wrong = start(count);
        assertRefused(
                wrong,
                "checkin.partitions is " + count + ", but Redis has 16 partitions, as "
                        + partitions.keys(0).partitions() + " says. " + WAY_OUT);
        assertThat(redis.commands().keys("*")).containsExactlyInAnyOrderElementsOf(before);
    }

    @Test
    void aProcessorWithoutPartitionsIsRefusedWhereThereAreSome() {
        start(16).close();
        ConfigurableApplicationContext wrong =
                ProcessorApplication.run("--server.port=0", "--spring.data.redis.url=" + redis.uri());
        processors.add(wrong);
        assertRefused(
                wrong,
                "checkin.partitions is not set, but Redis has 16 partitions, as "
                        + Partitions.of(16).keys(0).partitions() + " says. " + WAY_OUT);
        assertThat(redis.commands().exists("ncc:checkins")).isZero();
    }

    private static void assertRefused(ConfigurableApplicationContext processor, String reason) {
        Engines engines = processor.getBean(Engines.class);
        // the start waits a moment for the first attempts to connect, and there are hundreds
        await().untilAsserted(() -> assertThat(engines.partitions())
                .allSatisfy(partition -> assertThatThrownBy(() -> engines.of(ProjectionKind.TOTALS, partition)
                                .scriptLink()
                                .connection())
                        .cause()
                        .isInstanceOf(UnfitServerException.class)
                        .hasMessage(reason)));
        Health health = Objects.requireNonNull(
                processor.getBean("redisHealthIndicator", HealthIndicator.class).health());
        assertThat(health.getStatus()).isEqualTo(Status.DOWN);
        assertThat(health.getDetails().toString()).contains("condition=UNFIT, reason=" + reason);
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "257", "-1", "x"})
    void aNumberOutOfRangeStopsTheStart(String count) {
        assertThatThrownBy(() -> ProcessorApplication.run("--checkin.partitions=" + count))
                .hasStackTraceContaining("partitions");
    }

    private void append(Partitions partitions, int count) {
        checkins.append(partitions, partition -> redis.commands(), count);
    }

    private static void awaitFolds(Partitions partitions, IntStream own) {
        own.mapToObj(partitions::keys).forEach(keys -> {
            SequentialFold expected = SequentialFold.over(Map.of(), keys).addStream(redis.commands());
            String last = lastOf(keys);
            await().atMost(LIMIT).until(() -> last.equals(redis.commands().get(keys.checkpoint())));
            await().atMost(LIMIT).untilAsserted(() -> expected.assertEqualTo(redis.commands()));
        });
    }

    private static String lastOf(Keys keys) {
        return redis.commands()
                .xrevrange(keys.checkins(), Range.unbounded(), Limit.from(1))
                .get(0)
                .getId();
    }
}
