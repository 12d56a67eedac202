package io.ncc.engine;

import static io.ncc.checkin.testsupport.GroupBench.GROUP;
import static io.ncc.checkin.testsupport.GroupBench.STREAM;
import static io.ncc.engine.TestGroup.GROUP_KEYS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lettuce.core.Consumer;
import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.lettuce.core.RedisClient;
import io.lettuce.core.XGroupCreateArgs;
import io.lettuce.core.XReadArgs.StreamOffset;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.lettuce.core.models.stream.PendingMessage;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.ncc.checkin.testsupport.RealRedis;
import io.ncc.redis.RedisCondition;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Engines that can't apply anything, for a reason that is no entry's. */
@Timeout(60)
final class StalledIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server().setting("appendonly", "no");

    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final String SHARED = "shop:all";
    private static final int ENTRIES = 200;
    private static final int MAX_DELIVERIES = 2;

    /** Of both, more than it takes to give an entry up unread. */
    private static final int ATTEMPTS = 12 * MAX_DELIVERIES;

    private final RedisClient client = RedisClient.create(redis.uri());
    private final AtomicInteger attempts = new AtomicInteger();
    private final List<Engine> engines = Stream.of("one", "two")
            .map(name -> new Engine(client, new SharedKey(), name, settings(), new SimpleMeterRegistry()))
            .toList();

    enum Reason {
        DAMAGED(RedisCondition.WRONG_TYPE) {
            @Override
            void begin() {
                redis.commands().set(SHARED, "not a sorted set");
            }

            @Override
            void end() {
                redis.commands().del(SHARED);
            }
        },
        FORBIDDEN(RedisCondition.FORBIDDEN) {
            @Override
            void begin() {
                redis.permit("-zcard");
            }

            @Override
            void end() {
                redis.permit("+@all");
            }
        };

        private final RedisCondition condition;

        Reason(RedisCondition condition) {
            this.condition = condition;
        }

        abstract void begin();

        abstract void end();
    }

    @AfterEach
    void stop() {
        engines.forEach(Engine::stop);
        client.shutdown(0, 1, TimeUnit.SECONDS);
    }

    /** Some entries are read by the engines, some are pending with a consumer that is gone, and are claimed. */
    @ParameterizedTest
    @EnumSource
    @SuppressWarnings("unchecked") // of Lettuce's generic varargs
    void noEntryIsSetAsideHoweverLongNoneCanBeApplied(Reason reason) {
        redis.commands().xgroupCreate(StreamOffset.from(STREAM, "0"), GROUP, XGroupCreateArgs.Builder.mkstream());
        append();
        assertThat(redis.commands().xreadgroup(Consumer.from(GROUP, "gone"), StreamOffset.lastConsumed(STREAM)))
                .isNotEmpty();
        append();
        reason.begin();
        engines.forEach(Engine::start);

        await().atMost(LIMIT).until(() -> attempts.get() >= ATTEMPTS);
        assertThat(engines).extracting(Engine::trouble).contains(reason.condition);
        assertThat(pending())
                .extracting(PendingMessage::getRedeliveryCount)
                .allMatch(deliveries -> deliveries <= MAX_DELIVERIES);
        reason.end();

        await().atMost(LIMIT).until(() -> engines.stream().allMatch(engine -> engine.trouble() == null));
        await().atMost(LIMIT)
                .until(() -> String.valueOf(ENTRIES).equals(redis.commands().hget(GROUP_KEYS.totals(), "applied")));
        assertThat(pending()).isEmpty();
        assertThat(redis.commands().xlen(GROUP_KEYS.deadLetters())).isZero();
        assertThat(redis.commands().hgetall("shop:customers:7")).isEqualTo(Map.of("cents", String.valueOf(ENTRIES)));
    }

    private static void append() {
        for (int i = 0; i < ENTRIES / 2; i++) {
            redis.commands().xadd(STREAM, Map.of("customer", "7", "cents", "1"));
        }
    }

    private static List<PendingMessage> pending() {
        return redis.commands().xpending(STREAM, GROUP, Range.unbounded(), Limit.from(1_000));
    }

    private static EngineSettings settings() {
        EngineSettings defaults = EngineSettings.defaults("test");
        return new EngineSettings(
                "test",
                Mode.GROUP,
                20,
                defaults.maxInFlight(),
                Duration.ofMillis(100),
                Duration.ofMillis(500),
                Duration.ofMillis(200),
                MAX_DELIVERIES,
                null,
                false,
                defaults.retainEntries(),
                null,
                defaults.maxLength());
    }

    /** Orders, whose script needs one key for all of them. */
    private final class SharedKey implements Projection {

        private final Projection orders = new OrderProjection(GROUP_KEYS, Mode.GROUP);

        @Override
        public GroupKeys keys() {
            return orders.keys();
        }

        @Override
        public CompletionStage<Outcome> apply(RedisAsyncCommands<String, String> commands, Batch batch) {
            attempts.incrementAndGet();
            return commands.zcard(SHARED).thenCompose(count -> orders.apply(commands, batch));
        }
    }
}
