package io.ncc.checkin.api.live;

import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.lettuce.core.RedisException;
import io.lettuce.core.StreamMessage;
import io.lettuce.core.XReadArgs;
import io.lettuce.core.XReadArgs.StreamOffset;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.ncc.checkin.api.partition.CheckinId;
import io.ncc.checkin.model.Partitions;
import io.ncc.redis.RedisCondition;
import io.ncc.redis.RedisLink;
import io.ncc.redis.StreamId;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The end of the stream of one partition, and how far the tail has read it. All but {@link #trouble} is of the tail's thread. */
final class PartitionTail {

    private static final Logger log = LoggerFactory.getLogger(PartitionTail.class);

    private static final long REPLACEMENT_NOTICED_WITHIN = TimeUnit.SECONDS.toNanos(1);

    /** In nanoseconds, from one read to the next. */
    private static final long LONG_PAUSE = TimeUnit.SECONDS.toNanos(1);

    static final long NANOS_PER_MILLI = TimeUnit.MILLISECONDS.toNanos(1);

    /** How many entries may wait for other partitions. */
    private static final int MOST_HELD = 1000;

    private final Partitions partitions;
    private final int partition;
    private final RedisLink redis;
    private final RedisLink blocking;
    private final String stream;
    private final int mostSteps;

    /** From a position to the entry that came next. */
    private final TreeMap<StreamId, StreamId> steps = new TreeMap<>();

    private StreamId position = StreamId.ZERO;

    /** How many entries the stream has ever had up to the position; null if that isn't known. */
    private @Nullable Long added;

    /** Whether the last read failed, or left something for the next one. */
    private boolean behind;

    /** Whether something was trimmed before it could be read. */
    private boolean missed;

    /** A client that has seen nothing above this id may have missed something: it was trimmed before it could be read, or was in a stream that was replaced. */
    private StreamId missedAfter = StreamId.ZERO;

    /** Whether the position is a time, which the stream may not have reached. */
    private boolean guessed;

    /** Read, and not yet released. */
    private final Deque<LiveEntry> held = new ArrayDeque<>();

    /** All entries below this id have been read; none can come any more. */
    private StreamId bound = StreamId.ZERO;

    /** Whether the other partitions don't wait for this one, because it is away, or was away and hasn't caught up with what was published meanwhile. */
    private boolean late;

    private long heardAt = System.nanoTime();
    private long lookedAt = System.nanoTime();
    private boolean replaced;
    private CompletionStage<?> watch = CompletableFuture.completedFuture(null);
    private volatile @Nullable RedisCondition trouble;

    /**
     * @param redis for all that doesn't block
     * @param blocking for what does
     * @param mostSteps how many of the last positions to remember
     */
    PartitionTail(Partitions partitions, int partition, RedisLink redis, RedisLink blocking, int mostSteps) {
        this.partitions = partitions;
        this.partition = partition;
        this.redis = redis;
        this.blocking = blocking;
        this.stream = partitions.keys(partition).checkins();
        this.mostSteps = mostSteps;
    }

    int partition() {
        return partition;
    }

    /** Up to where the stream has been read. */
    CheckinId position() {
        return CheckinId.of(partitions, partition, position);
    }

    /** Begins at the end of the stream. */
    void begin(State state) {
        begin(state.last, state.added);
        heardAt = System.nanoTime();
    }

    private void begin(StreamId from, @Nullable Long addedUpToIt) {
        position = from;
        added = from.equals(StreamId.ZERO) ? Long.valueOf(0) : addedUpToIt;
        behind = false;
        guessed = false;
        steps.clear();
        held.clear();
    }

    /** Begins with what is appended from now on to a stream whose end isn't known. */
    void beginNow() {
        begin(new StreamId(System.currentTimeMillis(), 0), null);
        guessed = true;
    }

    /** What the clock of the server said when {@link System#nanoTime} was 0, in milliseconds; a bit less, as the answer takes its time. */
    CompletionStage<Long> clock() {
        return redis.send(commands -> commands.time())
                .thenApply(time -> millis(time) - Math.floorDiv(System.nanoTime(), NANOS_PER_MILLI) - 1);
    }

    CompletionStage<State> state() {
        return redis.send(this::state);
    }

    private CompletionStage<State> state(RedisAsyncCommands<String, String> commands) {
        return commands.xinfoStream(stream)
                .<State>thenApply(State::of)
                .exceptionallyCompose(failure -> RedisCondition.of(failure) == RedisCondition.NO_GROUP
                        ? CompletableFuture.completedFuture(State.NONE)
                        : CompletableFuture.failedFuture(failure));
    }

    /** Waits for the next entries. */
    @SuppressWarnings("unchecked") // of Lettuce's generic varargs
    List<LiveEntry> read(int most, Duration wait) {
        XReadArgs args = XReadArgs.Builder.count(most).block(wait);
        try {
            List<LiveEntry> read = entries(
                    blocking.call(commands -> commands.xread(args, StreamOffset.from(stream, position.toString()))));
            if (!read.isEmpty()) {
                advance(read, blocking.call(this::state));
            }
            behind = read.size() == most;
            heardAt = System.nanoTime();
            return read;
        } catch (RedisException e) {
            if (RedisCondition.of(e) == RedisCondition.UNBLOCKED) {
                return List.of(); // the stream was deleted
            }
            behind = true;
            throw e;
        }
    }

    private List<LiveEntry> entries(List<StreamMessage<String, String>> read) {
        return read.stream()
                .map(entry -> LiveEntry.of(partitions, partition, entry))
                .toList();
    }

    /** @param state of the stream after the read */
    private void advance(List<LiveEntry> read, State state) {
        List<StreamId> ids = read.stream().map(entry -> entry.id().entry()).toList();
        Long before = state.addedBefore(ids);
        if (!follows(before, state)) {
            missed = true;
            missAfterPosition();
        } else if (!position.equals(StreamId.ZERO) || isFirstStream()) {
            steps.put(position, ids.get(0));
            if (steps.size() > mostSteps) {
                steps.pollFirstEntry();
            }
        }
        Long start = before == null || state.hasLost(ids) ? added : before;
        added = start == null ? null : start + ids.size();
        position = ids.get(ids.size() - 1);
        guessed = false;
    }

    /**
     * Whether its first entry follows the beginning. Without partitions that can't be known: before this server started, there may have been another
     * stream. With partitions it is taken so, because in a partition with few entries the first one is often a later one.
     */
    private boolean isFirstStream() {
        return partitions.arePartitioned() && missedAfter.equals(StreamId.ZERO);
    }

    private void missAfterPosition() {
        missedAfter = position.compareTo(missedAfter) > 0 ? position : missedAfter;
    }

    /** Whether nothing between the position and what was read after it had been trimmed. */
    private boolean follows(@Nullable Long before, State state) {
        if (state.reachesBackTo(position)) {
            return true;
        }
        if (before != null && added != null) {
            return before.equals(added);
        }
        // a server before 7.0 doesn't tell: there was hardly time for it, unless the read comes late
        return state.hasLostNothing() || (!behind && System.nanoTime() - heardAt < LONG_PAUSE);
    }

    /** Whether something was trimmed before it could be read, since the last call. */
    boolean hasMissed() {
        boolean has = missed;
        missed = false;
        return has;
    }

    /** Signals once when there are entries after the position, within a time. To be called again after that. */
    @SuppressWarnings("unchecked") // of Lettuce's generic varargs
    void watch(Duration time, Runnable signal) {
        if (watch.toCompletableFuture().isDone()) {
            XReadArgs args = XReadArgs.Builder.count(1).block(time);
            String after = position.toString();
            watch = blocking.send(commands -> commands.xread(args, StreamOffset.from(stream, after)))
                    .whenComplete((entries, failure) -> {
                        if (failure == null && !entries.isEmpty()) {
                            signal.run();
                        }
                    });
        }
    }

    /** Asks for the time of the server, then for the next entries; to be followed by {@link #take}. */
    CompletionStage<Next> ask(int most) {
        boolean reads = held.size() < MOST_HELD;
        boolean looks = System.nanoTime() - lookedAt > REPLACEMENT_NOTICED_WITHIN;
        Range<String> rest = Range.create(position.next().toString(), "+");
        return redis.send(commands -> {
            CompletionStage<List<String>> time = commands.time();
            CompletionStage<List<StreamMessage<String, String>>> read = reads
                    ? commands.xrange(stream, rest, Limit.from(most))
                    : CompletableFuture.completedFuture(List.of());
            CompletionStage<@Nullable State> state = read.thenCompose(entries -> looks || !entries.isEmpty()
                    ? state(commands).<@Nullable State>thenApply(known -> known)
                    : CompletableFuture.completedFuture(null));
            return time.thenCombine(
                            read,
                            (now, entries) -> new Next(millis(now), entries, reads && entries.size() < most, null))
                    .thenCombine(state, Next::withState);
        });
    }

    private static long millis(List<String> time) {
        return Long.parseLong(time.get(0)) * 1000 + Long.parseLong(time.get(1)) / 1000;
    }

    /**
     * Takes what was asked for. A failure leaves everything as it is.
     *
     * @return how many entries there are
     */
    int take(CompletionStage<Next> asked) {
        try {
            Next next = RedisLink.await(asked);
            List<LiveEntry> read = entries(next.read);
            held.addAll(read);
            if (!read.isEmpty() && next.state != null) {
                advance(read, next.state);
            }
            behind = !next.isAll;
            heardAt = System.nanoTime();
            if (next.state != null) {
                lookedAt = heardAt;
                noticeReplacement(next.state);
            }
            // as a stream's ids grow, nothing comes below the last one, and none below the time at which nothing was
            // left
            StreamId afterLast = position.next();
            StreamId now = new StreamId(next.millis, 0);
            bound = next.isAll && now.compareTo(afterLast) > 0 ? now : afterLast;
            if (trouble != null) {
                log.info("Following partition {} goes on", partition);
            }
            trouble = null;
            return read.size();
        } catch (RedisException e) {
            RedisCondition condition = RedisCondition.of(e);
            if (trouble == null) {
                log.warn(
                        "Following partition {} is interrupted ({})",
                        partition,
                        condition,
                        condition.isOutage() ? null : e);
            }
            trouble = condition;
            behind = true;
            return 0;
        }
    }

    /** What stands in the way of following now; null if nothing does. */
    @Nullable
    RedisCondition trouble() {
        return trouble;
    }

    /** Whether nothing has been heard for so long. */
    boolean isAway(Duration patience) {
        return trouble != null && System.nanoTime() - heardAt > patience.toNanos();
    }

    /**
     * Whether the other partitions don't wait for this one. A partition that comes back with a backlog would delay them until all of it is read.
     *
     * @param patience with one that is away
     * @param published up to where something has been published
     */
    boolean isLate(Duration patience, StreamId published) {
        if (isAway(patience)) {
            late = true;
        } else if (!behind || bound.compareTo(published) >= 0) {
            late = false; // !behind is needed if the clock of its server is behind: its bound would never reach what
            // is published
        }
        return late;
    }

    StreamId bound() {
        return bound;
    }

    /** Of what was read, that below an id, in order. */
    List<LiveEntry> release(StreamId below) {
        List<LiveEntry> released = new ArrayList<>();
        while (!held.isEmpty() && held.element().id().entry().compareTo(below) < 0) {
            released.add(held.remove());
        }
        return released;
    }

    boolean isHolding() {
        return !held.isEmpty();
    }

    /**
     * A stream that lost its newest entries in a failover goes on at its end: the others have been published. One that was deleted and made
     * anew is published from its beginning.
     *
     * @return whether it was replaced
     */
    boolean noticeReplacement(State state) {
        StreamId end = state.last;
        if (end.compareTo(position) >= 0) {
            return false;
        }
        if (guessed) {
            begin(state);
            return false;
        }
        log.warn("The stream has gone back from {} to {}", position(), CheckinId.of(partitions, partition, end));
        StreamId passed = steps.floorKey(end);
        boolean isTheSame = passed != null && exists(passed);
        if (!isTheSame) {
            missAfterPosition();
        }
        begin(isTheSame ? state : State.NONE);
        replaced = true;
        return true;
    }

    /** Whether the stream was replaced since the last call. */
    boolean wasReplaced() {
        boolean was = replaced;
        replaced = false;
        return was;
    }

    private boolean exists(StreamId id) {
        Range<String> range = Range.create(id.toString(), id.toString());
        return !redis.call(commands -> commands.xrange(stream, range, Limit.from(1)))
                .isEmpty();
    }

    /** Reads again what has been released: what is held comes later. */
    CompletionStage<List<StreamMessage<String, String>>> readAgain(StreamId from, StreamId to, int most) {
        StreamId end = held.isEmpty() ? position : held.element().id().entry().previous();
        StreamId last = to.compareTo(end) < 0 ? to : end;
        if (from.compareTo(last) > 0) {
            return CompletableFuture.completedFuture(List.of());
        }
        Range<String> range = Range.create(from.toString(), last.toString());
        return redis.send(commands -> commands.xrange(stream, range, Limit.from(most)));
    }

    /**
     * Whether nothing after an id has been trimmed, or is gone with a stream that was replaced.
     *
     * @param page what there is after it
     */
    CompletionStage<Boolean> isCompleteAfter(StreamId id, List<LiveEntry> page) {
        Map.Entry<StreamId, StreamId> step = steps.floorEntry(id);
        StreamId successor = step == null || step.getValue().compareTo(id) <= 0 ? null : step.getValue();
        // an id that is in none of its partitions is possible: with partitions, a client has one position for all
        boolean maybeUntouched = partitions.arePartitioned() && id.compareTo(missedAfter) > 0;
        boolean known = id.equals(StreamId.ZERO)
                || (maybeUntouched && id.compareTo(position) >= 0)
                || page.stream()
                        .filter(entry -> entry.id().partition() == partition)
                        .map(entry -> entry.id().entry())
                        .findFirst()
                        .filter(first -> first.equals(id) || first.equals(successor))
                        .isPresent();
        if (known) {
            return CompletableFuture.completedFuture(true);
        }
        Range<String> upTo = Range.create("-", id.toString());
        return redis.send(commands -> {
            CompletionStage<Boolean> any =
                    commands.xrange(stream, upTo, Limit.from(1)).thenApply(found -> !found.isEmpty());
            // in a partition with few entries, the first one is often a later one
            CompletionStage<Boolean> untouched = maybeUntouched
                    ? state(commands).thenApply(State::hasLostNothing).exceptionally(failure -> false)
                    : CompletableFuture.completedFuture(false);
            return any.thenCombine(untouched, Boolean::logicalOr);
        });
    }

    /**
     * What XINFO says of the stream.
     *
     * @param last the highest id that it ever had
     * @param first that of its first entry; null if it has none
     * @param added how many entries it ever had; null if that isn't known, as before Redis 7.0
     */
    record State(
            StreamId last,
            @Nullable StreamId first,
            long length,
            @Nullable Long added) {

        /** There is no stream. */
        static final State NONE = new State(StreamId.ZERO, null, 0, null);

        static State of(List<Object> info) {
            Object first = value(info, "first-entry");
            return new State(
                    StreamId.parse(String.valueOf(value(info, "last-generated-id"))),
                    first instanceof List<?> entry ? StreamId.parse(String.valueOf(entry.get(0))) : null,
                    value(info, "length") instanceof Long length ? length : 0,
                    value(info, "entries-added") instanceof Long added ? added : null);
        }

        private static @Nullable Object value(List<Object> info, String name) {
            int at = info.indexOf(name);
            return at < 0 ? null : info.get(at + 1);
        }

        boolean hasLostNothing() {
            return added != null && added == length;
        }

        /** Whether it still has an entry up to this id, so that it has lost none after it. */
        boolean reachesBackTo(StreamId id) {
            return first != null && first.compareTo(id) <= 0;
        }

        /** Whether all of these were trimmed since they were read, and perhaps others after them. */
        boolean hasLost(List<StreamId> read) {
            StreamId end = read.get(read.size() - 1);
            return !last.equals(end) && !reachesBackTo(end);
        }

        /**
         * How many entries it ever had before the first of these, which were read just now; null if that isn't known. If it {@linkplain #hasLost has
         * lost} them, those that it lost after them count, too.
         */
        @Nullable
        Long addedBefore(List<StreamId> read) {
            if (added == null) {
                return null;
            }
            StreamId start = read.get(0);
            if (last.equals(read.get(read.size() - 1))) {
                return added - read.size();
            }
            if (reachesBackTo(start) && !start.equals(first)) {
                return null;
            }
            int trimmed = first == null ? -1 : read.indexOf(first); // since it was read, while others were appended
            return added - length - (trimmed < 0 ? read.size() : trimmed);
        }
    }

    /**
     * What a partition has to give.
     *
     * @param millis the time of its server before it was read
     * @param isAll whether there was nothing after it
     * @param state of the stream after the read; null if nothing was read, and it wasn't asked for
     */
    record Next(
            long millis,
            List<StreamMessage<String, String>> read,
            boolean isAll,
            @Nullable State state) {

        Next withState(@Nullable State other) {
            return new Next(millis, read, isAll, other);
        }
    }
}
