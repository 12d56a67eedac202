package io.ncc.redis;

import io.lettuce.core.RedisException;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.codec.RedisCodec;

/** Opens the connections of a {@link RedisLink}. */
@FunctionalInterface
public interface RedisConnector {

    /**
     * Opens a connection.
     *
     * @param codec of keys and values
     * @throws RedisException if the server can't be found or reached; {@link RedisCondition} tells why
     * @throws UnfitServerException if the server must not be used
     */
    StatefulRedisConnection<String, String> connect(RedisCodec<String, String> codec);
}
