package io.ncc.engine;

/**
 * A consumer group of a stream, and the keys that hold what the group has done. On Redis Cluster all of them must be in one slot.
 *
 * @param checkpoint string: every entry up to and including this id is settled
 * @param settledRanges sorted set: ranges of ids that are settled above the checkpoint
 * @param totals hash: how many entries were applied, dead-lettered, lost, skipped, foreign and missed, and the stream's {@code entries-added}
 * @param deadLetters stream: what could not be applied
 * @param deadLetterIds hash: the id of an entry to the id of its dead letter or, later, to what became of the dead letter
 * @param projections hash: the group of each projection of the stream to its checkpoint; what one of them has not settled is not trimmed
 * @param probe a key without lasting content, on which the engine tries the commands that its Redis user must be allowed to run
 */
public record GroupKeys(
        String stream,
        String group,
        String checkpoint,
        String settledRanges,
        String totals,
        String deadLetters,
        String deadLetterIds,
        String projections,
        String probe) {

    /** The keys {@code <stream>:<group>:checkpoint} and so on. */
    public static GroupKeys of(String stream, String group) {
        String prefix = stream + ':' + group + ':';
        return new GroupKeys(
                stream,
                group,
                prefix + "checkpoint",
                prefix + "settled",
                prefix + "totals",
                prefix + "dead",
                prefix + "dead:ids",
                stream + ":projections",
                prefix + "probe");
    }

    /** The first keys of most scripts, in the order that these expect. */
    public String[] state() {
        return new String[] {stream, checkpoint, settledRanges, totals, probe};
    }

    /** The keys of the script for housekeeping. */
    public String[] housekeeping() {
        return new String[] {stream, checkpoint, settledRanges, totals, probe, projections};
    }
}
