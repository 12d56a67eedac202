package io.ncc.redis;

import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.codec.RedisCodec;

/** One server with all keys, or the primary that Sentinels name. */
public final class SingleRedis implements RedisServers, RedisConnector {

    private final RedisClient client;

    /**
     * @param client with the address of the server, or of the Sentinels. If Lettuce has to resolve its credentials, a connection may fail now and then
     *     ({@link Handshakes#resolveCredentials})
     */
    public SingleRedis(RedisClient client) {
        this.client = client;
    }

    @Override
    public RedisConnector holding(String key) {
        return this;
    }

    /** {@inheritDoc} A node of a cluster is unfit, because it refuses the keys of other nodes. */
    @Override
    public StatefulRedisConnection<String, String> connect(RedisCodec<String, String> codec) {
        StatefulRedisConnection<String, String> connection = Handshakes.connect(() -> client.connect(codec));
        try {
            requireNoCluster(connection);
            return connection;
        } catch (RuntimeException e) {
            connection.close();
            throw e;
        }
    }

    private static void requireNoCluster(StatefulRedisConnection<String, String> connection) {
        String info;
        try {
            info = connection.sync().info("cluster");
        } catch (RedisCommandExecutionException e) {
            return; // not allowed to ask, or the server refuses all commands for now
        }
        if (ServerSettings.fieldOf(info, "cluster_enabled").orElse("0").equals("1")) {
            throw new UnfitServerException("the server is configured as a single one, and is a node of a Redis Cluster."
                    + " Configure the nodes of the cluster (in a service, with spring.data.redis.cluster.nodes).");
        }
    }
}
