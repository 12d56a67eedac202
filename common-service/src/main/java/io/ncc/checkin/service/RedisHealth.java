package io.ncc.checkin.service;

import io.lettuce.core.RedisException;
import io.lettuce.core.api.async.BaseRedisAsyncCommands;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;

/** Whether Redis answers on the link that a service works with. */
public final class RedisHealth implements HealthIndicator {

    private final RedisLink link;

    public RedisHealth(RedisLink link) {
        this.link = link;
    }

    @Override
    public Health health() {
        try {
            link.call(BaseRedisAsyncCommands::ping);
            return Health.up().build();
        } catch (RedisException e) {
            return Health.down().withDetail("condition", RedisCondition.of(e)).build();
        }
    }
}
