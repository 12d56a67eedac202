package io.ncc.checkin.service;

import io.ncc.checkin.model.Partitions;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;

/**
 * The setting that all services share.
 *
 * @param partitions the number of partitions, 1 to 256, the same in all services and fixed by the first that connects; if not set, one stream without a partition
 */
@ConfigurationProperties(prefix = "checkin")
record PartitionProperties(@Nullable Integer partitions) {

    PartitionProperties {
        if (partitions != null) {
            try {
                Partitions.of(partitions);
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException("checkin." + e.getMessage());
            }
        }
    }
}
