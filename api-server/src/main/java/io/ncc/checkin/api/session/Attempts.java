package io.ncc.checkin.api.session;

import io.lettuce.core.ScriptOutputType;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.service.PartitionLinks;
import io.ncc.checkin.service.security.TokenDigests;
import io.ncc.redis.LuaScript;
import java.time.Duration;
import java.util.concurrent.CompletionStage;
import org.springframework.stereotype.Component;

/**
 * Counts failed logins in Redis, so that all API servers count together. A name, such as that of an account, is in Redis as a digest.
 */
@Component
final class Attempts {

    /** From the first failure on. */
    static final Duration WINDOW = Duration.ofMinutes(15);

    private final LuaScript script = LuaScript.of(Attempts.class, "attempt");
    private final Partitions partitions;
    private final PartitionLinks redis;

    Attempts(Partitions partitions, PartitionLinks redis) {
        this.partitions = partitions;
        this.redis = redis;
    }

    /** Counts an attempt, unless the limit is reached: then returns how long that lasts, otherwise zero. */
    CompletionStage<Duration> count(String name, int limit) {
        return run(name, "count", Integer.toString(limit), Long.toString(WINDOW.toMillis()))
                .thenApply(Duration::ofMillis);
    }

    /** Takes back an attempt that was counted and didn't fail. */
    CompletionStage<Long> forgive(String name) {
        return run(name, "forgive");
    }

    private CompletionStage<Long> run(String name, String... args) {
        String digest = TokenDigests.of(name);
        int partition = partitions.ofName(digest);
        String[] keys = {partitions.keys(partition).failedLogins(digest)};
        return redis.of(partition).send(commands -> script.run(commands, ScriptOutputType.INTEGER, keys, args));
    }
}
