package io.ncc.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.lettuce.core.Consumer;
import io.lettuce.core.RedisClient;
import io.lettuce.core.XGroupCreateArgs;
import io.lettuce.core.XReadArgs.StreamOffset;
import io.lettuce.core.api.StatefulRedisConnection;
import io.ncc.checkin.testsupport.RealRedis;
import io.ncc.engine.Projection.Outcome;
import io.ncc.engine.Projection.Rejected;
import io.ncc.redis.RedisCondition;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A projection of another stream keeps the promises with nothing but {@link ProjectionScript}. */
@Timeout(60)
final class ProjectionScriptIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final GroupKeys KEYS = new GroupKeys(
            "shop:orders",
            "totals",
            "shop:checkpoint",
            "shop:settled",
            "shop:totals",
            "shop:orders:dead",
            "shop:orders:dead:ids",
            "shop:orders:projections",
            "shop:probe");

    private final OrderProjection projection = new OrderProjection(KEYS, Mode.GROUP);
    private final RedisClient client = RedisClient.create(redis.uri());
    private final StatefulRedisConnection<String, String> connection = client.connect();

    @AfterEach
    void close() {
        client.shutdown(0, 1, TimeUnit.SECONDS);
    }

    @Test
    void anEntryCountsOnceHoweverOftenItIsDelivered() {
        Batch batch = delivered(order("ada", "250"), order("bob", "100"), order("ada", "50"));

        assertThat(apply(batch)).isEqualTo(new Outcome(3, 0, 0, List.of()));
        redis.commands().xgroupSetid(StreamOffset.from(KEYS.stream(), "0"), KEYS.group());
        assertThat(apply(read())).isEqualTo(new Outcome(0, 3, 0, List.of()));

        assertThat(cents("ada")).isEqualTo("300");
        assertThat(cents("bob")).isEqualTo("100");
        assertThat(redis.commands().hgetall(KEYS.totals())).isEqualTo(Map.of("applied", "3", "skipped", "3"));
        assertThat(redis.commands().zcard(KEYS.settledRanges())).isEqualTo(1);
    }

    @Test
    void whatCanNotBeAppliedStaysPendingAndTheOthersCount() {
        redis.commands().set("shop:customers:bob", "not a hash");
        Batch batch = delivered(order("ada", "1"), order("ada", "much"), order("bob", "1"), order("ada", "2"));

        assertThat(apply(batch))
                .isEqualTo(new Outcome(
                        2,
                        0,
                        0,
                        List.of(
                                new Rejected(batch.entries().get(1).id(), "cents is no amount"),
                                new Rejected(batch.entries().get(2).id(), "shop:customers:bob is not a hash"))));
        assertThat(cents("ada")).isEqualTo("3");
        assertThat(pending()).isEqualTo(2);
        assertThat(redis.commands().zcard(KEYS.settledRanges())).isEqualTo(2);
    }

    @Test
    void inSequentialModeTheCheckpointMovesWithEachBatchAsFarAsAllIsSettled() {
        var sequential = new OrderProjection(KEYS, Mode.SEQUENTIAL);
        Batch all = delivered(
                order("ada", "1"), order("bob", "2"), order("ada", "3"), order("ada", "much"), order("bob", "4"));
        redis.commands().xgroupDestroy(KEYS.stream(), KEYS.group());

        apply(sequential, new Batch(all.entries().subList(0, 2), true));
        assertThat(redis.commands().get(KEYS.checkpoint()))
                .isEqualTo(all.entries().get(1).id());
        assertThat(redis.commands().zcard(KEYS.settledRanges())).isZero();

        apply(sequential, new Batch(all.entries().subList(2, 5), true));
        assertThat(redis.commands().get(KEYS.checkpoint()))
                .isEqualTo(all.entries().get(2).id());
        assertThat(redis.commands().zcard(KEYS.settledRanges())).isEqualTo(1);
        assertThat(redis.commands().hget(KEYS.totals(), "applied")).isEqualTo("4");
    }

    @ParameterizedTest
    @ValueSource(strings = {"set", "zremrangebylex", "zadd", "hincrby"})
    void inSequentialModeAMissingPermissionIsNoticedBeforeAnythingIsApplied(String command) {
        var sequential = new OrderProjection(KEYS, Mode.SEQUENTIAL);
        Batch batch = delivered(order("ada", "1"));
        redis.permit("-" + command);
        try {
            apply(sequential, batch);
            throw new AssertionError("applied without " + command);
        } catch (CompletionException e) {
            assertThat(RedisCondition.of(e)).isEqualTo(RedisCondition.FORBIDDEN);
        } finally {
            redis.permit("+@all");
        }
        assertThat(redis.commands().exists(KEYS.totals(), KEYS.settledRanges())).isZero();
        assertThat(apply(sequential, batch).applied()).isEqualTo(1);
    }

    @Test
    void ifNothingCanBeDecodedNothingIsRun() {
        Batch batch = delivered(order("ada", "much"));
        redis.commands().xgroupDestroy(KEYS.stream(), KEYS.group());

        assertThat(apply(batch).rejected())
                .containsExactly(new Rejected(batch.entries().get(0).id(), "cents is no amount"));
    }

    @Test
    void aCommandThatTheProjectionMayNotRunIsNoticedBeforeAnythingIsAcknowledged() {
        Batch batch = delivered(order("ada", "1"));
        redis.permit("-hincrby");
        try {
            apply(batch);
            throw new AssertionError("applied without HINCRBY");
        } catch (CompletionException e) {
            assertThat(RedisCondition.of(e)).isEqualTo(RedisCondition.FORBIDDEN);
        } finally {
            redis.permit("+@all");
        }
        assertThat(pending()).isEqualTo(1);
        assertThat(apply(batch).applied()).isEqualTo(1);
    }

    private static Map<String, String> order(String customer, String cents) {
        return Map.of("customer", customer, "cents", cents);
    }

    @SafeVarargs
    private static Batch delivered(Map<String, String>... orders) {
        redis.commands()
                .xgroupCreate(StreamOffset.from(KEYS.stream(), "0"), KEYS.group(), XGroupCreateArgs.Builder.mkstream());
        for (Map<String, String> order : orders) {
            redis.commands().xadd(KEYS.stream(), order);
        }
        return read();
    }

    @SuppressWarnings("unchecked") // of Lettuce's generic varargs
    private static Batch read() {
        List<Entry> entries = redis
                .commands()
                .xreadgroup(Consumer.from(KEYS.group(), "test"), StreamOffset.lastConsumed(KEYS.stream()))
                .stream()
                .map(message -> new Entry(message.getId(), message.getBody(), 1))
                .toList();
        return new Batch(entries, true);
    }

    private Outcome apply(Batch batch) {
        return apply(projection, batch);
    }

    private Outcome apply(Projection to, Batch batch) {
        return to.apply(connection.async(), batch)
                .toCompletableFuture()
                .orTimeout(10, TimeUnit.SECONDS)
                .join();
    }

    private static @Nullable String cents(String customer) {
        return redis.commands().hget("shop:customers:" + customer, "cents");
    }

    private static long pending() {
        return redis.commands().xpending(KEYS.stream(), KEYS.group()).getCount();
    }
}
