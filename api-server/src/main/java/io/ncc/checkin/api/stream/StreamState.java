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
 * @param checkpoint of the totals, and so are the next ones
 * @param projections what each projection that there is has made of the stream, the totals first
 * @param away of a sum, the partitions that didn't answer: it is that of the others; else null
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
        List<Projection> projections,
        @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable List<Integer> away,
        @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable List<OfPartition> partitions) {

    /**
     * What a projection has made of the stream.
     *
     * @param checkpoint every entry up to here is settled; null if nothing is known to be
     * @param oldestUnsettled the id of the first entry that is not settled; null if all are, and while it is not known, as too much was settled since the
     *     checkpoint was moved
     * @param oldestUnsettledAge its age in milliseconds
     * @param deadLetters how many there are now; null if their key is damaged: it holds something else
     */
    record Projection(
            String group,
            @Nullable CheckinId checkpoint,
            @Nullable CheckinId oldestUnsettled,
            @Nullable Long oldestUnsettledAge,
            @Nullable Long deadLetters,
            Totals totals) {

        /** Where it has not begun yet. */
        static Projection none(String group) {
            return new Projection(group, null, null, null, 0L, new Totals(0L, 0L, 0L, 0L, 0L, 0L));
        }
    }

    /**
     * What became of the entries of the stream, ever since it was made. What is null is not known, as the key or the field is damaged.
     *
     * @param foreign dead letters of other projections that were replayed
     * @param missed entries that had been trimmed before the projection was there
     */
    record Totals(
            @Nullable Long applied,
            @Nullable Long dead,
            @Nullable Long lost,
            @Nullable Long skipped,
            @Nullable Long foreign,
            @Nullable Long missed) {}

    /** The stream of one partition. */
    record OfPartition(int partition, @JsonUnwrapped StreamState state) {}

    /** @param projections those that there are, the totals first */
    static StreamState of(
            long length,
            @Nullable CheckinId firstId,
            @Nullable CheckinId lastId,
            @Nullable CheckinId lastGeneratedId,
            long groups,
            List<Projection> projections,
            @Nullable List<Integer> away,
            @Nullable List<OfPartition> partitions) {
        Projection totals = projections.get(0);
        return new StreamState(
                length,
                firstId,
                lastId,
                lastGeneratedId,
                groups,
                totals.checkpoint,
                totals.oldestUnsettled,
                totals.oldestUnsettledAge,
                totals.deadLetters,
                totals.totals,
                projections,
                away,
                partitions);
    }

    /**
     * @param shares one or more
     * @param away the partitions that didn't answer
     */
    static StreamState sum(List<OfPartition> shares, List<Integer> away) {
        List<StreamState> states = shares.stream().map(OfPartition::state).toList();
        return of(
                states.stream().mapToLong(StreamState::length).sum(),
                lowest(states, StreamState::firstId),
                highest(states, StreamState::lastId),
                highest(states, StreamState::lastGeneratedId),
                states.stream().mapToLong(StreamState::groups).max().orElseThrow(),
                states.stream()
                        .flatMap(state -> state.projections.stream().map(Projection::group))
                        .distinct()
                        .map(group -> sum(group, states))
                        .toList(),
                away,
                shares);
    }

    private static Projection sum(String group, List<StreamState> states) {
        List<Projection> shares =
                states.stream().map(state -> state.projection(group)).toList();
        return new Projection(
                group,
                checkpoint(group, states),
                lowest(shares, Projection::oldestUnsettled),
                shares.stream()
                        .map(Projection::oldestUnsettledAge)
                        .filter(Objects::nonNull)
                        .max(Comparator.naturalOrder())
                        .orElse(null),
                sum(shares, Projection::deadLetters),
                new Totals(
                        sum(shares, share -> share.totals.applied),
                        sum(shares, share -> share.totals.dead),
                        sum(shares, share -> share.totals.lost),
                        sum(shares, share -> share.totals.skipped),
                        sum(shares, share -> share.totals.foreign),
                        sum(shares, share -> share.totals.missed)));
    }

    private Projection projection(String group) {
        return projections.stream()
                .filter(projection -> projection.group.equals(group))
                .findFirst()
                .orElse(Projection.none(group));
    }

    /** A stream of which all is settled holds nothing up, however long ago it had its last entry. */
    private static @Nullable CheckinId checkpoint(String group, List<StreamState> states) {
        List<Projection> unsettled = states.stream()
                .filter(state -> !state.isSettledFor(group))
                .map(state -> state.projection(group))
                .toList();
        if (unsettled.stream().anyMatch(projection -> projection.checkpoint == null)) {
            return null;
        }
        return unsettled.isEmpty()
                ? highest(states, state -> state.projection(group).checkpoint)
                : lowest(unsettled, Projection::checkpoint);
    }

    private boolean isSettledFor(String group) {
        CheckinId settled = projection(group).checkpoint;
        return settled == null ? lastId == null : lastGeneratedId != null && settled.compareTo(lastGeneratedId) >= 0;
    }

    private static <T> Stream<CheckinId> ids(List<T> states, Function<T, @Nullable CheckinId> id) {
        return states.stream().map(id).filter(Objects::nonNull);
    }

    private static <T> @Nullable CheckinId lowest(List<T> states, Function<T, @Nullable CheckinId> id) {
        return ids(states, id).min(Comparator.naturalOrder()).orElse(null);
    }

    private static <T> @Nullable CheckinId highest(List<T> states, Function<T, @Nullable CheckinId> id) {
        return ids(states, id).max(Comparator.naturalOrder()).orElse(null);
    }

    /** Not known if one is not known. */
    private static @Nullable Long sum(List<Projection> shares, Function<Projection, @Nullable Long> value) {
        long sum = 0;
        for (Projection share : shares) {
            Long each = value.apply(share);
            if (each == null) {
                return null;
            }
            sum += each;
        }
        return sum;
    }
}
