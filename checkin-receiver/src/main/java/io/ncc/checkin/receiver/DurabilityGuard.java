package io.ncc.checkin.receiver;

import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.RedisException;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.codec.StringCodec;
import io.lettuce.core.output.ArrayOutput;
import io.lettuce.core.protocol.CommandArgs;
import io.lettuce.core.protocol.ProtocolKeyword;
import io.ncc.redis.RedisCondition;
import io.ncc.redis.UnfitServerException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Sees to it that what was written on a connection is as durable as a 202 promises. A server that can't keep the promise, as it is set up, is
 * refused when the connection is opened.
 */
final class DurabilityGuard {

    /** Newer than Lettuce's own list of commands. */
    private static final ProtocolKeyword WAITAOF = () -> "WAITAOF".getBytes(StandardCharsets.US_ASCII);

    private static final String NOT_KNOWN = "not known yet";

    private final Durability durability;
    private final int replicas;
    private final long timeoutMillis;
    private volatile boolean hasWaitAof;
    private volatile boolean isKnown;

    DurabilityGuard(ReceiverProperties properties) {
        this.durability = properties.durability();
        this.replicas = properties.replicas();
        this.timeoutMillis = properties.durabilityTimeout().toMillis();
    }

    /**
     * To be done with each new connection, as it may lead to another server, or to one that was set up anew.
     *
     * @param probe a write
     */
    void check(RedisCommands<String, String> commands, Runnable probe) {
        if (durability == Durability.FSYNC) {
            hasWaitAof = knows(commands, "waitaof");
            require(commands, "appendonly", "yes");
            if (!hasWaitAof) {
                require(commands, "appendfsync", "always");
                // with yes, nothing is synced while the log is rewritten
                require(commands, "no-appendfsync-on-rewrite", "no");
            }
            isKnown = true;
        }
        probe.run();
        if (durability == Durability.REPLICA) {
            long confirmed = commands.waitForReplication(replicas, timeoutMillis);
            if (confirmed < replicas) {
                throw new UnfitServerException(new NotDurableException("durability replica needs " + replicas
                        + " that confirm within " + timeoutMillis + " ms, and " + confirmed + " did"));
            }
        }
    }

    private static boolean knows(RedisCommands<String, String> commands, String command) {
        return commands.commandInfo(command).stream()
                .anyMatch(info -> info instanceof List<?> known && !known.isEmpty());
    }

    private static void require(RedisCommands<String, String> commands, String setting, String value) {
        String actual;
        try {
            actual = commands.configGet(setting).getOrDefault(setting, "not told");
        } catch (RedisException e) {
            RedisCondition condition = RedisCondition.of(e);
            if (condition != RedisCondition.UNEXPECTED && condition != RedisCondition.FORBIDDEN) {
                throw e;
            }
            actual = "not told"; // by a server that is run by others
        }
        if (!actual.equals(value)) {
            throw new UnfitServerException(new NotDurableException(
                    "durability fsync needs a Redis with " + setting + ' ' + value + ", and it is " + actual));
        }
    }

    /** Whether {@link #await} asks Redis, for what was written over the connection before. */
    boolean waits() {
        return durability == Durability.REPLICA || (durability == Durability.FSYNC && hasWaitAof);
    }

    /** Completes with whether what was written on the connection is durable now; false if Redis doesn't say so, or not in time. */
    CompletionStage<Boolean> await(RedisAsyncCommands<String, String> commands) {
        return switch (durability) {
            case MEMORY -> CompletableFuture.completedFuture(true);
            case REPLICA ->
                falseIfRefused(commands.waitForReplication(replicas, timeoutMillis)
                        .thenApply(acknowledged -> acknowledged >= replicas));
            case FSYNC ->
                hasWaitAof ? falseIfRefused(awaitLocalSync(commands)) : CompletableFuture.completedFuture(true);
        };
    }

    /** An error reply to WAIT or WAITAOF doesn't concern the write before it, which has succeeded. */
    private static CompletionStage<Boolean> falseIfRefused(CompletionStage<Boolean> confirmation) {
        return confirmation.exceptionallyCompose(
                failure -> RedisCondition.unwrapped(failure) instanceof RedisCommandExecutionException
                        ? CompletableFuture.completedFuture(false)
                        : CompletableFuture.failedFuture(failure));
    }

    private CompletionStage<Boolean> awaitLocalSync(RedisAsyncCommands<String, String> commands) {
        CommandArgs<String, String> args =
                new CommandArgs<>(StringCodec.UTF8).add(1).add(0).add(timeoutMillis);
        return commands.dispatch(WAITAOF, new ArrayOutput<>(StringCodec.UTF8), args)
                .thenApply(reply -> ((Long) reply.get(0)) >= 1);
    }

    /** For people: by what the promise is kept, as far as the servers are known. */
    String mechanism() {
        return switch (durability) {
            case MEMORY -> "Redis has taken the entry; how soon it is on disk is its own setting";
            case REPLICA -> "WAIT " + replicas + ' ' + timeoutMillis;
            case FSYNC -> isKnown ? mechanismOfSync() : NOT_KNOWN;
        };
    }

    private String mechanismOfSync() {
        return hasWaitAof ? "WAITAOF 1 0 " + timeoutMillis : "appendfsync always";
    }

    /**
     * What a 202 promises, for people.
     *
     * @param mechanisms of all partitions, whose servers may differ
     */
    static Map<String, String> describe(Durability durability, Stream<String> mechanisms) {
        Set<String> different = mechanisms.collect(Collectors.toCollection(TreeSet::new));
        if (different.size() > 1) {
            different.remove(NOT_KNOWN);
        }
        String canBeLost = switch (durability) {
            case MEMORY -> "what was not on disk at a crash, and what was not replicated at a failover";
            case REPLICA ->
                "at a failover to a replica that was not among those that acknowledged, and at a restart of the primary, what was not on its disk";
            case FSYNC -> "at a failover, what was not replicated";
        };
        return Map.of(
                "mode",
                durability.name().toLowerCase(Locale.ROOT),
                "by",
                String.join(", or ", different),
                "canBeLost",
                canBeLost);
    }

    /** Redis doesn't keep the promise of durability. */
    static final class NotDurableException extends RuntimeException {

        NotDurableException(String message) {
            super(message, null, false, false);
        }
    }
}
