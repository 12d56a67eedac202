package io.ncc.checkin.processor;

import io.lettuce.core.StreamMessage;
import io.lettuce.core.api.StatefulRedisConnection;
import io.ncc.checkin.processor.CheckinProjection.Outcome;
import io.ncc.checkin.service.RedisCondition;
import io.ncc.checkin.service.RedisLink;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has batches of entries applied, several at a time. What could not be applied stays pending; {@link #takeFailure} tells the reader to
 * look at its pending entries again.
 */
final class Applier {

    private static final Logger log = LoggerFactory.getLogger(Applier.class);

    private final RedisLink redis;
    private final CheckinProjection projection;
    private final ProcessorMetrics metrics;
    private final int maxInFlight;
    private final Semaphore slots;
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

    Applier(RedisLink redis, CheckinProjection projection, ProcessorMetrics metrics, int maxInFlight) {
        this.redis = redis;
        this.projection = projection;
        this.metrics = metrics;
        this.maxInFlight = maxInFlight;
        this.slots = new Semaphore(maxInFlight);
    }

    /**
     * Sends a batch off, as soon as one of the slots is free.
     *
     * @param entries pending ones, ascending by id, with their fields
     */
    void submit(List<StreamMessage<String, String>> entries) throws InterruptedException {
        slots.acquire();
        long start = System.nanoTime();
        applyOrSplit(entries).whenComplete((outcome, error) -> {
            if (outcome != null) {
                metrics.applied(entries.size(), outcome, System.nanoTime() - start);
                outcome.rejected()
                        .forEach(rejected -> log.warn(
                                "Entry {} can't be applied and stays pending: {}", rejected.id(), rejected.reason()));
            } else {
                failure.compareAndSet(null, error);
            }
            slots.release();
        });
    }

    /** A batch that fails for a reason that waiting won't mend is applied entry by entry, so that only the guilty one stays behind. */
    private CompletionStage<Outcome> applyOrSplit(List<StreamMessage<String, String>> entries) {
        return apply(entries).exceptionallyCompose(error -> {
            RedisCondition condition = RedisCondition.of(error);
            if (condition.isOutage() || condition == RedisCondition.NO_GROUP) {
                return CompletableFuture.failedFuture(error);
            }
            if (entries.size() == 1) {
                log.error(
                        "Entry {} can't be applied and stays pending",
                        entries.get(0).getId(),
                        error);
                return CompletableFuture.completedFuture(Outcome.NOTHING);
            }
            CompletionStage<Outcome> all = CompletableFuture.completedFuture(Outcome.NOTHING);
            for (StreamMessage<String, String> entry : entries) {
                all = all.thenCombine(applyOrSplit(List.of(entry)), Outcome::plus);
            }
            return all;
        });
    }

    private CompletionStage<Outcome> apply(List<StreamMessage<String, String>> entries) {
        StatefulRedisConnection<String, String> connection;
        try {
            connection = redis.connection();
        } catch (RuntimeException e) {
            return CompletableFuture.failedFuture(e);
        }
        return projection.apply(connection.async(), entries).whenComplete((outcome, error) -> {
            if (error != null) {
                redis.dropIfUnanswered(connection, error);
            }
        });
    }

    /** The first failure since the last call, if there was one: some entries are still pending. */
    @Nullable
    Throwable takeFailure() {
        Throwable taken = failure.getAndSet(null);
        return taken instanceof CompletionException && taken.getCause() != null ? taken.getCause() : taken;
    }

    /** Waits until nothing is under way; false if that takes too long. */
    boolean awaitIdle(Duration limit) throws InterruptedException {
        if (!slots.tryAcquire(maxInFlight, limit.toMillis(), TimeUnit.MILLISECONDS)) {
            return false;
        }
        slots.release(maxInFlight);
        return true;
    }
}
