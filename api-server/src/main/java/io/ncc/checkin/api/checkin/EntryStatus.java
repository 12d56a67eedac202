package io.ncc.checkin.api.checkin;

import io.ncc.checkin.api.partition.CheckinId;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What became of an entry. Of a dead letter that was replayed it is what became of the replay.
 *
 * @param consumer who holds it, while it is {@link State#PROCESSING}
 * @param deliveries how often it was delivered, while it is processing
 * @param reason why it is {@link State#DEAD}
 * @param deadLetter the id of its dead letter; null if that was discarded
 * @param replayedAs the id of its replay
 * @param checkin null if the entry is no checkin, or no longer in the stream
 */
public record EntryStatus(
        CheckinId id,
        State state,
        @Nullable String consumer,
        @Nullable Long deliveries,
        @Nullable String reason,
        @Nullable String deadLetter,
        @Nullable String replayedAs,
        @Nullable StoredCheckin checkin) {

    /** Whether nothing will change any more by itself. */
    public boolean isSettled() {
        return state == State.APPLIED || state == State.ELSEWHERE || state == State.DEAD || state == State.TRIMMED;
    }

    EntryStatus withState(State other) {
        return new EntryStatus(id, other, consumer, deliveries, reason, deadLetter, replayedAs, checkin);
    }

    /** How far an entry has come. */
    public enum State {
        /** It waits in the stream. */
        QUEUED,
        /** A processor has it. */
        PROCESSING,
        APPLIED,
        /** Acknowledged by another program, and not applied: it is in no total. */
        ELSEWHERE,
        DEAD,
        /** Settled, and no longer in the stream. */
        TRIMMED,
        /** In the stream, which nobody processes: there is neither a group nor a checkpoint. */
        UNPROCESSED,
        /** Never there, or deleted before it was settled. */
        UNKNOWN;

        @Nullable
        String text() {
            return switch (this) {
                case UNPROCESSED -> null;
                case ELSEWHERE -> "settled-elsewhere";
                default -> name().toLowerCase(Locale.ROOT);
            };
        }
    }
}
