package io.ncc.engine;

import io.lettuce.core.RedisException;
import io.lettuce.core.UnblockType;
import io.ncc.redis.Backoff;
import io.ncc.redis.RedisCondition;
import io.ncc.redis.RedisLink;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The loop that reads entries and passes them to the {@link Applier}. After a failure of its own or of the applier, it starts again with the
 * entries that are not settled. Only a stop ends it. It also logs when processing is interrupted, and why.
 */
final class EntryReader {

    private static final Logger log = LoggerFactory.getLogger(EntryReader.class);
    private static final Duration DRAIN_LIMIT = Duration.ofSeconds(10);

    private final String name;
    private final EntrySource source;
    private final RedisLink scriptLink;
    private final Applier applier;
    private final Backoff backoff = new Backoff(Duration.ofMillis(20), Duration.ofSeconds(1));
    private volatile Thread thread = new Thread("reader, not started");
    private volatile CountDownLatch stopping = new CountDownLatch(1);
    private volatile @Nullable Long clientId;
    private volatile long lastTurn = System.nanoTime();
    private volatile @Nullable RedisCondition trouble;
    private volatile @Nullable String damage;
    private final Set<RedisCondition> reported = EnumSet.noneOf(RedisCondition.class);

    /** @param name of its thread */
    EntryReader(String name, EntrySource source, RedisLink scriptLink, Applier applier) {
        this.name = name;
        this.source = source;
        this.scriptLink = scriptLink;
        this.applier = applier;
    }

    /** The time since the last turn of the loop ended, whether it succeeded or failed. It keeps growing only if the loop hangs. */
    Duration sinceLastTurn() {
        return Duration.ofNanos(System.nanoTime() - lastTurn);
    }

    /** The condition that now prevents processing; null if there is none. */
    @Nullable
    RedisCondition trouble() {
        return trouble;
    }

    /** What is damaged, as the failure says it; null if it doesn't. */
    @Nullable
    String damage() {
        return damage;
    }

    void start() {
        stopping = new CountDownLatch(1);
        thread = new Thread(this::run, name);
        thread.start();
    }

    private void run() {
        while (!isStopping()) {
            try {
                readAgainAndAgain();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            } catch (OutOfMemoryError e) {
                turned(); // no memory left to log or report it
            }
        }
    }

    private void readAgainAndAgain() throws InterruptedException {
        while (!isStopping()) {
            try {
                readUntilFailure();
            } catch (InterruptedException e) {
                throw e;
            } catch (Throwable e) { // only a stop may end this loop
                turned();
                enterTrouble(e);
                stopping.await(backoff.next().toNanos(), TimeUnit.NANOSECONDS);
            }
        }
    }

    private void readUntilFailure() throws InterruptedException {
        clientId = clientId();
        applier.awaitIdle(DRAIN_LIMIT); // or the entries of batches in flight would be read again
        applier.takeFailure();
        Batch stalled = applier.stalled();
        source.open();
        if (stalled != null) {
            apply(new Batch(stalled.entries(), false)); // the stream may be another one by now
        }
        while (!isStopping() || source.isAhead()) {
            apply(source.next(!isStopping()));
        }
    }

    private void apply(Batch batch) throws InterruptedException {
        applier.submit(batch, source.pageSize(), this::turned);
        if (trouble != null) {
            applier.awaitIdle(DRAIN_LIMIT); // the trouble lasts until this batch has succeeded
        }
        throwIfFailed();
        turned();
        leaveTrouble();
    }

    /** The id with which a stop ends a blocked read. Null if the Redis user may not ask for it: a stop then waits for the read. */
    private @Nullable Long clientId() {
        try {
            return source.link().call(commands -> commands.clientId());
        } catch (RedisException e) {
            if (RedisCondition.of(e) != RedisCondition.FORBIDDEN) {
                throw e;
            }
            return null;
        }
    }

    private void turned() {
        lastTurn = System.nanoTime();
    }

    /** @throws RedisException if an earlier batch could not be applied */
    private void throwIfFailed() {
        Throwable failure = applier.takeFailure();
        if (failure != null) {
            throw new RedisException(failure);
        }
    }

    private void enterTrouble(Throwable cause) {
        RedisCondition condition = RedisCondition.of(cause);
        damage = RedisCondition.damageIn(cause);
        trouble = condition;
        boolean toldWhy = condition == RedisCondition.AWAY && !reported.isEmpty(); // dropped for a logged reason
        if (isStopping() || toldWhy || !reported.add(condition)) {
            return;
        }
        if (condition.isOutage() || condition == RedisCondition.NO_GROUP) {
            log.warn("Processing is interrupted ({}); entries wait in the stream", condition);
        } else {
            log.error("Processing is interrupted ({}); entries wait in the stream", condition, cause);
        }
    }

    private void leaveTrouble() {
        backoff.reset();
        if (trouble != null) {
            trouble = null;
            damage = null;
            reported.clear();
            log.info("Processing goes on");
        }
    }

    /** Stops reading, waits for what was read to be applied, and leaves the group. */
    void stop() {
        stopping.countDown();
        endBlockedRead();
        try {
            thread.join(DRAIN_LIMIT.toMillis());
            if (applier.awaitIdle(DRAIN_LIMIT)) {
                source.leave();
            } else {
                log.warn("Stopped with batches in flight; another consumer will claim the entries that stay pending");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RedisException e) {
            log.warn("Stopped without leaving the group ({})", RedisCondition.of(e));
        }
    }

    /** Unblocks the client instead of interrupting the thread: entries in a reply that nobody reads would stay pending. */
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

    private boolean isStopping() {
        return stopping.getCount() == 0;
    }
}
