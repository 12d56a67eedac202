package io.ncc.checkin.api.pull;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** A request for the next checkins of a group, until it is answered. */
final class Pull {

    private final Request request;
    private final CompletableFuture<List<PulledCheckin>> answer = new CompletableFuture<>();

    /** How often its group had been called when it first read. Guarded by its group. */
    long calls;

    /** What answers it if it finds nothing in what it reads now. Guarded by its group. */
    @Nullable
    Runnable ending;

    Pull(Request request) {
        this.request = request;
    }

    String consumer() {
        return request.consumer;
    }

    int count() {
        return request.count;
    }

    Duration claimAfter() {
        return request.claimAfter;
    }

    boolean acknowledge() {
        return request.acknowledge;
    }

    boolean own() {
        return request.own;
    }

    CompletableFuture<List<PulledCheckin>> answer() {
        return answer;
    }

    void complete(List<PulledCheckin> items) {
        answer.complete(items);
    }

    void fail(Throwable failure) {
        answer.completeExceptionally(failure);
    }

    /**
     * @param count the most checkins
     * @param claimAfter how long others must have held what is given to this consumer
     * @param acknowledge whether checkins are acknowledged as they are read
     * @param own whether the consumer first wants what it holds already
     */
    record Request(String consumer, int count, Duration claimAfter, boolean acknowledge, boolean own) {}
}
