package io.ncc.checkin.benchmarks;

import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.codec.StringCodec;
import io.ncc.checkin.localredis.LocalRedis;
import io.ncc.checkin.model.Partitions;
import io.ncc.redis.RedisServers;
import java.util.List;
import java.util.stream.IntStream;

/**
 * One Redis server, or the primaries of a cluster.
 *
 * @param settings of a service, by which it finds them
 */
record Servers(List<LocalRedis> all, RedisServers holding, List<String> settings) {

    /** A connection for each partition, to where it is. */
    List<StatefulRedisConnection<String, String>> connections(Partitions partitions) {
        return IntStream.range(0, partitions.count())
                .mapToObj(partition ->
                        holding.holding(partitions.keys(partition).checkins()).connect(StringCodec.UTF8))
                .toList();
    }

    /** Commands for each partition, where it is. */
    List<RedisCommands<String, String>> commands(Partitions partitions) {
        return connections(partitions).stream()
                .map(StatefulRedisConnection::sync)
                .toList();
    }
}
