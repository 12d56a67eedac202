package io.ncc.checkin.processor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lettuce.core.Consumer;
import io.lettuce.core.Range;
import io.lettuce.core.XGroupCreateArgs;
import io.lettuce.core.XReadArgs;
import io.lettuce.core.XReadArgs.StreamOffset;
import io.lettuce.core.models.stream.PendingMessages;
import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.CheckinCodec;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.service.RedisLink;
import io.ncc.checkin.testsupport.RealRedis;
import io.ncc.checkin.testsupport.SequentialFold;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.springframework.context.ConfigurableApplicationContext;

/** Whole processors against a real Redis: whatever happens, the hashes are what reading the stream once in order makes of them. */
@Timeout(120)
final class ProcessorIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final String STREAM = Keys.unpartitioned().checkins();
    private static final Duration LIMIT = Duration.ofSeconds(20);

    private final List<ConfigurableApplicationContext> processors = new ArrayList<>();
    private final Random random = new Random(42);

    @AfterEach
    void stopAll() {
        processors.forEach(ConfigurableApplicationContext::close);
    }

    private ConfigurableApplicationContext start(String... args) {
        String[] all = Stream.concat(
                        Stream.of(
                                "--server.port=0",
                                "--spring.data.redis.host=" + redis.host(),
                                "--spring.data.redis.port=" + redis.port(),
                                "--checkin.processor.claim-every=100ms"),
                        Stream.of(args))
                .toArray(String[]::new);
        ConfigurableApplicationContext processor = ProcessorApplication.run(all);
        processors.add(processor);
        return processor;
    }

    @Test
    void aBacklogBecomesItsFold() {
        append(5_000);
        start();
        awaitFold();
    }

    @Test
    void severalProcessorsShareTheWorkAndCountEachEntryOnce() {
        start("--checkin.processor.consumer=one", "--checkin.processor.batch-size=10");
        start("--checkin.processor.consumer=two", "--checkin.processor.batch-size=10");
        append(20_000);
        awaitFold();
        assertThat(consumers()).contains("one", "two");
    }

    @Test
    void entriesThatADeadConsumerHoldsAreTakenOver() {
        append(2_500);
        leavePendingFor("dead");
        start("--checkin.processor.claim-after=200ms", "--checkin.processor.batch-size=100");
        awaitFold();
    }

    @Test
    void aConsumerBeginsWithItsOwnPendingEntries() {
        append(2_500);
        leavePendingFor("itself");
        // nothing is claimed within the time of this test
        start(
                "--checkin.processor.consumer=itself",
                "--checkin.processor.claim-after=1h",
                "--checkin.processor.batch-size=100");
        awaitFold();
    }

    @Test
    void entriesThatAreNoCheckinsBecomeDeadLettersAndStopNothing() {
        append(10);
        String first = redis.commands().xadd(STREAM, Map.of("userId", "1", "locationId", "x", "starRating", "9"));
        String second = redis.commands().xadd(STREAM, Map.of("hello", "world"));
        append(10);
        start("--checkin.processor.batch-size=7");
        awaitFold();
        append(10);
        awaitFold();
        assertThat(deadLetters())
                .containsExactlyInAnyOrderEntriesOf(
                        Map.of(first, "locationId is not an id from 1 to 2^63-1", second, "userId is missing"));
    }

    @Test
    void aUserThatIsNoHashStopsNothing() {
        redis.commands().set(Keys.unpartitioned().user(1), "not a hash");
        String bad = redis.commands().xadd(STREAM, CheckinCodec.encode(new Checkin(1, 1, 5)));
        redis.commands().xadd(STREAM, CheckinCodec.encode(new Checkin(2, 1, 5)));
        start();
        await().atMost(LIMIT)
                .until(() ->
                        "1".equals(redis.commands().hget(Keys.unpartitioned().user(2), "numCheckins")));
        await().atMost(LIMIT).until(() -> pending() == 0);
        assertThat(deadLetters()).isEqualTo(Map.of(bad, "ncc:users:1 is not a hash"));
    }

    private static Map<String, String> deadLetters() {
        return redis.commands().xrange("ncc:checkins:dead", Range.unbounded()).stream()
                .collect(Collectors.toMap(
                        letter -> letter.getBody().get("originalId"),
                        letter -> letter.getBody().get("reason")));
    }

    @Test
    void itGoesOnAfterARestartOfRedisWithItsData() {
        start();
        append(500);
        awaitFold();
        redis.stop();
        redis.start();
        append(500);
        awaitFold();
    }

    @Test
    void itGoesOnAfterARestartOfRedisWithoutData() {
        start();
        append(500);
        awaitFold();
        redis.restartEmpty();
        append(500);
        awaitFold();
    }

    @Test
    void itGoesOnAfterRedisDidNotAnswerForAWhile() {
        start();
        append(500);
        awaitFold();
        redis.pause();
        RedisLink readLink = processors.get(0).getBean("readLink", RedisLink.class);
        await().atMost(LIMIT).until(() -> !readLink.isConnected());
        redis.resume();
        append(500);
        awaitFold();
    }

    @Test
    void itGoesOnWhenItsConnectionsAreKilledUnderLoad() {
        start("--checkin.processor.batch-size=50");
        for (int i = 0; i < 10; i++) {
            append(1_000);
            redis.killConnections();
        }
        awaitFold();
    }

    @Test
    void itLoadsItsScriptsAgainWhenTheyAreFlushed() {
        start();
        append(500);
        awaitFold();
        redis.commands().scriptFlush();
        append(500);
        awaitFold();
    }

    @Test
    void aStopLeavesNothingPending() {
        for (int round = 0; round < 5; round++) {
            ConfigurableApplicationContext processor = start("--checkin.processor.batch-size=20");
            append(3_000);
            processor.close();
            assertThat(pending()).isZero();
        }
        start();
        awaitFold();
    }

    @Test
    void aStopDoesNotWaitForABlockedReadToEnd() {
        ConfigurableApplicationContext processor = start("--checkin.processor.block=5s");
        await().atMost(LIMIT).until(() -> redis.commands().clientList().contains("cmd=xreadgroup"));
        long start = System.nanoTime();
        processor.close();
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(4));
    }

    private void append(int count) {
        for (int i = 0; i < count; i++) {
            Checkin checkin = new Checkin(1 + random.nextInt(50), 1 + random.nextInt(20), random.nextInt(6));
            redis.commands().xadd(STREAM, CheckinCodec.encode(checkin));
        }
    }

    @SuppressWarnings("unchecked") // of Lettuce's generic varargs
    private void leavePendingFor(String consumer) {
        redis.commands().xgroupCreate(StreamOffset.from(STREAM, "0"), Keys.GROUP, XGroupCreateArgs.Builder.mkstream());
        assertThat(redis.commands()
                        .xreadgroup(
                                Consumer.from(Keys.GROUP, consumer),
                                XReadArgs.Builder.count(1_000_000),
                                StreamOffset.lastConsumed(STREAM)))
                .isNotEmpty();
    }

    private static void awaitFold() {
        await().atMost(LIMIT).untilAsserted(() -> {
            assertThat(pending()).isZero();
            SequentialFold.over(Map.of()).addStream(redis.commands()).assertEqualTo(redis.commands());
        });
    }

    private static long pending() {
        PendingMessages pending = redis.commands().xpending(STREAM, Keys.GROUP);
        return pending.getCount();
    }

    private static List<String> consumers() {
        return redis.commands().xinfoConsumers(STREAM, Keys.GROUP).stream()
                .map(consumer -> (String) ((List<?>) consumer).get(1))
                .toList();
    }
}
