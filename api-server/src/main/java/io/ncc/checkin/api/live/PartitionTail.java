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
import java.util.Objects;
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

    /** Whether the position is a time, which the stream may not have reached. */
    private boolean guessed;

    /** Read, and not yet released. */
    private final Deque<LiveEntry> held = new ArrayDeque<>();

    /** All entries below this id have been read; none can come any more. */
    private StreamId bound = StreamId.ZERO;

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

    void begin(StreamId from) {
        position = from;
        guessed = false;
        steps.clear();
        held.clear();
    }

    /** Begins with what is appended from now on to a stream whose end isn't known. */
    void beginNow() {
        begin(new StreamId(System.currentTimeMillis(), 0));
        guessed = true;
    }

    /** The highest id that the stream ever had. */
    CompletionStage<StreamId> end() {
        return redis.send(this::end);
    }

    private CompletionStage<StreamId> end(RedisAsyncCommands<String, String> commands) {
        return commands.xinfoStream(stream)
                .<StreamId>thenApply(info -> StreamId.parse(String.valueOf(value(info, "last-generated-id"))))
                .exceptionallyCompose(failure -> RedisCondition.of(failure) == RedisCondition.NO_GROUP
                        ? CompletableFuture.completedFuture(StreamId.ZERO) // there is no stream yet
                        : CompletableFuture.failedFuture(failure));
    }

    private static @Nullable Object value(List<Object> info, String name) {
        int at = info.indexOf(name);
        return at < 0 ? null : info.get(at + 1);
    }

    /** Waits for the next entries. */
    @SuppressWarnings("unchecked") // of Lettuce's generic varargs
    List<LiveEntry> read(int most, Duration wait) {
        XReadArgs args = XReadArgs.Builder.count(most).block(wait);
        try {
            List<LiveEntry> read = entries(
                    blocking.call(commands -> commands.xread(args, StreamOffset.from(stream, position.toString()))));
            advance(read);
            return read;
        } catch (RedisException e) {
            if (RedisCondition.of(e) == RedisCondition.UNBLOCKED) {
                return List.of(); // the stream was deleted
            }
            throw e;
        }
    }

    private List<LiveEntry> entries(List<StreamMessage<String, String>> read) {
        return read.stream()
                .map(entry -> LiveEntry.of(partitions, partition, entry))
                .toList();
    }

    private void advance(List<LiveEntry> read) {
        if (!read.isEmpty()) {
            steps.put(position, read.get(0).id().entry());
            if (steps.size() > mostSteps) {
                steps.pollFirstEntry();
            }
            position = read.get(read.size() - 1).id().entry();
            guessed = false;
        }
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
            CompletionStage<@Nullable StreamId> end = looks
                    ? end(commands).<@Nullable StreamId>thenApply(id -> id)
                    : CompletableFuture.completedFuture(null);
            return time.thenCombine(
                            read,
                            (now, entries) -> new Next(millis(now), entries, reads && entries.size() < most, null))
                    .thenCombine(end, Next::withEnd);
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
            heardAt = System.nanoTime();
            List<LiveEntry> read = entries(next.read);
            held.addAll(read);
            advance(read);
            if (next.end != null) {
                lookedAt = heardAt;
                noticeReplacement(next.end);
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
     * @param end the highest id that the stream ever had
     * @return whether it was replaced
     */
    boolean noticeReplacement(StreamId end) {
        if (end.compareTo(position) >= 0) {
            return false;
        }
        if (guessed) {
            begin(end);
            return false;
        }
        log.warn("The stream has gone back from {} to {}", position(), CheckinId.of(partitions, partition, end));
        StreamId passed = steps.floorKey(end);
        boolean isTheSame = passed != null && exists(passed);
        begin(isTheSame ? end : StreamId.ZERO);
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

    /** Reads again what has been read. */
    CompletionStage<List<StreamMessage<String, String>>> readAgain(StreamId from, StreamId to, int most) {
        StreamId last = to.compareTo(position) < 0 ? to : position;
        if (from.compareTo(last) > 0) {
            return CompletableFuture.completedFuture(List.of());
        }
        Range<String> range = Range.create(from.toString(), last.toString());
        return redis.send(commands -> commands.xrange(stream, range, Limit.from(most)));
    }

    /**
     * Whether nothing after an id has been trimmed.
     *
     * @param page what there is after it
     */
    CompletionStage<Boolean> isCompleteAfter(StreamId id, List<LiveEntry> page) {
        Map.Entry<StreamId, StreamId> step = steps.floorEntry(id);
        StreamId successor = step == null || step.getValue().compareTo(id) <= 0 ? null : step.getValue();
        boolean known = id.equals(StreamId.ZERO)
                || (partitions.arePartitioned() && id.compareTo(position) >= 0)
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
            CompletionStage<Boolean> untouched = partitions.arePartitioned()
                    ? commands.xinfoStream(stream)
                            .thenApply(PartitionTail::hasLostNothing)
                            .exceptionally(failure -> false)
                    : CompletableFuture.completedFuture(false);
            return any.thenCombine(untouched, Boolean::logicalOr);
        });
    }

    /** Not known to servers before 7.0. */
    private static boolean hasLostNothing(List<Object> info) {
        return Objects.equals(value(info, "entries-added"), value(info, "length"));
    }

    /**
     * What a partition has to give.
     *
     * @param millis the time of its server before it was read
     * @param isAll whether there was nothing after it
     * @param end the highest id that the stream ever had; null if that wasn't asked for
     */
    record Next(
            long millis,
            List<StreamMessage<String, String>> read,
            boolean isAll,
            @Nullable StreamId end) {

        Next withEnd(@Nullable StreamId other) {
            return new Next(millis, read, isAll, other);
        }
    }
}
