package io.ncc.engine;

import io.lettuce.core.ScriptOutputType;
import io.ncc.redis.LuaScript;
import io.ncc.redis.RedisLink;
import io.ncc.redis.StreamId;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Housekeeping: moves the checkpoint, trims the stream, removes consumers that are gone, reads the state of stream and group, and lets the projection
 * tidy up. Every processor does this; several may run the script at once.
 */
final class Janitor implements Periodic.Task {

    static final Duration INTERVAL = Duration.ofSeconds(1);

    private static final Logger log = LoggerFactory.getLogger(Janitor.class);
    private static final String MOST_TRIMMED = "1000";
    private static final Duration REAP_AFTER = Duration.ofHours(24);
    private static final int TURNS_PER_REAPING = 60;
    private static final Duration FUTURE = Duration.ofHours(1);
    private static final Duration FORGIVEN_AFTER = Duration.ofMinutes(10);
    private static final long NOT_KNOWN_YET = 2;
    private static final long MANY_SKIPPED = 100;

    private final LuaScript script = LuaScript.of(Janitor.class, "settled", "janitor");
    private final RedisLink redis;
    private final Projection projection;
    private final GroupKeys keys;
    private final String consumer;
    private final EngineMetrics metrics;
    private final EngineSettings settings;
    private int turns;

    /** The groups that trimming did not wait for, and when that last happened. */
    private final Map<Object, Long> passedOver = new HashMap<>();

    private List<?> waitedFor = List.of();
    private boolean inTheFuture;
    private long skippedBefore;
    private long skippedInARow;
    private long nextReport = MANY_SKIPPED;

    Janitor(RedisLink redis, Projection projection, String consumer, EngineMetrics metrics, EngineSettings settings) {
        this.redis = redis;
        this.projection = projection;
        this.keys = projection.keys();
        this.consumer = consumer;
        this.metrics = metrics;
        this.settings = settings;
    }

    @Override
    public boolean run(Runnable waiting) {
        List<Object> reply =
                redis.call(commands -> script.run(commands, ScriptOutputType.MULTI, keys.housekeeping(), args()));
        report(reply);
        turns++;
        boolean more = redis.call(projection::tidy);
        return more || (Long) reply.get(2) > 0;
    }

    private String[] args() {
        Duration retainAge = settings.retainAge();
        return new String[] {
            keys.group(),
            Long.toString(settings.retainEntries()),
            Long.toString(retainAge == null ? 0 : retainAge.toMillis()),
            Long.toString(settings.holdLength()),
            MOST_TRIMMED,
            consumer,
            Long.toString(turns % TURNS_PER_REAPING == 0 ? REAP_AFTER.toMillis() : 0),
            Long.toString(System.currentTimeMillis())
        };
    }

    private void report(List<Object> reply) {
        if ((Long) reply.get(0) == 1) {
            log.warn("Dropped the checkpoint and settled ranges of a stream that is gone");
        }
        if ((Long) reply.get(11) == 1) {
            log.warn(
                    "The stream {} was replaced by another one. Its entries up to the checkpoint count as settled, although they may be new. To"
                            + " process them, stop all processors and delete {}, {} and the group {}",
                    keys.stream(),
                    keys.checkpoint(),
                    keys.settledRanges(),
                    keys.group());
        }
        warnOfSkipped(metrics.skipped());
        String oldest = (String) reply.get(5);
        String last = (String) reply.get(6);
        long now = (Long) reply.get(7);
        warnOfTheFuture(last, now);
        warnOfPassedOver((List<?>) reply.get(8));
        warnOfWaiting((List<?>) reply.get(12));
        for (Object removed : (List<?>) reply.get(9)) {
            log.info("Removed consumer {}: no pending entries, idle for {} h", removed, REAP_AFTER.toHours());
        }
        if ((Long) reply.get(2) == NOT_KNOWN_YET) {
            return;
        }
        metrics.standing(new Standing(
                (Long) reply.get(3),
                (Long) reply.get(4),
                oldest.isEmpty()
                        ? Duration.ZERO
                        : Duration.ofMillis(StreamId.parse(oldest).ageAt(now)),
                passedOver.size(),
                total(reply, 0),
                total(reply, 1),
                total(reply, 2),
                total(reply, 3),
                total(reply, 4),
                total(reply, 5)));
    }

    private static long total(List<Object> reply, int index) {
        return Long.parseLong((String) ((List<?>) reply.get(10)).get(index));
    }

    /** After an id far ahead, all new ids have its millisecond until the clock gets there. After the highest id, there are no new ids. */
    private void warnOfTheFuture(String last, long now) {
        boolean ahead = !last.isEmpty() && StreamId.parse(last).compareTo(new StreamId(now + FUTURE.toMillis(), 0)) > 0;
        if (ahead && !inTheFuture) {
            log.warn("The last id of {} is {}, more than an hour ahead of the clock of Redis", keys.stream(), last);
        }
        inTheFuture = ahead;
    }

    /** Entries are skipped only if someone rewinds the group or loads the stream again. The first report is at 100 entries, each further one at ten times as many. */
    private void warnOfSkipped(long skipped) {
        if (skipped == skippedBefore) {
            skippedInARow = 0;
            nextReport = MANY_SKIPPED;
            return;
        }
        skippedInARow += skipped - skippedBefore;
        skippedBefore = skipped;
        if (skippedInARow >= nextReport) {
            log.warn(
                    "{} entries of {} were acknowledged without being applied, because they had been settled before. Was group {} rewound,"
                            + " was the stream loaded again, or does a processor also run in sequential mode?",
                    skippedInARow,
                    keys.stream(),
                    keys.group());
            nextReport = 10 * skippedInARow;
        }
    }

    /** Trimming makes the stream shorter, so it may wait for the group the next time. One warning is enough for all of these times. */
    private void warnOfPassedOver(List<?> groups) {
        long now = System.nanoTime();
        passedOver.values().removeIf(since -> now - since > FORGIVEN_AFTER.toNanos());
        if (!passedOver.keySet().containsAll(groups)) {
            log.warn("The stream is too long to wait for groups {}: what they have not read is trimmed", groups);
        }
        groups.forEach(group -> passedOver.put(group, now));
    }

    /** It is full soon, and then nothing can be appended until these projections go on, or are ended. */
    private void warnOfWaiting(List<?> projections) {
        if (!waitedFor.equals(projections) && !projections.isEmpty()) {
            log.warn(
                    "The stream {} is longer than 80 % of its maximum, because projections {} have not settled its oldest entries",
                    keys.stream(), projections);
        }
        waitedFor = projections;
    }

    /**
     * The state of the stream and the group in Redis.
     *
     * @param oldestUnsettled the age of the oldest entry that is not settled; zero if all are
     * @param passedOver how many other groups trimming did not wait for in the last ten minutes
     */
    record Standing(
            long length,
            long pending,
            Duration oldestUnsettled,
            long passedOver,
            long applied,
            long dead,
            long lost,
            long skipped,
            long foreign,
            long missed) {}
}
