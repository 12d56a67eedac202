package io.ncc.checkin.processor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.lettuce.core.KillArgs;
import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.XAddArgs;
import io.lettuce.core.XReadArgs.StreamOffset;
import io.lettuce.core.api.sync.RedisCommands;
import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.CheckinCodec;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.testsupport.HttpAnswer;
import io.ncc.checkin.testsupport.RealRedis;
import io.ncc.checkin.testsupport.SequentialFold;
import io.ncc.redis.RedisCondition;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.slf4j.LoggerFactory;
import org.springframework.context.ConfigurableApplicationContext;

/** A running processor, and what Redis may do to it. */
@Timeout(60)
abstract class FaultyRedis {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server()
            .setting("dbfilename", ".") // a name that no snapshot can be given: each one fails
            .setting("lua-time-limit", "50") // milliseconds, then Redis says that it is busy
            .setting("key-load-delay", "100"); // microseconds, for each command that is loaded

    /** Of what any server does in the same way, as to be silent: once in a build is enough. */
    static final String ONE_REDIS_IS_ENOUGH = "one-redis-is-enough";

    static final Keys KEYS = Keys.unpartitioned();
    static final String STREAM = KEYS.checkins();
    static final int DEAD_PORT = 1;
    static final int BACKLOG = 300; // six batches: more than are in flight at once

    static final int LARGE_BACKLOG = 5_000; // so that batches are under way for a while

    static final Duration LIMIT = Duration.ofSeconds(20);
    static final Duration HOLD = Duration.ofSeconds(1);
    static final double MOST_COMMANDS_PER_SECOND = 200; // a loop without pauses makes thousands
    static final int MOST_LINES = 10; // two connections broke and are open again, and what that means
    static final Pattern INTERRUPTED = Pattern.compile("Processing is interrupted \\((\\w+)\\);.*");
    static final String GOES_ON = "Processing goes on";
    static final String IS_OPEN = " is open";

    /** Of the janitor, within a second after the group was rewound. */
    static final String SKIPPED = " were acknowledged without being applied";

    static @Nullable ConfigurableApplicationContext processor;
    static List<String> argsOfProcessor = List.of();

    final Random random = new Random(42);
    final ListAppender<ILoggingEvent> log = new ListAppender<>();

    interface Change extends Consumer<RedisCommands<String, String>> {}

    /** Has a processor run, the one of the test before if that suits, at rest. Settings are written {@code name=value}. */
    void start(String... settings) {
        start(List.of(settings));
    }

    void start(List<String> args) {
        if (processor == null || !argsOfProcessor.equals(args)) {
            stop();
            argsOfProcessor = args;
            Map<String, String> settings = new LinkedHashMap<>(Map.of(
                    "server.port", "0",
                    "spring.data.redis.host", redis.host(),
                    "spring.data.redis.port", Integer.toString(redis.port()),
                    "spring.data.redis.timeout", "1s", // a busy machine takes half of that
                    "checkin.processor.projections", "totals",
                    "checkin.processor.block", "200ms",
                    "checkin.processor.batch-size", "50",
                    "checkin.processor.claim-after", "1h")); // so what it leaves pending it must find itself
            args.stream().map(arg -> arg.split("=", 2)).forEach(arg -> settings.put(arg[0], arg[1]));
            processor = ProcessorApplication.run(settings.entrySet().stream()
                    .map(setting -> "--" + setting.getKey() + '=' + setting.getValue())
                    .toArray(String[]::new));
        }
        append(BACKLOG);
        awaitFold();
        await().atMost(LIMIT).until(FaultyRedis::isReady);
        log.list = new CopyOnWriteArrayList<>();
        log.start();
        logger().addAppender(log);
    }

    @AfterEach
    void releaseLog() {
        logger().detachAppender(log);
    }

    @AfterAll
    static void stop() {
        if (processor != null) {
            processor.close();
            processor = null;
        }
    }

    static Logger logger() {
        return (Logger) LoggerFactory.getLogger("io.ncc");
    }

    void withBacklog(Change change) {
        inOneTransaction(commands -> {
            append(BACKLOG);
            change.accept(commands);
        });
    }

    static void inOneTransaction(Change change) {
        redis.commands().multi();
        change.accept(redis.commands());
        assertThat(redis.commands().exec().stream()).noneMatch(Throwable.class::isInstance);
    }

    void append(int count) {
        for (int i = 0; i < count; i++) {
            redis.commands().xadd(STREAM, CheckinCodec.encode(checkin()));
        }
    }

    Checkin checkin() {
        return new Checkin(1 + random.nextInt(50), 1 + random.nextInt(20), random.nextInt(6));
    }

    static void appendLow(RedisCommands<String, String> commands) {
        for (int i = 1; i <= 100; i++) {
            commands.xadd(STREAM, new XAddArgs().id("1-" + i), CheckinCodec.encode(new Checkin(1, 1, 5)));
        }
    }

    static void killOthers(RedisCommands<String, String> commands) {
        commands.clientKill(KillArgs.Builder.typeNormal().skipme());
    }

    static void rewind(RedisCommands<String, String> commands) {
        commands.xgroupSetid(StreamOffset.from(STREAM, "0"), Keys.GROUP);
    }

    /** The line of the processor's reading connection in CLIENT LIST. */
    static String reader() {
        return redis.commands()
                .clientList()
                .lines()
                .filter(line -> line.contains(" cmd=xreadgroup "))
                .findFirst()
                .orElse("");
    }

    static long pending() {
        return redis.commands().xpending(STREAM, Keys.GROUP).getCount();
    }

    /** Also those that were refused. */
    static long commandsSoFar() {
        return redis.commands()
                .info("stats")
                .lines()
                .filter(line -> line.startsWith("total_commands_processed:") || line.startsWith("total_error_replies:"))
                .mapToLong(line -> Long.parseLong(line.substring(line.indexOf(':') + 1)))
                .sum();
    }

    static void awaitFold() {
        awaitFold(SequentialFold.over(Map.of()));
    }

    static void awaitFold(SequentialFold expected) {
        await().atMost(LIMIT)
                .ignoreExceptionsInstanceOf(RedisCommandExecutionException.class)
                .untilAsserted(() -> {
                    assertThat(pending()).isZero(); // an error while there is no group
                    expected.addStream(redis.commands()).assertEqualTo(redis.commands());
                });
    }

    static boolean isReady() {
        return health("readiness") == 200;
    }

    static boolean isAlive() {
        return health("liveness") == 200;
    }

    static int health(String group) {
        String port = Objects.requireNonNull(processor).getEnvironment().getRequiredProperty("local.server.port");
        return HttpAnswer.get("http://localhost:" + port + "/actuator/health/" + group)
                .status();
    }

    static void awaitNotReadyButAlive() {
        await().atMost(LIMIT).during(HOLD).until(() -> !isReady() && isAlive());
    }

    /** It is ready, and has said no more than what was the matter, and that it goes on. */
    void awaitItGoesOnAfter(RedisCondition... conditions) {
        await().atMost(LIMIT).until(FaultyRedis::isReady);
        assertThat(isAlive()).isTrue();
        assertThat(interruptions()).endsWith(conditions);
        assertThat(lines()).hasSizeLessThanOrEqualTo(MOST_LINES);
        if (conditions.length == 0) {
            assertThat(lines()).isEmpty();
        } else {
            assertThat(lines()).containsOnlyOnce(GOES_ON);
            // a connection may be in use before another thread says that it is open
            assertThat(lines()).filteredOn(line -> !line.endsWith(IS_OPEN)).endsWith(GOES_ON);
        }
    }

    List<RedisCondition> interruptions() {
        return lines().stream()
                .map(INTERRUPTED::matcher)
                .filter(Matcher::matches)
                .map(matcher -> RedisCondition.valueOf(matcher.group(1)))
                .toList();
    }

    List<String> lines() {
        List<String> lines =
                log.list.stream().map(ILoggingEvent::getFormattedMessage).toList();
        return lines.stream()
                .filter(line -> !isOfATestBefore(line, lines) && !line.contains(SKIPPED))
                .toList();
    }

    /** That a connection is open which broke before this test: that is said only when it has lasted. */
    static boolean isOfATestBefore(String line, List<String> lines) {
        String connection = line.endsWith(IS_OPEN) ? line.substring(0, line.length() - IS_OPEN.length() + 1) : null;
        return connection != null
                && lines.stream().noneMatch(other -> other.startsWith(connection) && !other.endsWith(IS_OPEN));
    }
}
