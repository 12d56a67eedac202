package io.ncc.checkin.system.ledger;

import io.ncc.checkin.model.Partitions;
import java.time.Duration;
import java.util.Random;

/** The durability of a run, that is, the mode of the receiver and the appendfsync of Redis; the form of Redis; and whether there are failovers. */
public enum Setup {
    MEMORY_AND_ALWAYS("memory", "always", false, Partitions.none()),
    MEMORY_AND_EVERYSEC("memory", "everysec", true, Partitions.none()),
    REPLICA("replica", "always", true, Partitions.none()),
    FSYNC("fsync", "always", false, Partitions.none()),
    PARTITIONS_AND_MEMORY("memory", "everysec", true, Partitions.of(4)),
    PARTITIONS_AND_REPLICA("replica", "always", true, Partitions.of(4)),
    CLUSTER_AND_MEMORY("memory", "everysec", true, Partitions.of(8)),
    CLUSTER_AND_REPLICA("replica", "always", true, Partitions.of(8));

    private final String durability;
    private final String appendfsync;
    private final boolean failovers;

    @SuppressWarnings("ImmutableEnumChecker") // it never changes
    private final Partitions partitions;

    Setup(String durability, String appendfsync, boolean failovers, Partitions partitions) {
        this.durability = durability;
        this.appendfsync = appendfsync;
        this.failovers = failovers;
        this.partitions = partitions;
    }

    /** The one that belongs to a seed. */
    public static Setup drawn(long seed) {
        return values()[new Random(seed).nextInt(values().length)];
    }

    /** As the receiver has it. */
    String durability() {
        return durability;
    }

    /** As Redis has it. */
    String appendfsync() {
        return appendfsync;
    }

    Partitions partitions() {
        return partitions;
    }

    boolean isCluster() {
        return this == CLUSTER_AND_MEMORY || this == CLUSTER_AND_REPLICA;
    }

    boolean hasFailovers() {
        return failovers;
    }

    /** For how long a primary is silent before Sentinel takes it for dead. */
    Duration downAfter() {
        return failovers ? Duration.ofMillis(800) : Duration.ofMinutes(5);
    }

    boolean losesWithFailover() {
        return !durability.equals("replica");
    }

    boolean losesWithCrash() {
        return appendfsync.equals("everysec");
    }
}
