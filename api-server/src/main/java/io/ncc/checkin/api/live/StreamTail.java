package io.ncc.checkin.api.live;

import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.RedisException;
import io.lettuce.core.StreamMessage;
import io.lettuce.core.XReadArgs;
import io.lettuce.core.XReadArgs.StreamOffset;
import io.ncc.checkin.api.ApiProperties;
import io.ncc.checkin.api.partition.CheckinId;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.service.PartitionLinks;
import io.ncc.redis.Backoff;
import io.ncc.redis.RedisCondition;
import io.ncc.redis.RedisLink;
import io.ncc.redis.StreamId;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;

/**
 * The one reader that follows the end of the stream, for all who want to know what comes. It is a loop that only a stop ends; after a failure it
 * goes on where it was.
 */
@Component
public final class StreamTail implements SmartLifecycle, LiveHub.History {

    private static final Logger log = LoggerFactory.getLogger(StreamTail.class);
    private static final int MOST_AT_ONCE = 1000;
    private static final Duration MOST_BLOCK = Duration.ofMillis(500);
    private static final int MOST_PASSED = 1000;
    private static final Duration LONGEST_TURN = Duration.ofSeconds(30);

    /** Between two reads, so that what comes close together is handed on together. */
    private static final Duration REST = Duration.ofMillis(10);

    private final RedisLink redis;
    private final Partitions partitions;
    private final String stream;
    private final CheckinId beginning;
    private final LiveHub hub;
    private final Duration block;

    /** The last positions. */
    private final Deque<CheckinId> passed = new ArrayDeque<>();

    /** Of the last positions: the ids of the entries that came next. */
    private final Map<CheckinId, CheckinId> successors = new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<CheckinId, CheckinId> eldest) {
            return size() > MOST_PASSED;
        }
    };

    private final List<Runnable> listeners = new CopyOnWriteArrayList<>();
    private volatile CheckinId position;
    private volatile boolean positioned;
    private volatile boolean running;
    private volatile long lastTurn = System.nanoTime();
    private volatile @Nullable RedisCondition trouble;
    private volatile Thread thread = new Thread("tail, not started");

    StreamTail(
            @Qualifier("tailLinks") PartitionLinks links,
            Partitions partitions,
            LiveHub hub,
            ApiProperties properties) {
        this.redis = links.of(0);
        this.partitions = partitions;
        this.stream = partitions.keys(0).checkins();
        this.beginning = CheckinId.lowest(partitions, StreamId.ZERO);
        this.position = beginning;
        this.hub = hub;
        Duration half = properties.heartbeat().dividedBy(2); // else it would come later than is said
        this.block = half.compareTo(MOST_BLOCK) < 0 ? half : MOST_BLOCK;
    }

    /** The action is run whenever entries have come; it must not wait for anything. */
    public void whenEntriesCome(Runnable action) {
        listeners.add(action);
    }

    /** What stands in the way of following now; null if nothing does. */
    public @Nullable RedisCondition trouble() {
        return trouble;
    }

    /** Whether the loop makes its turns, also those that fail; if not, only a restart helps. */
    public boolean isTurning() {
        return System.nanoTime() - lastTurn < LONGEST_TURN.toNanos();
    }

    private void run() {
        Backoff backoff = new Backoff(Duration.ofMillis(20), Duration.ofSeconds(1));
        while (running) {
            lastTurn = System.nanoTime();
            try {
                turn();
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

    private void turn() {
        if (!positioned) {
            moveTo(end());
            positioned = true;
        }
        boolean catchingUp = hub.catchUp(this, position);
        List<LiveEntry> read = read(catchingUp ? REST : block);
        if (read.isEmpty()) {
            noticeReplacement();
        } else {
            CheckinId before = position;
            successors.put(before, read.get(0).id());
            moveTo(read.get(read.size() - 1).id());
            hub.publish(read, before, position);
            listeners.forEach(Runnable::run);
        }
        hub.tick();
        if (read.size() < MOST_AT_ONCE) {
            pause(REST);
        }
    }

    private void moveTo(CheckinId id) {
        position = id;
        passed.addFirst(id);
        if (passed.size() > MOST_PASSED) {
            passed.removeLast();
        }
    }

    @SuppressWarnings("unchecked") // of Lettuce's generic varargs
    private List<LiveEntry> read(Duration block) {
        XReadArgs args = XReadArgs.Builder.count(MOST_AT_ONCE).block(block);
        try {
            String after = position.entry().toString();
            return entries(redis.call(commands -> commands.xread(args, StreamOffset.from(stream, after))));
        } catch (RedisException e) {
            if (RedisCondition.of(e) == RedisCondition.UNBLOCKED) {
                return List.of(); // the stream was deleted
            }
            throw e;
        }
    }

    @Override
    public List<LiveEntry> between(CheckinId from, CheckinId to) {
        Range<String> range = Range.create(from.entry().toString(), to.entry().toString());
        return entries(redis.call(commands -> commands.xrange(stream, range, Limit.from(MOST_AT_ONCE))));
    }

    private List<LiveEntry> entries(List<StreamMessage<String, String>> read) {
        return read.stream().map(entry -> LiveEntry.of(partitions, 0, entry)).toList();
    }

    @Override
    public boolean anyUpTo(CheckinId id) {
        Range<String> range = Range.create("-", id.entry().toString());
        return !redis.call(commands -> commands.xrange(stream, range, Limit.from(1)))
                .isEmpty();
    }

    @Override
    public @Nullable CheckinId successor(CheckinId id) {
        return successors.get(id);
    }

    @Override
    public CheckinId end() {
        try {
            List<Object> info = redis.call(commands -> commands.xinfoStream(stream));
            return CheckinId.of(partitions, 0, (String) info.get(info.indexOf("last-generated-id") + 1));
        } catch (RedisCommandExecutionException e) {
            if (RedisCondition.of(e) == RedisCondition.NO_GROUP) {
                return beginning; // there is no stream yet
            }
            throw e;
        }
    }

    /**
     * A stream that lost its newest entries in a failover goes on at its end: the others have been published. One that was deleted and made
     * anew is published from its beginning. Whoever follows is ahead of it in both cases, and is told so.
     */
    private void noticeReplacement() {
        CheckinId end = end();
        if (end.compareTo(position) < 0) {
            log.warn("The stream has gone back from {} to {}", position, end);
            boolean isTheSame = passed.stream()
                    .filter(id -> id.compareTo(end) <= 0)
                    .findFirst()
                    .filter(id -> !between(id, id).isEmpty())
                    .isPresent();
            passed.clear();
            successors.clear();
            moveTo(isTheSame ? end : beginning);
        }
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
