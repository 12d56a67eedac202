package io.ncc.broken.redis;

import io.lettuce.core.cluster.RedisClusterClient;

/** A link that sends commands through Lettuce's cluster client. */
final class UsesTheClusterClient {

    final RedisClusterClient client = RedisClusterClient.create("redis://localhost");
}
