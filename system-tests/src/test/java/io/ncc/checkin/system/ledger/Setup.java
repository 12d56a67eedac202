package io.ncc.checkin.system.ledger;

import java.time.Duration;
import java.util.Random;

/** The durability of a run: the mode of the receiver, the appendfsync of Redis, and whether there are failovers. */
public enum Setup {
    MEMORY_AND_ALWAYS("memory", "always", false),
    MEMORY_AND_EVERYSEC("memory", "everysec", true),
    REPLICA("replica", "always", true),
    FSYNC("fsync", "always", false);

    private final String durability;
    private final String appendfsync;
    private final boolean failovers;

    Setup(String durability, String appendfsync, boolean failovers) {
        this.durability = durability;
        this.appendfsync = appendfsync;
        this.failovers = failovers;
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

    boolean hasFailovers() {
        return failovers;
    }

    /** For how long a primary is silent before Sentinel takes it for dead. */
    Duration downAfter() {
        return failovers ? Duration.ofMillis(800) : Duration.ofMinutes(5);
    }

    boolean losesWithFailover() {
        return this != REPLICA;
    }

    boolean losesWithCrash() {
        return appendfsync.equals("everysec");
    }
}
