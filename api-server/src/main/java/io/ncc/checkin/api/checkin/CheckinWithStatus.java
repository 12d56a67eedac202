package io.ncc.checkin.api.checkin;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.ncc.checkin.api.partition.CheckinId;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A checkin, and what became of it.
 *
 * @param status queued, processing, applied, settled-elsewhere or dead; null where there is no processor that could say
 * @param consumer who is processing it
 * @param deliveries how often it was delivered to a processor
 * @param reason why it is dead
 * @param deadLetter the id of its dead letter
 * @param replayedAs the id under which its dead letter was replayed; the status is that of this entry
 * @param groups its status in each projection, by group; null if there are only the totals, or if it wasn't asked for
 * @param checkin null if the entry is no checkin, or no longer in the stream
 */
public record CheckinWithStatus(
        CheckinId id,
        @Nullable String status,

        @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable String consumer,

        @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable Long deliveries,

        @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable String reason,

        @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable String deadLetter,

        @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable String replayedAs,

        @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable Map<String, @Nullable String> groups,

        @Nullable StoredCheckin checkin) {

    /** With its status in the totals. */
    public static CheckinWithStatus of(EntryStatus status) {
        return of(status, null);
    }

    static CheckinWithStatus of(EntryStatus status, @Nullable Map<String, @Nullable String> groups) {
        return new CheckinWithStatus(
                status.id(),
                status.state().text(),
                status.consumer(),
                status.deliveries(),
                status.reason(),
                status.deadLetter(),
                status.replayedAs(),
                groups,
                status.checkin());
    }
}
