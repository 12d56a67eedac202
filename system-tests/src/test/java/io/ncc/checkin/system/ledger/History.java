package io.ncc.checkin.system.ledger;

import io.ncc.checkin.system.ledger.Snapshot.Wipe;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The faults of a run, and the content of Redis before each deletion of the stream or of all data. Times are those of {@link System#nanoTime}.
 */
final class History {

    /** What is read or replicated may be so much behind what was written. */
    private static final Duration LAG = Duration.ofSeconds(2);

    /**
     * The time from one wipe to the next.
     *
     * @param before what was there when it began
     * @param after what was there when it ended
     * @param keysForgotten whether the keys of requests went with the wipe before it
     */
    record Epoch(long opened, long closed, Snapshot before, Snapshot after, boolean keysForgotten) {

        boolean contains(long from, long to) {
            return from >= opened && to <= closed;
        }
    }

    /**
     * Something that happened to Redis.
     *
     * @param weakened the promises that needn't be kept meanwhile
     */
    record Strike(Fault fault, long from, long to, Set<Promise> weakened) {

        /** What was answered before a wipe is known from the look that was taken in the same moment. */
        boolean overlaps(long start, long end) {
            long lag = fault == Fault.REDIS_EMPTIED ? 0 : LAG.toNanos();
            return start <= to && end >= from - lag;
        }

        @Override
        public String toString() {
            return fault + " of " + Duration.ofNanos(to - from).toMillis() + " ms";
        }
    }

    private final long start = System.nanoTime();
    private final List<String> lines = new ArrayList<>();
    private final List<Epoch> epochs = new ArrayList<>();
    private final List<Strike> strikes = new ArrayList<>();
    private long opened = start;
    private Snapshot before = Snapshot.EMPTY;
    private boolean keysForgotten = true;

    /** Takes stock, and wipes in the same moment. */
    void wipe(RedisPair redis, Wipe wipe) {
        redis.untilDoneOnPrimary(commands -> {
            long asked = System.nanoTime();
            close(asked, Snapshot.take(commands, wipe), wipe);
        });
    }

    private synchronized void close(long asked, Snapshot after, Wipe wipe) {
        epochs.add(new Epoch(opened, asked, before, after, keysForgotten));
        opened = System.nanoTime();
        before = wipe == Wipe.EVERYTHING ? Snapshot.EMPTY : after.withoutStream();
        keysForgotten = wipe == Wipe.EVERYTHING;
    }

    synchronized List<Epoch> epochs() {
        return List.copyOf(epochs);
    }

    synchronized void add(Strike strike) {
        strikes.add(strike);
    }

    synchronized List<Strike> strikes() {
        return List.copyOf(strikes);
    }

    /** Whether something happened around that time for which the promise needn't be kept. */
    synchronized boolean isWeakened(Promise promise, long from, long to) {
        return strikes.stream().anyMatch(strike -> strike.weakened().contains(promise) && strike.overlaps(from, to));
    }

    /** To what it belongs if something that was accepted then is gone: to what happened meanwhile, rather than to what came after it. */
    synchronized Optional<Strike> causeOfLoss(long from, long to) {
        return strikes.stream()
                .filter(strike -> strike.weakened().contains(Promise.ACCEPTED_IS_STORED) && strike.overlaps(from, to))
                .min(Comparator.comparingLong(Strike::from));
    }

    synchronized void note(String event) {
        String line = String.format("ledger %6.3f s: %s", (System.nanoTime() - start) / 1e9, event);
        lines.add(line);
        System.out.println(line);
    }

    synchronized String report() {
        return String.join("\n", lines);
    }
}
