package io.ncc.checkin.api.live;

import io.lettuce.core.StreamMessage;
import io.ncc.checkin.api.partition.CheckinId;
import io.ncc.checkin.model.Partitions;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An entry of the stream, or of that of a partition.
 *
 * @param fields null or empty if it has none
 */
public record LiveEntry(CheckinId id, @Nullable Map<String, String> fields) {

    static LiveEntry of(Partitions partitions, int partition, StreamMessage<String, String> entry) {
        return new LiveEntry(CheckinId.of(partitions, partition, entry.getId()), entry.getBody());
    }
}
