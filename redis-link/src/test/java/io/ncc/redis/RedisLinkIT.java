package io.ncc.redis;

import static io.lettuce.core.codec.StringCodec.UTF8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.lettuce.core.ClientOptions;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisException;
import io.lettuce.core.SocketOptions;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.output.StatusOutput;
import io.lettuce.core.protocol.CommandArgs;
import io.lettuce.core.protocol.CommandType;
import io.ncc.checkin.testsupport.RealRedis;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.slf4j.LoggerFactory;

@Timeout(60)
final class RedisLinkIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final Duration COMMAND_TIMEOUT = Duration.ofMillis(700);
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(1);
    private static final Duration LIMIT = Duration.ofSeconds(10);
    private static final Duration PROBATION = Duration.ofSeconds(2); // more than a command and a pause may take
    private static final int CUTS = 20;

    private RedisClient client;
    private RedisLink link;

    @BeforeEach
    void start() {
        client = RedisClient.create(redis.uri());
        client.setOptions(LinkOptions.apply(ClientOptions.builder(), COMMAND_TIMEOUT)
                .socketOptions(
                        SocketOptions.builder().connectTimeout(CONNECT_TIMEOUT).build())
                .build());
        link = new RedisLink("test", new SingleRedis(client), UTF8, PROBATION);
        link.start();
    }

    @AfterEach
    void stop() {
        link.stop();
        client.shutdown(0, 1, TimeUnit.SECONDS);
    }

    private String set(String key) {
        return link.call(commands -> commands.set(key, "value"));
    }

    @Test
    void itIsConnectedOnceStarted() {
        assertThat(set("k")).isEqualTo("OK");
    }

    @Test
    void aCommandThatIsUnderWayWhenTheConnectionBreaksIsNotSentAgain() {
        AtomicInteger answered = new AtomicInteger();
        AtomicInteger failed = new AtomicInteger();
        for (int round = 0; round < CUTS; round++) {
            await().atMost(LIMIT).until(link::isConnected);
            List<Future<?>> underWay = new ArrayList<>();
            try {
                var commands = link.connection().async();
                for (int i = 0; i < 200; i++) {
                    underWay.add(commands.incr("counter")
                            .whenComplete((value, error) -> (error == null ? answered : failed).incrementAndGet())
                            .toCompletableFuture());
                }
            } catch (RedisException refused) {
                // the previous cut
            }
            redis.killConnections();
            await().atMost(LIMIT).until(() -> underWay.stream().allMatch(Future::isDone));
        }
        long executed = Long.parseLong(redis.commands().get("counter"));
        assertThat(executed).isBetween((long) answered.get(), (long) answered.get() + failed.get());
        assertThat(failed.get()).as("commands cut off").isPositive();
        assertThat(answered.get() + failed.get()).isLessThanOrEqualTo(CUTS * 200);
    }

    @Test
    void withoutAConnectionCommandsAreRefusedAtOnce() {
        redis.stop();
        await().atMost(LIMIT).until(() -> !link.isConnected());
        long start = System.nanoTime();
        assertThatThrownBy(() -> link.call(commands -> commands.get("k")))
                .satisfies(e -> assertThat(RedisCondition.of(e)).isEqualTo(RedisCondition.AWAY));
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofMillis(500));
    }

    @Test
    void aServerThatComesBackIsFoundAgain() {
        redis.stop();
        await().atMost(LIMIT).until(() -> !link.isConnected());
        redis.start();
        await().atMost(LIMIT).until(link::isConnected);
        assertThat(set("k")).isEqualTo("OK");
    }

    @Test
    void aServerThatDoesNotAnswerIsGivenUpWithinTheTimeout() {
        redis.pause();
        long start = System.nanoTime();
        assertThatThrownBy(() -> link.call(commands -> commands.get("k")))
                .satisfies(e -> assertThat(RedisCondition.of(e)).isEqualTo(RedisCondition.TIMEOUT));
        assertThat(Duration.ofNanos(System.nanoTime() - start))
                .isBetween(COMMAND_TIMEOUT, COMMAND_TIMEOUT.multipliedBy(2));
        await().atMost(LIMIT).until(() -> !link.isConnected());
        redis.resume();
        await().atMost(LIMIT).until(link::isConnected);
        assertThat(set("k")).isEqualTo("OK");
    }

    @Test
    void aServerThatConnectsAndNeverAnswersIsComplainedOfOnce() {
        assertThat(warningsAndWhatFollows(() -> {
                    for (int i = 0; i < 3; i++) {
                        redis.commands().dispatch(CommandType.CLIENT, new StatusOutput<>(UTF8), pauseWritesFor(5_000));
                        await().atMost(LIMIT).until(link::isConnected);
                        assertThatThrownBy(() -> set("k"))
                                .satisfies(e -> assertThat(RedisCondition.of(e)).isEqualTo(RedisCondition.TIMEOUT));
                    }
                    redis.commands()
                            .dispatch(
                                    CommandType.CLIENT,
                                    new StatusOutput<>(UTF8),
                                    new CommandArgs<>(UTF8).add("UNPAUSE"));
                    await().atMost(LIMIT).until(link::isConnected);
                    assertThat(set("k")).isEqualTo("OK");
                }))
                .satisfiesExactly(
                        given -> assertThat(given).contains("given up (TIMEOUT)"),
                        open -> assertThat(open).contains("is open"));
    }

    @Test
    void connectionsThatBreakAgainAndAgainAreComplainedOfOnce() {
        assertThat(warningsAndWhatFollows(() -> {
                    for (int i = 0; i < 6; i++) {
                        await().atMost(LIMIT).until(link::isConnected);
                        StatefulRedisConnection<String, String> broken = link.connection();
                        redis.killConnections();
                        await().atMost(LIMIT).until(() -> !broken.isOpen());
                    }
                    await().atMost(LIMIT).until(link::isConnected);
                    redis.stop();
                    await().atMost(LIMIT).until(() -> !link.isConnected());
                    redis.start();
                }))
                .satisfiesExactly(
                        broke -> assertThat(broke).contains("broke"),
                        open -> assertThat(open).contains("is open"));
    }

    @Test
    void aCommandThatIsNotPermittedIsNamedOnce() {
        List<String> logged = logged(log -> {
            redis.permit("-set");
            for (int i = 0; i < 3; i++) {
                assertThatThrownBy(() -> set("k"))
                        .satisfies(e -> assertThat(RedisCondition.of(e)).isEqualTo(RedisCondition.FORBIDDEN));
            }
        });
        assertThat(logged).singleElement().asString().contains("not permitted", "NOPERM", "'set'");
    }

    @Test
    void whatAGreetingMayNotDoIsNamedAlsoAfterAnOutage() {
        RedisLink greeted = new RedisLink("greeted", client).greetedWith(commands -> commands.set("greeting", "heard"));
        List<String> logged = logged(log -> {
            greeted.start();
            await().atMost(LIMIT).until(greeted::isConnected);
            redis.permit("-set");
            redis.killConnections();
            await().atMost(LIMIT)
                    .until(() -> log.list.stream()
                            .anyMatch(event -> event.getFormattedMessage().contains("refused")));
            greeted.stop();
        });
        assertThat(logged).anySatisfy(line -> assertThat(line).contains("'greeted' broke"));
        assertThat(logged)
                .filteredOn(line -> line.contains("refused"))
                .singleElement()
                .asString()
                .contains("'greeted'", "NOPERM", "'set'");
    }

    private static List<String> logged(Consumer<ListAppender<ILoggingEvent>> events) {
        ListAppender<ILoggingEvent> log = new ListAppender<>();
        Logger logger = (Logger) LoggerFactory.getLogger(RedisLink.class);
        log.start();
        logger.addAppender(log);
        try {
            events.accept(log);
            return List.copyOf(log.list).stream()
                    .filter(event -> event.getLevel().isGreaterOrEqual(Level.WARN))
                    .map(ILoggingEvent::getFormattedMessage)
                    .toList();
        } finally {
            logger.detachAppender(log);
        }
    }

    /** What is logged from the first warning on, until the link says that it is open. */
    private static List<String> warningsAndWhatFollows(Runnable events) {
        ListAppender<ILoggingEvent> log = new ListAppender<>();
        Logger logger = (Logger) LoggerFactory.getLogger(RedisLink.class);
        log.start();
        logger.addAppender(log);
        try {
            events.run();
            return await().atMost(LIMIT.multipliedBy(2))
                    .until(
                            () -> fromTheFirstWarningOn(log),
                            lines -> !lines.isEmpty()
                                    && lines.get(lines.size() - 1).contains("is open"));
        } finally {
            logger.detachAppender(log);
        }
    }

    /** That the connection which the test began with is open may be logged a little late. */
    private static List<String> fromTheFirstWarningOn(ListAppender<ILoggingEvent> log) {
        return List.copyOf(log.list).stream()
                .dropWhile(event -> !event.getLevel().equals(Level.WARN))
                .map(ILoggingEvent::getFormattedMessage)
                .toList();
    }

    private static CommandArgs<String, String> pauseWritesFor(long millis) {
        return new CommandArgs<>(UTF8).add("PAUSE").add(millis).add("WRITE");
    }

    @Test
    void aConnectionIsGreetedBeforeAnyoneHasIt() {
        AtomicInteger greetings = new AtomicInteger();
        RedisLink greeted = new RedisLink("greeted", client).greetedWith(commands -> {
            if (greetings.incrementAndGet() < 3) {
                throw new RedisException("not this one");
            }
            commands.set("greeting", "heard");
        });
        greeted.start();
        try {
            await().atMost(LIMIT).until(greeted::isConnected);
            assertThat(redis.commands().get("greeting")).isEqualTo("heard");
            assertThat(greetings).hasValue(3);
        } finally {
            greeted.stop();
        }
    }

    @Test
    void aLinkThatStartsBeforeRedisConnectsWhenItIsThere() {
        redis.stop();
        RedisLink early = new RedisLink("early", client);
        early.start();
        try {
            assertThat(early.isConnected()).isFalse();
            redis.start();
            await().atMost(LIMIT).until(early::isConnected);
        } finally {
            early.stop();
        }
    }

    @Test
    void anErrorOfTheServerReachesTheCallerAndTheConnectionLives() {
        redis.commands().set("k", "text");
        assertThatThrownBy(() -> link.call(commands -> commands.incr("k"))).isInstanceOf(RedisException.class);
        assertThatThrownBy(() -> link.call(commands -> commands.incr("k"))).isNotInstanceOf(CompletionException.class);
        assertThat(link.isConnected()).isTrue();
    }

    @Test
    void aStoppedLinkLeavesNoConnection() {
        link.stop();
        assertThat(link.isConnected()).isFalse();
        await().atMost(LIMIT).until(() -> redis.commands().clientList().lines().count() == 1);
    }
}
