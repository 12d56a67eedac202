package io.ncc.checkin.api.live;

import io.lettuce.core.RedisException;
import io.lettuce.core.StreamMessage;
import io.ncc.checkin.api.ApiProperties;
import io.ncc.checkin.api.partition.CheckinId;
import io.ncc.checkin.api.partition.MergedEntries;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.service.PartitionLinks;
import io.ncc.redis.Backoff;
import io.ncc.redis.RedisCondition;
import io.ncc.redis.RedisLink;
import io.ncc.redis.StreamId;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;

/**
 * The one reader that follows the end of the stream, for all who want to know what comes. It is a loop that only a stop ends; after a failure it
 * goes on where it was.
 *
 * <p>The streams of several partitions are merged in the order of their ids. An entry is published when no other can come before it: when all
 * partitions have been read after the clocks of their servers had passed it. If a partition can't be read for {@link #PATIENCE}, the others
 * are published without it until it is back and has caught up. Its entries are then published late. So is what is appended after a failover to a
 * server whose clock is behind.
 */
@Component
public final class StreamTail implements SmartLifecycle, LiveHub.History {

    private static final Logger log = LoggerFactory.getLogger(StreamTail.class);
    private static final int MOST_AT_ONCE = 1000;
    private static final Duration MOST_BLOCK = Duration.ofMillis(500);
    private static final int MOST_STEPS = 1000;
    private static final int MOST_STEPS_OF_PARTITION = 200;
    private static final Duration LONGEST_TURN = Duration.ofSeconds(30);
    private static final Duration PATIENCE = Duration.ofSeconds(2);

    /** Between two reads, so that what comes close together is handed on together. */
    private static final Duration REST = Duration.ofMillis(10);

    private final Partitions partitions;
    private final List<PartitionTail> tails;
    private final LiveHub hub;
    private final Duration block;

    /** At most so many entries are read of each of several partitions at once. */
    private final int share;

    /** Many partitions are asked less often. */
    private final Duration rest;

    private final Semaphore signals = new Semaphore(0);
    private final List<Consumer<BitSet>> listeners = new CopyOnWriteArrayList<>();
    private @Nullable CheckinId position;

    /** What the clock of Redis said when {@link System#nanoTime} was 0, in milliseconds; of several, the one that is behind. */
    private long clock;

    private List<Integer> away = List.of();

    /** Whether something before what is published next was trimmed unseen, in one of several partitions. */
    private boolean missed;

    private volatile boolean running;
    private volatile long lastTurn = System.nanoTime();
    private volatile @Nullable RedisCondition trouble;
    private volatile Thread thread = new Thread("tail, not started");

    StreamTail(
            PartitionLinks links,
            @Qualifier("tailLinks") PartitionLinks blocking,
            Partitions partitions,
            LiveHub hub,
            ApiProperties properties) {
        this.partitions = partitions;
        int steps = partitions.count() == 1 ? MOST_STEPS : MOST_STEPS_OF_PARTITION;
        this.tails = IntStream.range(0, partitions.count())
                .mapToObj(number -> new PartitionTail(partitions, number, links.of(number), blocking.of(number), steps))
                .toList();
        this.hub = hub;
        Duration half = properties.heartbeat().dividedBy(2); // else it would come later than is said
        this.block = half.compareTo(MOST_BLOCK) < 0 ? half : MOST_BLOCK;
        this.share = Math.max(4 * MOST_AT_ONCE / partitions.count(), 100);
        this.rest = REST.plus(REST.multipliedBy(partitions.count()).dividedBy(64));
    }

    /** The action is run whenever entries have come, with the partitions that have some; it must not wait for anything. */
    public void whenEntriesCome(Consumer<BitSet> action) {
        listeners.add(action);
    }

    /** The action gets all entries that are published, in their order, and late ones when they come; it must not wait for anything. */
    public void whenPublished(Consumer<List<LiveEntry>> action) {
        hub.whenPublished(action);
    }

    /** What stands in the way of following a partition now; null if nothing does. */
    public @Nullable RedisCondition trouble(int partition) {
        RedisCondition ofAll = trouble;
        return ofAll == null ? tails.get(partition).trouble() : ofAll;
    }

    /** Whether the loop makes its turns, also those that fail; if not, only a restart helps. */
    public boolean isTurning() {
        return System.nanoTime() - lastTurn < LONGEST_TURN.toNanos();
    }

    private void run() {
        Backoff backoff = new Backoff(Duration.ofMillis(20), Duration.ofSeconds(1));
        long start = System.nanoTime();
        while (running) {
            lastTurn = System.nanoTime();
            try {
                turn(lastTurn - start > PATIENCE.toNanos());
                backoff.reset();
                if (trouble != null) {
                    trouble = null;
                    log.info("Following the stream goes on");
                }
            } catch (Throwable e) { // only a stop may end this loop
                RedisCondition condition = RedisCondition.of(e);
                if (trouble == null && running) {
                    log.warn("Following the stream is interrupted ({})", condition, condition.isOutage() ? null : e);
                }
                trouble = condition;
                hub.tick();
                pause(backoff.next());
            }
        }
    }

    private void turn(boolean patienceIsOver) {
        CheckinId from = position == null ? begin(patienceIsOver) : position;
        position = from;
        if (tails.size() == 1) {
            follow(from, tails.get(0));
        } else {
            followAll(from);
        }
    }

    /** Begins at the end of all partitions. One that can't be read in time begins with what is appended from now on. */
    private CheckinId begin(boolean patienceIsOver) {
        List<CompletionStage<Long>> clocks =
                tails.stream().map(PartitionTail::clock).toList();
        List<CompletionStage<PartitionTail.State>> states =
                tails.stream().map(PartitionTail::state).toList();
        clock = Long.MAX_VALUE;
        List<PartitionTail> silent = new ArrayList<>();
        CheckinId highest = CheckinId.lowest(partitions, StreamId.ZERO);
        for (int i = 0; i < states.size(); i++) {
            PartitionTail tail = tails.get(i);
            try {
                clock = Math.min(clock, RedisLink.await(clocks.get(i)));
                tail.begin(RedisLink.await(states.get(i)));
                highest = highest.compareTo(tail.position()) < 0 ? tail.position() : highest;
            } catch (RedisException e) {
                silent.add(tail);
                if (!patienceIsOver || silent.size() == tails.size()) {
                    throw e;
                }
            }
        }
        silent.forEach(PartitionTail::beginNow);
        return highest;
    }

    private void follow(CheckinId from, PartitionTail tail) {
        boolean catchingUp = hub.catchUp(this, from);
        List<LiveEntry> read = tail.read(MOST_AT_ONCE, catchingUp ? REST : block);
        if (read.isEmpty()) {
            tail.noticeReplacement(RedisLink.await(tail.state()));
            position = tail.position();
        } else {
            position = tail.position();
            hub.publish(read, from, tail.position(), tail.hasMissed());
            BitSet found = new BitSet();
            found.set(0);
            listeners.forEach(listener -> listener.accept(found));
        }
        hub.tick();
        if (read.size() < MOST_AT_ONCE) {
            pause(REST);
        }
    }

    private void followAll(CheckinId from) {
        boolean catchingUp = catchUp(from);
        List<CompletionStage<PartitionTail.Next>> asked =
                tails.stream().map(tail -> tail.ask(share)).toList();
        BitSet found = new BitSet();
        boolean full = false;
        for (int i = 0; i < asked.size(); i++) {
            int count = tails.get(i).take(asked.get(i));
            found.set(i, count > 0);
            full |= count == share;
            missed |= tails.get(i).hasMissed();
        }
        if (!found.isEmpty()) {
            listeners.forEach(listener -> listener.accept(found));
        }
        tellWhoIsAway();
        publishBelowBound(from);
        hub.tick();
        if (full) {
            return;
        }
        if (!catchingUp && tails.stream().noneMatch(PartitionTail::isHolding)) {
            awaitSignal();
        }
        pause(rest);
    }

    /** Those who are behind need what a partition has that doesn't answer; the others don't. */
    private boolean catchUp(CheckinId from) {
        try {
            return hub.catchUp(this, from);
        } catch (RedisException e) {
            log.debug("Some who follow the stream can't be sent what they missed now", e);
            return true;
        }
    }

    private void tellWhoIsAway() {
        List<Integer> now = tails.stream()
                .filter(tail -> tail.isAway(PATIENCE))
                .map(PartitionTail::partition)
                .toList();
        if (!now.equals(away)) {
            log.info("Followed without the partitions {}", now);
            away = now;
            hub.away(now);
        }
        if (tails.stream().filter(PartitionTail::wasReplaced).count() > 0) {
            hub.gap();
        }
    }

    private void publishBelowBound(CheckinId from) {
        StreamId bound = tails.stream()
                .filter(tail -> !tail.isLate(PATIENCE, from.entry()))
                .map(PartitionTail::bound)
                .min(Comparator.naturalOrder())
                .orElse(from.entry());
        List<LiveEntry> late = new ArrayList<>();
        List<LiveEntry> next = new ArrayList<>();
        for (PartitionTail tail : tails) {
            for (LiveEntry entry : tail.release(bound)) {
                (entry.id().compareTo(from) > 0 ? next : late).add(entry);
            }
        }
        late.sort(Comparator.comparing(LiveEntry::id));
        if (missed && !late.isEmpty()) {
            hub.gap(); // perhaps it would have come late, too
            missed = false;
        }
        hub.publishLate(late);
        if (!next.isEmpty()) {
            next.sort(Comparator.comparing(LiveEntry::id));
            CheckinId upTo = next.get(next.size() - 1).id();
            position = upTo;
            hub.publish(next, from, upTo, missed);
            missed = false;
        }
    }

    private void awaitSignal() {
        tails.forEach(tail -> tail.watch(block, signals::release));
        try {
            boolean unused = signals.tryAcquire(block.toNanos(), TimeUnit.NANOSECONDS);
            signals.drainPermits();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public List<LiveEntry> between(CheckinId from, CheckinId to) {
        MergedEntries<StreamMessage<String, String>> entries = new MergedEntries<>(
                partitions,
                false,
                MOST_AT_ONCE,
                entry -> StreamId.parse(entry.getId()),
                (partition, last, count) -> away.contains(partition)
                        ? CompletableFuture.completedFuture(List.of())
                        : tails.get(partition)
                                .readAgain(
                                        last == null ? from.lowestIn(partition) : last.next(),
                                        to.highestIn(partition),
                                        count));
        List<LiveEntry> page = new ArrayList<>();
        for (var next = entries.next(); next != null; next = page.size() < MOST_AT_ONCE ? entries.next() : null) {
            page.add(new LiveEntry(next.id(), next.entry().getBody()));
        }
        return page;
    }

    @Override
    public boolean isComplete(CheckinId from, List<LiveEntry> page) {
        List<CompletionStage<Boolean>> complete = tails.stream()
                .map(tail -> tail.isCompleteAfter(from.highestIn(tail.partition()), page))
                .toList();
        return away.isEmpty() && complete.stream().allMatch(RedisLink::await);
    }

    @Override
    public CheckinId before(long nanos) {
        long millis = clock + Math.floorDiv(nanos, PartitionTail.NANOS_PER_MILLI) - 1;
        return CheckinId.lowest(partitions, new StreamId(Math.max(millis, 0), 0));
    }

    @Override
    public boolean isBeyondEnd(CheckinId id) {
        int partition = id.partition();
        return !away.contains(partition)
                && id.entry()
                                .compareTo(RedisLink.await(tails.get(partition).state())
                                        .last())
                        > 0;
    }

    private static void pause(Duration duration) {
        try {
            TimeUnit.NANOSECONDS.sleep(duration.toNanos());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void start() {
        running = true;
        hub.open();
        thread = new Thread(this::run, "tail");
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public void stop() {
        running = false;
        hub.closeAll();
        signals.release();
        try {
            thread.join(MOST_BLOCK.multipliedBy(3).toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public boolean isRunning() {
        return running;
    }

    /** Stops before the web server waits for its requests: a client that follows would never end its own. */
    @Override
    public int getPhase() {
        return Integer.MAX_VALUE;
    }
}
