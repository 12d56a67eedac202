package io.ncc.checkin.processor;

import io.lettuce.core.api.async.RedisAsyncCommands;
import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.CheckinCodec;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.model.UndecodableEntryException;
import io.ncc.engine.Batch;
import io.ncc.engine.Entry;
import io.ncc.engine.GroupKeys;
import io.ncc.engine.Mode;
import io.ncc.engine.Projection;
import io.ncc.engine.ProjectionScript;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionStage;

/** Keeps the totals of each user and location of a partition, with {@code apply.lua}. */
public final class CheckinProjection implements Projection {

    private final ProjectionScript script;
    private final Partitions partitions;
    private final int partition;
    private final Keys keys;

    /** @param partition whose stream is read */
    public CheckinProjection(Partitions partitions, int partition, Mode mode) {
        this.partitions = partitions;
        this.partition = partition;
        this.keys = partitions.keys(partition);
        this.script = new ProjectionScript(CheckinProjection.class, "apply", groupKeys(keys), mode);
    }

    /** The processor's group, and the keys of its state. */
    public static GroupKeys groupKeys(Keys keys) {
        return new GroupKeys(
                keys.checkins(),
                Keys.GROUP,
                keys.checkpoint(),
                keys.settledRanges(),
                keys.totals(),
                keys.deadLetters(),
                keys.deadLetterIds(),
                keys.projections(),
                keys.probe());
    }

    @Override
    public GroupKeys keys() {
        return script.keys();
    }

    @Override
    public CompletionStage<Outcome> apply(RedisAsyncCommands<String, String> commands, Batch batch) {
        Sums sums = new Sums();
        List<Rejected> undecodable = new ArrayList<>();
        for (Entry entry : batch.entries()) {
            try {
                Checkin checkin = CheckinCodec.decode(entry.fields());
                int home = partitions.ofUser(checkin.userId());
                if (home == partition) {
                    sums.add(entry, checkin);
                } else {
                    sums.skip();
                    undecodable.add(new Rejected(entry.id(), "userId belongs to partition " + home));
                }
            } catch (UndecodableEntryException e) {
                sums.skip();
                undecodable.add(new Rejected(entry.id(), e.reason()));
            }
        }
        return script.run(commands, batch, undecodable, sums.keys(keys), sums.args());
    }
}
