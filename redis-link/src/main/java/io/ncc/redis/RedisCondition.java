package io.ncc.redis;

import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.RedisCommandTimeoutException;
import io.lettuce.core.RedisConnectionException;
import io.lettuce.core.RedisException;
import java.io.IOException;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Why a command failed. This is the only place that classifies failures.
 *
 * <p>The error code may be anywhere in the message, because Redis 6.2 reports an error inside a script as
 * {@code ERR Error running script ... -OOM ...}. From 7.0 on, the message begins with the code.
 */
public enum RedisCondition {
    /** There is no connection, or it broke. */
    AWAY(true),
    /** The server must not be used, see {@link UnfitServerException}. */
    UNFIT(true),
    /** There was no reply in time. The server may still execute the command. */
    TIMEOUT(true),
    /** The server is loading its data after a start. */
    LOADING(true, "LOADING"),
    /** A script has been running for too long, and the server refuses other commands meanwhile. */
    BUSY(true, "BUSY"),
    /** {@code maxmemory} is reached and nothing may be evicted. */
    OUT_OF_MEMORY(true, "OOM"),
    /** The server is a replica: another server is the primary now. */
    READ_ONLY(true, "READONLY"),
    /** The server is a replica that has no connection to its primary. */
    MASTER_DOWN(true, "MASTERDOWN"),
    /** Writes are refused because the last save to disk failed. */
    PERSISTENCE_FAILING(true, "MISCONF"),
    /** Writes are refused because fewer replicas are connected than {@code min-replicas-to-write} requires. */
    TOO_FEW_REPLICAS(true, "NOREPLICAS"),
    /** The slot of the key is on another node of the cluster now. */
    MOVED(true, "MOVED"),
    /**
     * The slot of the keys is being moved, and one of them is no longer on this node, or doesn't exist. A script fails in the middle with this
     * condition if it uses a key again that it has removed.
     */
    MIGRATING(
            true,
            "ASK|TRYAGAIN|access a non local key in a cluster node|undeclared keys were accessed during rehashing of the slot"),
    /** The node has no contact to the majority of the cluster, or no node serves the slot of the key. */
    CLUSTER_DOWN(true, "CLUSTERDOWN|while the cluster is down"),
    /** {@code maxclients} is reached. */
    TOO_MANY_CLIENTS(true, "max number of clients"),
    /** The user or its password is not accepted, or the user may not run a command or use a key. */
    FORBIDDEN(true, "NOAUTH|NOPERM|WRONGPASS|The user executing the script can't|ACL failure in script"),
    /** The stream's highest possible id is in use: nothing can be appended any more. */
    IDS_EXHAUSTED(true, "exhausted the last possible ID"),
    /** The server ended a blocked read, because the stream was deleted or the role of the server changed. */
    UNBLOCKED(true, "UNBLOCKED"),
    /** The consumer group, or its stream, doesn't exist. */
    NO_GROUP(false, "NOGROUP|no such key|The XGROUP subcommand requires the key"),
    /** The server doesn't have the script in its cache, after a restart, SCRIPT FLUSH or failover. */
    NO_SCRIPT(false, "NOSCRIPT"),
    /** A key has the wrong type, or a value that is invalid there. Someone must repair it. */
    WRONG_TYPE(false, "WRONGTYPE|DAMAGED"),
    /** Anything else. */
    UNEXPECTED(false);

    /** From Redis 7.0 on, the place in the script follows. */
    private static final Pattern DAMAGE =
            Pattern.compile("(?:^|[-: ])DAMAGED (.+?)(?: script: [0-9a-f]+, on @.*)?$", Pattern.DOTALL);

    private final boolean outage;
    private final @Nullable Pattern pattern;

    RedisCondition(boolean outage) {
        this.outage = outage;
        this.pattern = null;
    }

    RedisCondition(boolean outage, String codes) {
        this.outage = outage;
        this.pattern = Pattern.compile("(?:^|[-: ])(?:" + codes + ")(?:$|[ ,:])");
    }

    /** Whether the same request may succeed later, once the state of the server has changed, so that it is worth trying again. */
    public boolean isOutage() {
        return outage;
    }

    /** Classifies a failure, after {@linkplain #unwrapped unwrapping} it. */
    public static RedisCondition of(Throwable failure) {
        Throwable cause = unwrapped(failure);
        if (cause instanceof RedisCommandTimeoutException || cause instanceof TimeoutException) {
            return TIMEOUT;
        }
        if (cause instanceof UnfitServerException) {
            return UNFIT;
        }
        String message = String.valueOf(cause.getMessage());
        RedisCondition first = UNEXPECTED;
        int firstAt = Integer.MAX_VALUE;
        for (RedisCondition condition : values()) {
            Matcher matcher = condition.pattern == null ? null : condition.pattern.matcher(message);
            if (matcher != null && matcher.find() && matcher.start() < firstAt) {
                first = condition;
                firstAt = matcher.start();
            }
        }
        if (first != UNEXPECTED || cause instanceof RedisCommandExecutionException) {
            return first;
        }
        if (cause instanceof RedisException && cause.getCause() != null) {
            // a connection failed in its handshake: use the server's error, if there is one
            RedisCondition reason = of(cause.getCause());
            return reason == UNEXPECTED && cause instanceof RedisConnectionException ? AWAY : reason;
        }
        boolean connectionBroke = cause instanceof RedisException
                || cause instanceof IOException
                || cause instanceof CancellationException;
        return connectionBroke ? AWAY : UNEXPECTED;
    }

    /** What is damaged, as a script says it, such as {@code ncc:boards:users is not a sorted set}; null if the failure doesn't say it. */
    public static @Nullable String damageIn(Throwable failure) {
        Matcher matcher = DAMAGE.matcher(String.valueOf(unwrapped(failure).getMessage()));
        return matcher.find() ? matcher.group(1) : null;
    }

    /** The cause inside the exceptions in which futures wrap a failure. */
    public static Throwable unwrapped(Throwable failure) {
        Throwable cause = failure;
        while ((cause instanceof ExecutionException || cause instanceof CompletionException)
                && cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause;
    }
}
