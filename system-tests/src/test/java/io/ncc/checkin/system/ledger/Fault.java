package io.ncc.checkin.system.ledger;

import static io.ncc.checkin.system.ledger.Topology.Kind.API;
import static io.ncc.checkin.system.ledger.Topology.Kind.PROCESSOR;
import static io.ncc.checkin.system.ledger.Topology.Kind.RECEIVER;

import io.ncc.checkin.model.Keys;
import java.util.EnumSet;
import java.util.Set;
import java.util.function.Consumer;

/** The faults of the services and of Redis. When a fault returns, it is over, and it has undone what can be undone. */
public enum Fault {
    RECEIVER_KILLED(
            Target.SERVICE, "kill -9 of a receiver, started again", scene -> ServiceFaults.kill(scene, RECEIVER)),
    PROCESSOR_KILLED(
            Target.SERVICE, "kill -9 of a processor, started again", scene -> ServiceFaults.kill(scene, PROCESSOR)),
    API_KILLED(Target.SERVICE, "kill -9 of the API server, started again", scene -> ServiceFaults.kill(scene, API)),
    RECEIVER_PAUSED(
            Target.SERVICE, "SIGSTOP of a receiver, then SIGCONT", scene -> ServiceFaults.pause(scene, RECEIVER)),
    PROCESSOR_PAUSED(
            Target.SERVICE,
            "SIGSTOP of a processor for longer than claim-after, then SIGCONT",
            scene -> ServiceFaults.pause(scene, PROCESSOR)),
    API_PAUSED(Target.SERVICE, "SIGSTOP of the API server, then SIGCONT", scene -> ServiceFaults.pause(scene, API)),
    ROLLING_RESTART(
            Target.SERVICE,
            "all receivers, or all processors, stopped with SIGTERM and started one by one",
            ServiceFaults::restartInTurn),
    CONNECTIONS_CUT(
            Target.SERVICE,
            "the connections of a service to Redis closed, and reset, several times",
            ServiceFaults::cutConnections),
    CONNECTIONS_HALF_OPEN(
            Target.SERVICE,
            "nothing comes through the open connections of a service to or from Redis; later, what was held back does",
            ServiceFaults::freezeConnections),
    CONNECTIONS_REFUSED(Target.SERVICE, "a service can't reach Redis", ServiceFaults::refuseConnections),
    CONNECTIONS_SLOW(
            Target.SERVICE,
            "each message between a service and Redis takes up to 0.4 s longer",
            ServiceFaults::delayConnections),
    REDIS_KILLED(Target.REDIS, "kill -9 of the primary, started again at once", RedisFaults::killRedis),
    REDIS_PAUSED(Target.REDIS, "SIGSTOP of the primary, then SIGCONT", RedisFaults::pauseRedis),
    REPLICA_KILLED(Target.REDIS, "kill -9 of the replica, started again", RedisFaults::killReplica),
    REPLICA_PAUSED(Target.REDIS, "SIGSTOP of the replica, then SIGCONT", RedisFaults::pauseReplica),
    SENTINEL_KILLED(Target.REDIS, "kill -9 of Sentinel, started again", RedisFaults::killSentinel),
    SENTINEL_PAUSED(Target.REDIS, "SIGSTOP of Sentinel, then SIGCONT", RedisFaults::pauseSentinel),
    REDIS_EMPTIED(
            Target.REDIS,
            "kill -9 of the primary after FLUSHALL, started again without data",
            RedisFaults::restartEmpty),
    FLUSHALL(Target.REDIS, "FLUSHALL", RedisFaults::flushAll),
    STREAM_DELETED(Target.REDIS, "DEL of the stream", RedisFaults::deleteStream),
    GROUP_DESTROYED(
            Target.REDIS,
            "XGROUP DESTROY of the group of the totals",
            scene -> RedisFaults.destroyGroup(scene, Keys.GROUP)),
    BOARDS_GROUP_DESTROYED(
            Target.REDIS,
            "XGROUP DESTROY of the group of the boards",
            scene -> RedisFaults.destroyGroup(scene, Keys.BOARDS_GROUP)),
    GROUP_REWOUND(
            Target.REDIS,
            "XGROUP SETID 0 of the group of the totals",
            scene -> RedisFaults.rewindGroup(scene, Keys.GROUP)),
    BOARDS_GROUP_REWOUND(
            Target.REDIS,
            "XGROUP SETID 0 of the group of the boards",
            scene -> RedisFaults.rewindGroup(scene, Keys.BOARDS_GROUP)),
    SCRIPTS_FLUSHED(Target.REDIS, "SCRIPT FLUSH", RedisFaults::flushScripts),
    CLIENTS_KILLED(Target.REDIS, "CLIENT KILL of all", RedisFaults::killClients),
    CLIENTS_PAUSED(Target.REDIS, "CLIENT PAUSE", RedisFaults::pauseClients),
    MEMORY_FULL(Target.REDIS, "maxmemory reached, and lifted", RedisFaults::fillMemory),
    DISK_FULL(Target.REDIS, "the append-only file can't grow", RedisFaults::fillDisk),
    POISON(Target.REDIS, "entries that are no checkins", RedisFaults::poison),
    CLOCK_AHEAD(
            Target.REDIS,
            "the last id is ten minutes ahead, with partitions two seconds (XSETID), as of a primary with a wrong clock",
            RedisFaults::setLastIdAhead),
    FAILOVER(Target.REDIS, "SENTINEL FAILOVER", RedisFaults::failOver),
    PRIMARY_KILLED(Target.REDIS, "kill -9 of the primary, back only after the failover", RedisFaults::killPrimary),
    PRIMARY_CUT_OFF(
            Target.REDIS,
            "the primary reached by its clients and not by the other nodes, until after the failover",
            RedisFaults::cutOffPrimary),
    PRIMARY_FROZEN(Target.REDIS, "SIGSTOP of a primary, then SIGCONT after the failover", RedisFaults::freezePrimary),
    CLUSTER_FAILOVER(Target.REDIS, "CLUSTER FAILOVER", RedisFaults::failOverShard),
    SLOT_MOVED(
            Target.REDIS,
            "the slot of a partition moved to another primary, key by key",
            RedisFaults::moveSlotKeyByKey),
    SLOT_MOVED_ATOMICALLY(
            Target.REDIS,
            "the slot of a partition moved to another primary by MIGRATESLOTS",
            RedisFaults::moveSlotAtomically),
    SHARD_LOST(
            Target.REDIS,
            "kill -9 of a replica and its primary, started again when the others have given them up",
            RedisFaults::loseShard),
    MAJORITY_LOST(
            Target.REDIS,
            "kill -9 of two of the three primaries, started again when they have been given up",
            RedisFaults::loseMajority);

    /** What it strikes: one of each can happen at the same time. */
    enum Target {
        SERVICE,
        REDIS
    }

    private static final Set<Fault> OF_PAIRS = EnumSet.of(FAILOVER, SENTINEL_KILLED, SENTINEL_PAUSED, REDIS_EMPTIED);
    private static final Set<Fault> OF_CLUSTERS =
            EnumSet.of(PRIMARY_FROZEN, CLUSTER_FAILOVER, SLOT_MOVED, SLOT_MOVED_ATOMICALLY, SHARD_LOST, MAJORITY_LOST);
    private static final Set<Fault> FAILOVERS =
            EnumSet.of(FAILOVER, PRIMARY_KILLED, PRIMARY_CUT_OFF, PRIMARY_FROZEN, MAJORITY_LOST);
    private static final Set<Fault> HAND_OVERS = EnumSet.of(CLUSTER_FAILOVER, SLOT_MOVED, SLOT_MOVED_ATOMICALLY);
    private static final Set<Fault> CRASHES = EnumSet.of(REDIS_KILLED, SHARD_LOST);
    private static final Set<Promise> SEEN_AND_GONE = EnumSet.of(Promise.READS_ARE_TRUE, Promise.LIVE);
    private static final Set<Promise> STORED_AND_GONE =
            EnumSet.of(Promise.ACCEPTED_IS_STORED, Promise.READS_ARE_TRUE, Promise.LIVE);

    private final Target target;
    private final String description;

    @SuppressWarnings("ImmutableEnumChecker") // it holds no state
    private final Consumer<Scene> action;

    Fault(Target target, String description, Consumer<Scene> action) {
        this.target = target;
        this.description = description;
        this.action = action;
    }

    Target target() {
        return target;
    }

    public String description() {
        return description;
    }

    void strike(Scene scene) {
        action.accept(scene);
    }

    boolean isFailover() {
        return FAILOVERS.contains(this);
    }

    /** Whether another node may be the primary then. */
    boolean changesPrimary() {
        return isFailover() || HAND_OVERS.contains(this);
    }

    /** The partitions that notice it, if it strikes Redis where this partition is. */
    Set<Integer> partitions(RedisNodes redis, int partition) {
        if (target == Target.SERVICE || this == MAJORITY_LOST) {
            return Set.copyOf(redis.partitions().all());
        }
        return this == SLOT_MOVED || this == SLOT_MOVED_ATOMICALLY
                ? Set.of(partition)
                : Set.copyOf(redis.partitionsAt(redis.primaryOf(partition)));
    }

    /** Whether it is a part of runs of this setup on this machine. */
    boolean isPossible(Setup setup) {
        if ((setup.isCluster() ? OF_PAIRS : OF_CLUSTERS).contains(this) || (isFailover() && !setup.hasFailovers())) {
            return false;
        }
        return switch (this) {
            case DISK_FULL -> RedisFaults.hasFileLimits();
            case SLOT_MOVED_ATOMICALLY -> RedisShards.canMoveSlotsAtomically();
            case PRIMARY_CUT_OFF -> !setup.isCluster() || RedisShards.canCutOff();
            default -> true;
        };
    }

    /** The promises that needn't be kept for what happens meanwhile. What was there before a wipe is another matter: it is known and compared. */
    Set<Promise> weakens(Setup setup) {
        if (isFailover()) {
            return setup.losesWithFailover() ? STORED_AND_GONE : SEEN_AND_GONE;
        }
        boolean loses = this == REDIS_EMPTIED || (CRASHES.contains(this) && setup.losesWithCrash());
        return loses ? STORED_AND_GONE : Set.of();
    }
}
