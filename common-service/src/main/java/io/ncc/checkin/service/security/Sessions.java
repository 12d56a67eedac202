package io.ncc.checkin.service.security;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.lettuce.core.RedisException;
import io.lettuce.core.SetArgs;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.service.PartitionLinks;
import io.ncc.redis.RedisLink;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import org.springframework.security.authentication.AuthenticationProvider;
import org.springframework.security.authentication.InternalAuthenticationServiceException;
import org.springframework.security.core.Authentication;
import org.springframework.security.oauth2.server.resource.InvalidBearerTokenException;
import org.springframework.security.oauth2.server.resource.authentication.BearerTokenAuthenticationToken;

/**
 * The tokens that a login gives. Redis has the digest of each, in the partition of its user, for an hour. A token that was found there isn't looked up again
 * for some seconds, so it may be accepted for so long after its session has ended. That it was found there at all is remembered for longer.
 */
public final class Sessions implements AuthenticationProvider {

    /** How long a token is valid. */
    public static final Duration LIFETIME = Duration.ofHours(1);

    /** What its holder may do. */
    public static final Set<Role> ROLES = Set.of(Role.OWN, Role.READ);

    private static final Duration REMEMBERED_FOR = Duration.ofSeconds(5);
    private static final int MOST_REMEMBERED = 10_000;

    private final Partitions partitions;
    private final PartitionLinks redis;
    private final Cache<String, Caller> remembered = Caffeine.newBuilder()
            .maximumSize(MOST_REMEMBERED)
            .expireAfterWrite(REMEMBERED_FOR)
            .build();

    private final Cache<String, Boolean> met = Caffeine.newBuilder()
            .maximumSize(MOST_REMEMBERED)
            .expireAfterWrite(LIFETIME)
            .build();

    public Sessions(Partitions partitions, PartitionLinks redis) {
        this.partitions = partitions;
        this.redis = redis;
    }

    /** Makes a token for a user, and completes once it is valid. */
    public CompletionStage<String> begin(long user) {
        SessionToken token = SessionToken.random(user);
        return redis.of(partitions.ofUser(user))
                .send(commands ->
                        commands.set(key(token), Long.toString(user), SetArgs.Builder.px(LIFETIME.toMillis())))
                .thenApply(stored -> token.text());
    }

    /** Ends the session of a token, if there is one. */
    public void end(SessionToken token) {
        redis.of(partitions.ofUser(token.user())).call(commands -> commands.del(key(token)));
        remembered.invalidate(token.digest());
    }

    /** {@inheritDoc} Null for a token of another kind. */
    @Override
    public @Nullable Authentication authenticate(Authentication request) {
        SessionToken token = SessionToken.parse(((BearerTokenAuthenticationToken) request).getToken());
        if (token == null) {
            return null;
        }
        Caller known = remembered.getIfPresent(token.digest());
        if (known != null) {
            return known;
        }
        if (!Long.toString(token.user()).equals(userOf(token))) {
            throw new InvalidBearerTokenException("The session has ended.");
        }
        Caller caller = new Caller("user:" + token.user(), ROLES, token.user());
        remembered.put(token.digest(), caller);
        met.put(token.digest(), true);
        return caller;
    }

    /** Whether Redis would have to be asked for a token, and no session with it was found there yet. Anyone can make up such tokens. */
    boolean isUnmet(String text) {
        SessionToken token = SessionToken.parse(text);
        return token != null && met.getIfPresent(token.digest()) == null;
    }

    private @Nullable String userOf(SessionToken token) {
        RedisLink link = redis.of(partitions.ofUser(token.user()));
        try {
            return link.<String>call(commands -> commands.get(key(token)));
        } catch (RedisException e) {
            // of this type, or the next provider would be asked, and say that the token is none
            throw new InternalAuthenticationServiceException("Redis doesn't say whether there is a session", e);
        }
    }

    private String key(SessionToken token) {
        return partitions.keys(partitions.ofUser(token.user())).session(token.digest());
    }

    @Override
    public boolean supports(Class<?> type) {
        return BearerTokenAuthenticationToken.class.isAssignableFrom(type);
    }
}
