package io.ncc.checkin.api.checkin;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.ncc.checkin.api.partition.CheckinId;
import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.CheckinCodec;
import io.ncc.checkin.model.UndecodableEntryException;
import io.ncc.engine.Entry;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A checkin as it is in the stream.
 *
 * @param timestamp when it was taken in, in milliseconds since 1970
 * @param replayOf of a dead letter that was replayed: the id of the original
 * @param replayFor of a dead letter that was replayed: the group that it is for; null if it is for all
 */
public record StoredCheckin(
        CheckinId id,
        long timestamp,
        long userId,
        long locationId,
        int starRating,
        @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable String replayOf,
        @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable String replayFor) {

    /**
     * Null for an entry that is not a checkin.
     *
     * @param namesAndValues of its fields, in turns, as a script gives them
     */
    public static @Nullable StoredCheckin from(CheckinId id, List<?> namesAndValues) {
        Map<String, String> fields = new HashMap<>();
        for (int i = 0; i < namesAndValues.size(); i += 2) {
            fields.put((String) namesAndValues.get(i), (String) namesAndValues.get(i + 1));
        }
        return from(id, fields);
    }

    /**
     * Null for an entry that is not a checkin.
     *
     * @param fields null or empty if it has none
     */
    public static @Nullable StoredCheckin from(CheckinId id, @Nullable Map<String, String> fields) {
        if (fields == null) {
            return null;
        }
        try {
            Checkin checkin = CheckinCodec.decode(fields);
            String replayOf = fields.get(Entry.REPLAY_OF);
            return new StoredCheckin(
                    id,
                    id.entry().millis(),
                    checkin.userId(),
                    checkin.locationId(),
                    checkin.starRating(),
                    id.outside(replayOf),
                    replayOf == null ? null : fields.get(Entry.REPLAY_FOR));
        } catch (UndecodableEntryException e) {
            return null;
        }
    }
}
