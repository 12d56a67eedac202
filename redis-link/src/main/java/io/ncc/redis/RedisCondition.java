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
 * What is the matter when Redis doesn't do what it was asked: the one place where a failure gets its name.
 *
 * <p>The error code is searched for in the whole text. Redis 6.2 reports an error inside a script as
 * {@code ERR Error running script ... -OOM ...}; only from 7.0 on does the message begin with the code.
 */
public enum RedisCondition {
    /** There is no connection, or it broke. */
    AWAY(true),
    /** No answer in time; what was asked may still be done. */
    TIMEOUT(true),
    /** Reading its data after a start. */
    LOADING(true, "LOADING"),
    /** A script of someone's runs for too long. */
    BUSY(true, "BUSY"),
    /** {@code maxmemory} is reached and nothing may be evicted. */
    OUT_OF_MEMORY(true, "OOM"),
    /** A replica: the primary has moved. */
    READ_ONLY(true, "READONLY"),
    /** A replica that has lost its primary. */
    MASTER_DOWN(true, "MASTERDOWN"),
    /** Writes are refused because the last save to disk failed. */
    PERSISTENCE_FAILING(true, "MISCONF"),
    /** Writes are refused because fewer replicas are there than {@code min-replicas-to-write} asks for. */
    TOO_FEW_REPLICAS(true, "NOREPLICAS"),
    /** A part of the cluster is down or is being moved. */
    CLUSTER_UNSTABLE(true, "CLUSTERDOWN|TRYAGAIN"),
    /** {@code maxclients} is reached. */
    TOO_MANY_CLIENTS(true, "max number of clients"),
    /** The user or its password is not accepted, or the user may not run a command or use a key. */
    FORBIDDEN(true, "NOAUTH|NOPERM|WRONGPASS|The user executing the script can't|ACL failure in script"),
    /** The stream's highest possible id is in use: nothing can be appended any more. */
    IDS_EXHAUSTED(true, "exhausted the last possible ID"),
    /** A blocked read was ended by the server: the stream was deleted, or the role changed. */
    UNBLOCKED(true, "UNBLOCKED"),
    /** The consumer group, or its stream, doesn't exist. */
    NO_GROUP(false, "NOGROUP|no such key|The XGROUP subcommand requires the key"),
    /** The script is not in the server's cache: it was restarted or flushed. */
    NO_SCRIPT(false, "NOSCRIPT"),
    /** A key of ours holds another type than it should, or a value that is none of ours: someone has to mend it. */
    WRONG_TYPE(false, "WRONGTYPE|DAMAGED"),
    /** Anything else. */
    UNEXPECTED(false);

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

    /** Whether the same request may succeed later with nothing changed but Redis' own state: wait and try again. */
    public boolean isOutage() {
        return outage;
    }

    /** Names a failure; wrappers of futures are looked through. */
    public static RedisCondition of(Throwable failure) {
        Throwable cause = unwrapped(failure);
        if (cause instanceof RedisCommandTimeoutException || cause instanceof TimeoutException) {
            return TIMEOUT;
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
            // a connection that failed in its handshake: the reason is what the server said, if it said something
            RedisCondition reason = of(cause.getCause());
            return reason == UNEXPECTED && cause instanceof RedisConnectionException ? AWAY : reason;
        }
        boolean connectionBroke = cause instanceof RedisException
                || cause instanceof IOException
                || cause instanceof CancellationException;
        return connectionBroke ? AWAY : UNEXPECTED;
    }

    /** What a future failed with, whatever it was wrapped in on its way. */
    public static Throwable unwrapped(Throwable failure) {
        Throwable cause = failure;
        while ((cause instanceof ExecutionException || cause instanceof CompletionException)
                && cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause;
    }
}
