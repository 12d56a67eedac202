package io.ncc.checkin.service;

import io.lettuce.core.SetArgs;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.codec.StringCodec;
import io.ncc.checkin.model.Partitions;
import io.ncc.redis.RedisServers;
import io.ncc.redis.UnfitServerException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Refuses connections to Redis unless all services agree on the number of partitions, which is kept with each partition. Partition 0 has the same
 * keys whatever the number is, so it decides.
 */
public final class PartitionCheck {

    private static final String SETTING = "checkin.partitions";

    private final Partitions partitions;
    private final RedisServers servers;
    private boolean agreed;

    public PartitionCheck(Partitions partitions, RedisServers servers) {
        this.partitions = partitions;
        this.servers = servers;
    }

    /** What a connection for a partition must be greeted with. */
    public Consumer<RedisCommands<String, String>> of(int partition) {
        return partitions.arePartitioned()
                ? commands -> check(partition, commands)
                : PartitionCheck::checkThatThereAreNone;
    }

    private void check(int partition, RedisCommands<String, String> commands) {
        String key = partitions.keys(partition).partitions();
        if (partition != 0 && commands.get(key) == null) {
            checkFirst();
        }
        String own = Integer.toString(partitions.count());
        commands.set(key, own, SetArgs.Builder.nx());
        String theirs = commands.get(key);
        if (!own.equals(theirs)) {
            throw differs(SETTING + " is " + own, theirs);
        }
    }

    /** A partition that is new says nothing of their number. */
    private synchronized void checkFirst() {
        if (!agreed) {
            try (var connection =
                    servers.holding(partitions.keys(0).partitions()).connect(StringCodec.UTF8)) {
                check(0, connection.sync());
            }
            agreed = true;
        }
    }

    private static void checkThatThereAreNone(RedisCommands<String, String> commands) {
        String theirs = commands.get(Partitions.of(1).keys(0).partitions());
        if (theirs != null) {
            throw differs(SETTING + " is not set", theirs);
        }
    }

    private static UnfitServerException differs(String own, @Nullable String theirs) {
        return new UnfitServerException(own + ", but the checkins there have " + theirs + " partitions");
    }
}
