package io.ncc.checkin.service;

import io.lettuce.core.RedisException;
import io.lettuce.core.api.async.BaseRedisAsyncCommands;
import io.ncc.redis.RedisCondition;
import io.ncc.redis.RedisLink;
import org.jspecify.annotations.Nullable;
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
            return of(null);
        } catch (RedisException e) {
            return of(RedisCondition.of(e));
        }
    }

    /** Down with this condition; up if it is null. */
    public static Health of(@Nullable RedisCondition trouble) {
        return trouble == null
                ? Health.up().build()
                : Health.down().withDetail("condition", trouble).build();
    }
}
