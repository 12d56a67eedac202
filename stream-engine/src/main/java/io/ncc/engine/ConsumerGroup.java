package io.ncc.engine;

import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.ncc.redis.LuaScript;
import io.ncc.redis.RedisLink;
import java.util.List;
import java.util.concurrent.CompletionStage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Creates the consumer group, and removes the consumer of this process from it. */
final class ConsumerGroup {

    private static final Logger log = LoggerFactory.getLogger(ConsumerGroup.class);

    private final LuaScript probe = LuaScript.of(ConsumerGroup.class, "probe");
    private final LuaScript open = LuaScript.of(ConsumerGroup.class, "settled", "open");
    private final LuaScript leave = LuaScript.of(ConsumerGroup.class, "leave");
    private final RedisLink redis;
    private final GroupKeys keys;
    private final String consumer;

    ConsumerGroup(RedisLink redis, GroupKeys keys, String consumer) {
        this.redis = redis;
        this.keys = keys;
        this.consumer = consumer;
    }

    GroupKeys keys() {
        return keys;
    }

    String consumer() {
        return consumer;
    }

    /** @throws io.lettuce.core.RedisException if this user of Redis may not run every command of the scripts */
    void requirePermissions() {
        redis.call(
                commands -> probe.run(commands, ScriptOutputType.INTEGER, new String[] {keys.probe()}, new String[0]));
    }

    /** Creates the group at the checkpoint, unless it exists. */
    void open() {
        List<Object> reply = redis.call(commands -> runOpen(commands, keys.group()));
        if ((Long) reply.get(1) == 1) {
            log.info("Created group {} of {} at {}", keys.group(), keys.stream(), reply.get(0));
        }
    }

    /** Where to resume reading without a group: the checkpoint, or {@code 0-0} for the beginning. */
    String position() {
        return (String) redis.call((RedisAsyncCommands<String, String> commands) -> runOpen(commands))
                .get(0);
    }

    private CompletionStage<List<Object>> runOpen(RedisAsyncCommands<String, String> commands, String... group) {
        String[] scriptKeys = {keys.stream(), keys.checkpoint(), keys.settledRanges()};
        return open.<List<Object>>run(commands, ScriptOutputType.MULTI, scriptKeys, group)
                .thenApply(reply -> {
                    if ((Long) reply.get(2) == 1) {
                        log.warn("Dropped the checkpoint and settled ranges of a stream that is gone");
                    }
                    return reply;
                });
    }

    /** Removes the consumer from the group if it has no pending entries. */
    void leave() {
        long left = redis.call(commands -> leave.<Long>run(
                commands, ScriptOutputType.INTEGER, new String[] {keys.stream()}, new String[] {keys.group(), consumer
                }));
        if (left == 1) {
            log.info("Consumer {} left group {}", consumer, keys.group());
        }
    }
}
