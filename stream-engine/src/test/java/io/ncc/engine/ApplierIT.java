package io.ncc.engine;

import static io.ncc.checkin.testsupport.GroupBench.GROUP;
import static io.ncc.checkin.testsupport.GroupBench.STREAM;
import static io.ncc.engine.TestGroup.GROUP_KEYS;
import static org.assertj.core.api.Assertions.assertThat;

import io.lettuce.core.Consumer;
import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.XGroupCreateArgs;
import io.lettuce.core.XReadArgs.StreamOffset;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.ncc.checkin.testsupport.RealRedis;
import io.ncc.redis.RedisCondition;
import io.ncc.redis.RedisLink;
import java.time.Duration;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What becomes of entries whose script fails for a reason that nobody foresaw. */
@Timeout(60)
final class ApplierIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final int MAX_DELIVERIES = 3;

    private final RedisClient client = RedisClient.create(redis.uri());
    private final RedisLink link = new RedisLink("test", client);
    private final List<List<String>> calls = new ArrayList<>();

    @BeforeEach
    void start() {
        link.start();
    }

    @AfterEach
    void stop() {
        link.stop();
        client.shutdown(0, 1, TimeUnit.SECONDS);
    }

    @Test
    void aBatchThatFailsIsAppliedEntryByEntryAndOnlyTheGuiltyOneStaysPending() throws InterruptedException {
        List<Entry> entries = pending(5, 1);
        String guilty = entries.get(2).id();

        applyWith(Mode.GROUP, Set.of(guilty), entries);

        assertThat(counted()).isEqualTo(4);
        assertThat(pendingIds()).containsExactly(guilty);
        assertThat(deadLetters()).isEmpty();
        assertThat(calls).hasSize(6);
    }

    /** Such as an OutOfMemoryError. The batch fails, and its slot is free again. */
    @Test
    void anErrorBeforeABatchIsSentKeepsNoSlot() throws InterruptedException {
        Applier applier = applierOf(Mode.GROUP, (commands, batch) -> {
            throw new AssertionError("not reached");
        });
        List<Entry> broken = new AbstractList<>() {
            @Override
            public Entry get(int index) {
                throw new LinkageError("thrown by the test");
            }

            @Override
            public int size() {
                return 1;
            }
        };

        applier.submit(new Batch(broken, true), new PageSize(1000), () -> {});

        assertThat(applier.awaitIdle(Duration.ofSeconds(5))).isTrue();
        assertThat(RedisCondition.unwrapped(Objects.requireNonNull(applier.takeFailure())))
                .isInstanceOf(LinkageError.class);
    }

    /** It says nothing of the entries: they stay pending, and none is tried alone until it is given up. */
    @ParameterizedTest
    @EnumSource(Mode.class)
    void anErrorOfTheJvmIsNoFaultOfAnEntry(Mode mode) throws InterruptedException {
        List<Entry> entries = pending(2, MAX_DELIVERIES + 1);
        AtomicInteger attempts = new AtomicInteger();
        Applier applier = applierOf(mode, (commands, batch) -> {
            attempts.incrementAndGet();
            throw new OutOfMemoryError("of a test");
        });

        applier.submit(new Batch(entries, true), new PageSize(1000), () -> {});

        assertThat(applier.awaitIdle(Duration.ofSeconds(5))).isTrue();
        assertThat(RedisCondition.unwrapped(Objects.requireNonNull(applier.takeFailure())))
                .isInstanceOf(OutOfMemoryError.class);
        assertThat(attempts).hasValue(1);
        assertThat(deadLetters()).isEmpty();
        assertThat(pendingIds()).hasSize(2);
    }

    @Test
    void anEntryThatWasDeliveredTooOftenIsAppliedAloneBeforeItIsGivenUp() throws InterruptedException {
        List<Entry> entries = pending(5, MAX_DELIVERIES + 1);

        applyWith(Mode.GROUP, Set.of(), entries);

        assertThat(counted()).isEqualTo(5);
        assertThat(deadLetters()).isEmpty();
        assertThat(calls).hasSize(5).allMatch(call -> call.size() == 1);
    }

    @Test
    void anEntryThatWasDeliveredTooOftenAndFailsAloneBecomesADeadLetter() throws InterruptedException {
        List<Entry> entries = pending(5, MAX_DELIVERIES + 1);
        String guilty = entries.get(2).id();

        applyWith(Mode.GROUP, Set.of(guilty), entries);

        assertThat(pendingIds()).isEmpty();
        assertThat(deadLetters()).isEqualTo(Map.of(guilty, "failed 4 times, the last time alone"));
    }

    @ParameterizedTest
    @EnumSource(Mode.class)
    void aDeadLetterThatWasReplayedForAnotherGroupIsSettledAndNotApplied(Mode mode) throws InterruptedException {
        List<Entry> entries = new ArrayList<>(pending(3, 1));
        entries.set(1, replayFor("another", entries.get(1)));
        entries.set(2, replayFor(GROUP, entries.get(2)));

        applyWith(mode, Set.of(), entries);
        applyWith(mode, Set.of(), entries.subList(1, 2));

        assertThat(counted()).isEqualTo(2);
        assertThat(pendingIds()).isEmpty();
        assertThat(redis.commands().hgetall(GROUP_KEYS.totals()))
                .containsAllEntriesOf(Map.of("applied", "2", "foreign", "1"));
        assertThat(deadLetters()).isEmpty();
    }

    private static Entry replayFor(String group, Entry entry) {
        Map<String, String> fields = new HashMap<>(entry.fields());
        fields.put("replayOf", "1-1");
        fields.put("replayFor", group);
        return new Entry(entry.id(), fields, 1);
    }

    @Test
    void anEntryThatWasDeliveredTwiceTooOftenIsNotEvenTried() throws InterruptedException {
        List<Entry> entries = pending(1, 2 * MAX_DELIVERIES + 1);

        applyWith(Mode.GROUP, Set.of(), entries);

        assertThat(calls).isEmpty();
        assertThat(deadLetters()).isEqualTo(Map.of(entries.get(0).id(), "delivered 7 times and never settled"));
    }

    @Test
    void ofSeveralThatWereDeliveredTwiceTooOftenTheFirstIsSetAsideBeforeTheOthersAreTriedAlone()
            throws InterruptedException {
        List<Entry> entries = pending(3, 2 * MAX_DELIVERIES + 1);
        List<Integer> deadBefore = new ArrayList<>();
        Projection real = new OrderProjection(GROUP_KEYS, Mode.GROUP);
        Applier applier = applierOf(Mode.GROUP, (commands, batch) -> {
            assertThat(batch.size()).isEqualTo(1);
            deadBefore.add(deadLetters().size());
            return real.apply(commands, batch);
        });

        applier.submit(new Batch(entries, true), new PageSize(1000), () -> {});

        assertThat(applier.awaitIdle(Duration.ofSeconds(10))).isTrue();
        assertThat(applier.takeFailure()).isNull();
        assertThat(deadLetters()).containsOnlyKeys(entries.get(0).id());
        assertThat(deadBefore).containsExactly(1, 1);
        assertThat(counted()).isEqualTo(2);
        assertThat(redis.commands().hget(GROUP_KEYS.totals(), "dead")).isEqualTo("1");
        assertThat(pendingIds()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"DAMAGED by the test", "WRONGTYPE", "NOPERM", "NOREPLICAS"})
    void aBatchThatFailsForAReasonThatIsNoEntrysIsStalledUntilItIsApplied(String error) throws InterruptedException {
        List<Entry> entries = pending(3, 1);
        Projection real = new OrderProjection(GROUP_KEYS, Mode.GROUP);
        AtomicBoolean failing = new AtomicBoolean(true);
        Applier applier =
                applierOf(Mode.GROUP, (commands, batch) -> failing.get() ? failed(error) : real.apply(commands, batch));
        submit(applier, entries);

        assertThat(applier.takeFailure()).isNotNull();
        assertThat(Objects.requireNonNull(applier.stalled()).entries()).isEqualTo(entries);

        failing.set(false);
        submit(applier, entries);

        assertThat(applier.stalled()).isNull();
        assertThat(counted()).isEqualTo(3);
    }

    /** Such as one whose script takes too long, or ends Redis. It is read again, and that counts. */
    @ParameterizedTest
    @ValueSource(strings = {"BUSY", "ERR something unforeseen"})
    void aBatchThatFailsForAReasonThatMayBeAnEntrysIsNot(String error) throws InterruptedException {
        Applier applier = applierOf(Mode.GROUP, (commands, batch) -> failed(error));

        submit(applier, pending(3, 1));

        assertThat(applier.stalled()).isNull();
    }

    private static CompletionStage<Projection.Outcome> failed(String error) {
        return CompletableFuture.failedFuture(new RedisCommandExecutionException(error));
    }

    private static void submit(Applier applier, List<Entry> entries) throws InterruptedException {
        applier.submit(new Batch(entries, false), new PageSize(1000), () -> {});
        assertThat(applier.awaitIdle(Duration.ofSeconds(10))).isTrue();
    }

    @Test
    void inSequentialModeAnEntryThatFailsIsTriedAgainAtOnceAndThenGivenUp() throws InterruptedException {
        List<Entry> entries = pending(5, 1);
        String guilty = entries.get(2).id();

        applyWith(Mode.SEQUENTIAL, Set.of(guilty), entries);

        assertThat(counted()).isEqualTo(4);
        assertThat(deadLetters()).isEqualTo(Map.of(guilty, "failed 4 times, the last time alone"));
        assertThat(calls).filteredOn(List.of(guilty)::equals).hasSize(MAX_DELIVERIES + 1);
    }

    @Test
    void aProjectionThatThrowsHoldsNoSlotForEver() throws InterruptedException {
        List<Entry> entries = pending(1, 1);
        Applier applier = applierOf(Mode.GROUP, (commands, batch) -> {
            calls.add(List.of());
            throw new IllegalStateException("unforeseen");
        });
        for (int i = 0; i < 20; i++) {
            applier.submit(new Batch(entries, true), new PageSize(1000), () -> {});
        }
        assertThat(applier.awaitIdle(Duration.ofSeconds(10))).isTrue();
        assertThat(calls).hasSize(20);
        assertThat(pendingIds()).hasSize(1);
    }

    @Test
    void anEntryAtWhichTheProjectionThrowsBecomesADeadLetterInTheEnd() throws InterruptedException {
        List<Entry> entries = pending(1, MAX_DELIVERIES + 1);
        Applier applier = applierOf(Mode.GROUP, (commands, batch) -> {
            throw new IllegalStateException("unforeseen");
        });
        applier.submit(new Batch(entries, true), new PageSize(1000), () -> {});
        assertThat(applier.awaitIdle(Duration.ofSeconds(10))).isTrue();
        assertThat(deadLetters()).isEqualTo(Map.of(entries.get(0).id(), "failed 4 times, the last time alone"));
    }

    private interface Apply {
        CompletionStage<Projection.Outcome> apply(RedisAsyncCommands<String, String> commands, Batch batch);
    }

    /** With the real projection, but for a script that fails whenever one of these is in the batch. */
    private void applyWith(Mode mode, Set<String> poison, List<Entry> entries) throws InterruptedException {
        Projection real = new OrderProjection(GROUP_KEYS, mode);
        Applier applier = applierOf(mode, (commands, batch) -> {
            List<String> ids = batch.entries().stream().map(Entry::id).toList();
            calls.add(ids);
            return ids.stream().anyMatch(poison::contains)
                    ? CompletableFuture.failedFuture(new RedisCommandExecutionException("ERR something unforeseen"))
                    : real.apply(commands, batch);
        });
        applier.submit(new Batch(entries, true), new PageSize(1000), () -> {});
        assertThat(applier.awaitIdle(Duration.ofSeconds(10))).isTrue();
        assertThat(applier.takeFailure()).isNull();
    }

    private Applier applierOf(Mode mode, Apply apply) {
        Projection projection = new Projection() {
            @Override
            public GroupKeys keys() {
                return GROUP_KEYS;
            }

            @Override
            public CompletionStage<Outcome> apply(RedisAsyncCommands<String, String> commands, Batch batch) {
                return apply.apply(commands, batch);
            }
        };
        return new Applier(
                link,
                projection,
                "test",
                new EngineMetrics(new SimpleMeterRegistry(), "test", GROUP, Tags.empty()),
                settings(mode));
    }

    private static EngineSettings settings(Mode mode) {
        EngineSettings defaults = EngineSettings.defaults("test");
        return new EngineSettings(
                "test",
                mode,
                defaults.batchSize(),
                defaults.maxInFlight(),
                defaults.block(),
                defaults.claimAfter(),
                defaults.claimEvery(),
                MAX_DELIVERIES,
                null,
                false,
                defaults.retainEntries(),
                null,
                defaults.maxLength());
    }

    @SuppressWarnings("unchecked") // of Lettuce's generic varargs
    private static List<Entry> pending(int count, long deliveries) {
        redis.commands().xgroupCreate(StreamOffset.from(STREAM, "0"), GROUP, XGroupCreateArgs.Builder.mkstream());
        for (int i = 0; i < count; i++) {
            redis.commands().xadd(STREAM, Map.of("customer", "7", "cents", "1"));
        }
        return redis.commands().xreadgroup(Consumer.from(GROUP, "test"), StreamOffset.lastConsumed(STREAM)).stream()
                .map(message -> new Entry(message.getId(), message.getBody(), deliveries))
                .toList();
    }

    private static int counted() {
        return Integer.parseInt(String.valueOf(redis.commands().hget("shop:customers:7", "cents")));
    }

    private static List<String> pendingIds() {
        return redis.commands().xpending(STREAM, GROUP, Range.unbounded(), Limit.from(100)).stream()
                .map(message -> message.getId())
                .toList();
    }

    private static Map<String, String> deadLetters() {
        return redis.commands().xrange(GROUP_KEYS.deadLetters(), Range.unbounded()).stream()
                .collect(Collectors.toMap(
                        letter -> letter.getBody().get("originalId"),
                        letter -> letter.getBody().get("reason")));
    }
}
