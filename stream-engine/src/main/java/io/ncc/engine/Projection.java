package io.ncc.engine;

import io.lettuce.core.api.async.RedisAsyncCommands;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionStage;

/**
 * What a consumer group makes of the stream: the part of a processor that knows what an entry means. All else (reading, claiming, setting
 * aside, keeping house) is the same for every projection.
 */
public interface Projection {

    /** The group, and where its state is. */
    GroupKeys keys();

    /**
     * Applies and acknowledges entries in one script, which a {@link ProjectionScript} runs: an entry counts only once, and a call that
     * fails has changed nothing.
     */
    CompletionStage<Outcome> apply(RedisAsyncCommands<String, String> commands, Batch batch);

    /**
     * What became of a batch. An entry that is in none of these was not pending: someone else has settled it.
     *
     * @param applied how many entries were applied and acknowledged
     * @param skipped how many were only acknowledged, because they had been settled before
     * @param left how many failed for a reason that may pass; they are still pending, and will be claimed
     * @param rejected those that can't be applied; they are still pending, and to be set aside
     */
    record Outcome(long applied, long skipped, long left, List<Rejected> rejected) {

        static final Outcome NOTHING = new Outcome(0, 0, 0, List.of());

        Outcome plus(Outcome other) {
            List<Rejected> all = new ArrayList<>(rejected);
            all.addAll(other.rejected);
            return new Outcome(applied + other.applied, skipped + other.skipped, left + other.left, all);
        }
    }

    record Rejected(String id, String reason) {}
}
