package io.ncc.checkin.processor;

import io.lettuce.core.api.async.RedisAsyncCommands;
import io.ncc.checkin.model.CheckinCodec;
import io.ncc.checkin.model.Keys;
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

/** Keeps the totals of each user and location, with {@code apply.lua}. */
public final class CheckinProjection implements Projection {

    private final ProjectionScript script;
    private final Keys keys;

    public CheckinProjection(Keys keys, Mode mode) {
        this.script = new ProjectionScript(CheckinProjection.class, "apply", groupKeys(keys), mode);
        this.keys = keys;
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
                sums.add(entry, CheckinCodec.decode(entry.fields()));
            } catch (UndecodableEntryException e) {
                sums.skip();
                undecodable.add(new Rejected(entry.id(), e.reason()));
            }
        }
        return script.run(commands, batch, undecodable, sums.keys(keys), sums.args());
    }
}
