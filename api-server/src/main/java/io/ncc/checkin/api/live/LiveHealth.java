package io.ncc.checkin.api.live;

import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.service.PartitionHealth;
import io.ncc.checkin.service.RedisHealth;
import java.util.stream.IntStream;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** What the loop that follows the stream has to say of its health. */
@Configuration(proxyBeanMethods = false)
class LiveHealth {

    /** Part of readiness: whether those who follow the stream, or wait for checkins to pull, see what comes. */
    @Bean
    HealthIndicator followingHealthIndicator(Partitions partitions, StreamTail tail) {
        return new PartitionHealth(
                partitions,
                IntStream.range(0, partitions.count()).boxed().toList(),
                partition -> () -> RedisHealth.of(tail.trouble(partition)));
    }

    /** Part of liveness: a loop that hangs is not mended by waiting, but by a restart. */
    @Bean
    HealthIndicator loopHealthIndicator(StreamTail tail) {
        return () -> (tail.isTurning() ? Health.up() : Health.down()).build();
    }
}
