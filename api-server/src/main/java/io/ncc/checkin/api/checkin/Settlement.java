package io.ncc.checkin.api.checkin;

import io.lettuce.core.RedisException;
import io.micrometer.core.instrument.MeterRegistry;
import io.ncc.checkin.api.partition.CheckinId;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.service.ProblemType;
import io.ncc.redis.RedisCondition;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;

/**
 * Waits for checkins to be applied, for callers that want to read what they wrote. While someone waits, one question every few milliseconds is
 * asked for all who do, in each partition for itself; a waiter costs neither a thread nor a connection.
 */
@Component
public final class Settlement implements SmartLifecycle {

    private static final Logger log = LoggerFactory.getLogger(Settlement.class);
    private static final Duration SHORTEST_PAUSE = Duration.ofMillis(2);

    /** The pause is so many times as long as the look before it: Redis has other work than to be asked. */
    private static final int PAUSE_BY_LOOK = 4;

    /** So that those whose time is over hear of it, also after a look that took long. */
    private static final Duration LONGEST_PAUSE = Duration.ofMillis(100);

    private static final int MOST_AT_ONCE = 500;

    private final StatusReader statuses;
    private final List<Partition> partitions;
    private volatile ScheduledExecutorService executor = newExecutor();
    private volatile boolean running;

    Settlement(StatusReader statuses, Partitions partitions, MeterRegistry registry) {
        this.statuses = statuses;
        this.partitions =
                IntStream.range(0, partitions.count()).mapToObj(Partition::new).toList();
        registry.gauge("checkin.api.waiting", this.partitions, Settlement::waiting);
    }

    private static int waiting(List<Partition> partitions) {
        return partitions.stream()
                .mapToInt(partition -> partition.waiters.size())
                .sum();
    }

    /**
     * Completes once the entry is applied. A caller that no longer wants to know completes it itself.
     *
     * @param requirement of the entry, whose status is what it is now; it may throw a problem
     * @return fails with a problem: {@link ProblemType#NOT_FOUND} if there is no such entry, {@link ProblemType#CONFLICT} if it is dead,
     *     {@link ProblemType#NOT_YET} if the time is over
     */
    public CompletableFuture<EntryStatus> applied(CheckinId id, Duration wait, Consumer<EntryStatus> requirement) {
        CompletableFuture<EntryStatus> applied = new CompletableFuture<>();
        CompletionStage<?> unused = statuses.read(id)
                .thenCompose(now -> {
                    requirement.accept(now);
                    if (now.isSettled() || now.state() == EntryStatus.State.UNKNOWN) {
                        return result(now);
                    }
                    Waiter waiter = new Waiter(id, System.nanoTime() + wait.toNanos(), new CompletableFuture<>());
                    partitions.get(id.partition()).add(waiter, applied);
                    return waiter.status.thenCompose(Settlement::result);
                })
                .whenComplete((status, failure) -> {
                    if (failure == null) {
                        applied.complete(status);
                    } else {
                        applied.completeExceptionally(RedisCondition.unwrapped(failure));
                    }
                });
        return applied;
    }

    private static CompletableFuture<EntryStatus> result(EntryStatus status) {
        return switch (status.state()) {
            case APPLIED, TRIMMED -> CompletableFuture.completedFuture(status);
            case DEAD ->
                CompletableFuture.failedFuture(
                        ProblemType.CONFLICT.exception("The checkin could not be applied: " + status.reason() + "."));
            case ELSEWHERE ->
                CompletableFuture.failedFuture(ProblemType.CONFLICT.exception(
                        "The checkin was acknowledged by another program, and is in no total."));
            case UNKNOWN ->
                CompletableFuture.failedFuture(ProblemType.NOT_FOUND.exception("There is no checkin with this id."));
            default -> CompletableFuture.failedFuture(ProblemType.NOT_YET.exception());
        };
    }

    /** Those who wait for entries of one partition. */
    private final class Partition {

        private final int number;
        private final Queue<Waiter> waiters = new ConcurrentLinkedQueue<>();
        private final AtomicBoolean looking = new AtomicBoolean();

        Partition(int number) {
            this.number = number;
        }

        /** @param wanted once this is complete, there is nothing to wait for */
        void add(Waiter waiter, CompletableFuture<?> wanted) {
            waiters.add(waiter);
            CompletableFuture<?> unused = wanted.whenComplete((status, failure) -> {
                if (!waiter.status.isDone()) {
                    waiters.remove(waiter);
                }
            });
            lookSoon();
        }

        /** Begins to look, if nobody does. */
        private void lookSoon() {
            if (!running) {
                failAll(stopping());
            } else if (!waiters.isEmpty() && looking.compareAndSet(false, true)) {
                execute(this::look, 0);
            }
        }

        private void execute(Runnable action, long nanos) {
            try {
                ScheduledFuture<?> unused = executor.schedule(action, nanos, TimeUnit.NANOSECONDS);
            } catch (RejectedExecutionException e) {
                failAll(stopping());
            }
        }

        /** Once, and again in a moment as long as someone waits. */
        private void look() {
            long start = System.nanoTime();
            CompletionStage<?> unused = lookAt(List.copyOf(waiters), 0).whenComplete((done, failure) -> {
                if (failure != null) {
                    failAll(failure);
                }
                long pause = Math.min(
                        LONGEST_PAUSE.toNanos(),
                        Math.max(SHORTEST_PAUSE.toNanos(), PAUSE_BY_LOOK * (System.nanoTime() - start)));
                if (waiters.isEmpty()) {
                    looking.set(false);
                    lookSoon(); // someone may have come just now
                } else {
                    execute(this::look, pause);
                }
            });
        }

        private CompletionStage<@Nullable Void> lookAt(List<Waiter> all, int from) {
            if (from >= all.size()) {
                return CompletableFuture.completedFuture(null);
            }
            List<Waiter> some = all.subList(from, Math.min(from + MOST_AT_ONCE, all.size()));
            return statuses.read(number, some.stream().map(Waiter::id).toList())
                    .thenComposeAsync(
                            found -> {
                                answer(some, found);
                                return lookAt(all, from + MOST_AT_ONCE);
                            },
                            executor); // the thread that reads replies has others to read
        }

        private void answer(List<Waiter> some, List<EntryStatus> found) {
            long now = System.nanoTime();
            for (int i = 0; i < some.size(); i++) {
                Waiter waiter = some.get(i);
                EntryStatus status = found.get(i);
                if (status.isSettled() || status.state() == EntryStatus.State.UNKNOWN || now - waiter.deadline >= 0) {
                    waiters.remove(waiter);
                    waiter.status.complete(status);
                }
            }
        }

        private void failAll(Throwable failure) {
            Throwable cause = RedisCondition.unwrapped(failure);
            if (!running) {
                cause = stopping(); // a stop ends a look, which is no failure of Redis
            } else if (!(cause instanceof RedisException)) {
                log.error("Waiting for checkins to be applied failed", cause);
            }
            for (Waiter waiter = waiters.poll(); waiter != null; waiter = waiters.poll()) {
                waiter.status.completeExceptionally(cause);
            }
        }
    }

    @Override
    public void start() {
        if (executor.isShutdown()) {
            executor = newExecutor();
        }
        partitions.forEach(partition -> partition.looking.set(false));
        running = true;
    }

    @Override
    public void stop() {
        running = false;
        executor.shutdownNow();
        partitions.forEach(partition -> partition.failAll(stopping()));
    }

    /** Its thread is made when there is something to do. */
    private static ScheduledExecutorService newExecutor() {
        return Executors.newSingleThreadScheduledExecutor(task -> new Thread(task, "settlement"));
    }

    private static RedisException stopping() {
        return new RedisException("stopping");
    }

    @Override
    public boolean isRunning() {
        return running;
    }

    /** Stops before the web server waits for its requests, some of which wait here. */
    @Override
    public int getPhase() {
        return Integer.MAX_VALUE;
    }

    private record Waiter(CheckinId id, long deadline, CompletableFuture<EntryStatus> status) {}
}
