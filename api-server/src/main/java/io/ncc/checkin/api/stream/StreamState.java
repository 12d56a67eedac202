package io.ncc.checkin.api.stream;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonUnwrapped;
import io.ncc.checkin.api.partition.CheckinId;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * How a stream stands, or all streams of the partitions in sum.
 *
 * @param length entries in the stream
 * @param firstId of the oldest entry; null if there is none
 * @param lastId of the newest entry; null if there is none
 * @param lastGeneratedId the highest id that the stream ever had
 * @param groups how many consumer groups it has; in sum, the most that one of the streams has
 * @param checkpoint every entry up to here is settled; null if nothing is known to be
 * @param oldestUnsettled the id of the first entry that is not settled; null if all are, and while it is not known, as too much was settled since the
 *     checkpoint was moved
 * @param oldestUnsettledAge its age in milliseconds
 * @param deadLetters how many there are now; null if their key is damaged: it holds something else
 * @param partitions of a sum, what is summed up; else null
 */
record StreamState(
        long length,
        @Nullable CheckinId firstId,
        @Nullable CheckinId lastId,
        @Nullable CheckinId lastGeneratedId,
        long groups,
        @Nullable CheckinId checkpoint,
        @Nullable CheckinId oldestUnsettled,
        @Nullable Long oldestUnsettledAge,
        @Nullable Long deadLetters,
        Totals totals,
        @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable List<OfPartition> partitions) {

    /** What became of the entries of the stream, ever since it was made. What is null is not known, as the key or the field is damaged. */
    record Totals(
            @Nullable Long applied,
            @Nullable Long dead,
            @Nullable Long lost,
            @Nullable Long skipped) {}

    /** The stream of one partition. */
    record OfPartition(int partition, @JsonUnwrapped StreamState state) {}

    /** @param shares one or more */
    static StreamState sum(List<OfPartition> shares) {
        List<StreamState> states = shares.stream().map(OfPartition::state).toList();
        return new StreamState(
                states.stream().mapToLong(StreamState::length).sum(),
                lowest(states, StreamState::firstId),
                highest(states, StreamState::lastId),
                highest(states, StreamState::lastGeneratedId),
                states.stream().mapToLong(StreamState::groups).max().orElseThrow(),
                checkpoint(states),
                lowest(states, StreamState::oldestUnsettled),
                states.stream()
                        .map(StreamState::oldestUnsettledAge)
                        .filter(Objects::nonNull)
                        .max(Comparator.naturalOrder())
                        .orElse(null),
                sum(states, StreamState::deadLetters),
                new Totals(
                        sum(states, state -> state.totals.applied),
                        sum(states, state -> state.totals.dead),
                        sum(states, state -> state.totals.lost),
                        sum(states, state -> state.totals.skipped)),
                shares);
    }

    /** A stream of which all is settled holds nothing up, however long ago it had its last entry. */
    private static @Nullable CheckinId checkpoint(List<StreamState> states) {
        List<StreamState> unsettled =
                states.stream().filter(state -> !state.isSettled()).toList();
        if (unsettled.stream().anyMatch(state -> state.checkpoint == null)) {
            return null;
        }
        return unsettled.isEmpty()
                ? highest(states, StreamState::checkpoint)
                : lowest(unsettled, StreamState::checkpoint);
    }

    private boolean isSettled() {
        return checkpoint == null
                ? lastId == null
                : lastGeneratedId != null && checkpoint.compareTo(lastGeneratedId) >= 0;
    }

    private static Stream<CheckinId> ids(List<StreamState> states, Function<StreamState, @Nullable CheckinId> id) {
        return states.stream().map(id).filter(Objects::nonNull);
    }

    private static @Nullable CheckinId lowest(List<StreamState> states, Function<StreamState, @Nullable CheckinId> id) {
        return ids(states, id).min(Comparator.naturalOrder()).orElse(null);
    }

    private static @Nullable CheckinId highest(
            List<StreamState> states, Function<StreamState, @Nullable CheckinId> id) {
        return ids(states, id).max(Comparator.naturalOrder()).orElse(null);
    }

    /** Not known if one is not known. */
    private static @Nullable Long sum(List<StreamState> states, Function<StreamState, @Nullable Long> value) {
        long sum = 0;
        for (StreamState state : states) {
            Long each = value.apply(state);
            if (each == null) {
                return null;
            }
            sum += each;
        }
        return sum;
    }
}
