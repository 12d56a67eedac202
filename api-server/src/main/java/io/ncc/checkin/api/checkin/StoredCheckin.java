package io.ncc.checkin.api.checkin;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.lettuce.core.StreamMessage;
import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.CheckinCodec;
import io.ncc.checkin.model.UndecodableEntryException;
import io.ncc.engine.Entry;
import io.ncc.redis.StreamId;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A checkin as it is in the stream.
 *
 * @param timestamp when it was taken in, in milliseconds since 1970
 * @param replayOf of a dead letter that was put back: the id of the original
 */
public record StoredCheckin(
        String id,
        long timestamp,
        long userId,
        long locationId,
        int starRating,
        @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable String replayOf) {

    /** Null for an entry that is not a checkin. */
    public static @Nullable StoredCheckin from(StreamMessage<String, String> entry) {
        return entry.getBody() == null ? null : from(entry.getId(), entry.getBody());
    }

    /**
     * Null for an entry that is not a checkin.
     *
     * @param namesAndValues of its fields, in turns, as a script gives them
     */
    public static @Nullable StoredCheckin from(String id, List<?> namesAndValues) {
        Map<String, String> fields = new HashMap<>();
        for (int i = 0; i < namesAndValues.size(); i += 2) {
            fields.put((String) namesAndValues.get(i), (String) namesAndValues.get(i + 1));
        }
        return from(id, fields);
    }

    private static @Nullable StoredCheckin from(String id, Map<String, String> fields) {
        try {
            Checkin checkin = CheckinCodec.decode(fields);
            return new StoredCheckin(
                    id,
                    StreamId.parse(id).millis(),
                    checkin.userId(),
                    checkin.locationId(),
                    checkin.starRating(),
                    fields.get(Entry.REPLAY_OF));
        } catch (UndecodableEntryException e) {
            return null;
        }
    }
}
