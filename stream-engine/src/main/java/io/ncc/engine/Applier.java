package io.ncc.engine;

import io.lettuce.core.api.StatefulRedisConnection;
import io.ncc.engine.Projection.Outcome;
import io.ncc.engine.Projection.Rejected;
import io.ncc.redis.RedisCondition;
import io.ncc.redis.RedisLink;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has batches of entries applied, several at a time, and sets aside what can't be. What failed because of Redis stays pending;
 * {@link #takeFailure} tells the reader to look at the pending entries again.
 */
final class Applier {

    private static final Logger log = LoggerFactory.getLogger(Applier.class);

    private final RedisLink redis;
    private final Projection projection;
    private final DeadLetters deadLetters;
    private final EngineMetrics metrics;
    private final int maxInFlight;
    private final int maxDeliveries;
    private final Mode mode;
    private final @Nullable DurationRange simulatedWork;
    private final Semaphore slots;
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

    Applier(
            RedisLink redis,
            Projection projection,
            DeadLetters deadLetters,
            EngineMetrics metrics,
            EngineSettings settings) {
        this.redis = redis;
        this.projection = projection;
        this.deadLetters = deadLetters;
        this.metrics = metrics;
        this.maxInFlight = settings.effectiveMaxInFlight();
        this.maxDeliveries = settings.maxDeliveries();
        this.mode = settings.mode();
        this.simulatedWork = settings.simulatedWork();
        this.slots = new Semaphore(maxInFlight);
    }

    /**
     * Sends a batch off as soon as one of the slots is free.
     *
     * @param waiting is run every second until then
     */
    void submit(Batch batch, Runnable waiting) throws InterruptedException {
        if (batch.isEmpty()) {
            return;
        }
        if (simulatedWork != null) {
            TimeUnit.NANOSECONDS.sleep(simulatedWork.random().toNanos());
        }
        while (!slots.tryAcquire(1, TimeUnit.SECONDS)) {
            waiting.run();
        }
        long start = System.nanoTime();
        process(batch).whenComplete((outcome, error) -> {
            try {
                if (outcome != null) {
                    metrics.processed(batch, outcome, System.nanoTime() - start);
                    logEach(batch, outcome);
                } else {
                    failure.compareAndSet(null, error);
                }
            } finally {
                slots.release();
            }
        });
    }

    private CompletionStage<Outcome> process(Batch batch) {
        StatefulRedisConnection<String, String> connection;
        try {
            connection = redis.connection();
        } catch (RuntimeException e) {
            return CompletableFuture.failedFuture(e);
        }
        return applySuspectsAlone(connection, batch)
                .thenCompose(outcome -> deadLetters
                        .setAside(connection.async(), outcome.rejected())
                        .thenApply(done -> outcome))
                .whenComplete((outcome, error) -> {
                    if (error != null) {
                        redis.dropIfUseless(connection, error);
                    }
                });
    }

    /**
     * An entry that was delivered too often may be one that fails, or one that was with others that did, or was read by processors that
     * could do nothing at the time: so it is tried alone. Of those that were delivered twice as often the first is not tried any more, as it may be
     * what ends the process, before those after it can be tried.
     */
    private CompletionStage<Outcome> applySuspectsAlone(
            StatefulRedisConnection<String, String> connection, Batch batch) {
        if (batch.entries().stream().allMatch(entry -> entry.deliveries() <= maxDeliveries)) {
            return applyOrSplit(connection, batch);
        }
        List<Entry> innocent = new ArrayList<>();
        boolean oneIsGivenUp = false;
        CompletionStage<Outcome> all = CompletableFuture.completedFuture(Outcome.NOTHING);
        for (Entry entry : batch.entries()) {
            if (entry.deliveries() <= maxDeliveries) {
                innocent.add(entry);
            } else if (entry.deliveries() <= 2L * maxDeliveries || oneIsGivenUp) {
                all = then(all, () -> applyOrSplit(connection, Batch.of(entry)));
            } else {
                all = then(all, () -> giveUp(connection, entry));
                oneIsGivenUp = true;
            }
        }
        return innocent.isEmpty() ? all : then(all, () -> applyOrSplit(connection, new Batch(innocent, false)));
    }

    /** Sets it aside at once: the next may end the process. */
    private CompletionStage<Outcome> giveUp(StatefulRedisConnection<String, String> connection, Entry entry) {
        Outcome outcome = rejected(entry, "delivered " + entry.deliveries() + " times and never settled");
        return deadLetters.setAside(connection.async(), outcome.rejected()).thenApply(done -> outcome);
    }

    /** A batch that fails for a reason of its own is applied entry by entry, so that only the guilty one stays behind. */
    private CompletionStage<Outcome> applyOrSplit(StatefulRedisConnection<String, String> connection, Batch batch) {
        return apply(connection, batch).exceptionallyCompose(error -> {
            if (!isOfTheBatch(RedisCondition.of(error))) {
                return CompletableFuture.failedFuture(error);
            }
            if (batch.size() > 1) {
                CompletionStage<Outcome> all = CompletableFuture.completedFuture(Outcome.NOTHING);
                for (Entry entry : batch.entries()) {
                    all = then(all, () -> applyOrSplit(connection, Batch.of(entry)));
                }
                return all;
            }
            Entry entry = batch.entries().get(0);
            if (entry.deliveries() > maxDeliveries) {
                return CompletableFuture.completedFuture(
                        rejected(entry, "failed " + entry.deliveries() + " times, the last time alone"));
            }
            if (mode == Mode.SEQUENTIAL) { // nobody would deliver it again
                return applyOrSplit(connection, Batch.of(entry.deliveredAgain()));
            }
            log.warn("Entry {} could not be applied and is tried again later", entry.id(), error);
            return CompletableFuture.completedFuture(new Outcome(0, 0, 1, List.of()));
        });
    }

    /** What the projection throws is a failure of the batch, too. */
    private CompletionStage<Outcome> apply(StatefulRedisConnection<String, String> connection, Batch batch) {
        return CompletableFuture.completedFuture(batch).thenCompose(it -> projection.apply(connection.async(), it));
    }

    private static boolean isOfTheBatch(RedisCondition condition) {
        return condition == RedisCondition.UNEXPECTED;
    }

    private static Outcome rejected(Entry entry, String reason) {
        return new Outcome(0, 0, 0, List.of(new Rejected(entry.id(), reason)));
    }

    private static CompletionStage<Outcome> then(
            CompletionStage<Outcome> before, Supplier<CompletionStage<Outcome>> next) {
        return before.thenCompose(outcome -> next.get().thenApply(outcome::plus));
    }

    private static void logEach(Batch batch, Outcome outcome) {
        if (log.isDebugEnabled()) {
            for (Entry entry : batch.entries()) {
                log.debug("Read {} {}, delivery {}", entry.id(), entry.fields(), entry.deliveries());
            }
            log.debug(
                    "Of {} entries, updated and acknowledged {}, skipped {}, set aside {}",
                    batch.size(),
                    outcome.applied(),
                    outcome.skipped(),
                    outcome.rejected().size());
        }
    }

    /** The first failure since the last call, if there was one: some entries are still pending. */
    @Nullable
    Throwable takeFailure() {
        return failure.getAndSet(null);
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
