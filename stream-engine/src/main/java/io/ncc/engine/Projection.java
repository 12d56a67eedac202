package io.ncc.engine;

import io.lettuce.core.api.async.RedisAsyncCommands;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * What a consumer group computes from the stream. Only the projection knows what an entry means. Everything else (reading, claiming, setting
 * aside, housekeeping) is the same for every projection.
 */
public interface Projection {

    /** The group, and the keys of its state. */
    GroupKeys keys();

    /**
     * Applies and acknowledges the entries in one script, which a {@link ProjectionScript} runs. An entry counts only once. If the script fails,
     * it has changed nothing.
     */
    CompletionStage<Outcome> apply(RedisAsyncCommands<String, String> commands, Batch batch);

    /**
     * Does a part of the projection's own housekeeping, with a script that takes a few milliseconds at most. The engine calls it about once a second. Several
     * processors may do so at the same time.
     *
     * @return whether there is more to do, so that it is called again at once
     */
    default CompletionStage<Boolean> tidy(RedisAsyncCommands<String, String> commands) {
        return CompletableFuture.completedStage(false);
    }

    /**
     * What became of a batch. An entry that is in none of these was not pending, because another consumer has settled it.
     *
     * @param applied how many entries were applied and acknowledged
     * @param skipped how many were only acknowledged, because they had been settled before
     * @param foreign how many were only acknowledged, because they are dead letters of another group that were replayed
     * @param left how many failed and are to be tried again; they are still pending, and will be claimed
     * @param rejected the entries that can't be applied; they are still pending, and must be set aside
     */
    record Outcome(long applied, long skipped, long foreign, long left, List<Rejected> rejected) {

        static final Outcome NOTHING = new Outcome(0, 0, 0, List.of());

        public Outcome(long applied, long skipped, long left, List<Rejected> rejected) {
            this(applied, skipped, 0, left, rejected);
        }

        Outcome plus(Outcome other) {
            List<Rejected> all = new ArrayList<>(rejected);
            all.addAll(other.rejected);
            return new Outcome(
                    applied + other.applied, skipped + other.skipped, foreign + other.foreign, left + other.left, all);
        }
    }

    record Rejected(String id, String reason) {}
}
