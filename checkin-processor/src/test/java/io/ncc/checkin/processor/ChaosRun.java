package io.ncc.checkin.processor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.lettuce.core.ClientOptions;
import io.lettuce.core.Consumer;
import io.lettuce.core.KillArgs;
import io.lettuce.core.LettuceFutures;
import io.lettuce.core.MaintNotificationsConfig;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.RedisException;
import io.lettuce.core.RedisFuture;
import io.lettuce.core.RedisURI;
import io.lettuce.core.StreamMessage;
import io.lettuce.core.XAutoClaimArgs;
import io.lettuce.core.XReadArgs.StreamOffset;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.resource.ClientResources;
import io.lettuce.core.resource.Delay;
import io.ncc.checkin.localredis.LocalRedis;
import io.ncc.checkin.localredis.RedisBinary;
import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.CheckinCodec;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.testsupport.BoardsFold;
import io.ncc.checkin.testsupport.Jars;
import io.ncc.checkin.testsupport.SequentialFold;
import io.ncc.checkin.testsupport.ServiceProcess;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Some processors and a Redis, to which things are done at random moments while checkins come in. What happens is drawn from a seed; how
 * it meets what the processors are just doing is up to the machine.
 */
final class ChaosRun implements AutoCloseable {

    /** What is done to them. */
    enum Fault {
        PROCESSOR_KILLED,
        PROCESSOR_PAUSED,
        CONNECTIONS_CUT,
        SCRIPTS_FLUSHED,
        GROUP_DESTROYED,
        GROUP_REWOUND,
        BOARDS_GROUP_DESTROYED,
        BOARDS_GROUP_REWOUND,
        REDIS_KILLED,
        /** Another program of the group takes what is pending, counts what it is the one to acknowledge, and says nothing to ours. */
        SETTLED_BY_ANOTHER_PROGRAM
    }

    private static final Path JAR = new Jars(Path.of("..")).extracted("checkin-processor");
    private static final Keys KEYS = Keys.unpartitioned();
    private static final String STREAM = KEYS.checkins();
    private static final int USERS = 1_000;
    private static final int ACTIVE_USERS = 100;
    private static final int LOCATIONS = 200;
    private static final int MOST_IN_A_PIPELINE = 1_000;
    private static final Duration CLAIM_AFTER = Duration.ofMillis(500);
    private static final Duration COMMAND_LIMIT = Duration.ofSeconds(30);
    private static final Duration UP_LIMIT = Duration.ofSeconds(90);
    private static final Duration SETTLED_LIMIT = Duration.ofSeconds(90);

    private final long start = System.nanoTime();
    private final StringBuilder history = new StringBuilder();
    private final int count;
    private final Path folder;
    private final Random random;
    private final Random checkins;
    private final LocalRedis server;
    private final ClientResources resources;
    private final RedisClient client;
    private final StatefulRedisConnection<String, String> loading;
    private final StatefulRedisConnection<String, String> connection;
    private final RedisCommands<String, String> redis;
    private final List<ServiceProcess> processors = new ArrayList<>();
    private final ScheduledExecutorService loader = Executors.newSingleThreadScheduledExecutor();
    private final ScheduledExecutorService healer = Executors.newSingleThreadScheduledExecutor();
    private final List<Future<?>> underWay = new ArrayList<>();
    private int drawn; // this and the next by the loader's thread, or while that has nothing to do
    private int appended;
    private long settledByAnother;

    /**
     * @param count of checkins, at least
     * @param folder for what the processors write
     */
    ChaosRun(RedisBinary binary, long seed, int count, Path folder) {
        this.count = count;
        this.folder = folder;
        random = new Random(seed);
        checkins = new Random(random.nextLong());
        server = LocalRedis.with(binary).setting("appendfsync", "no").start();
        // by default Lettuce waits longer from attempt to attempt, in the end for half a minute
        resources = ClientResources.builder()
                .reconnectDelay(Delay.constant(Duration.ofMillis(20)))
                .build();
        client = RedisClient.create(
                resources,
                RedisURI.builder()
                        .withHost("127.0.0.1")
                        .withPort(server.port())
                        .withTimeout(COMMAND_LIMIT)
                        .build());
        client.setOptions(ClientOptions.builder()
                .maintNotificationsConfig(MaintNotificationsConfig.disabled())
                .build());
        loading = client.connect();
        connection = client.connect();
        redis = connection.sync();
        note("seed " + seed + ", Redis " + binary.version());
    }

    /** Starts processors, all but the last with a name of their own, and waits until they are up. A tenth of the checkins awaits them. */
    void startProcessors(int number, List<Path> classPath) {
        append(count / 10);
        for (int i = 1; i <= number; i++) {
            var settings = new ArrayList<>(List.of(
                    "--server.port=0",
                    "--spring.data.redis.host=127.0.0.1",
                    "--spring.data.redis.port=" + server.port(),
                    "--checkin.processor.claim-after=" + CLAIM_AFTER.toMillis() + "ms",
                    "--checkin.processor.claim-every=100ms",
                    "--checkin.processor.projections=totals,boards",
                    "--checkin.processor.batch-size=" + (100 + random.nextInt(901))));
            if (i < number) {
                settings.add("--checkin.processor.consumer=processor" + i);
            }
            processors.add(ServiceProcess.ofJar("processor" + i, folder, classPath, JAR, settings));
        }
        await("start of all processors")
                .atMost(UP_LIMIT)
                .until(() -> processors.stream().allMatch(ServiceProcess::isUp));
        note(number + " processors are up");
    }

    /** Appends random checkins, in pipelines of random size, until so many have been answered: unanswered ones may be there as well. */
    private void append(int atLeast) {
        RedisAsyncCommands<String, String> commands = loading.async();
        for (int left = atLeast; left > 0; ) {
            var replies = Stream.generate(() -> commands.xadd(STREAM, CheckinCodec.encode(randomCheckin())))
                    .limit(Math.min(left, 1 + checkins.nextInt(MOST_IN_A_PIPELINE)))
                    .toList();
            for (RedisFuture<String> reply : replies) {
                if (isAnswered(reply)) {
                    left--;
                    appended++;
                }
            }
        }
    }

    private static boolean isAnswered(RedisFuture<?> reply) {
        try {
            assertThat(reply.await(COMMAND_LIMIT.toMillis(), TimeUnit.MILLISECONDS))
                    .as("replies in time")
                    .isTrue();
            return reply.getError() == null;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** Users come and go, so that the last checkins of most are not from the end, when all is quiet. */
    private Checkin randomCheckin() {
        long firstActive = (long) drawn++ * USERS / count;
        long user = 1 + (firstActive + checkins.nextInt(ACTIVE_USERS)) % USERS;
        return new Checkin(user, 1 + checkins.nextInt(LOCATIONS), checkins.nextInt(6));
    }

    /** One more checkin of each user, and at each location. */
    void appendOneOfEach() {
        var replies = new ArrayList<RedisFuture<String>>(USERS);
        for (int user = 1; user <= USERS; user++) {
            replies.add(loading.async()
                    .xadd(STREAM, CheckinCodec.encode(new Checkin(user, 1 + user % LOCATIONS, checkins.nextInt(6)))));
        }
        awaitAll(replies);
    }

    private static void awaitAll(List<? extends RedisFuture<?>> replies) {
        assertThat(LettuceFutures.awaitAll(COMMAND_LIMIT, replies.toArray(RedisFuture[]::new)))
                .as("all replies came in time")
                .isTrue();
    }

    /** Does these things, each while a burst of checkins comes in and all processors but one are up, and undoes what can be undone. */
    void endure(List<Fault> faults) {
        for (Fault fault : faults) {
            await("the processors").atMost(UP_LIMIT).pollDelay(Duration.ZERO).until(this::allButOneAreUp);
            underWay.add(loader.submit(() -> append((count - count / 10) / faults.size() + 1)));
            elapse(random.nextInt(60));
            strike(fault, random.nextInt(processors.size()), Duration.ofMillis(random.nextInt(1_000)));
            elapse(random.nextInt(600));
        }
        for (Future<?> task : underWay) {
            get(task);
        }
        processors.forEach(processor ->
                assertThat(processor.isRunning()).as("%s runs", processor).isTrue());
        assertThat(redis.xlen(STREAM)).as("length of the stream").isGreaterThanOrEqualTo(appended);
        note("no more faults");
    }

    private void strike(Fault fault, int number, Duration length) {
        switch (fault) {
            case PROCESSOR_KILLED -> {
                ServiceProcess victim = victim(number);
                note(fault, " " + victim + " for " + length.toMillis() + " ms");
                victim.kill();
                later(length, victim::startAgain);
            }
            case PROCESSOR_PAUSED -> {
                ServiceProcess victim = victim(number);
                Duration pause = CLAIM_AFTER.plusMillis(200).plus(length);
                note(fault, " " + victim + " for " + pause.toMillis() + " ms");
                victim.pause();
                later(pause, victim::resume);
            }
            case CONNECTIONS_CUT -> {
                note(fault, "");
                redis.clientKill(KillArgs.Builder.typeNormal());
            }
            case SCRIPTS_FLUSHED -> {
                note(fault, "");
                redis.scriptFlush();
            }
            case GROUP_DESTROYED -> destroy(fault, Keys.GROUP);
            case GROUP_REWOUND -> rewind(fault, Keys.GROUP);
            case BOARDS_GROUP_DESTROYED -> destroy(fault, Keys.BOARDS_GROUP);
            case BOARDS_GROUP_REWOUND -> rewind(fault, Keys.BOARDS_GROUP);
            case REDIS_KILLED -> {
                note(fault, " for " + length.toMillis() + " ms");
                server.kill();
                elapse((int) length.toMillis());
                server.startAgain();
            }
            case SETTLED_BY_ANOTHER_PROGRAM -> {
                note(fault, "");
                long before = settledByAnother;
                onceThereIsAGroup(() -> {
                    // ours may have been faster with what came before
                    underWay.add(loader.submit(() -> append(MOST_IN_A_PIPELINE)));
                    settleAsAnotherProgram();
                    return settledByAnother > before;
                });
                note("it settled " + (settledByAnother - before));
            }
        }
    }

    private void destroy(Fault fault, String group) {
        note(fault, "");
        onceThereIsAGroup(() -> redis.xgroupDestroy(STREAM, group));
    }

    private void rewind(Fault fault, String group) {
        note(fault, "");
        onceThereIsAGroup(() -> "OK".equals(redis.xgroupSetid(StreamOffset.from(STREAM, "0"), group)));
    }

    private boolean allButOneAreUp() {
        return processors.stream().filter(ServiceProcess::isUp).count() >= processors.size() - 1;
    }

    /** The processor of this number, or the next that is up. */
    private ServiceProcess victim(int number) {
        return IntStream.range(0, processors.size())
                .mapToObj(i -> processors.get((number + i) % processors.size()))
                .filter(ServiceProcess::isUp)
                .findFirst()
                .orElseThrow();
    }

    /** A fault of the group that came before may not be mended yet. */
    private static void onceThereIsAGroup(Callable<Boolean> fault) {
        await("effect on the group")
                .atMost(UP_LIMIT)
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(2))
                .ignoreExceptionsInstanceOf(RedisCommandExecutionException.class)
                .until(fault);
    }

    /** It writes sums only: what is derived of them, and the last checkins, come right with {@link #appendOneOfEach}. */
    private void settleAsAnotherProgram() {
        List<StreamMessage<String, String>> taken = redis.xautoclaim(
                        STREAM,
                        XAutoClaimArgs.Builder.xautoclaim(Consumer.from(Keys.GROUP, "another"), Duration.ZERO, "0-0")
                                .count(2_000))
                .getMessages();
        RedisAsyncCommands<String, String> commands = connection.async();
        var acknowledged = new LinkedHashMap<StreamMessage<String, String>, RedisFuture<Long>>();
        taken.forEach(entry -> acknowledged.put(entry, commands.xack(STREAM, Keys.GROUP, entry.getId())));
        var replies = new ArrayList<RedisFuture<?>>();
        acknowledged.forEach((entry, reply) -> {
            if (get(reply) == 1) {
                settledByAnother++;
                Map<String, String> fields = entry.getBody();
                String user = KEYS.user(Long.parseLong(fields.get(CheckinCodec.USER_ID)));
                String location = KEYS.location(Long.parseLong(fields.get(CheckinCodec.LOCATION_ID)));
                replies.add(commands.hincrby(user, "numCheckins", 1));
                replies.add(commands.hset(user, "id", fields.get(CheckinCodec.USER_ID)));
                replies.add(commands.hincrby(location, "numCheckins", 1));
                replies.add(
                        commands.hincrby(location, "numStars", Long.parseLong(fields.get(CheckinCodec.STAR_RATING))));
                replies.add(commands.hset(location, "id", fields.get(CheckinCodec.LOCATION_ID)));
            }
        });
        awaitAll(replies);
    }

    private void later(Duration delay, Runnable cure) {
        underWay.add(healer.schedule(cure, delay.toMillis(), TimeUnit.MILLISECONDS));
    }

    private static <T> T get(Future<T> future) {
        try {
            return future.get(COMMAND_LIMIT.multipliedBy(2).toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw new IllegalStateException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** Waits for a moment that is not the moment of anything. */
    static void elapse(int millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private void note(Fault fault, String detail) {
        note(fault + detail + ", at " + standing());
    }

    private String standing() {
        try {
            return redis.xlen(STREAM) + " checkins; " + standing(Keys.GROUP, KEYS.totals()) + "; "
                    + standing(Keys.BOARDS_GROUP, KEYS.boardsTotals());
        } catch (RedisCommandExecutionException e) {
            throw e;
        } catch (RedisException connectionBroke) {
            return "a moment without Redis"; // the fault before was hard on this connection, too
        }
    }

    private String standing(String group, String totals) {
        return group + ": " + pending(group) + " pending, totals " + redis.hgetall(totals);
    }

    private String pending(String group) {
        try {
            return Long.toString(redis.xpending(STREAM, group).getCount());
        } catch (RedisCommandExecutionException noGroup) {
            return "no group, nothing";
        }
    }

    private void note(String event) {
        String line = String.format("chaos %6.3f s: %s", (System.nanoTime() - start) / 1e9, event);
        history.append(line).append('\n');
        System.out.println(line);
    }

    /** Waits until every entry is settled, stops the processors, and looks whether that has left things so. */
    void settleAndStop() {
        await("the end of all work")
                .atMost(SETTLED_LIMIT)
                .ignoreExceptionsInstanceOf(RedisCommandExecutionException.class)
                .untilAsserted(this::assertSettled);
        note("all is settled");
        processors.forEach(ServiceProcess::stop);
        processors.forEach(ServiceProcess::awaitEnd);
        assertSettled();
        note("stopped");
    }

    private void assertSettled() {
        assertSettled(Keys.GROUP, KEYS.checkpoint(), KEYS.settledRanges());
        assertSettled(Keys.BOARDS_GROUP, KEYS.boardsCheckpoint(), KEYS.boardsSettledRanges());
    }

    private void assertSettled(String name, String checkpoint, String ranges) {
        Object last = map(redis.xinfoStream(STREAM)).get("last-generated-id");
        Map<Object, Object> group = redis.xinfoGroups(STREAM).stream()
                .map(reply -> map((List<?>) reply))
                .filter(it -> name.equals(it.get("name")))
                .findFirst()
                .orElseThrow(() -> new AssertionError("there is no group " + name));
        assertThat(group).containsEntry("pending", 0L).containsEntry("last-delivered-id", last);
        assertThat(redis.get(checkpoint)).as(checkpoint).isEqualTo(last);
        assertThat(redis.zcard(ranges)).as(ranges).isZero();
    }

    private static Map<Object, Object> map(List<?> namesAndValues) {
        Map<Object, Object> map = new HashMap<>();
        for (int i = 0; i < namesAndValues.size(); i += 2) {
            map.put(namesAndValues.get(i), namesAndValues.get(i + 1));
        }
        return map;
    }

    /** Every entry of the stream has counted once, whoever counted it. */
    void assertFolds() {
        assertFoldOfTotals();
        assertFoldOfBoards();
    }

    private void assertFoldOfTotals() {
        SequentialFold.over(Map.of()).addStream(redis).assertEqualTo(redis);
    }

    private void assertFoldOfBoards() {
        BoardsFold.of(redis, KEYS).assertEqualTo(redis);
    }

    /** The processors have applied what another program did not, have given up nothing, and met nothing that they have no name for. */
    void assertNothingGivenUp() {
        assertThat(redis.hgetall(KEYS.totals()))
                .containsEntry("applied", Long.toString(redis.xlen(STREAM) - settledByAnother))
                .doesNotContainKeys("dead", "lost");
        assertThat(redis.hgetall(KEYS.boardsTotals()))
                .containsEntry("applied", Long.toString(redis.xlen(STREAM)))
                .doesNotContainKeys("dead", "lost");
        assertThat(redis.exists(KEYS.deadLetters(), KEYS.boardsDeadLetters()))
                .as("dead letters")
                .isZero();
        assertThat(processors).flatMap(ServiceProcess::errors).isEmpty();
    }

    /** The check of the totals fails, and for the reason that a guard is there for. */
    void assertCountedTwice() {
        assertThatThrownBy(this::assertFoldOfTotals)
                .hasMessageContaining("hashes are not the sequential fold of the stream");
        assertThat(Long.parseLong(redis.hget(KEYS.totals(), "applied")))
                .as("entries that were applied")
                .isGreaterThan(redis.xlen(STREAM) - settledByAnother);
    }

    /** The same of the boards. */
    void assertOnBoardsTwice() {
        assertThatThrownBy(this::assertFoldOfBoards).hasMessageContaining("boards differ");
        assertThat(Long.parseLong(redis.hget(KEYS.boardsTotals(), "applied")))
                .as("entries that were counted on the boards")
                .isGreaterThan(redis.xlen(STREAM));
    }

    /** What has happened so far, for a check that failed. */
    String report() {
        var text = new StringBuilder(history);
        processors.forEach(processor -> text.append(processor.endOfOutput()));
        return text.toString();
    }

    @Override
    public void close() {
        loader.shutdownNow();
        healer.shutdownNow();
        try {
            processors.forEach(ServiceProcess::close);
        } finally {
            client.shutdown(0, 2, TimeUnit.SECONDS);
            resources.shutdown(0, 2, TimeUnit.SECONDS).awaitUninterruptibly();
            server.close();
        }
    }
}
