package io.ncc.checkin.api.stream;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.ncc.checkin.api.partition.CheckinId;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A consumer group.
 *
 * @param consumers how many it has
 * @param pending entries that were delivered and not acknowledged yet
 * @param lastDeliveredId in sum, the highest
 * @param lag entries that were not delivered yet; null where the server doesn't know
 * @param partitions of a sum, what is summed up; else null
 */
record Group(
        String name,
        long consumers,
        long pending,
        CheckinId lastDeliveredId,
        @Nullable Long lag,
        @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable List<InPartition> partitions) {

    /** What a group has in one partition. */
    record InPartition(
            int partition,
            long consumers,
            long pending,
            CheckinId lastDeliveredId,
            @Nullable Long lag) {}

    static Group of(String name, InPartition only) {
        return new Group(name, only.consumers, only.pending, only.lastDeliveredId, only.lag, null);
    }

    /**
     * The partitions in sum.
     *
     * @param consumers how many there are, each counted once
     * @param shares one or more
     */
    static Group sum(String name, long consumers, List<InPartition> shares) {
        return new Group(
                name,
                consumers,
                shares.stream().mapToLong(InPartition::pending).sum(),
                shares.stream()
                        .map(InPartition::lastDeliveredId)
                        .max(Comparator.naturalOrder())
                        .orElseThrow(),
                lag(shares),
                shares);
    }

    private static @Nullable Long lag(List<InPartition> shares) {
        long sum = 0;
        for (InPartition share : shares) {
            if (share.lag == null) {
                return null;
            }
            sum += share.lag;
        }
        return sum;
    }
}
