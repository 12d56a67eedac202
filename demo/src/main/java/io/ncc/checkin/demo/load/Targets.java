package io.ncc.checkin.demo.load;

import io.lettuce.core.LettuceFutures;
import io.lettuce.core.RedisException;
import io.lettuce.core.RedisFuture;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.codec.StringCodec;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.service.PartitionCheck;
import io.ncc.redis.RedisServers;
import io.ncc.redis.StreamId;
import io.ncc.redis.UnfitServerException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A connection to each partition. None of them has another number of partitions. */
final class Targets implements AutoCloseable {

    private final Partitions partitions;
    private final PartitionCheck check;
    private final List<Target> all = new ArrayList<>();

    private Targets(Partitions partitions, PartitionCheck check) {
        this.partitions = partitions;
        this.check = check;
    }

    /** Opens the connections, or fails as {@link Loader#connect} does. Writes nothing. */
    static Targets connect(Partitions partitions, RedisServers servers) {
        Targets targets = new Targets(partitions, new PartitionCheck(partitions, servers));
        try {
            for (int partition = 0; partition < partitions.count(); partition++) {
                Keys keys = partitions.keys(partition);
                Target target =
                        new Target(keys, servers.holding(keys.checkins()).connect(StringCodec.UTF8));
                targets.all.add(target);
                targets.check.compare(partition, target.redis());
                Indexes.load(target);
            }
            return targets;
        } catch (RuntimeException e) {
            targets.close();
            throw e;
        }
    }

    /**
     * Writes the number of partitions to each. To be done before anything else is written, and not before all that may be refused has been: from
     * then on, services with another number, or without partitions, are refused.
     *
     * @throws UnfitServerException if another number was written meanwhile
     */
    void agree() {
        for (int partition = 0; partition < all.size(); partition++) {
            check.of(partition).accept(all.get(partition).redis());
        }
    }

    /** By partition. */
    List<Target> all() {
        return all;
    }

    Target ofUser(long id) {
        return all.get(partitions.ofUser(id));
    }

    Target ofLocation(long id) {
        return all.get(partitions.ofLocation(id));
    }

    @Override
    public void close() {
        all.forEach(target -> target.connection.close());
    }

    /** A partition. Its connection carries transactions, so nobody else may use it. */
    record Target(Keys keys, StatefulRedisConnection<String, String> connection) {

        RedisCommands<String, String> redis() {
            return connection.sync();
        }

        RedisAsyncCommands<String, String> pipeline() {
            return connection.async();
        }

        /** @throws RedisException if the command failed, or had no reply in time */
        <T extends @Nullable Object> T await(RedisFuture<T> reply) {
            return LettuceFutures.awaitOrCancel(reply, connection.getTimeout().toNanos(), TimeUnit.NANOSECONDS);
        }

        /** Whether there is a stream that ever had a checkin; a processor that starts first makes an empty one. */
        boolean streamExists() {
            return redis().exists(keys.checkins()) > 0 && !lastId().equals(StreamId.ZERO.toString());
        }

        /** The highest id that the stream ever had; there must be a stream. */
        String lastId() {
            List<Object> info = redis().xinfoStream(keys.checkins());
            return String.valueOf(info.get(info.indexOf("last-generated-id") + 1));
        }
    }
}
