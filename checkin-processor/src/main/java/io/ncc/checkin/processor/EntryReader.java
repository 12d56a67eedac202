package io.ncc.checkin.processor;

import io.lettuce.core.Consumer;
import io.lettuce.core.RedisBusyException;
import io.lettuce.core.RedisException;
import io.lettuce.core.StreamMessage;
import io.lettuce.core.UnblockType;
import io.lettuce.core.XGroupCreateArgs;
import io.lettuce.core.XReadArgs;
import io.lettuce.core.XReadArgs.StreamOffset;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.service.Backoff;
import io.ncc.checkin.service.RedisCondition;
import io.ncc.checkin.service.RedisLink;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;

/**
 * Reads the stream as one consumer of the group and hands what it read to the {@link Applier}: first the entries that are pending for
 * this consumer, then new ones. After any failure it begins again, until it is stopped.
 */
final class EntryReader implements SmartLifecycle {

    static final int PHASE = RedisLink.PHASE + 1;

    private static final Logger log = LoggerFactory.getLogger(EntryReader.class);
    private static final String NEW_ENTRIES = ">";
    private static final String FIRST_PENDING = "0-0";
    private static final Duration DRAIN_LIMIT = Duration.ofSeconds(10);

    private final RedisLink readLink;
    private final RedisLink scriptLink;
    private final Applier applier;
    private final String stream;
    private final Consumer<String> consumer;
    private final XReadArgs blocking;
    private final XReadArgs immediate;
    private final Backoff backoff = new Backoff(Duration.ofMillis(20), Duration.ofSeconds(1));
    private volatile @Nullable Thread thread;
    private volatile @Nullable Long clientId;
    private volatile long lastTurn = System.nanoTime();
    private @Nullable RedisCondition trouble;

    EntryReader(
            RedisLink readLink,
            RedisLink scriptLink,
            Applier applier,
            Keys keys,
            String consumer,
            ProcessorProperties properties) {
        this.readLink = readLink;
        this.scriptLink = scriptLink;
        this.applier = applier;
        this.stream = keys.checkins();
        this.consumer = Consumer.from(Keys.GROUP, consumer);
        this.blocking = XReadArgs.Builder.count(properties.batchSize()).block(properties.block());
        this.immediate = XReadArgs.Builder.count(properties.batchSize());
    }

    /** How long ago the loop last completed a turn, also one that failed. It grows only if the loop hangs. */
    Duration sinceLastTurn() {
        return Duration.ofNanos(System.nanoTime() - lastTurn);
    }

    @Override
    public void start() {
        Thread started = new Thread(this::run, "reader");
        thread = started;
        started.start();
        log.info("Consumer {} of group {} reads {}", consumer.getName(), consumer.getGroup(), stream);
    }

    private void run() {
        while (isRunning()) {
            try {
                createGroup();
                readPending();
                readNew();
            } catch (InterruptedException e) {
                return;
            } catch (Exception e) { // only a stop may end this loop
                lastTurn = System.nanoTime();
                enter(RedisCondition.of(e), e);
                pause();
            }
        }
    }

    private void createGroup() {
        try {
            readLink.call(commands -> commands.xgroupCreate(
                    StreamOffset.from(stream, "0"), consumer.getGroup(), XGroupCreateArgs.Builder.mkstream()));
            log.info("Created group {} at the beginning of {}", consumer.getGroup(), stream);
        } catch (RedisBusyException e) {
            // it exists: the normal case
        }
        clientId = readLink.call(commands -> commands.clientId());
    }

    private void readPending() throws InterruptedException {
        applier.awaitIdle(DRAIN_LIMIT); // a batch that is under way would only be read once more
        applier.takeFailure();
        String last = FIRST_PENDING;
        while (isRunning()) {
            List<StreamMessage<String, String>> entries = read(immediate, last);
            if (entries.isEmpty()) {
                return;
            }
            last = entries.get(entries.size() - 1).getId();
            apply(entries.stream().filter(EntryReader::isInStream).toList());
        }
    }

    /** A pending entry that was deleted from the stream comes without fields. */
    private static boolean isInStream(StreamMessage<String, String> entry) {
        boolean there = entry.getBody() != null && !entry.getBody().isEmpty();
        if (!there) {
            log.error("Entry {} was deleted from the stream before it was applied", entry.getId());
        }
        return there;
    }

    private void readNew() throws InterruptedException {
        while (isRunning()) {
            apply(read(blocking, NEW_ENTRIES));
        }
    }

    @SuppressWarnings("unchecked") // of Lettuce's generic varargs
    private List<StreamMessage<String, String>> read(XReadArgs args, String after) {
        List<StreamMessage<String, String>> entries =
                readLink.call(commands -> commands.xreadgroup(consumer, args, StreamOffset.from(stream, after)));
        lastTurn = System.nanoTime();
        return entries;
    }

    /** @throws RedisException if an earlier batch could not be applied: begin again with the pending entries */
    private void apply(List<StreamMessage<String, String>> entries) throws InterruptedException {
        if (!entries.isEmpty()) {
            applier.submit(entries);
        }
        Throwable failure = applier.takeFailure();
        if (failure != null) {
            throw failure instanceof RedisException e ? e : new RedisException(failure);
        }
        leaveTrouble();
    }

    private void enter(RedisCondition condition, Exception cause) {
        if (condition == trouble || !isRunning()) {
            return;
        }
        trouble = condition;
        if (condition.isOutage() || condition == RedisCondition.NO_GROUP) {
            log.warn("Processing is interrupted ({}); entries wait in the stream", condition);
        } else {
            log.error("Processing is interrupted for an unexpected reason; entries wait in the stream", cause);
        }
    }

    private void leaveTrouble() {
        backoff.reset();
        if (trouble != null) {
            trouble = null;
            log.info("Processing goes on");
        }
    }

    private void pause() {
        try {
            TimeUnit.NANOSECONDS.sleep(backoff.next().toNanos());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Stops reading, and waits for what was read to be applied. */
    @Override
    public void stop() {
        Thread running = thread;
        if (running == null) {
            return;
        }
        thread = null;
        endBlockedRead();
        try {
            running.join(DRAIN_LIMIT.toMillis());
            if (!applier.awaitIdle(DRAIN_LIMIT)) {
                log.warn("Stopped with batches under way; another consumer will take over what they leave");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        log.info("Consumer {} stopped", consumer.getName());
    }

    /** Not by interrupting the thread: entries that the server is just handing out would stay behind as pending. */
    private void endBlockedRead() {
        Long id = clientId;
        if (id != null && scriptLink.isConnected()) {
            try {
                scriptLink.call(commands -> commands.clientUnblock(id, UnblockType.TIMEOUT));
            } catch (RedisException e) {
                log.debug("The read could not be ended early", e);
            }
        }
    }

    @Override
    public boolean isRunning() {
        return thread != null;
    }

    @Override
    public int getPhase() {
        return PHASE;
    }
}
