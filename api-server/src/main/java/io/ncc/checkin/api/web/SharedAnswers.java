package io.ncc.checkin.api.web;

import io.ncc.checkin.service.ProblemType;
import io.ncc.redis.RedisCondition;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Answers to questions that cost much to answer. One is worked on at a time. Who asks the same gets the same answer, until thirty times as long has passed as it took
 * to find. So at most 3 % of the time is spent on each question, however often it is asked. Before the next question there is a pause three times as long as
 * this one took, and 10 s at most. So no more than a quarter of the time is spent on all of them, unless one takes longer than 3.3 s. If {@value #MOST_WAITING} questions wait, another one is refused.
 *
 * @param <Q> a question, with {@code equals} and {@code hashCode}
 */
public final class SharedAnswers<Q, A> {

    private static final int MOST_WAITING = 8;
    private static final int REUSE = 30;
    private static final int PAUSE = 3;

    /** In nanoseconds. So whoever waits last gets an answer before the request times out. */
    private static final long LONGEST_PAUSE = TimeUnit.SECONDS.toNanos(10);

    private static final Duration UNLIMITED = Duration.ofDays(365);

    private final Executor executor;
    private final long oldest;
    private final Map<Q, Entry<A>> entries = new HashMap<>();
    private CompletableFuture<?> turn = CompletableFuture.completedFuture(null);

    /** @param executor of the work */
    public SharedAnswers(Executor executor) {
        this(executor, UNLIMITED);
    }

    /**
     * @param executor of the work
     * @param oldest since when an answer may at most have been worked on to be given again
     */
    public SharedAnswers(Executor executor, Duration oldest) {
        this.executor = executor;
        this.oldest = oldest.toNanos();
    }

    /**
     * The answer to a question, from before or anew. Fails with {@link ProblemType#RANKINGS_BUSY} if too many others wait already.
     *
     * @param work finds the answer
     */
    public CompletionStage<A> of(Q question, Supplier<CompletionStage<A>> work) {
        CompletableFuture<?> before;
        Entry<A> entry;
        synchronized (this) {
            Entry<A> known = entries.get(question);
            if (known != null && !known.isStale()) {
                return known.answer;
            }
            entries.values().removeIf(Entry::isStale);
            long unanswered = entries.values().stream()
                    .filter(each -> !each.answer.isDone())
                    .count();
            if (unanswered > MOST_WAITING) { // one of them is worked on
                return CompletableFuture.failedFuture(ProblemType.RANKINGS_BUSY.exception());
            }
            entry = new Entry<>();
            entries.put(question, entry);
            before = turn;
            turn = entry.pause;
        }
        CompletionStage<?> unused = before.handleAsync( // not in the thread that reads the replies of Redis
                        (earlier, ignored) -> {
                            entry.find(work, oldest);
                            return entry;
                        },
                        executor)
                .whenComplete((begun, refusal) -> {
                    if (refusal != null) {
                        entry.fail(refusal);
                        entry.pause.complete(null);
                    }
                });
        return entry.answer;
    }

    private static final class Entry<A> {

        private final CompletableFuture<A> answer = new CompletableFuture<>();

        /** Completes when the next question may be worked on. */
        private final CompletableFuture<@Nullable Void> pause = new CompletableFuture<>();

        private volatile long staleAt;

        void find(Supplier<CompletionStage<A>> work, long oldest) {
            long begun = System.nanoTime();
            CompletionStage<A> found;
            try {
                found = work.get();
            } catch (RuntimeException e) {
                found = CompletableFuture.failedFuture(e);
            }
            CompletionStage<?> unused = found.whenComplete((value, failure) -> {
                long took = System.nanoTime() - begun;
                if (failure == null) {
                    staleAt = begun + Math.min(took + REUSE * took, oldest);
                    answer.complete(value);
                } else {
                    fail(failure);
                }
                pause.completeOnTimeout(null, Math.min(PAUSE * took, LONGEST_PAUSE), TimeUnit.NANOSECONDS);
            });
        }

        void fail(Throwable failure) {
            staleAt = System.nanoTime();
            boolean refused = RedisCondition.unwrapped(failure) instanceof RejectedExecutionException;
            answer.completeExceptionally(
                    refused ? ProblemType.REDIS_UNAVAILABLE.exception("The server is stopping.") : failure);
        }

        boolean isStale() {
            return answer.isDone() && System.nanoTime() - staleAt >= 0;
        }
    }
}
