package io.ncc.checkin.processor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.lettuce.core.KillArgs;
import io.lettuce.core.Range;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.RedisFuture;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.UnblockType;
import io.lettuce.core.XAddArgs;
import io.lettuce.core.XReadArgs.StreamOffset;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.codec.StringCodec;
import io.lettuce.core.output.StatusOutput;
import io.lettuce.core.protocol.CommandArgs;
import io.lettuce.core.protocol.CommandType;
import io.micrometer.core.instrument.MeterRegistry;
import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.CheckinCodec;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.testsupport.FaultProxy;
import io.ncc.checkin.testsupport.HttpAnswer;
import io.ncc.checkin.testsupport.RealRedis;
import io.ncc.checkin.testsupport.SequentialFold;
import io.ncc.redis.RedisCondition;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.slf4j.LoggerFactory;
import org.springframework.context.ConfigurableApplicationContext;

/**
 * What Redis may do to a running processor, one thing after the other to the same one: it loses and repeats nothing, says once what is the
 * matter, doesn't run hot, and goes on by itself.
 */
@Timeout(60)
final class SelfHealingIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server()
            .setting("dbfilename", ".") // a name that no snapshot can be given: each one fails
            .setting("lua-time-limit", "50") // milliseconds, then Redis says that it is busy
            .setting("key-load-delay", "100"); // microseconds, for each command that is loaded

    /** Of what any server does in the same way, as to be silent: once in a build is enough. */
    private static final String ONE_REDIS_IS_ENOUGH = "one-redis-is-enough";

    private static final Keys KEYS = Keys.unpartitioned();
    private static final String STREAM = KEYS.checkins();
    private static final int DEAD_PORT = 1;
    private static final int BACKLOG = 300; // six batches: more than are in flight at once

    private static final int LARGE_BACKLOG = 5_000; // so that batches are under way for a while

    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final Duration HOLD = Duration.ofSeconds(1);
    private static final double MOST_COMMANDS_PER_SECOND = 200; // a loop without pauses makes thousands
    private static final int MOST_LINES = 10; // two connections broke and are open again, and what that means
    private static final Pattern INTERRUPTED = Pattern.compile("Processing is interrupted \\((\\w+)\\);.*");
    private static final String GOES_ON = "Processing goes on";
    private static final String IS_OPEN = " is open";

    /** Of the janitor, within a second after the group was rewound. */
    private static final String SKIPPED = " were acknowledged without being applied";

    private static @Nullable ConfigurableApplicationContext processor;
    private static List<String> argsOfProcessor = List.of();

    private final Random random = new Random(42);
    private final ListAppender<ILoggingEvent> log = new ListAppender<>();

    /** What lasts until it is undone. It begins with a backlog, in one transaction with it. */
    record Outage(
            String name, RedisCondition condition, boolean canBeRead, Change begin, Change end, List<String> args) {

        Outage(String name, RedisCondition condition, boolean canBeRead, Change begin, Change end) {
            this(name, condition, canBeRead, begin, end, List.of());
        }

        @Override
        public String toString() {
            return name;
        }
    }

    /** What happens in a moment. */
    record Incident(String name, Change change, List<RedisCondition> named) {

        @Override
        public String toString() {
            return name;
        }
    }

    interface Change extends Consumer<RedisCommands<String, String>> {}

    /** Has a processor run, the one of the test before if that suits, at rest. Settings are written {@code name=value}. */
    private void start(String... settings) {
        start(List.of(settings));
    }

    private void start(List<String> args) {
        if (processor == null || !argsOfProcessor.equals(args)) {
            stop();
            argsOfProcessor = args;
            Map<String, String> settings = new LinkedHashMap<>(Map.of(
                    "server.port", "0",
                    "spring.data.redis.host", redis.host(),
                    "spring.data.redis.port", Integer.toString(redis.port()),
                    "spring.data.redis.timeout", "1s", // a busy machine takes half of that
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
        await().atMost(LIMIT).until(SelfHealingIT::isReady);
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

    private static Logger logger() {
        return (Logger) LoggerFactory.getLogger("io.ncc");
    }

    static Stream<Outage> outages() {
        return Stream.of(
                new Outage(
                        "Redis is a replica",
                        RedisCondition.READ_ONLY,
                        true,
                        commands -> commands.replicaof("127.0.0.1", DEAD_PORT),
                        RedisCommands::replicaofNoOne),
                new Outage(
                        "Redis is a replica without a primary",
                        RedisCondition.MASTER_DOWN,
                        false,
                        commands -> {
                            commands.configSet("replica-serve-stale-data", "no");
                            commands.replicaof("127.0.0.1", DEAD_PORT);
                        },
                        commands -> {
                            commands.configSet("replica-serve-stale-data", "yes");
                            commands.replicaofNoOne();
                        }),
                new Outage(
                        "the last snapshot failed",
                        RedisCondition.PERSISTENCE_FAILING,
                        true,
                        commands -> commands.configSet("save", "3600 1"),
                        commands -> commands.configSet("save", "")),
                new Outage(
                        "too few replicas are there",
                        RedisCondition.TOO_FEW_REPLICAS,
                        true,
                        commands -> commands.configSet("min-replicas-to-write", "1"),
                        commands -> commands.configSet("min-replicas-to-write", "0")),
                new Outage(
                        "there are too many clients",
                        RedisCondition.TOO_MANY_CLIENTS,
                        true,
                        commands -> {
                            commands.configSet("maxclients", "1");
                            killOthers(commands);
                        },
                        commands -> commands.configSet("maxclients", "10000")),
                new Outage(
                        "a password is asked for",
                        RedisCondition.FORBIDDEN,
                        true,
                        commands -> {
                            commands.configSet("requirepass", "another");
                            killOthers(commands);
                        },
                        commands -> commands.configSet("requirepass", "")),
                new Outage(
                        "the password is wrong",
                        RedisCondition.FORBIDDEN,
                        true,
                        commands -> {
                            commands.configSet("requirepass", "another");
                            killOthers(commands);
                        },
                        commands -> commands.configSet("requirepass", ""),
                        List.of("spring.data.redis.password=one")), // which a server without any accepts
                new Outage(
                        "a command is forbidden from the next connection on",
                        RedisCondition.FORBIDDEN,
                        true,
                        commands -> {
                            redis.permit("-hset");
                            killOthers(commands);
                        },
                        commands -> redis.permit("+@all")),
                new Outage(
                        "a command is forbidden from one batch to the next",
                        RedisCondition.FORBIDDEN,
                        true,
                        commands -> redis.permit("-hset"),
                        commands -> redis.permit("+@all")));
    }

    @ParameterizedTest(name = "while {0}")
    @MethodSource("outages")
    void itWaitsAndThenGoesOn(Outage outage) {
        start(outage.args);
        redis.commands().bgsave(); // fails, which matters only once snapshots are asked for
        await().atMost(LIMIT).until(() -> redis.commands().info("persistence").contains("rdb_last_bgsave_status:err"));
        SequentialFold before = SequentialFold.over(redis.commands());
        try {
            withBacklog(outage.begin);
            await().atMost(LIMIT)
                    .untilAsserted(() -> assertThat(interruptions()).endsWith(outage.condition));
            long pending = outage.canBeRead ? pending() : 0;
            long commands = commandsSoFar();
            long start = System.nanoTime();
            awaitNotReadyButAlive();
            double seconds = (double) (System.nanoTime() - start) / TimeUnit.SECONDS.toNanos(1);
            assertThat((commandsSoFar() - commands) / seconds).isLessThan(MOST_COMMANDS_PER_SECOND);
            if (outage.canBeRead) {
                assertThat(pending()).isGreaterThanOrEqualTo(pending);
                before.assertEqualTo(redis.commands());
            }
        } finally {
            outage.end.accept(redis.commands());
        }
        append(100);
        awaitFold();
        awaitItGoesOnAfter(outage.condition);
    }

    @Test
    @SuppressWarnings("FutureReturnValueIgnored") // the loop comes behind what must have succeeded
    void itWaitsWhileAScriptOfSomeoneElseRunsForTooLong() {
        start();
        try (RedisClient client = RedisClient.create(redis.uri());
                StatefulRedisConnection<String, String> connection = client.connect()) {
            RedisAsyncCommands<String, String> commands = connection.async();
            commands.multi();
            for (int i = 0; i < BACKLOG; i++) {
                commands.xadd(STREAM, CheckinCodec.encode(checkin()));
            }
            commands.exec();
            RedisFuture<?> loop = commands.eval("while true do end", ScriptOutputType.STATUS);
            try {
                awaitNotReadyButAlive();
            } finally {
                redis.commands().scriptKill();
            }
            await().atMost(LIMIT).until(loop::isDone);
        }
        append(100);
        awaitFold();
        awaitItGoesOnAfter(RedisCondition.BUSY);
    }

    @Test
    @Tag(ONE_REDIS_IS_ENOUGH)
    void itWaitsWhileRedisDoesNotAnswer() {
        start();
        inOneTransaction(commands -> append(LARGE_BACKLOG));
        redis.pause();
        try {
            await().atMost(LIMIT)
                    .untilAsserted(() -> assertThat(interruptions()).endsWith(RedisCondition.TIMEOUT));
            awaitNotReadyButAlive();
        } finally {
            redis.resume();
        }
        append(100);
        awaitFold();
        awaitItGoesOnAfter(RedisCondition.TIMEOUT);
    }

    @Test
    void itWaitsWhileRedisIsDeadAndWhileItLoadsItsData() {
        redis.restartEmpty(); // nothing of the tests before is to be loaded
        start();
        append(4_000);
        redis.kill();
        awaitNotReadyButAlive();
        assertThat(interruptions()).containsExactly(RedisCondition.AWAY);
        CompletableFuture<Void> started = CompletableFuture.runAsync(redis::start);
        await().atMost(LIMIT).untilAsserted(() -> assertThat(interruptions()).endsWith(RedisCondition.LOADING));
        assertThat(isReady()).isFalse();
        started.join();
        append(100);
        awaitFold();
        awaitItGoesOnAfter(RedisCondition.LOADING);
    }

    @Test
    void itGoesOnWithARedisThatHasLostAllData() {
        start();
        append(BACKLOG);
        redis.restartEmpty();
        append(100);
        awaitFold();
        awaitItGoesOnAfter(RedisCondition.AWAY);
    }

    @Test
    @Tag(ONE_REDIS_IS_ENOUGH)
    void itGoesOnAfterItsConnectionsBecameHalfOpenWithAReplyOnTheWay() {
        try (FaultProxy proxy = new FaultProxy(redis.host(), redis.port())) {
            start("spring.data.redis.port=" + proxy.port(), "checkin.processor.block=5s");
            try {
                await().atMost(LIMIT).until(() -> reader().contains(" flags=b "));
                proxy.freeze();
                withBacklog(commands -> {});
                assertThat(pending()).isPositive(); // delivered, and never received
                awaitFold();
                awaitItGoesOnAfter(RedisCondition.TIMEOUT);
            } finally {
                stop();
            }
        }
    }

    @Test
    void itDrainsABacklogWithoutInterruptionWhileMemoryIsFull() {
        start();
        try {
            withBacklog(commands -> commands.configSet("maxmemory", "1"));
            awaitFold();
            await().during(HOLD).atMost(LIMIT).until(() -> isReady() && isAlive());
        } finally {
            redis.commands().configSet("maxmemory", "0");
        }
        append(100);
        awaitFold();
        assertThat(lines()).isEmpty();
    }

    @Test
    void itGoesOnWithItsBacklogAfterItsConnectionsWereKilled() {
        start();
        inOneTransaction(commands -> append(LARGE_BACKLOG));
        killOthers(redis.commands());
        append(100);
        awaitFold();
        awaitItGoesOnAfter(RedisCondition.AWAY);
    }

    static Stream<Incident> incidents() {
        return Stream.of(
                new Incident("the scripts were flushed", RedisCommands::scriptFlush, List.of()),
                new Incident(
                        "the group was destroyed",
                        commands -> commands.xgroupDestroy(STREAM, Keys.GROUP),
                        List.of(RedisCondition.NO_GROUP)),
                new Incident("the group was rewound", SelfHealingIT::rewind, List.of()),
                new Incident(
                        "the group was destroyed and made anew at the beginning",
                        commands -> {
                            commands.xgroupDestroy(STREAM, Keys.GROUP);
                            commands.xgroupCreate(StreamOffset.from(STREAM, "0"), Keys.GROUP);
                        },
                        List.of()));
    }

    @ParameterizedTest(name = "after {0}")
    @MethodSource("incidents")
    void itGoesOnWithItsBacklog(Incident incident) {
        start();
        withBacklog(incident.change);
        append(100);
        awaitFold();
        awaitItGoesOnAfter(incident.named.toArray(RedisCondition[]::new));
    }

    @Test
    void itGoesOnAfterItsReadWasUnblockedWithAnError() {
        start();
        await().atMost(LIMIT).until(() -> reader().startsWith("id="));
        long id = Long.parseLong(reader().replaceAll("^id=(\\d+) .*", "$1"));
        await().atMost(LIMIT).until(() -> redis.commands().clientUnblock(id, UnblockType.ERROR) == 1);
        append(100);
        awaitFold();
        awaitItGoesOnAfter(RedisCondition.UNBLOCKED);
    }

    static Stream<Incident> endsOfTheStream() {
        // from 7.0 on a read that blocks is woken, before it finds neither stream nor group
        List<RedisCondition> named = List.of(RedisCondition.UNBLOCKED, RedisCondition.NO_GROUP);
        return Stream.of(
                new Incident("deleted", commands -> commands.del(STREAM), named),
                new Incident("renamed", commands -> commands.rename(STREAM, "elsewhere"), named),
                new Incident(
                        "replaced by one with lower ids",
                        commands -> {
                            commands.del(STREAM);
                            appendLow(commands);
                        },
                        named),
                new Incident(
                        "replaced by one with lower ids and a group of its own",
                        commands -> {
                            commands.del(STREAM);
                            appendLow(commands);
                            commands.xgroupCreate(StreamOffset.from(STREAM, "0"), Keys.GROUP);
                        },
                        named));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("endsOfTheStream")
    void itGoesOnAfterTheStreamWas(Incident incident) {
        start();
        String last =
                redis.commands().xrevrange(STREAM, Range.unbounded()).get(0).getId();
        await().atMost(LIMIT).until(() -> last.equals(redis.commands().get(KEYS.checkpoint())));
        SequentialFold expected = SequentialFold.over(redis.commands());
        inOneTransaction(incident.change);
        // the checkpoint is known to be of another stream only as long as all ids of this one are below it
        awaitFold(expected);
        append(100);
        awaitFold(expected);
        await().atMost(LIMIT).until(SelfHealingIT::isReady);
        assertThat(lines()).hasSizeLessThanOrEqualTo(MOST_LINES);
        assertThat(interruptions()).hasSizeLessThanOrEqualTo(1).isSubsetOf(incident.named);
    }

    @Test
    void itAppliesTheEntryWithTheHighestPossibleIdAndGoesOnWithANewStream() {
        start();
        redis.commands()
                .xadd(
                        STREAM,
                        new XAddArgs().id("18446744073709551615-18446744073709551615"),
                        CheckinCodec.encode(new Checkin(999, 1, 5)));
        awaitFold();
        SequentialFold expected = SequentialFold.over(redis.commands());
        await().during(HOLD).atMost(LIMIT).until(() -> isReady() && isAlive());
        assertThat(lines()).singleElement().asString().contains("more than an hour ahead of the clock of Redis");
        redis.commands().del(STREAM);
        append(100);
        awaitFold(expected);
        await().atMost(LIMIT).until(SelfHealingIT::isReady);
    }

    @Test
    void whatOnlyTheJanitorMayNotDoIsSaidOnceAndItIsNotReady() {
        start("checkin.processor.retain-entries=" + BACKLOG);
        redis.permit("-xtrim");
        try {
            append(BACKLOG);
            awaitFold();
            awaitNotReadyButAlive();
        } finally {
            redis.permit("+@all");
        }
        await().atMost(LIMIT).until(SelfHealingIT::isReady);
        assertThat(lines()).containsExactly("The janitor fails (FORBIDDEN)", "The janitor goes on");
    }

    @Test
    void aGroupThatTrimmingCannotWaitForIsSaidOnceAndCounted() {
        start("checkin.processor.retain-entries=" + BACKLOG, "checkin.processor.max-length=1000");
        redis.commands().xgroupCreate(StreamOffset.from(STREAM, "0"), "slow");
        append(BACKLOG);
        await().atMost(LIMIT).during(HOLD).until(() -> groupsPassedOver() == 0);
        assertThat(redis.commands().xlen(STREAM)).isEqualTo(2 * BACKLOG);
        append(BACKLOG);
        await().atMost(LIMIT).until(() -> groupsPassedOver() == 1);
        await().atMost(LIMIT)
                .until(() -> redis.commands().xlen(STREAM) < 2 * BACKLOG); // from then on it is waited for again
        assertThat(lines())
                .containsExactly(
                        "The stream is too long to wait for groups [slow]: what they have not read is trimmed");
    }

    private static double groupsPassedOver() {
        return Objects.requireNonNull(processor)
                .getBean(MeterRegistry.class)
                .get("checkin.stream.groups.passed.over")
                .gauge()
                .value();
    }

    @Test
    void theUserOfTheDocumentationMayDoAllThatIsNeeded() throws IOException {
        String rule = Files.readAllLines(Path.of("..", "docs", "operation.md")).stream()
                .filter(line -> line.startsWith("ACL SETUSER "))
                .findFirst()
                .orElseThrow();
        CommandArgs<String, String> args = new CommandArgs<>(StringCodec.UTF8);
        Stream.of(rule.split(" ")).skip(1).forEach(args::add);
        redis.commands().dispatch(CommandType.ACL, new StatusOutput<>(StringCodec.UTF8), args);
        try {
            start("spring.data.redis.username=checkins", "spring.data.redis.password=secret");
            append(BACKLOG);
            awaitFold();
            await().during(Duration.ofSeconds(2)).atMost(LIMIT).until(SelfHealingIT::isReady);
            assertThat(lines()).isEmpty();
        } finally {
            stop();
        }
    }

    private void withBacklog(Change change) {
        inOneTransaction(commands -> {
            append(BACKLOG);
            change.accept(commands);
        });
    }

    private static void inOneTransaction(Change change) {
        redis.commands().multi();
        change.accept(redis.commands());
        assertThat(redis.commands().exec().stream()).noneMatch(Throwable.class::isInstance);
    }

    private void append(int count) {
        for (int i = 0; i < count; i++) {
            redis.commands().xadd(STREAM, CheckinCodec.encode(checkin()));
        }
    }

    private Checkin checkin() {
        return new Checkin(1 + random.nextInt(50), 1 + random.nextInt(20), random.nextInt(6));
    }

    private static void appendLow(RedisCommands<String, String> commands) {
        for (int i = 1; i <= 100; i++) {
            commands.xadd(STREAM, new XAddArgs().id("1-" + i), CheckinCodec.encode(new Checkin(1, 1, 5)));
        }
    }

    private static void killOthers(RedisCommands<String, String> commands) {
        commands.clientKill(KillArgs.Builder.typeNormal().skipme());
    }

    private static void rewind(RedisCommands<String, String> commands) {
        commands.xgroupSetid(StreamOffset.from(STREAM, "0"), Keys.GROUP);
    }

    /** The line of the processor's reading connection in CLIENT LIST. */
    private static String reader() {
        return redis.commands()
                .clientList()
                .lines()
                .filter(line -> line.contains(" cmd=xreadgroup "))
                .findFirst()
                .orElse("");
    }

    private static long pending() {
        return redis.commands().xpending(STREAM, Keys.GROUP).getCount();
    }

    /** Also those that were refused. */
    private static long commandsSoFar() {
        return redis.commands()
                .info("stats")
                .lines()
                .filter(line -> line.startsWith("total_commands_processed:") || line.startsWith("total_error_replies:"))
                .mapToLong(line -> Long.parseLong(line.substring(line.indexOf(':') + 1)))
                .sum();
    }

    private static void awaitFold() {
        awaitFold(SequentialFold.over(Map.of()));
    }

    private static void awaitFold(SequentialFold expected) {
        await().atMost(LIMIT)
                .ignoreExceptionsInstanceOf(RedisCommandExecutionException.class)
                .untilAsserted(() -> {
                    assertThat(pending()).isZero(); // an error while there is no group
                    expected.addStream(redis.commands()).assertEqualTo(redis.commands());
                });
    }

    private static boolean isReady() {
        return health("readiness") == 200;
    }

    private static boolean isAlive() {
        return health("liveness") == 200;
    }

    private static int health(String group) {
        String port = Objects.requireNonNull(processor).getEnvironment().getRequiredProperty("local.server.port");
        return HttpAnswer.get("http://localhost:" + port + "/actuator/health/" + group)
                .status();
    }

    private static void awaitNotReadyButAlive() {
        await().atMost(LIMIT).during(HOLD).until(() -> !isReady() && isAlive());
    }

    /** It is ready, and has said no more than what was the matter, and that it goes on. */
    private void awaitItGoesOnAfter(RedisCondition... conditions) {
        await().atMost(LIMIT).until(SelfHealingIT::isReady);
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

    private List<RedisCondition> interruptions() {
        return lines().stream()
                .map(INTERRUPTED::matcher)
                .filter(Matcher::matches)
                .map(matcher -> RedisCondition.valueOf(matcher.group(1)))
                .toList();
    }

    private List<String> lines() {
        List<String> lines =
                log.list.stream().map(ILoggingEvent::getFormattedMessage).toList();
        return lines.stream()
                .filter(line -> !isOfATestBefore(line, lines) && !line.contains(SKIPPED))
                .toList();
    }

    /** That a connection is open which broke before this test: that is said only when it has lasted. */
    private static boolean isOfATestBefore(String line, List<String> lines) {
        String connection = line.endsWith(IS_OPEN) ? line.substring(0, line.length() - IS_OPEN.length() + 1) : null;
        return connection != null
                && lines.stream().noneMatch(other -> other.startsWith(connection) && !other.endsWith(IS_OPEN));
    }
}
