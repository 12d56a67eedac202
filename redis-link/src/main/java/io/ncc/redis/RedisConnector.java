package io.ncc.redis;

import io.lettuce.core.RedisClient;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.codec.RedisCodec;

/** Opens connections to the server that a link talks to. */
@FunctionalInterface
public interface RedisConnector {

    StatefulRedisConnection<String, String> connect(RedisCodec<String, String> codec);

    /** Connects to the client's own server. */
    static RedisConnector of(RedisClient client) {
        return client::connect;
    }
}
