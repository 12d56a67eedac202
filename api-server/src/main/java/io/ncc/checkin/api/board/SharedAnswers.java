package io.ncc.checkin.api.board;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;

/**
 * Answers to questions that cost much to answer. One is worked on at a time. Who asks the same gets the same answer, until thirty times as long has passed as it took
 * to find. So at most 3 % of the time is spent on each question, however often it is asked.
 *
 * @param <Q> a question, with {@code equals} and {@code hashCode}
 */
final class SharedAnswers<Q, A> {

    private static final int REUSE = 30;

    private final Map<Q, Entry<A>> entries = new HashMap<>();
    private CompletableFuture<?> turn = CompletableFuture.completedFuture(null);

    CompletionStage<A> of(Q question, Supplier<CompletionStage<A>> work) {
        CompletableFuture<?> before;
        Entry<A> entry;
        synchronized (this) {
            Entry<A> known = entries.get(question);
            if (known != null && !known.isStale()) {
                return known.answer;
            }
            entries.values().removeIf(Entry::isStale);
            entry = new Entry<>();
            entries.put(question, entry);
            before = turn;
            turn = entry.answer;
        }
        CompletionStage<?> unused = before.whenCompleteAsync( // else a long queue would fill the stack
                (earlier, ignored) -> entry.find(work));
        return entry.answer;
    }

    private static final class Entry<A> {

        private final CompletableFuture<A> answer = new CompletableFuture<>();
        private volatile long staleAt;

        void find(Supplier<CompletionStage<A>> work) {
            long begun = System.nanoTime();
            CompletionStage<A> found;
            try {
                found = work.get();
            } catch (RuntimeException e) {
                found = CompletableFuture.failedFuture(e);
            }
            CompletionStage<?> unused = found.whenComplete((value, failure) -> {
                long now = System.nanoTime();
                staleAt = failure == null ? now + REUSE * (now - begun) : now;
                if (failure == null) {
                    answer.complete(value);
                } else {
                    answer.completeExceptionally(failure);
                }
            });
        }

        boolean isStale() {
            return answer.isDone() && System.nanoTime() - staleAt >= 0;
        }
    }
}
