package io.ncc.checkin.receiver;

import static io.ncc.checkin.receiver.StartedReceiver.STREAM;
import static io.ncc.checkin.receiver.StartedReceiver.users;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lettuce.core.Range;
import io.lettuce.core.codec.StringCodec;
import io.lettuce.core.output.StatusOutput;
import io.lettuce.core.protocol.CommandArgs;
import io.lettuce.core.protocol.CommandType;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.service.ProblemType;
import io.ncc.checkin.testsupport.RealRedis;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.springframework.web.ErrorResponseException;

/** How appends share writes, and what becomes of those that wait. */
@Timeout(60)
final class CheckinAppenderIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final Duration LIMIT = Duration.ofSeconds(10);
    private static final Duration COMMAND_TIMEOUT = Duration.ofSeconds(4);
    private static final int CLIENTS = 201;

    private static StartedReceiver receiver;

    private final ExecutorService clients = Executors.newFixedThreadPool(CLIENTS);
    private CheckinAppender appender;

    @BeforeAll
    static void start() {
        receiver = StartedReceiver.on(redis, "spring.data.redis.timeout=" + COMMAND_TIMEOUT.toMillis() + "ms");
    }

    @AfterAll
    static void stop() {
        receiver.close();
    }

    @BeforeEach
    void connect() {
        appender = receiver.appender();
        await().atMost(LIMIT).until(receiver.link()::isConnected);
    }

    @AfterEach
    void end() {
        letWrite();
        clients.shutdownNow();
    }

    @Test
    void whatArrivesWhileAWriteIsOnTheWireGoesOutTogetherInTheNext() {
        long before = receiver.writes();
        holdWrites();
        CompletableFuture<List<IdRun>> first = append(appender, 1);
        await().atMost(LIMIT).until(() -> blockedClients() == 1);
        List<CompletableFuture<List<IdRun>>> others = LongStream.rangeClosed(2, 200)
                .mapToObj(user -> append(appender, user))
                .toList();
        await().atMost(LIMIT).until(() -> appender.checkinsWaiting() == 199);
        assertThat(first).isNotDone();

        letWrite();

        List<String> ids = Stream.concat(Stream.of(first), others.stream())
                .map(CompletableFuture::join)
                .map(runs -> runs.get(0).get(0).toString())
                .toList();
        assertThat(receiver.writes() - before).isEqualTo(2);
        assertThat(ids).doesNotHaveDuplicates().containsExactlyInAnyOrderElementsOf(StartedReceiver.ids(redis));
        assertThat(users(redis))
                .containsExactlyInAnyOrderElementsOf(
                        LongStream.rangeClosed(1, 200).boxed().toList());
        assertThat(appender.checkinsWaiting()).isZero();
    }

    @Test
    void eachRequestGetsTheIdsOfItsOwnCheckins() {
        List<CompletableFuture<List<IdRun>>> answers = LongStream.rangeClosed(1, 2_000)
                .mapToObj(user -> append(appender, user))
                .toList();
        for (int i = 0; i < answers.size(); i++) {
            String id = answers.get(i).join().get(0).get(0).toString();
            assertThat(redis.commands()
                            .xrange(STREAM, Range.create(id, id))
                            .get(0)
                            .getBody())
                    .containsEntry("userId", Integer.toString(i + 1));
        }
        assertThat(redis.commands().xlen(STREAM)).isEqualTo(2_000);
    }

    @Test
    void aWriteHasNoMoreThanIsGoodForRedis() {
        long before = receiver.writes();
        holdWrites();
        CompletableFuture<List<IdRun>> first = append(appender, 1);
        await().atMost(LIMIT).until(() -> blockedClients() == 1);
        List<CompletableFuture<List<IdRun>>> others = LongStream.rangeClosed(2, 6)
                .mapToObj(user -> append(appender, Collections.nCopies(400, new Checkin(user, 1, 5))))
                .toList();
        await().atMost(LIMIT).until(() -> appender.checkinsWaiting() == 2_000);

        letWrite();

        first.join();
        others.forEach(CompletableFuture::join);
        assertThat(receiver.writes() - before).as("1, and 2 + 2 + 1 of 400").isEqualTo(4);
        assertThat(redis.commands().xlen(STREAM)).isEqualTo(2_001);
    }

    @Test
    void anAppendThatFindsNothingOnTheWireGoesAtOnceAndAlone() {
        long before = receiver.writes();
        long fastest = Long.MAX_VALUE;
        for (int user = 1; user <= 20; user++) {
            long start = System.nanoTime();
            append(appender, user).join();
            fastest = Math.min(fastest, System.nanoTime() - start);
        }
        assertThat(receiver.writes() - before).isEqualTo(20);
        assertThat(Duration.ofNanos(fastest)).isLessThan(Duration.ofMillis(50));
    }

    @Test
    void aRequestThatWaitedTooLongIsRefusedAndNotSentLate() {
        Duration longestWait = Duration.ofMillis(100);
        CheckinAppender impatient = appender(longestWait);
        holdWrites();
        CompletableFuture<List<IdRun>> stuck = append(impatient, 1);
        await().atMost(LIMIT).until(() -> blockedClients() == 1);
        long queued = System.nanoTime();
        CompletableFuture<List<IdRun>> behind = append(impatient, 2);
        await().atMost(LIMIT).until(() -> impatient.checkinsWaiting() == 1);
        await().atMost(LIMIT).until(() -> System.nanoTime() - queued > 2 * longestWait.toNanos());

        letWrite();

        assertThat(stuck.join()).hasSize(1);
        assertProblem(behind, ProblemType.REDIS_UNAVAILABLE);
        append(impatient, 3).join();
        assertThat(users(redis)).containsExactly(1L, 3L);
    }

    @Test
    void behindAWriteThatIsNeverAnsweredNothingIsSent() {
        holdWrites();
        long start = System.nanoTime();
        CompletableFuture<List<IdRun>> stuck = append(appender, 1);
        await().atMost(LIMIT).until(() -> blockedClients() == 1);
        List<CompletableFuture<List<IdRun>>> behind = LongStream.rangeClosed(2, 200)
                .mapToObj(user -> append(appender, user))
                .toList();

        assertProblem(stuck, ProblemType.OUTCOME_UNKNOWN);
        behind.forEach(answer -> assertProblem(answer, ProblemType.REDIS_UNAVAILABLE));
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(COMMAND_TIMEOUT.multipliedBy(2));

        letWrite();
        await().atMost(LIMIT).until(() -> succeeds(append(appender, 500)));
        assertThat(users(redis)).isSubsetOf(1L, 500L).contains(500L);
    }

    @Test
    void whatWaitsWhenTheConnectionBreaksIsNotSentAndIsToldSo() {
        holdWrites();
        CompletableFuture<List<IdRun>> underWay = append(appender, 1);
        await().atMost(LIMIT).until(() -> blockedClients() == 1);
        List<CompletableFuture<List<IdRun>>> waiting = LongStream.rangeClosed(2, 41)
                .mapToObj(user -> append(appender, Collections.nCopies(400, new Checkin(user, 1, 5)))) // 20 writes
                .toList();
        await().atMost(LIMIT).until(() -> appender.checkinsWaiting() == 16_000);

        redis.killConnections();

        assertProblem(underWay, ProblemType.OUTCOME_UNKNOWN);
        waiting.forEach(answer -> assertProblem(answer, ProblemType.REDIS_UNAVAILABLE));
        letWrite();
        assertThat(redis.commands().xlen(STREAM)).isZero();
    }

    @Test
    void aRequestThatFindsTheQueueFullIsRefusedAtOnceAndTheOthersAreServed() {
        holdWrites();
        CompletableFuture<List<IdRun>> first = append(appender, 1);
        await().atMost(LIMIT).until(() -> blockedClients() == 1);
        List<CompletableFuture<List<IdRun>>> others = LongStream.rangeClosed(1, 20)
                .mapToObj(user -> append(appender, Collections.nCopies(1_000, new Checkin(user, 1, 5))))
                .toList();
        await().atMost(LIMIT).until(() -> appender.checkinsWaiting() == 20_000);

        assertProblem(append(appender, 2), ProblemType.QUEUE_FULL);
        assertThat(first).isNotDone();

        letWrite();
        first.join();
        others.forEach(CompletableFuture::join);
        assertThat(redis.commands().xlen(STREAM)).isEqualTo(20_001);
    }

    private static CheckinAppender appender(Duration longestWait) {
        ReceiverProperties properties = receiver.part(ReceiverProperties.class);
        return new CheckinAppender(
                receiver.link(),
                Partitions.none(),
                0,
                new DurabilityGuard(properties),
                new MemoryGuard(properties.maxMemoryUse()),
                new ReceiverMetrics(new SimpleMeterRegistry()),
                properties,
                longestWait);
    }

    private CompletableFuture<List<IdRun>> append(CheckinAppender appender, long user) {
        return append(appender, List.of(new Checkin(user, 1, 5)));
    }

    private CompletableFuture<List<IdRun>> append(CheckinAppender appender, List<Checkin> checkins) {
        return CompletableFuture.supplyAsync(
                        () -> appender.append(checkins, null)
                                .toCompletableFuture()
                                .join(),
                        clients)
                .orTimeout(20, TimeUnit.SECONDS);
    }

    private static boolean succeeds(CompletableFuture<?> append) {
        try {
            append.join();
            return true;
        } catch (CompletionException e) {
            return false;
        }
    }

    private static void assertProblem(CompletableFuture<?> append, ProblemType type) {
        assertThat(append)
                .failsWithin(LIMIT)
                .withThrowableThat()
                .havingCause()
                .isInstanceOfSatisfying(
                        ErrorResponseException.class,
                        problem -> assertThat(problem.getBody().getType())
                                .isEqualTo(type.problem().getType()));
    }

    /** From now on Redis reads commands that write, and answers none. It does answer others. */
    private static void holdWrites() {
        client(new CommandArgs<>(StringCodec.UTF8).add("PAUSE").add(30_000).add("WRITE"));
    }

    private static void letWrite() {
        client(new CommandArgs<>(StringCodec.UTF8).add("UNPAUSE"));
    }

    private static void client(CommandArgs<String, String> args) {
        redis.commands().dispatch(CommandType.CLIENT, new StatusOutput<>(StringCodec.UTF8), args);
    }

    private static long blockedClients() {
        return redis.commands()
                .info("clients")
                .lines()
                .filter(line -> line.startsWith("blocked_clients:"))
                .mapToLong(line -> Long.parseLong(line.substring("blocked_clients:".length())))
                .sum();
    }
}
