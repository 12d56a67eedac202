package io.ncc.checkin.api.checkin;

import io.lettuce.core.RedisException;
import io.micrometer.core.instrument.MeterRegistry;
import io.ncc.checkin.service.ProblemType;
import io.ncc.redis.StreamId;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;

/**
 * Waits for checkins to be applied, for callers that want to read what they wrote. While someone waits, one question every few milliseconds is
 * asked for all who do; a waiter costs neither a thread nor a connection.
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
    private final ConcurrentLinkedQueue<Waiter> waiters = new ConcurrentLinkedQueue<>();
    private final AtomicBoolean looking = new AtomicBoolean();
    private volatile ScheduledExecutorService executor = newExecutor();
    private volatile boolean running;

    Settlement(StatusReader statuses, MeterRegistry registry) {
        this.statuses = statuses;
        registry.gauge("checkin.api.waiting", waiters, ConcurrentLinkedQueue::size);
    }

    /**
     * Completes once the entry is applied. A caller that no longer wants to know completes it itself.
     *
     * @param requirement of the entry, whose status is what it is now; it may throw a problem
     * @return fails with a problem: {@link ProblemType#NOT_FOUND} if there is no such entry, {@link ProblemType#CONFLICT} if it is dead,
     *     {@link ProblemType#NOT_YET} if the time is over
     */
    public CompletableFuture<EntryStatus> applied(StreamId id, Duration wait, Consumer<EntryStatus> requirement) {
        EntryStatus now = statuses.read(id);
        requirement.accept(now);
        if (now.isSettled() || now.state() == EntryStatus.State.UNKNOWN) {
            return result(now);
        }
        Waiter waiter = new Waiter(id, System.nanoTime() + wait.toNanos(), new CompletableFuture<>());
        waiters.add(waiter);
        lookSoon();
        CompletableFuture<EntryStatus> applied = waiter.status.thenCompose(Settlement::result);
        CompletableFuture<?> unused = applied.whenComplete((status, failure) -> {
            if (!waiter.status.isDone()) {
                waiters.remove(waiter);
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

    /** Begins to look, if nobody does. */
    private void lookSoon() {
        if (!running) {
            failAll(stopping());
        } else if (!waiters.isEmpty() && looking.compareAndSet(false, true)) {
            try {
                executor.execute(this::look);
            } catch (RejectedExecutionException e) {
                failAll(stopping());
            }
        }
    }

    /** Once, and again in a moment as long as someone waits. */
    private void look() {
        long start = System.nanoTime();
        lookOnce();
        long pause = Math.min(
                LONGEST_PAUSE.toNanos(),
                Math.max(SHORTEST_PAUSE.toNanos(), PAUSE_BY_LOOK * (System.nanoTime() - start)));
        if (waiters.isEmpty()) {
            looking.set(false);
            lookSoon(); // someone may have come just now
            return;
        }
        try {
            ScheduledFuture<?> unused = executor.schedule(this::look, pause, TimeUnit.NANOSECONDS);
        } catch (RejectedExecutionException e) {
            failAll(stopping());
        }
    }

    private void lookOnce() {
        try {
            lookAtAll();
        } catch (RedisException e) {
            failAll(running ? e : stopping()); // a stop interrupts a read, which is no failure of Redis
        } catch (Throwable e) { // else nobody would look any more
            log.error("Waiting for checkins to be applied failed", e);
            failAll(new IllegalStateException(e));
        }
    }

    private void lookAtAll() {
        List<Waiter> all = new ArrayList<>(waiters);
        for (int from = 0; from < all.size(); from += MOST_AT_ONCE) {
            List<Waiter> some = all.subList(from, Math.min(from + MOST_AT_ONCE, all.size()));
            List<StreamId> ids = some.stream().map(Waiter::id).toList();
            List<EntryStatus> found = statuses.read(ids);
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
    }

    private void failAll(RuntimeException cause) {
        for (Waiter waiter = waiters.poll(); waiter != null; waiter = waiters.poll()) {
            waiter.status.completeExceptionally(cause);
        }
    }

    @Override
    public void start() {
        executor = newExecutor();
        looking.set(false);
        running = true;
    }

    @Override
    public void stop() {
        running = false;
        executor.shutdownNow();
        failAll(stopping());
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

    private record Waiter(StreamId id, long deadline, CompletableFuture<EntryStatus> status) {}
}
