package io.ncc.checkin.processor;

import io.lettuce.core.Consumer;
import io.lettuce.core.RedisClient;
import io.lettuce.core.StreamMessage;
import io.lettuce.core.XReadArgs;
import io.lettuce.core.XReadArgs.StreamOffset;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.sync.RedisCommands;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.StreamId;
import io.ncc.checkin.testsupport.RealRedis;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/** A program as tutorials have it, in the processor's group: one entry at a time, updates of the hashes, then XACK. It knows no script. */
final class PlainProgram implements AutoCloseable {

    private static final Keys KEYS = Keys.unpartitioned();

    private final RedisClient client;
    private final StatefulRedisConnection<String, String> connection;
    private final Thread thread = new Thread(this::run, "plain program");
    private final AtomicLong processed = new AtomicLong();
    private volatile boolean stopping;

    PlainProgram(RealRedis redis) {
        client = RedisClient.create(redis.uri());
        connection = client.connect();
    }

    void start() {
        thread.start();
    }

    long processed() {
        return processed.get();
    }

    @SuppressWarnings("unchecked") // of Lettuce's generic varargs
    private void run() {
        RedisCommands<String, String> redis = connection.sync();
        while (!stopping) {
            List<StreamMessage<String, String>> entries = redis.xreadgroup(
                    Consumer.from(Keys.GROUP, "plain"),
                    XReadArgs.Builder.count(1).block(100),
                    StreamOffset.lastConsumed(KEYS.checkins()));
            for (StreamMessage<String, String> entry : entries) {
                apply(redis, entry);
                redis.xack(KEYS.checkins(), Keys.GROUP, entry.getId());
                processed.incrementAndGet();
            }
        }
    }

    private static void apply(RedisCommands<String, String> redis, StreamMessage<String, String> entry) {
        Map<String, String> fields = entry.getBody();
        String user = KEYS.user(Long.parseLong(fields.get("userId")));
        String location = KEYS.location(Long.parseLong(fields.get("locationId")));
        redis.multi();
        redis.hincrby(user, "numCheckins", 1);
        redis.hincrby(location, "numCheckins", 1);
        redis.hincrby(location, "numStars", Long.parseLong(fields.get("starRating")));
        redis.exec();
        long millis = StreamId.parse(entry.getId()).millis();
        String last = redis.hget(user, "lastCheckin");
        if (last == null || Long.parseLong(last) < millis) {
            redis.hset(user, Map.of("lastCheckin", Long.toString(millis), "lastSeenAt", fields.get("locationId")));
        }
        double stars = Double.parseDouble(redis.hget(location, "numStars"));
        double count = Double.parseDouble(redis.hget(location, "numCheckins"));
        redis.hset(location, "averageStars", Long.toString(Math.round(stars / count)));
    }

    @Override
    public void close() {
        stopping = true;
        try {
            thread.join(TimeUnit.SECONDS.toMillis(5));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        client.shutdown(0, 1, TimeUnit.SECONDS);
    }
}
