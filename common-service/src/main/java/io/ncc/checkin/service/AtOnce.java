package io.ncc.checkin.service;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Consumer;
import java.util.function.Function;

/** Does the same with several things at the same time. */
public final class AtOnce {

    private AtOnce() {}

    /** Does something that takes a while to each of them in a thread of its own, and waits for all. */
    public static <T> void forEach(List<T> all, Consumer<T> action) {
        ExecutorService threads = Executors.newFixedThreadPool(all.size());
        try {
            CompletableFuture.allOf(all.stream()
                            .map(one -> CompletableFuture.runAsync(() -> action.accept(one), threads))
                            .toArray(CompletableFuture[]::new))
                    .join();
        } finally {
            threads.shutdown();
        }
    }

    /**
     * Asks about all of them without waiting for an answer.
     *
     * @return the answers in the order of the items; fails if one fails
     */
    public static <T, A> CompletionStage<List<A>> ask(
            List<T> items, Function<T, ? extends CompletionStage<A>> question) {
        List<CompletableFuture<A>> answers = items.stream()
                .map(item -> question.apply(item).toCompletableFuture())
                .toList();
        return CompletableFuture.allOf(answers.toArray(CompletableFuture[]::new))
                .thenApply(all -> answers.stream().map(CompletableFuture::join).toList());
    }
}
