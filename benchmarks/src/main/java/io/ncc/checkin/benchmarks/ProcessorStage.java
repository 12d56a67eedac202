package io.ncc.checkin.benchmarks;

import io.lettuce.core.api.sync.RedisCommands;
import io.ncc.checkin.benchmarks.load.Requests;
import io.ncc.checkin.benchmarks.measure.Sample;
import io.ncc.checkin.localredis.LocalRedis;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.testsupport.RandomCheckins;
import io.ncc.checkin.testsupport.SequentialFold;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** A stream that is filled and drained, again and again, by one contestant or the other; after each drain the hashes must be the fold. */
final class ProcessorStage {

    /** More hashes than this are compared only at the end: it takes longer than the drain. */
    private static final int MOST_COMPARED_EACH_TIME = 10_000;

    private static final Keys KEYS = Keys.unpartitioned();

    private final Lab lab;
    private final LocalRedis redis;
    private final RedisCommands<String, String> commands;
    private final SequentialFold fold;
    private final List<Started> processors = new ArrayList<>();
    private boolean keepsEntries;
    private long seed;

    ProcessorStage(Lab lab) {
        this.lab = lab;
        this.redis = lab.redis();
        this.commands = lab.commands(redis);
        this.fold = SequentialFold.over(commands);
    }

    LocalRedis redis() {
        return redis;
    }

    RedisCommands<String, String> commands() {
        return commands;
    }

    /** Starts one more processor. It stands still except when it is its turn. */
    ProcessorStage addProcessor(String... settings) {
        List<String> all = new ArrayList<>(List.of(settings));
        all.add("--checkin.processor.retain-entries=100000000");
        all.add("--checkin.processor.max-length=1000000000");
        Started processor = lab.service("checkin-processor", redis, all.toArray(String[]::new))
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
        Sample.Meter meter = lab.meter(redis, contestant);
        long start = System.nanoTime();
        contestant.ask("drain " + entries);
        return finish(entries, start, meter);
    }

    /**
     * What some of the processors do in one round, from their first batches on: before, they find out that they have been paused, and some connect
     * anew.
     */
    Sample drainByProcessors(int count, int entries, int users) {
        List<Started> some = processors.subList(0, count);
        fill(entries, users);
        long before = applied();
        some.forEach(Started::resume);
        long begin = awaitApplied(before + 1, 1); // a small backlog must not be gone by then
        Sample.Meter meter = lab.meter(redis, some.toArray(Started[]::new));
        long start = System.nanoTime();
        long end = awaitApplied(before + entries, 10); // more often, and it would take part
        Sample sample = finish(end - begin, start, meter);
        some.forEach(Started::pause);
        return sample;
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
        while (!commands.info("clients").contains("blocked_clients:0")) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
        }
    }

    private void fill(int entries, int users) {
        new RandomCheckins(seed++, users, Requests.LOCATIONS).append(commands, entries);
    }

    private Sample finish(long entries, long start, Sample.Meter meter) {
        Sample sample = new Sample(entries / ((System.nanoTime() - start) / 1e9), meter.cores(), null);
        fold.addStream(commands);
        if (fold.hashes().size() <= MOST_COMPARED_EACH_TIME) {
            check();
        }
        if (!keepsEntries) {
            commands.xtrim(KEYS.checkins(), 0);
        }
        return sample;
    }

    /** @throws AssertionError if the hashes are not what the stream says */
    void check() {
        fold.assertEqualTo(commands);
    }

    long applied() {
        String applied = commands.hget(KEYS.totals(), "applied");
        return applied == null ? 0 : Long.parseLong(applied);
    }
}
