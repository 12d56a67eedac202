package io.ncc.engine;

import static io.ncc.checkin.testsupport.GroupBench.GROUP;
import static io.ncc.checkin.testsupport.GroupBench.STREAM;
import static io.ncc.engine.TestGroup.GROUP_KEYS;
import static org.assertj.core.api.Assertions.assertThat;

import io.lettuce.core.Consumer;
import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.lettuce.core.RedisClient;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.lettuce.core.models.stream.PendingMessage;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.ncc.checkin.testsupport.GroupBench;
import io.ncc.checkin.testsupport.RealRedis;
import io.ncc.redis.RedisLink;
import io.ncc.redis.StreamId;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What is taken over from other consumers, and how it is read. */
@Timeout(60)
final class ReclaimerIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server().setting("appendonly", "no");

    private static final String GONE = "gone";
    private static final String SELF = "self";
    private static final int MAX_DELIVERIES = 3;
    private static final long IDLE = 60_000;

    private final GroupBench bench = new GroupBench(redis);
    private final RedisClient client = RedisClient.create(redis.uri());
    private final RedisLink link = new RedisLink("test", client, new EntryCodec());
    private final List<Entry> applied = new CopyOnWriteArrayList<>();
    private final List<Integer> batches = new CopyOnWriteArrayList<>();

    @BeforeEach
    void start() {
        link.start();
        bench.createGroup("0");
    }

    @AfterEach
    void stop() {
        link.stop();
        bench.close();
        client.shutdown(0, 1, TimeUnit.SECONDS);
    }

    @Test
    void whatIsTakenOverIsReadOnceAndThatCountsAsADelivery() throws InterruptedException {
        held(GONE, 1, 50);
        bench.age(GONE, IDLE, 2, ids(1, 50));

        turn();

        assertThat(applied).extracting(Entry::id).containsExactly(ids(1, 50));
        assertThat(applied)
                .allMatch(entry -> entry.deliveries() == 3 && entry.fields().size() == 3);
        assertThat(deliveries()).containsOnlyKeys(ids(1, 50)).containsValue(3L).doesNotContainValue(4L);
    }

    /** What is claimed may be larger than what was claimed before. */
    @Test
    void afterEachClaimTheFirstReadIsOfOneEntry() throws InterruptedException {
        held(GONE, 1, 40);
        bench.age(GONE, IDLE, 1, ids(1, 40));

        turn();

        assertThat(batches).containsExactly(1, 2, 4, 8, 5, 1, 2, 4, 8, 5);
    }

    @Test
    void whatTheConsumerHoldsAlreadyIsNotReadAgain() throws InterruptedException {
        held(SELF, 1, 3);
        held(GONE, 4, 6);
        held(SELF, 7, 7);
        held(GONE, 8, 8);
        bench.age(GONE, IDLE, 1, "4-0", "5-0", "6-0", "8-0");

        turn();

        assertThat(applied).extracting(Entry::id).containsExactly("4-0", "5-0", "6-0", "8-0");
        assertThat(deliveries())
                .containsExactlyInAnyOrderEntriesOf(
                        Map.of("1-0", 1L, "2-0", 1L, "3-0", 1L, "4-0", 2L, "5-0", 2L, "6-0", 2L, "7-0", 1L, "8-0", 2L));
    }

    @Test
    void whatWasDeletedIsCountedAsLostAndGivenToNoProjection() throws InterruptedException {
        held(GONE, 1, 5);
        bench.age(GONE, IDLE, 1, ids(1, 5));
        redis.commands().xdel(STREAM, "1-0", "3-0", "5-0");

        turn();

        assertThat(applied).extracting(Entry::id).containsExactly("2-0", "4-0");
        assertThat(bench.totals()).isEqualTo(Map.of("lost", "3"));
        assertThat(bench.pending()).containsExactly("2-0", "4-0");
    }

    @Test
    void whatWasDeliveredThreeTimesTooOftenIsSetAsideUnread() throws InterruptedException {
        held(GONE, 1, 5);
        bench.age(GONE, IDLE, 1, ids(1, 5));
        bench.age(GONE, IDLE, 3 * MAX_DELIVERIES, "2-0");
        bench.age(GONE, IDLE, 3 * MAX_DELIVERIES, "4-0");

        turn();

        assertThat(applied).extracting(Entry::id).containsExactly("1-0", "3-0", "5-0");
        assertThat(redis.commands().xrange(GROUP_KEYS.deadLetters(), Range.unbounded()))
                .extracting(letter -> letter.getBody().get("originalId")
                        + ' '
                        + letter.getBody().get("reason"))
                .containsExactly("2-0 delivered 9 times and never settled", "4-0 delivered 9 times and never settled");
    }

    @Test
    void whatCouldNotBeReadIsReadInTheNextTurn() throws InterruptedException {
        held(GONE, 1, 5);
        bench.age(GONE, IDLE, 1, ids(1, 5));
        Reclaimer reclaimer = reclaimer();
        redis.permit("-xreadgroup");
        try {
            reclaimer.run(() -> {});
        } catch (RuntimeException e) {
            assertThat(e).hasMessageContaining("NOPERM");
        } finally {
            redis.permit("+@all");
        }
        assertThat(applied).isEmpty();

        reclaimer.run(() -> {});

        assertThat(applied).extracting(Entry::id).containsExactly(ids(1, 5));
    }

    /** Redis takes no range after it. */
    @Test
    void nothingComesAfterTheHighestId() throws InterruptedException {
        String highest = StreamId.HIGHEST.toString();
        held(GONE, 1, 1);
        bench.append(highest);
        bench.deliver(GONE, 1);
        bench.age(GONE, IDLE, 1, "1-0");
        bench.age(GONE, IDLE, 3 * MAX_DELIVERIES, highest);

        turn();

        assertThat(applied).extracting(Entry::id).containsExactly("1-0");
        assertThat(bench.pending()).containsExactly("1-0");
        bench.age(GONE, IDLE, 1, "1-0");
        turn();
        assertThat(applied).extracting(Entry::id).containsExactly("1-0", "1-0");
    }

    @Test
    void anEntryWithTheHighestIdIsTakenOverLikeOthers() throws InterruptedException {
        String highest = StreamId.HIGHEST.toString();
        bench.append("1-0", highest);
        bench.deliver(GONE, 2);
        bench.age(GONE, IDLE, 1, "1-0", highest);

        turn();

        assertThat(applied).extracting(Entry::id).containsExactly("1-0", highest);
    }

    private void turn() throws InterruptedException {
        Reclaimer reclaimer = reclaimer();
        while (reclaimer.run(() -> {})) {
            // goes on with its walk
        }
        assertThat(applier.awaitIdle(Duration.ofSeconds(10))).isTrue();
        assertThat(applier.takeFailure()).isNull();
    }

    private final Applier applier = new Applier(
            link,
            new Projection() {
                @Override
                public GroupKeys keys() {
                    return GROUP_KEYS;
                }

                @Override
                public CompletionStage<Outcome> apply(RedisAsyncCommands<String, String> commands, Batch batch) {
                    applied.addAll(batch.entries());
                    batches.add(batch.size());
                    return CompletableFuture.completedFuture(new Outcome(0, 0, batch.size(), List.of()));
                }
            },
            SELF,
            new EngineMetrics(new SimpleMeterRegistry(), "test", GROUP, Tags.empty()),
            settings());

    private Reclaimer reclaimer() {
        return new Reclaimer(link, applier, new ConsumerGroup(link, GROUP_KEYS, SELF), settings());
    }

    private static EngineSettings settings() {
        EngineSettings defaults = EngineSettings.defaults("test");
        return new EngineSettings(
                "test",
                Mode.GROUP,
                20,
                1, // so they come in order
                defaults.block(),
                Duration.ofMillis(IDLE),
                defaults.claimEvery(),
                MAX_DELIVERIES,
                null,
                false,
                defaults.retainEntries(),
                null,
                defaults.maxLength());
    }

    private void held(String consumer, int first, int last) {
        bench.append(ids(first, last));
        bench.deliver(consumer, last - first + 1);
    }

    private static String[] ids(int first, int last) {
        return IntStream.rangeClosed(first, last).mapToObj(i -> i + "-0").toArray(String[]::new);
    }

    private static Map<String, Long> deliveries() {
        return redis
                .commands()
                .xpending(STREAM, Consumer.from(GROUP, SELF), Range.unbounded(), Limit.from(100))
                .stream()
                .collect(Collectors.toMap(PendingMessage::getId, PendingMessage::getRedeliveryCount));
    }
}
