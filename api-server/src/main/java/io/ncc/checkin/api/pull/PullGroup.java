package io.ncc.checkin.api.pull;

import io.lettuce.core.ScriptOutputType;
import io.ncc.checkin.api.checkin.StoredCheckin;
import io.ncc.checkin.api.partition.CheckinId;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.service.PartitionLinks;
import io.ncc.checkin.service.ProblemType;
import io.ncc.redis.LuaScript;
import io.ncc.redis.RedisCondition;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.web.ErrorResponseException;

/**
 * A group and the pulls that wait for its entries. When entries may have come, the pull that has waited longest reads. The next one reads only if that
 * one got as many as it may have. Once a second, the pull with the shortest {@code claimAfter} reads after them.
 */
final class PullGroup {

    private static final LuaScript PULL = LuaScript.of(PullGroup.class, "pull");
    private static final String BEGINNING = "0-0";

    /** The order of a read that gives only what the consumer holds already. */
    private static final String HELD = "held";

    /** Where to go on, if such a read came to no end. */
    private static final String MORE = "more";

    /** The pause after a look for entries to claim that found none, and after each walk through the pending entries. */
    private static final Duration CLAIM_PAUSE = Duration.ofSeconds(1);

    /** After so many reads in a row that returned only claimed entries, new entries are read first. Otherwise they might never be read. */
    private static final int MOST_CLAIMING_READS = 4;

    private static final Duration UNUSED_AFTER = Duration.ofMinutes(1);

    private final PartitionLinks redis;
    private final Partitions partitions;
    private final String name;

    /** What is known of the entries that may be claimed in each partition. */
    private final Claims[] claims;

    // guarded by this

    /** The latest pull of each consumer, until it is answered. */
    private final Map<String, Pull> latest = new HashMap<>();

    /** By consumer; the one that has waited longest comes first. */
    private final Map<String, Pull> waiting = new LinkedHashMap<>();

    /** Of those that wait, the one that reads now. */
    private @Nullable Pull reader;

    /** How often there may have been entries. */
    private long calls;

    private boolean calledAgain;

    /** Whether the pull with the shortest {@code claimAfter} is to read as well, once nobody else does. */
    private boolean shortestIsDue;

    /** Where there may be entries for those who wait. */
    private final BitSet called = new BitSet();

    /** Where the next round through the partitions begins. */
    private int turn;

    private boolean gone;
    private long lastUsed = System.nanoTime();

    /** Why the last read failed; null if it didn't. */
    private @Nullable Throwable lastFailure;

    PullGroup(PartitionLinks redis, Partitions partitions, String name) {
        this.redis = redis;
        this.partitions = partitions;
        this.name = name;
        this.claims = Stream.generate(Claims::new).limit(partitions.count()).toArray(Claims[]::new);
    }

    private static final class Claims {

        /** By the power of two, in milliseconds, at or below the {@code claimAfter} of those who share the walk. */
        private final Map<Long, Walk> walks = new HashMap<>();

        private int claimingReads;

        /**
         * The walk to go on with; null if it pauses.
         *
         * @param now as {@link System#nanoTime} says it
         */
        @Nullable
        Walk due(Duration claimAfter, long now) {
            Walk walk = walks.computeIfAbsent(Long.highestOneBit(claimAfter.toMillis()), unused -> new Walk(now));
            return walk.isDue(now) ? walk : null;
        }
    }

    /**
     * A walk through the pending entries. It passes over those that were not held for long enough. So a walk for a long {@code claimAfter} is of no use to a
     * pull with a short one.
     */
    private static final class Walk {

        private String cursor = BEGINNING;
        private long next;

        Walk(long now) {
            next = now;
        }

        boolean isDue(long now) {
            return now - next >= 0;
        }
    }

    static ErrorResponseException noGroup() {
        return ProblemType.NOT_FOUND.exception("The stream has no group of this name.");
    }

    synchronized int waiting() {
        return waiting.size();
    }

    synchronized boolean isGone() {
        return gone;
    }

    /** Whether nobody has pulled for some time. */
    synchronized boolean isUnused() {
        return waiting.isEmpty() && System.nanoTime() - lastUsed > UNUSED_AFTER.toNanos();
    }

    /**
     * Reads for a pull. An older pull of the same consumer no longer waits: its client may be gone.
     *
     * @param otherwise what to do if there is nothing
     */
    void begin(Pull pull, Runnable otherwise) {
        synchronized (this) {
            lastUsed = System.nanoTime();
            pull.calls = calls;
            Pull older = latest.put(pull.consumer(), pull);
            if (older != null) {
                end(
                        older,
                        () -> older.fail(
                                ProblemType.CONFLICT.exception("A later pull of the consumer ended this one.")));
            }
        }
        CompletableFuture<?> unused = pull.answer().whenComplete((items, failure) -> forget(pull));
        readFirst(pull, otherwise);
    }

    private void readFirst(Pull pull, Runnable otherwise) {
        read(pull, all(), pull.own()).whenComplete((taken, failure) -> {
            if (failure != null) {
                failed(pull, failure);
                return;
            }
            synchronized (this) {
                lastFailure = null;
            }
            if (!taken.items.isEmpty()) {
                pull.complete(taken.items);
            } else if (taken.entries > 0) {
                readFirst(pull, otherwise); // none of them was a checkin
            } else {
                otherwise.run();
            }
        });
    }

    /** Lets a pull wait that has found nothing. */
    void await(Pull pull) {
        boolean missedSome;
        synchronized (this) {
            if (gone) {
                pull.fail(noGroup());
                return;
            }
            if (pull.answer().isDone()) {
                return;
            }
            if (pull.ending != null) {
                pull.ending.run();
                return;
            }
            waiting.put(pull.consumer(), pull);
            missedSome = pull.calls != calls;
        }
        if (missedSome) {
            call(all());
        }
    }

    /** Ends a pull that waits, or would wait later. If it is reading at this moment, it gets what it reads. */
    private synchronized void end(Pull pull, Runnable answer) {
        if (waiting.remove(pull.consumer(), pull) && !pull.equals(reader)) {
            answer.run();
        } else if (pull.ending == null) {
            pull.ending = answer;
        }
    }

    private synchronized void forget(Pull pull) {
        latest.remove(pull.consumer(), pull);
        waiting.remove(pull.consumer(), pull);
    }

    /** Ends a pull whose time is over. */
    synchronized void expire(Pull pull) {
        Throwable failure = lastFailure;
        end(pull, failure == null ? () -> pull.complete(List.of()) : () -> pull.fail(failure));
    }

    /** Ends all pulls, as there is no such group any more. */
    void close() {
        removeAll().forEach(pull -> pull.fail(noGroup()));
    }

    /** Ends all pulls, as the server stops. */
    void stop() {
        removeAll().forEach(pull -> pull.complete(List.of()));
    }

    private synchronized List<Pull> removeAll() {
        gone = true;
        List<Pull> all = List.copyOf(waiting.values());
        waiting.clear();
        return all;
    }

    private BitSet all() {
        BitSet all = new BitSet();
        all.set(0, partitions.count());
        return all;
    }

    /**
     * Is called when there may be entries.
     *
     * @param where in which partitions
     */
    void call(BitSet where) {
        Pull next;
        BitSet asked;
        synchronized (this) {
            calls++;
            called.or(where);
            calledAgain = reader != null;
            if (calledAgain || waiting.isEmpty()) {
                return;
            }
            next = waiting.values().iterator().next();
            reader = next;
            asked = (BitSet) called.clone();
            called.clear();
        }
        readNext(next, asked);
    }

    private void readNext(Pull next, BitSet asked) {
        read(next, asked, false).whenComplete((taken, failure) -> hasRead(next, asked, taken, failure));
    }

    /** Is called once a second: entries may have been held for too long, or the group may be gone. */
    void tick() {
        synchronized (this) {
            shortestIsDue = true;
        }
        call(all());
    }

    /** Makes the pull with the shortest {@code claimAfter} the reader, if it is shorter than that of the pull that has just read. */
    private synchronized @Nullable Pull shorterThan(Pull other) {
        if (!shortestIsDue || reader != null) {
            return null;
        }
        shortestIsDue = false;
        reader = waiting.values().stream()
                .min(Comparator.comparing(Pull::claimAfter))
                .filter(pull -> pull.claimAfter().compareTo(other.claimAfter()) < 0)
                .orElse(null);
        return reader;
    }

    private void hasRead(Pull pull, BitSet asked, @Nullable Taken taken, @Nullable Throwable reason) {
        boolean othersMayWork = asked.cardinality() < partitions.count();
        Throwable failure =
                othersMayWork && reason != null && RedisCondition.of(reason).isOutage() ? null : reason;
        List<PulledCheckin> items = taken == null ? List.of() : taken.items;
        boolean found = !items.isEmpty();
        Runnable ending;
        boolean more;
        synchronized (this) {
            reader = null;
            if (failure != null || taken != null) {
                lastFailure = failure;
            }
            ending = pull.ending;
            if (found || failure != null) {
                waiting.remove(pull.consumer(), pull);
            }
            boolean stopped = pull.answer().isDone(); // it may not have asked all partitions
            more = taken == null
                    ? failure == null && calledAgain
                    : calledAgain || stopped || taken.entries >= pull.count() || (taken.entries > 0 && !found);
            shortestIsDue |= taken != null && taken.entries >= pull.count(); // there may be more to claim
        }
        if (failure != null) {
            failed(pull, failure);
        } else if (found) {
            pull.complete(items);
        } else if (ending != null) {
            ending.run();
        }
        if (more) {
            call(taken == null ? new BitSet() : asked);
        } else if (taken != null) {
            Pull shorter = shorterThan(pull);
            if (shorter != null) {
                readNext(shorter, all());
            }
        }
    }

    private void failed(Pull pull, Throwable failure) {
        if (RedisCondition.of(failure) == RedisCondition.NO_GROUP) {
            pull.fail(noGroup());
            close();
        } else {
            pull.fail(failure);
        }
    }

    /**
     * Goes round the partitions until the pull has as many entries as it may have, or its client is gone.
     *
     * @param where in which partitions there may be entries
     * @param own whether the consumer first wants what it holds already
     */
    private CompletionStage<Taken> read(Pull pull, BitSet where, boolean own) {
        CompletionStage<Taken> held = own ? round(pull, where, HELD) : CompletableFuture.completedFuture(Taken.NOTHING);
        return held.thenCompose(
                taken -> taken.entries > 0 ? CompletableFuture.completedFuture(taken) : round(pull, where, ""));
    }

    private CompletionStage<Taken> round(Pull pull, BitSet where, String order) {
        Deque<Integer> left = new ArrayDeque<>();
        synchronized (this) {
            turn = (turn + 1) % partitions.count();
            where.stream().filter(partition -> partition >= turn).forEach(left::add);
            where.stream().filter(partition -> partition < turn).forEach(left::add);
        }
        return round(pull, left, order, Taken.NOTHING, null);
    }

    /** What is in a partition that is away comes later: it fails only if nothing else answers. */
    private CompletionStage<Taken> round(
            Pull pull, Deque<Integer> left, String order, Taken taken, @Nullable Throwable failure) {
        boolean wanted = taken.entries < pull.count() && !pull.answer().isDone();
        Integer partition = wanted ? left.poll() : null;
        if (partition == null) {
            return failure == null || taken.answered
                    ? CompletableFuture.completedFuture(taken)
                    : CompletableFuture.failedFuture(failure);
        }
        return read(partition, pull, pull.count() - taken.entries, order)
                .handle((some, reason) -> {
                    if (reason == null) {
                        return round(pull, left, order, taken.and(some), failure);
                    }
                    if (RedisCondition.of(reason) != RedisCondition.NO_GROUP) {
                        return round(pull, left, order, taken, reason);
                    }
                    return taken.entries == 0
                            ? CompletableFuture.<Taken>failedFuture(reason)
                            : CompletableFuture.completedFuture(taken); // or it would be lost; the next pull fails
                })
                .thenCompose(next -> next);
    }

    private CompletionStage<Taken> read(int partition, Pull pull, int count, String order) {
        boolean held = order.equals(HELD);
        Walk walk = held ? null : beginLook(partition, pull.claimAfter());
        String[] args = {
            name,
            pull.consumer(),
            Integer.toString(count),
            Long.toString(pull.claimAfter().toMillis()),
            walk == null ? "" : walk.cursor,
            pull.acknowledge() ? "auto" : "",
            !held && isTurnOfNew(partition) ? "new" : order
        };
        String[] keys = {partitions.keys(partition).checkins()};
        return redis.of(partition)
                .send(commands -> PULL.<List<Object>>run(commands, ScriptOutputType.MULTI, keys, args))
                .thenCompose(reply -> {
                    if (!held) {
                        hasLooked(partition, reply, walk);
                    } else if (reply.get(0).equals(MORE) && !pull.answer().isDone()) {
                        return read(partition, pull, count, order);
                    }
                    return CompletableFuture.completedFuture(taken(partition, reply));
                });
    }

    /** The walk that is to look for entries to claim; null if none is due. */
    private synchronized @Nullable Walk beginLook(int partition, Duration claimAfter) {
        long now = System.nanoTime();
        Walk walk = claims[partition].due(claimAfter, now);
        if (walk != null) {
            walk.next = now + Math.min(CLAIM_PAUSE.toNanos(), claimAfter.toNanos());
        }
        return walk;
    }

    private synchronized boolean isTurnOfNew(int partition) {
        return claims[partition].claimingReads >= MOST_CLAIMING_READS;
    }

    /** @param walk what was to look for entries to claim; null if nothing was */
    private synchronized void hasLooked(int partition, List<Object> reply, @Nullable Walk walk) {
        String cursor = (String) reply.get(0);
        long claimed = (Long) reply.get(1);
        List<?> entries = (List<?>) reply.get(2);
        Claims known = claims[partition];
        known.claimingReads = claimed > 0 && claimed == entries.size() ? known.claimingReads + 1 : 0;
        if (walk == null) {
            return;
        }
        boolean looked = !cursor.isEmpty();
        if (looked) {
            walk.cursor = cursor;
        }
        boolean mayBeMore = claimed > 0 && !cursor.equals(BEGINNING);
        if (mayBeMore || !looked) {
            walk.next = System.nanoTime();
        }
    }

    private Taken taken(int partition, List<Object> reply) {
        List<?> entries = (List<?>) reply.get(2);
        List<PulledCheckin> items = new ArrayList<>(entries.size());
        List<String> others = new ArrayList<>();
        for (Object element : entries) {
            List<?> entry = (List<?>) element;
            String id = (String) entry.get(0);
            StoredCheckin checkin = StoredCheckin.from(CheckinId.of(partitions, partition, id), (List<?>) entry.get(1));
            if (checkin != null) {
                items.add(new PulledCheckin(checkin, (Long) entry.get(2)));
            } else {
                others.add(id);
            }
        }
        if (!others.isEmpty()) {
            // no checkins: the processor sets them aside, and nobody else will ever see or acknowledge them. If this
            // fails, they come again.
            CompletionStage<Long> unused = redis.of(partition)
                    .send(commands ->
                            commands.xack(partitions.keys(partition).checkins(), name, others.toArray(String[]::new)));
        }
        return new Taken(items, entries.size(), true);
    }

    /**
     * What a pull was given.
     *
     * @param entries how many there were, with those that are no checkins
     * @param answered whether a partition has answered
     */
    private record Taken(List<PulledCheckin> items, int entries, boolean answered) {

        static final Taken NOTHING = new Taken(List.of(), 0, false);

        Taken and(Taken more) {
            List<PulledCheckin> all = new ArrayList<>(items);
            all.addAll(more.items);
            return new Taken(all, entries + more.entries, true);
        }
    }
}
