package io.ncc.checkin.service;

import io.lettuce.core.RedisException;
import io.lettuce.core.api.async.BaseRedisAsyncCommands;
import io.ncc.redis.RedisCondition;
import io.ncc.redis.RedisLink;
import io.ncc.redis.UnfitServerException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.health.contributor.Health;

/** Whether Redis answers on a link that a service works with. */
public final class RedisHealth {

    private static final String CONDITION = "condition";

    private RedisHealth() {}

    /** Asks, and returns what waits for the answer. */
    public static Supplier<Health> ask(RedisLink link) {
        CompletableFuture<String> pong =
                link.<String>send(BaseRedisAsyncCommands::ping).toCompletableFuture();
        return () -> {
            try {
                pong.join();
                return of(null);
            } catch (CompletionException | RedisException e) {
                return down(CONDITION, RedisCondition.of(e), link.refusal());
            }
        };
    }

    /** Down with this condition; up if it is null. */
    public static Health of(@Nullable RedisCondition trouble) {
        return trouble == null ? Health.up().build() : down(CONDITION, trouble, null);
    }

    /**
     * Down with one detail, and with the reason if the server is refused.
     *
     * @param detail its name
     */
    public static Health down(String detail, Object value, @Nullable UnfitServerException refusal) {
        Health.Builder health = Health.down().withDetail(detail, value);
        if (refusal != null) {
            health.withDetail("reason", String.valueOf(refusal.getMessage()));
        }
        return health.build();
    }
}
