package io.ncc.checkin.processor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lettuce.core.Consumer;
import io.lettuce.core.Range;
import io.lettuce.core.RedisClient;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.StreamMessage;
import io.lettuce.core.XClaimArgs;
import io.lettuce.core.XGroupCreateArgs;
import io.lettuce.core.XReadArgs.StreamOffset;
import io.lettuce.core.api.StatefulRedisConnection;
import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.CheckinCodec;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.testsupport.Jars;
import io.ncc.checkin.testsupport.RealRedis;
import io.ncc.checkin.testsupport.ServiceProcess;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Any program may append to the stream, and entries of any size: they end no processor, one in a JVM of its own with a heap of 256 MB, and hold up
 * neither what comes after them nor the other clients of Redis.
 *
 * <p>{@code -Dlarge.each=true} tries more entries of each kind, apart from the others.
 */
@Timeout(180)
final class LargeEntriesIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server().setting("appendonly", "no");

    private static final Logger log = LoggerFactory.getLogger(LargeEntriesIT.class);
    private static final Path JAR = new Jars(Path.of("..")).extracted("checkin-processor");
    private static final Keys KEYS = Keys.unpartitioned();
    private static final String STREAM = KEYS.checkins();
    private static final int GOOD = 50;
    private static final Duration LIMIT = Duration.ofSeconds(60);

    /** Several times what a busy machine needs, and less than the time that a command gets, so that no client fails. */
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(4);

    @TempDir
    Path folder;

    record Large(int count, int fields, int valueSize, boolean held) {

        @Override
        public String toString() {
            return count + " entries of " + fields + " fields of " + valueSize + " bytes"
                    + (held ? ", held by a dead consumer" : "");
        }
    }

    private static final List<Large> EACH = List.of(
            new Large(40, 100_000, 1, false),
            new Large(300, 1, 1 << 20, false),
            new Large(12, 1, 25 << 20, true),
            new Large(100, 20_000, 1, true));

    /** What a dead consumer holds comes first. */
    private static final List<Large> SOME_OF_EACH = List.of(
            new Large(2, 1, 25 << 20, true),
            new Large(6, 20_000, 1, true),
            new Large(6, 100_000, 1, false),
            new Large(40, 1, 1 << 20, false));

    static Stream<List<Large>> large() {
        return Boolean.getBoolean("large.each") ? EACH.stream().map(List::of) : Stream.of(SOME_OF_EACH);
    }

    @ParameterizedTest
    @MethodSource("large")
    void whatIsTooLargeIsSetAsideAndHoldsUpNothing(List<Large> large) throws InterruptedException {
        redis.commands().xgroupCreate(StreamOffset.from(STREAM, "0"), Keys.GROUP, XGroupCreateArgs.Builder.mkstream());
        large.forEach(LargeEntriesIT::append);
        appendGood();
        List<String> fields = large.stream()
                .flatMap(each -> Collections.nCopies(each.count, Integer.toString(each.fields)).stream())
                .toList();
        try (ServiceProcess processor = start(List.of())) {
            processor.awaitUp();
            long start = System.nanoTime();
            long longest = longestWaitUntilTheGoodOnesAreApplied();
            long millis = (System.nanoTime() - start) / 1_000_000;
            await().atMost(LIMIT).until(() -> deadLetters().size() == fields.size());
            long all = (System.nanoTime() - start) / 1_000_000;
            log.info(
                    "{}: good ones applied after {} ms, all settled after {} ms, longest wait of another client {} ms",
                    large,
                    millis,
                    all,
                    longest);

            assertThat(processor.isRunning()).isTrue();
            assertThat(processor.output()).doesNotContain("OutOfMemoryError");
            assertThat(deadLetters())
                    .extracting(letter -> letter.getBody().get("reason"))
                    .containsOnly("too large");
            assertThat(deadLetters())
                    .extracting(letter -> letter.getBody().get("fields"))
                    .containsExactlyInAnyOrderElementsOf(fields);
            assertThat(redis.commands().xpending(STREAM, Keys.GROUP).getCount()).isZero();
            assertThat(Duration.ofMillis(longest)).isLessThan(LONGEST_WAIT);
        }
    }

    /** Larger than the memory that the processor has for what comes from Redis. */
    @Test
    void whatCanNotBeReadIsSetAsideUnreadAndThenAllGoesOn() throws InterruptedException {
        redis.commands().xgroupCreate(StreamOffset.from(STREAM, "0"), Keys.GROUP, XGroupCreateArgs.Builder.mkstream());
        append(new Large(1, 1, 70 << 20, false));
        appendGood();
        try (ServiceProcess processor = start(List.of("-Xmx96m"), "--checkin.processor.max-deliveries=1")) {
            processor.awaitUp();
            longestWaitUntilTheGoodOnesAreApplied();
            await().atMost(LIMIT).until(() -> deadLetters().size() == 1);

            assertThat(processor.isRunning()).isTrue();
            assertThat(deadLetters().get(0).getBody()).containsEntry("fields", "0");
            // 3 are enough; the reader and the one who claims may both have been at it
            assertThat(deadLetters().get(0).getBody().get("reason")).matches("delivered [3-6] times and never settled");
            assertThat(redis.commands().xpending(STREAM, Keys.GROUP).getCount()).isZero();
        }
    }

    private ServiceProcess start(List<String> jvmOptions, String... settings) {
        List<String> all = Stream.concat(
                        Stream.of(
                                "--server.port=0",
                                "--spring.data.redis.host=" + redis.host(),
                                "--spring.data.redis.port=" + redis.port(),
                                "--checkin.processor.projections=totals",
                                "--checkin.processor.claim-after=500ms",
                                "--checkin.processor.claim-every=500ms"),
                        Stream.of(settings))
                .toList();
        return ServiceProcess.ofJar("processor", folder, jvmOptions, List.of(), JAR, all);
    }

    private static void append(Large large) {
        Object[] fields = new Object[2 * large.fields];
        String value = large.fields == 1 ? "" : "x".repeat(large.valueSize);
        for (int i = 0; i < large.fields; i++) {
            fields[2 * i] = "field" + i;
            fields[2 * i + 1] = value;
        }
        for (int i = 0; i < large.count; i++) {
            String id = large.fields == 1
                    ? appendInRedis(large.valueSize)
                    : redis.commands().xadd(STREAM, fields);
            if (large.held) { // without being read here
                redis.commands()
                        .xclaim(
                                STREAM,
                                Consumer.from(Keys.GROUP, "dead"),
                                new XClaimArgs()
                                        .minIdleTime(0)
                                        .retryCount(1)
                                        .justid()
                                        .force(),
                                id);
                redis.commands().xgroupSetid(StreamOffset.from(STREAM, id), Keys.GROUP);
            }
        }
    }

    /** What is very large is not even sent. */
    private static String appendInRedis(int valueSize) {
        return redis.commands()
                .eval(
                        "return redis.call('XADD', KEYS[1], '*', 'field0', string.rep(string.rep('x', 65536), ARGV[1] / 65536))",
                        ScriptOutputType.VALUE,
                        new String[] {STREAM},
                        Integer.toString(valueSize));
    }

    private static void appendGood() {
        for (int i = 1; i <= GOOD; i++) {
            redis.commands().xadd(STREAM, CheckinCodec.encode(new Checkin(i, 1, 5)));
        }
    }

    /** In milliseconds, of a client that asks again and again. */
    private static long longestWaitUntilTheGoodOnesAreApplied() throws InterruptedException {
        AtomicBoolean done = new AtomicBoolean();
        long[] longest = {0};
        Thread other = new Thread(() -> {
            try (RedisClient client = RedisClient.create(redis.uri());
                    StatefulRedisConnection<String, String> connection = client.connect()) {
                while (!done.get()) {
                    long asked = System.nanoTime();
                    connection.sync().ping();
                    longest[0] = Math.max(longest[0], (System.nanoTime() - asked) / 1_000_000);
                    TimeUnit.MILLISECONDS.sleep(5); // the processor needs the CPU
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        other.start();
        try {
            await().atMost(LIMIT)
                    .until(() -> Integer.toString(GOOD).equals(redis.commands().hget(KEYS.location(1), "numCheckins")));
            await().atMost(LIMIT)
                    .until(() -> redis.commands().xpending(STREAM, Keys.GROUP).getCount() == 0);
        } finally {
            done.set(true);
            other.join();
        }
        return longest[0];
    }

    private static List<StreamMessage<String, String>> deadLetters() {
        return redis.commands().xrange(KEYS.deadLetters(), Range.unbounded());
    }
}
