package io.ncc.redis;

import io.lettuce.core.RedisConnectionException;
import io.lettuce.core.RedisCredentials;
import io.lettuce.core.RedisCredentialsProvider;
import io.lettuce.core.RedisCredentialsProvider.ImmediateRedisCredentialsProvider;
import io.lettuce.core.RedisURI;
import java.time.Duration;
import java.util.function.Supplier;
import reactor.core.publisher.Flux;

/** Keeps two races in Lettuce's handshake (seen in 7.5.2) from callers. */
public final class Handshakes {

    private static final int ATTEMPTS = 5;

    private Handshakes() {}

    /**
     * Resolves the credentials before the handshake, within the timeout of the address. If Lettuce has to resolve them, it finishes the handshake on a
     * thread that isn't the connection's. Then the connection may refuse its first command ("Currently not connected"), or report a wrong password as
     * "Connection closed prematurely".
     *
     * @param address gets the credentials
     * @throws RedisConnectionException if there are no credentials in time
     */
    public static void resolveCredentials(RedisURI address) {
        RedisCredentialsProvider provider = address.getCredentialsProvider();
        if (!(provider instanceof ImmediateRedisCredentialsProvider)) {
            address.setCredentialsProvider(new Resolved(provider, resolve(provider, address.getTimeout())));
        }
    }

    private static RedisCredentials resolve(RedisCredentialsProvider provider, Duration timeout) {
        RedisCredentials credentials;
        try {
            credentials = provider.resolveCredentials().block(timeout);
        } catch (RuntimeException e) {
            throw new RedisConnectionException("The credentials can't be resolved", e);
        }
        return credentials == null ? RedisCredentials.just(null, (char[]) null) : credentials;
    }

    /** Credentials that are there for the handshake. Those that may follow still come from the provider. */
    private record Resolved(RedisCredentialsProvider provider, RedisCredentials now)
            implements ImmediateRedisCredentialsProvider {

        @Override
        public RedisCredentials resolveCredentialsNow() {
            return now;
        }

        @Override
        public boolean supportsStreaming() {
            return provider.supportsStreaming();
        }

        @Override
        public Flux<RedisCredentials> credentials() {
            return provider.credentials();
        }
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
