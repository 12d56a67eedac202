package io.ncc.checkin.api;

import io.lettuce.core.StreamMessage;
import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.CheckinCodec;
import io.ncc.checkin.model.StreamId;
import io.ncc.checkin.model.UndecodableEntryException;
import io.swagger.v3.oas.annotations.media.Schema;
import org.jspecify.annotations.Nullable;

/**
 * A checkin as it is in the stream.
 *
 * @param timestamp when it was taken in, in milliseconds since 1970
 */
@Schema(name = "Checkin")
record StoredCheckin(
        @Schema(example = "1609602085397-0") String id,
        @Schema(example = "1609602085397") long timestamp,
        @Schema(example = "789") long userId,
        @Schema(example = "171") long locationId,
        @Schema(example = "5", minimum = "0", maximum = "5") int starRating) {

    /** Null for an entry that is not a checkin. */
    static @Nullable StoredCheckin from(StreamMessage<String, String> entry) {
        try {
            Checkin checkin = CheckinCodec.decode(entry.getBody());
            return new StoredCheckin(
                    entry.getId(),
                    StreamId.parse(entry.getId()).millis(),
                    checkin.userId(),
                    checkin.locationId(),
                    checkin.starRating());
        } catch (UndecodableEntryException e) {
            return null;
        }
    }
}
