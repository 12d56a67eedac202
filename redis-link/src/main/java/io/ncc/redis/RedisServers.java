package io.ncc.redis;

/** Where the keys are: on one server, or on the nodes of a cluster. */
public interface RedisServers {

    /** Opens connections to the server that has this key, and all keys with the same hash tag. */
    RedisConnector holding(String key);
}
