package io.ncc.checkin.api.stream;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A consumer of a group.
 *
 * @param pending entries delivered to the consumer and not acknowledged yet
 * @param idle milliseconds since the consumer last did something, as the server counts: before 7.2 a poll that found nothing is not
 *     counted, so a large value says nothing about its health; in sum, the shortest
 * @param partitions of a sum, what is summed up; else null
 */
record GroupConsumer(
        String name,
        long pending,
        long idle,
        @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable List<InPartition> partitions) {

    /** What a consumer has in one partition. */
    record InPartition(int partition, long pending, long idle) {}

    /** @param shares one or more */
    static GroupConsumer sum(String name, List<InPartition> shares, @Nullable List<InPartition> shown) {
        return new GroupConsumer(
                name,
                shares.stream().mapToLong(InPartition::pending).sum(),
                shares.stream().mapToLong(InPartition::idle).min().orElseThrow(),
                shown);
    }
}
