package io.ncc.redis;

import io.lettuce.core.RedisClient;

/** The server, or the servers of a cluster. */
@FunctionalInterface
public interface RedisServers {

    /** Connects to the server that holds a key at that time. */
    RedisConnector holding(String key);

    /** The one server of a client. */
    static RedisServers of(RedisClient client) {
        return key -> RedisConnector.of(client);
    }
}
