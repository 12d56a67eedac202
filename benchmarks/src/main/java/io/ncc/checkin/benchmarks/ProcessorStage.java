package io.ncc.checkin.benchmarks;

import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.sync.RedisCommands;
import io.ncc.checkin.benchmarks.load.Requests;
import io.ncc.checkin.benchmarks.measure.Sample;
import io.ncc.checkin.localredis.LocalRedis;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.testsupport.BoardsFold;
import io.ncc.checkin.testsupport.RandomCheckins;
import io.ncc.checkin.testsupport.SequentialFold;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * A stream, or one for each partition, that is filled and drained, again and again, by one contestant or the other; after each drain the hashes, and the
 * boards if there are some, must be the folds.
 */
final class ProcessorStage {

    /** More hashes than this are compared only at the end: it takes longer than the drain. */
    private static final int MOST_COMPARED_EACH_TIME = 10_000;

    static final String TOTALS = "totals";
    static final String BOARDS = "boards";

    private final Lab lab;
    private final Servers redis;
    private final Partitions partitions;
    private final List<StatefulRedisConnection<String, String>> connections;
    private final List<RedisCommands<String, String>> commands;
    private final Set<String> projections;
    private final List<SequentialFold> folds;
    private final List<BoardsFold> boards;
    private final List<Started> processors = new ArrayList<>();
    private boolean keepsEntries;
    private long seed;

    /** On a server of its own, without partitions. */
    ProcessorStage(Lab lab) {
        this(lab, lab.server(), Partitions.none());
    }

    /** With the totals alone. */
    ProcessorStage(Lab lab, Servers redis, Partitions partitions) {
        this(lab, redis, partitions, Set.of(TOTALS));
    }

    /** @param projections {@value #TOTALS}, {@value #BOARDS} or both */
    ProcessorStage(Lab lab, Servers redis, Partitions partitions, Set<String> projections) {
        this.lab = lab;
        this.projections = projections;
        this.redis = redis;
        this.partitions = partitions;
        this.connections = redis.connections(partitions);
        this.commands = connections.stream().map(StatefulRedisConnection::sync).toList();
        this.folds = IntStream.range(0, partitions.count())
                .mapToObj(partition -> SequentialFold.over(Map.of(), partitions.keys(partition)))
                .toList();
        this.boards = IntStream.range(0, partitions.count())
                .mapToObj(partition -> BoardsFold.over(Map.of(), partitions.keys(partition)))
                .toList();
    }

    /** The only server. */
    LocalRedis redis() {
        return redis.all().get(0);
    }

    /** Of the only partition. */
    RedisCommands<String, String> commands() {
        return commands.get(0);
    }

    /** Starts one more processor. It stands still except when it is its turn. */
    ProcessorStage addProcessor(String... settings) {
        List<String> all = new ArrayList<>(List.of(settings));
        all.add("--checkin.processor.projections=" + String.join(",", projections));
        all.add("--checkin.processor.retain-entries=100000000");
        all.add("--checkin.processor.max-length=1000000000");
        Started processor = lab.service("checkin-processor", redis, partitions, all.toArray(String[]::new))
                .process();
        processor.pause();
        processors.add(processor);
        return this;
    }

    /** From now on, what is applied stays in the stream. */
    void keepEntries() {
        keepsEntries = true;
    }

    /** Lets one processor go on. */
    Started resumeOne() {
        processors.get(0).resume();
        return processors.get(0);
    }

    /** What a contestant of this jar does in one round. */
    Sample drainBy(Started contestant, int entries, int users) {
        awaitNoReader();
        fill(entries, users);
        contestant.ask("prepare " + entries);
        Sample.Meter meter = lab.meter(redis.all(), contestant);
        long start = System.nanoTime();
        contestant.ask("drain " + entries);
        return finish(entries, start, meter);
    }

    /**
     * What some of the processors do in one round, from their first batches on: before, they find out that they have been paused, and some connect
     * anew.
     */
    Sample drainByProcessors(int count, int entries, int users) {
        return drainByProcessors(count, entries, users, 1);
    }

    /** @param first so many are applied before the clock starts */
    Sample drainByProcessors(int count, int entries, int users, int first) {
        List<Started> some = processors.subList(0, count);
        fill(entries, users);
        long before = applied();
        some.forEach(Started::resume);
        long begin = awaitApplied(before + first, 1); // a small backlog must not be gone by then
        Sample.Meter meter = lab.meter(redis.all(), some.toArray(Started[]::new));
        long start = System.nanoTime();
        long end = awaitApplied(before + entries, 10); // more often, and it would take part
        Sample sample = finish(end - begin, start, meter);
        some.forEach(Started::pause);
        return sample;
    }

    /** What one processor does with checkins that are appended one by one, at this rate. */
    Sample applyAsTheyCome(int perSecond, Duration duration, int users) {
        Started processor = resumeOne();
        RandomCheckins checkins = new RandomCheckins(seed++, users, Requests.LOCATIONS);
        int entries = Math.toIntExact(perSecond * duration.toSeconds());
        long before = applied();
        append(checkins, perSecond, perSecond); // it finds out that it has been paused
        awaitApplied(before + perSecond, 10);
        Sample.Meter meter = lab.meter(redis.all(), processor);
        long start = System.nanoTime();
        append(checkins, entries, perSecond);
        awaitApplied(before + perSecond + entries, 10);
        Sample sample = finish(entries, start, meter);
        processor.pause();
        return sample;
    }

    private void append(RandomCheckins checkins, int count, int perSecond) {
        long start = System.nanoTime();
        for (int i = 0; i < count; i++) {
            long due = start + TimeUnit.SECONDS.toNanos(1) * i / perSecond;
            while (System.nanoTime() < due) {
                LockSupport.parkNanos(due - System.nanoTime());
            }
            checkins.append(partitions, commands::get, 1);
        }
    }

    /** How many there are once there are so many. */
    private long awaitApplied(long goal, int pauseMillis) {
        long applied = applied();
        while (applied < goal) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(pauseMillis));
            applied = applied();
        }
        return applied;
    }

    /** A processor that was paused while its read waited would still be given the first entries. */
    private void awaitNoReader() {
        while (!commands().info("clients").contains("blocked_clients:0")) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
        }
    }

    private void fill(int entries, int users) {
        new RandomCheckins(seed++, users, Requests.LOCATIONS).append(partitions, commands::get, entries);
    }

    private Sample finish(long entries, long start, Sample.Meter meter) {
        Sample sample = new Sample(entries / ((System.nanoTime() - start) / 1e9), meter.cores(), null);
        int hashes = 0;
        for (int partition = 0; partition < partitions.count(); partition++) {
            folds.get(partition).addStream(commands.get(partition));
            if (projections.contains(BOARDS)) {
                boards.get(partition).addStream(commands.get(partition));
            }
            hashes += folds.get(partition).hashes().size();
        }
        if (hashes <= MOST_COMPARED_EACH_TIME) {
            check();
        }
        if (!keepsEntries) {
            for (int partition = 0; partition < partitions.count(); partition++) {
                commands.get(partition).xtrim(partitions.keys(partition).checkins(), 0);
            }
        }
        return sample;
    }

    /** @throws AssertionError if the hashes, or the boards, are not what the streams say */
    void check() {
        for (int partition = 0; partition < partitions.count(); partition++) {
            if (projections.contains(TOTALS)) {
                folds.get(partition).assertEqualTo(commands.get(partition));
            }
            if (projections.contains(BOARDS)) {
                boards.get(partition).assertEqualTo(commands.get(partition));
            }
        }
    }

    /** How many all projections have applied. */
    long applied() {
        return projections.stream()
                .mapToLong(projection -> applied(projection.equals(BOARDS) ? Keys::boardsTotals : Keys::totals))
                .min()
                .orElseThrow();
    }

    /** Asks for all partitions at once: one after the other, each would wait behind a script, and the sum would be of no point in time. */
    private long applied(Function<Keys, String> totals) {
        return IntStream.range(0, partitions.count())
                .mapToObj(partition ->
                        connections.get(partition).async().hget(totals.apply(partitions.keys(partition)), "applied"))
                .toList()
                .stream()
                .map(reply -> reply.toCompletableFuture().join())
                .mapToLong(applied -> applied == null ? 0 : Long.parseLong(applied))
                .sum();
    }
}
