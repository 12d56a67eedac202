package io.ncc.checkin.receiver;

import io.ncc.checkin.model.Checkin;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** Checkins that are to be appended together or not at all, and what becomes of them. */
final class Append {

    final List<Checkin> checkins;

    /** The Redis key under which the result is kept; null to keep none. */
    final @Nullable String idempotencyKey;

    final CompletableFuture<List<IdRun>> result = new CompletableFuture<>();
    final long since = System.nanoTime();

    Append(List<Checkin> checkins, @Nullable String idempotencyKey) {
        this.checkins = checkins;
        this.idempotencyKey = idempotencyKey;
    }

    int size() {
        return checkins.size();
    }
}
