package io.ncc.checkin.processor.engine;

import io.ncc.checkin.model.Keys;

/** A consumer group of the stream, and the keys that hold what the group has done. */
public record GroupKeys(
        String stream,
        String group,
        String checkpoint,
        String settledRanges,
        String totals,
        String deadLetters,
        String deadLetterIds,
        String probe) {

    public static GroupKeys of(Keys keys) {
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

    /** The first keys of the scripts, in the order that they expect. */
    public String[] state() {
        return new String[] {stream, checkpoint, settledRanges, totals, probe};
    }
}
