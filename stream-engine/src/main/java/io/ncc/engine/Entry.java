package io.ncc.engine;

import io.ncc.redis.StreamId;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An entry of the stream as it was read.
 *
 * @param fields of a repeated field, the last value; empty for an entry that is pending and was deleted from the stream; for an entry that is too
 *     large, the fields that were kept
 * @param deliveries how often it was delivered, as the server counts: 1 for the first time
 * @param fieldsInStream the number of fields of an entry that is too large, 0 if it could not be read; null for other entries
 */
public record Entry(
        String id,
        Map<String, String> fields,
        long deliveries,
        @Nullable Integer fieldsInStream) {

    /** The field with the id of the original entry, in a dead letter that was replayed. */
    public static final String REPLAY_OF = "replayOf";

    /** The field with the group that set the original aside, in a dead letter that was replayed: it is for that group alone. */
    public static final String REPLAY_FOR = "replayFor";

    public Entry(String id, Map<String, String> fields, long deliveries) {
        this(id, fields, deliveries, null);
    }

    /** An entry that is given up without another attempt to read it. */
    static Entry unread(String id, long deliveries) {
        return new Entry(id, Map.of(), deliveries, 0);
    }

    Entry deliveredAgain() {
        return deliveredFor(deliveries + 1);
    }

    Entry deliveredFor(long times) {
        return new Entry(id, fields, times, fieldsInStream);
    }

    /** Whether fields were dropped when it was read. A projection gets no such entry, and no deleted one. */
    boolean isTooLarge() {
        return fieldsInStream != null;
    }

    /** Whether nobody could read it. */
    boolean isUnread() {
        return fieldsInStream != null && fieldsInStream == 0;
    }

    boolean isDeleted() {
        return fieldsInStream == null && fields.isEmpty();
    }

    /** Whether the entry has the field of a dead letter that was replayed. */
    public boolean isReplay() {
        return fields.containsKey(REPLAY_OF);
    }

    /** False if the entry is a dead letter of another group, which was replayed for that group. */
    boolean isFor(String group) {
        return !isReplay() || fields.getOrDefault(REPLAY_FOR, group).equals(group);
    }

    /** The id that tells when the event happened: that of the original if this is a dead letter that was replayed, else its own. */
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
