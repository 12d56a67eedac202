package io.ncc.engine;

import io.ncc.redis.StreamId;
import java.util.Map;

/**
 * An entry of the stream as it was read.
 *
 * @param fields if the entry repeats a name, the last value; empty for a pending entry that was deleted from the stream
 * @param deliveries how often the entry was delivered, 1 or more
 */
public record Entry(String id, Map<String, String> fields, long deliveries) {

    /** The field with the id of the original entry, in a dead letter that was put back into the stream. */
    public static final String REPLAY_OF = "replayOf";

    Entry deliveredAgain() {
        return new Entry(id, fields, deliveries + 1);
    }

    /** Whether the entry has the field of a dead letter that was put back. */
    public boolean isReplay() {
        return fields.containsKey(REPLAY_OF);
    }

    /** The id that tells when the event happened: that of the original if this is a dead letter that was put back, else its own. */
    public StreamId time() {
        StreamId own = StreamId.parse(id);
        String replayOf = fields.get(REPLAY_OF);
        if (replayOf == null) {
            return own;
        }
        try {
            StreamId original = StreamId.parse(replayOf);
            return original.compareTo(own) < 0 ? original : own;
        } catch (IllegalArgumentException e) {
            return own; // another program uses a field of that name
        }
    }
}
