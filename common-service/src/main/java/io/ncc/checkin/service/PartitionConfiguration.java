package io.ncc.checkin.service;

import io.ncc.checkin.model.Partitions;
import io.ncc.redis.RedisServers;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** The partitions, by the setting that all services share. */
@Configuration(proxyBeanMethods = false)
class PartitionConfiguration {

    @Bean
    Partitions partitions(@Value("${checkin.partitions:#{null}}") @Nullable Integer count) {
        try {
            return count == null ? Partitions.none() : Partitions.of(count);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("checkin." + e.getMessage(), e);
        }
    }

    @Bean
    PartitionCheck partitionCheck(Partitions partitions, RedisServers servers) {
        return new PartitionCheck(partitions, servers);
    }
}
