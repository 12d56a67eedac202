package io.ncc.engine;

import io.ncc.redis.StreamId;
import java.util.Map;

/**
 * An entry of the stream as it was read.
 *
 * @param fields of a repeated field, the last value; empty for an entry that is pending and was deleted from the stream
 * @param deliveries how often it was delivered, as the server counts: 1 for the first time
 */
public record Entry(String id, Map<String, String> fields, long deliveries) {

    /** The field that names the original, of an entry that is a dead letter put back into the stream. */
    public static final String REPLAY_OF = "replayOf";

    Entry deliveredAgain() {
        return new Entry(id, fields, deliveries + 1);
    }

    /** Whether this may be a dead letter that was put back. */
    public boolean isReplay() {
        return fields.containsKey(REPLAY_OF);
    }

    /** When the event took place: the id of the original if this is a dead letter that was put back, else its own. */
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
            return own; // a field of that name that isn't ours
        }
    }
}
