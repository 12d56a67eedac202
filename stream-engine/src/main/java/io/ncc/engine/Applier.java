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
 * Applies batches of entries, several at a time, and sets aside the entries that can't be applied. If a batch fails because of Redis, its
 * entries stay pending, and {@link #takeFailure} tells the reader to read the pending entries again, after the {@link #stalled} batch.
 */
final class Applier {

    private static final Logger log = LoggerFactory.getLogger(Applier.class);

    /** Such an entry is counted as lost, unless someone else settled it. It becomes no dead letter. */
    private static final String DELETED = "no longer in the stream";

    private final RedisLink redis;
    private final Projection projection;
    private final DeadLetters deadLetters;
    private final ProjectionScript passOver;
    private final String consumer;
    private final EngineMetrics metrics;
    private final int maxInFlight;
    private final int maxDeliveries;
    private final Mode mode;
    private final @Nullable DurationRange simulatedWork;
    private final Semaphore slots;
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

    private volatile @Nullable Batch stalled;

    Applier(RedisLink redis, Projection projection, String consumer, EngineMetrics metrics, EngineSettings settings) {
        this.redis = redis;
        this.projection = projection;
        this.deadLetters = new DeadLetters(projection.keys(), settings.mode(), consumer);
        this.passOver = new ProjectionScript(Applier.class, "pass-over", projection.keys(), settings.mode());
        this.consumer = consumer;
        this.metrics = metrics;
        this.maxInFlight = settings.effectiveMaxInFlight();
        this.maxDeliveries = settings.maxDeliveries();
        this.mode = settings.mode();
        this.simulatedWork = settings.simulatedWork();
        this.slots = new Semaphore(maxInFlight);
    }

    /**
     * Waits for a free slot, then sends the batch.
     *
     * @param pageSize of the reader of the batch; it is told how long the batch takes
     * @param waiting runs every second while it waits
     */
    void submit(Batch batch, PageSize pageSize, Runnable waiting) throws InterruptedException {
        if (batch.isEmpty()) {
            return;
        }
        if (simulatedWork != null) {
            Duration pause = simulatedWork.random();
            for (Entry entry : batch.entries()) {
                log.info("{} works {} ms on {} {}", worker(), pause.toMillis(), entry.id(), entry.fields());
            }
            TimeUnit.NANOSECONDS.sleep(pause.toNanos());
        }
        while (!slots.tryAcquire(1, TimeUnit.SECONDS)) {
            waiting.run();
        }
        long start = System.nanoTime();
        // so an Error that is thrown before the batch is sent fails the stage, too
        CompletionStage<Outcome> processed =
                CompletableFuture.completedFuture(batch).thenCompose(this::process);
        processed.whenComplete((outcome, error) -> {
            try {
                stalled = error == null || mayBeOfAnEntry(RedisCondition.of(error)) ? null : batch;
                if (outcome != null) {
                    long nanos = System.nanoTime() - start;
                    pageSize.settled(batch.size(), Duration.ofNanos(nanos));
                    metrics.processed(batch, outcome, nanos);
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
        return applyOwn(connection, batch)
                .thenCompose(outcome -> deadLetters
                        .setAside(connection.async(), outcome.rejected(), batch)
                        .thenApply(done -> outcome))
                .whenComplete((outcome, error) -> {
                    if (error != null) {
                        redis.dropIfUseless(connection, error);
                    }
                });
    }

    /** Only settles entries that are for another group, and applies the others. */
    private CompletionStage<Outcome> applyOwn(StatefulRedisConnection<String, String> connection, Batch batch) {
        String group = projection.keys().group();
        List<Entry> foreign =
                batch.entries().stream().filter(entry -> !entry.isFor(group)).toList();
        if (foreign.isEmpty()) {
            return applyFit(connection, batch);
        }
        List<Entry> own =
                batch.entries().stream().filter(entry -> entry.isFor(group)).toList();
        return passOver.run(connection.async(), new Batch(foreign, false), List.of(), List.of(), List.of())
                .thenApply(outcome -> new Outcome(0, outcome.skipped(), outcome.applied(), 0, outcome.rejected()))
                .thenCompose(outcome -> own.isEmpty()
                        ? CompletableFuture.completedFuture(outcome)
                        : applyFit(connection, new Batch(own, false)).thenApply(outcome::plus));
    }

    /** Rejects entries that are too large or deleted, because the projection would see only a part of them or nothing, and applies the others. */
    private CompletionStage<Outcome> applyFit(StatefulRedisConnection<String, String> connection, Batch batch) {
        List<Rejected> unfit = new ArrayList<>();
        for (Entry entry : batch.entries()) {
            String reason = unfitness(entry);
            if (reason != null) {
                unfit.add(new Rejected(entry.id(), reason));
            }
        }
        if (unfit.isEmpty()) {
            return applySuspectsAlone(connection, batch);
        }
        List<Entry> fit = batch.entries().stream()
                .filter(entry -> unfitness(entry) == null)
                .toList();
        Outcome rejected = new Outcome(0, 0, 0, unfit);
        return fit.isEmpty()
                ? CompletableFuture.completedFuture(rejected)
                : applySuspectsAlone(connection, new Batch(fit, false)).thenApply(outcome -> outcome.plus(rejected));
    }

    private static @Nullable String unfitness(Entry entry) {
        if (entry.isTooLarge()) {
            return entry.isUnread() ? neverSettled(entry) : "too large";
        }
        return entry.isDeleted() ? DELETED : null;
    }

    /**
     * Applies entries alone that have more than {@code maxDeliveries} deliveries. Such an entry may fail itself, or may have been in a batch with
     * one that fails, or processors may have read it during an outage. An entry with more than twice as many deliveries may be one that kills the
     * process. So the first of these in a batch is set aside without another attempt: otherwise those after it might never be tried.
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

    /** Sets the entry aside before the next one is tried, because the next one may kill the process. */
    private CompletionStage<Outcome> giveUp(StatefulRedisConnection<String, String> connection, Entry entry) {
        Outcome outcome = rejected(entry, neverSettled(entry));
        return deadLetters
                .setAside(connection.async(), outcome.rejected(), Batch.of(entry))
                .thenApply(done -> outcome);
    }

    private static String neverSettled(Entry entry) {
        return "delivered " + entry.deliveries() + " times and never settled";
    }

    /** Applies a batch. If it fails and Redis is not the cause, applies the entries one by one, so that only the faulty one is left. */
    private CompletionStage<Outcome> applyOrSplit(StatefulRedisConnection<String, String> connection, Batch batch) {
        return apply(connection, batch).exceptionallyCompose(error -> {
            if (!isOfTheBatch(error)) {
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
            if (mode == Mode.SEQUENTIAL) { // without a group, there is no redelivery
                return applyOrSplit(connection, Batch.of(entry.deliveredAgain()));
            }
            log.warn("Entry {} could not be applied and is tried again later", entry.id(), error);
            return CompletableFuture.completedFuture(new Outcome(0, 0, 1, List.of()));
        });
    }

    /** An exception that the projection throws fails the stage, like an error of its script. */
    private CompletionStage<Outcome> apply(StatefulRedisConnection<String, String> connection, Batch batch) {
        return CompletableFuture.completedFuture(batch).thenCompose(it -> projection.apply(connection.async(), it));
    }

    /** An error of the JVM, such as an OutOfMemoryError, says nothing of the entries. */
    private static boolean isOfTheBatch(Throwable error) {
        return RedisCondition.of(error) == RedisCondition.UNEXPECTED
                && !(RedisCondition.unwrapped(error) instanceof VirtualMachineError);
    }

    /** An entry whose script takes too long or crashes Redis shows up as another condition than {@code UNEXPECTED}. */
    private static boolean mayBeOfAnEntry(RedisCondition condition) {
        return switch (condition) {
            case UNEXPECTED, AWAY, TIMEOUT, BUSY -> true;
            default -> false;
        };
    }

    private static Outcome rejected(Entry entry, String reason) {
        return new Outcome(0, 0, 0, List.of(new Rejected(entry.id(), reason)));
    }

    private static CompletionStage<Outcome> then(
            CompletionStage<Outcome> before, Supplier<CompletionStage<Outcome>> next) {
        return before.thenCompose(outcome -> next.get().thenApply(outcome::plus));
    }

    /** With simulated work, which is for watching, on the console. */
    private void logEach(Batch batch, Outcome outcome) {
        if (simulatedWork != null) {
            for (Entry entry : batch.entries()) {
                log.info("{} {} {}", worker(), entry.id(), whatBecameOf(outcome));
            }
        } else if (log.isDebugEnabled()) {
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

    /** The consumer, and the group, because each projection of a process has a consumer of the same name. */
    private String worker() {
        return consumer + " of " + projection.keys().group() + ':';
    }

    /** @param outcome of a single entry */
    private static String whatBecameOf(Outcome outcome) {
        if (outcome.applied() > 0) {
            return "applied and acknowledged";
        }
        if (outcome.skipped() > 0) {
            return "acknowledged only: it was settled before";
        }
        if (outcome.foreign() > 0) {
            return "acknowledged only: it was replayed for another group";
        }
        if (!outcome.rejected().isEmpty()) {
            String reason = outcome.rejected().get(0).reason();
            return reason.equals(DELETED) ? reason : "set aside as a dead letter: " + reason;
        }
        return outcome.left() > 0 ? "failed, and will be tried again" : "settled by another consumer meanwhile";
    }

    /** The first failure since the last call, or null. After a failure, some entries are still pending. */
    @Nullable
    Throwable takeFailure() {
        return failure.getAndSet(null);
    }

    /**
     * The last batch, if it failed for a reason that no entry can have caused, such as a damaged key that all entries need, or a missing permission;
     * else null. It must be applied again before more entries are read: each read counts as a delivery, and such a failure must not make an entry look
     * like one that can't be applied.
     */
    @Nullable
    Batch stalled() {
        return stalled;
    }

    /** Waits until no batch is in flight; false if that takes longer than the limit. */
    boolean awaitIdle(Duration limit) throws InterruptedException {
        if (!slots.tryAcquire(maxInFlight, limit.toMillis(), TimeUnit.MILLISECONDS)) {
            return false;
        }
        slots.release(maxInFlight);
        return true;
    }
}
