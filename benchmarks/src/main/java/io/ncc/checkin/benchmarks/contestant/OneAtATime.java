package io.ncc.checkin.benchmarks.contestant;

import io.lettuce.core.Consumer;
import io.lettuce.core.RedisClient;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.StreamMessage;
import io.lettuce.core.XReadArgs;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.sync.RedisCommands;
import io.ncc.checkin.model.Keys;
import io.ncc.redis.LuaScript;
import java.util.List;
import java.util.Map;

/** What the tutorials do: reads one entry, counts it, acknowledges it, and waits for each of the three. */
public final class OneAtATime implements Contestant {

    private final Keys keys = Keys.unpartitioned();
    private final LuaScript script = LuaScript.of(OneAtATime.class, "one");
    private final StatefulRedisConnection<String, String> connection;
    private final RedisCommands<String, String> redis;

    public OneAtATime(int port) {
        connection = RedisClient.create("redis://127.0.0.1:" + port).connect();
        redis = connection.sync();
    }

    @Override
    public void prepare(int entries) {
        // there is nothing to prepare
    }

    @Override
    @SuppressWarnings("unchecked") // an array of a generic type, for Lettuce's varargs
    public void drain(int entries) {
        Consumer<String> consumer = Consumer.from(Keys.GROUP, "one-at-a-time");
        XReadArgs one = XReadArgs.Builder.count(1);
        XReadArgs.StreamOffset<String> undelivered = XReadArgs.StreamOffset.lastConsumed(keys.checkins());
        for (int done = 0; done < entries; ) {
            List<StreamMessage<String, String>> read = redis.xreadgroup(consumer, one, undelivered);
            if (read.isEmpty()) {
                throw new IllegalStateException("Of " + entries + " entries there were only " + done);
            }
            for (StreamMessage<String, String> entry : read) {
                Map<String, String> fields = entry.getBody();
                script.<Long>run(
                                connection.async(),
                                ScriptOutputType.INTEGER,
                                PlainUpdate.keys(fields),
                                PlainUpdate.args(entry.getId(), fields))
                        .toCompletableFuture()
                        .join();
                redis.xack(keys.checkins(), Keys.GROUP, entry.getId());
                done++;
            }
        }
    }
}
