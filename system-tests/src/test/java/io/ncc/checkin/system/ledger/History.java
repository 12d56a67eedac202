package io.ncc.checkin.system.ledger;

import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.system.ledger.Snapshot.Wipe;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * The faults of a run, and the content of Redis before each deletion of the stream or of all data. Times are those of {@link System#nanoTime}.
 */
final class History {

    /** What is read or replicated may be so much behind what was written. */
    private static final Duration LAG = Duration.ofSeconds(2);

    /**
     * The time of a partition from one wipe to the next.
     *
     * @param before what was there when it began
     * @param after what was there when it ended
     * @param keysForgotten whether the keys of requests went with the wipe before it
     */
    record Epoch(int partition, long opened, long closed, Snapshot before, Snapshot after, boolean keysForgotten) {

        boolean contains(long from, long to) {
            return from >= opened && to <= closed;
        }

        /** What was there when it ended, by the ids that clients see. */
        Map<String, Checkin> checkins(Partitions partitions) {
            Map<String, Checkin> all = new LinkedHashMap<>();
            after.checkins().forEach((id, checkin) -> all.put(partitions.idOutside(partition, id), checkin));
            return all;
        }
    }

    /**
     * Something that happened to Redis.
     *
     * @param weakened the promises that needn't be kept meanwhile
     * @param partitions for which they needn't be kept
     */
    record Strike(Fault fault, long from, long to, Set<Promise> weakened, Set<Integer> partitions) {

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
    private final Map<Integer, Opening> openings = new HashMap<>();
    private final Partitions partitions;

    /** How an epoch begins. */
    private record Opening(long opened, Snapshot before, boolean keysForgotten) {}

    History(Partitions partitions) {
        this.partitions = partitions;
        partitions.all().forEach(partition -> openings.put(partition, new Opening(start, Snapshot.EMPTY, true)));
    }

    Partitions partitions() {
        return partitions;
    }

    /** Takes stock of these partitions, and wipes in the same moment. It is the same moment for all that are on the same node. */
    void wipe(RedisNodes redis, List<Integer> some, Wipe wipe) {
        Map<Integer, List<Integer>> byNode = some.stream().collect(Collectors.groupingBy(redis::primaryOf));
        byNode.values()
                .forEach(together -> redis.untilDoneOnPrimary(together.get(0), commands -> {
                    long asked = System.nanoTime();
                    List<Keys> keys = together.stream().map(partitions::keys).toList();
                    close(asked, together, Snapshot.take(commands, keys, wipe), wipe);
                }));
    }

    private synchronized void close(long asked, List<Integer> some, List<Snapshot> snapshots, Wipe wipe) {
        for (int i = 0; i < some.size(); i++) {
            Snapshot after = snapshots.get(i);
            var next = new Opening(
                    System.nanoTime(),
                    wipe == Wipe.EVERYTHING ? Snapshot.EMPTY : after.withoutStream(),
                    wipe == Wipe.EVERYTHING);
            Opening it = Objects.requireNonNull(openings.put(some.get(i), next));
            epochs.add(new Epoch(some.get(i), it.opened, asked, it.before, after, it.keysForgotten));
        }
    }

    /** Those of a partition are in their order. */
    synchronized List<Epoch> epochs() {
        return List.copyOf(epochs);
    }

    /** The last epoch of each partition. */
    List<Epoch> last() {
        Map<Integer, Epoch> last = new TreeMap<>();
        epochs().forEach(epoch -> last.put(epoch.partition, epoch));
        return List.copyOf(last.values());
    }

    synchronized void add(Strike strike) {
        strikes.add(strike);
    }

    synchronized List<Strike> strikes() {
        return List.copyOf(strikes);
    }

    /** Whether something happened around that time for which the promise needn't be kept. */
    synchronized boolean isWeakened(Promise promise, int partition, long from, long to) {
        return strikes.stream()
                .anyMatch(strike -> strike.weakened().contains(promise)
                        && strike.partitions().contains(partition)
                        && strike.overlaps(from, to));
    }

    /** To what it belongs if something that was accepted then is gone: to what happened meanwhile, rather than to what came after it. */
    synchronized Optional<Strike> causeOfLoss(int partition, long from, long to) {
        return strikes.stream()
                .filter(strike -> strike.weakened().contains(Promise.ACCEPTED_IS_STORED)
                        && strike.partitions().contains(partition)
                        && strike.overlaps(from, to))
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
