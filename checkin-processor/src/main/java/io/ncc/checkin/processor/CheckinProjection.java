package io.ncc.checkin.processor;

import io.lettuce.core.api.async.RedisAsyncCommands;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.Partitions;
import io.ncc.engine.Batch;
import io.ncc.engine.GroupKeys;
import io.ncc.engine.Mode;
import io.ncc.engine.Projection;
import io.ncc.engine.ProjectionScript;
import java.util.List;
import java.util.concurrent.CompletionStage;

/** Keeps the totals of each user and location of a partition, with {@code apply.lua}. */
public final class CheckinProjection implements Projection {

    private final ProjectionScript script;
    private final CheckinDecoder decoder;
    private final Keys keys;

    /** @param partition whose stream is read */
    public CheckinProjection(Partitions partitions, int partition, Mode mode) {
        this.decoder = new CheckinDecoder(partitions, partition);
        this.keys = partitions.keys(partition);
        this.script = new ProjectionScript(CheckinProjection.class, "apply", keys.totalsGroup(GroupKeys::new), mode);
    }

    @Override
    public GroupKeys keys() {
        return script.keys();
    }

    @Override
    public CompletionStage<Outcome> apply(RedisAsyncCommands<String, String> commands, Batch batch) {
        Sums sums = new Sums();
        List<Rejected> undecodable = decoder.decode(batch, sums::add, sums::skip);
        return script.run(commands, batch, undecodable, sums.keys(keys), sums.args());
    }
}
