package io.ncc.redis;

import io.lettuce.core.RedisConnectionException;
import io.lettuce.core.RedisCredentials;
import io.lettuce.core.RedisCredentialsProvider;
import io.lettuce.core.RedisCredentialsProvider.ImmediateRedisCredentialsProvider;
import io.lettuce.core.StaticCredentialsProvider;
import java.util.function.Supplier;

/** Keeps two races in Lettuce's handshake (seen in 7.5.2) from callers. */
public final class Handshakes {

    private static final int ATTEMPTS = 5;

    private Handshakes() {}

    /**
     * Resolves the credentials before the handshake. If Lettuce has to resolve them, it finishes the handshake on a thread that isn't the connection's.
     * Then the connection may refuse its first command ("Currently not connected"), or report a wrong password as "Connection closed prematurely".
     *
     * @param provider is asked on the calling thread, and may block
     */
    public static RedisCredentialsProvider immediate(RedisCredentialsProvider provider) {
        if (provider instanceof ImmediateRedisCredentialsProvider) {
            return provider;
        }
        RedisCredentials credentials = provider.resolveCredentials().block();
        return credentials == null
                ? new StaticCredentialsProvider(null, null)
                : new StaticCredentialsProvider(credentials);
    }

    /**
     * Connects, and connects again if Lettuce lost the reason of a failure. That happens if the server refuses the handshake before Lettuce listens to
     * its outcome.
     */
    static <T> T connect(Supplier<T> attempt) {
        for (int failures = 1; ; failures++) {
            try {
                return attempt.get();
            } catch (RedisConnectionException e) {
                if (failures == ATTEMPTS || !hasLostItsReason(e)) {
                    throw e;
                }
            }
        }
    }

    private static boolean hasLostItsReason(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if ("RedisHandshakeHandler not registered".equals(cause.getMessage())) {
                return true;
            }
        }
        return false;
    }
}
