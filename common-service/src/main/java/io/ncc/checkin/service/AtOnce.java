package io.ncc.checkin.service;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Consumer;

/** Starts or stops several things that may each take a while. */
public final class AtOnce {

    private AtOnce() {}

    /** Does this to all of them at the same time, each in a thread of its own, and waits for all. */
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
}
