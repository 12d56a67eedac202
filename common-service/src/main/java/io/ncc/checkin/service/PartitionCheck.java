package io.ncc.checkin.service;

import io.lettuce.core.SetArgs;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.codec.StringCodec;
import io.ncc.checkin.model.Partitions;
import io.ncc.redis.RedisServers;
import io.ncc.redis.UnfitServerException;
import java.util.function.Consumer;

/**
 * Refuses connections to Redis unless all services agree on the number of partitions, which is kept with each partition. Partition 0 has the same
 * keys whatever the number is, so it decides.
 */
public final class PartitionCheck {

    private final Partitions partitions;
    private final RedisServers servers;
    private boolean agreed;

    public PartitionCheck(Partitions partitions, RedisServers servers) {
        this.partitions = partitions;
        this.servers = servers;
    }

    /** What a connection for a partition must be greeted with. The first that comes to a partition writes the number there. */
    public Consumer<RedisCommands<String, String>> of(int partition) {
        return commands -> {
            // writes only where it must: Redis also refuses to set a key that exists while its memory is full
            if (!compare(partition, commands) && partitions.arePartitioned()) {
                agree(partition, commands);
            }
        };
    }

    /**
     * Compares the numbers, and writes nothing.
     *
     * @return whether there is a number in Redis
     * @throws UnfitServerException if it has another number
     */
    public boolean compare(int partition, RedisCommands<String, String> commands) {
        String key = keyOf(partition);
        String theirs = commands.get(key);
        if (theirs == null) {
            return false;
        }
        String own = Integer.toString(partitions.count());
        if (partitions.arePartitioned() && theirs.equals(own)) {
            return true;
        }
        throw new UnfitServerException("checkin.partitions is " + (partitions.arePartitioned() ? own : "not set")
                + ", but Redis has " + theirs + " partitions, as " + key
                + " says. docs/scaling.md says how to change that while there are no checkins.");
    }

    private void agree(int partition, RedisCommands<String, String> commands) {
        if (partition != 0) {
            agreeOnFirst();
        }
        commands.set(keyOf(partition), Integer.toString(partitions.count()), SetArgs.Builder.nx());
        compare(partition, commands); // someone else may have been faster
    }

    /** A partition that is new says nothing of their number. */
    private synchronized void agreeOnFirst() {
        if (!agreed) {
            try (var connection = servers.holding(keyOf(0)).connect(StringCodec.UTF8)) {
                of(0).accept(connection.sync());
            }
            agreed = true;
        }
    }

    /** Without partitions: of the partition 0 that there would be. */
    private String keyOf(int partition) {
        return (partitions.arePartitioned() ? partitions : Partitions.of(1))
                .keys(partition)
                .partitions();
    }
}
