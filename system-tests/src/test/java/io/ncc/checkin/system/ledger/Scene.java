package io.ncc.checkin.system.ledger;

import io.lettuce.core.api.sync.RedisCommands;
import java.util.List;
import java.util.Random;
import java.util.function.BiConsumer;

/**
 * What a fault needs.
 *
 * @param partition whose stream is struck, or whose node, if it is not all of them
 */
record Scene(Topology topology, History history, Random random, int partition) {

    RedisNodes redis() {
        return topology.redis();
    }

    /** The node that is the primary of the partition. */
    int primary() {
        return redis().primaryOf(partition);
    }

    /** The partition, or all of them. */
    List<Integer> somePartitions() {
        return random.nextBoolean()
                ? List.of(partition)
                : topology.setup().partitions().all();
    }

    /** Does something to the streams of {@linkplain #somePartitions some partitions}. */
    void onStreams(BiConsumer<RedisCommands<String, String>, String> action) {
        for (int one : somePartitions()) {
            String stream = topology.setup().partitions().keys(one).checkins();
            redis().untilDoneOnPrimary(one, commands -> action.accept(commands, stream));
        }
    }

    /** Lets time pass: so long does the fault last. */
    void elapse(int fromMillis, int toMillis) {
        try {
            Thread.sleep(fromMillis + random.nextInt(toMillis - fromMillis));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }
}
