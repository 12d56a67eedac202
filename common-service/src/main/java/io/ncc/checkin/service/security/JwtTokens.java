package io.ncc.checkin.service.security;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.core.NestedExceptionUtils;
import org.springframework.security.authentication.AuthenticationProvider;
import org.springframework.security.authentication.AuthenticationServiceException;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.GrantedAuthority;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.security.oauth2.jwt.JwtDecoder;
import org.springframework.security.oauth2.jwt.JwtDecoderInitializationException;
import org.springframework.security.oauth2.jwt.JwtException;
import org.springframework.security.oauth2.server.resource.InvalidBearerTokenException;
import org.springframework.security.oauth2.server.resource.authentication.BearerTokenAuthenticationToken;
import org.springframework.security.oauth2.server.resource.authentication.JwtAuthenticationConverter;
import org.springframework.security.oauth2.server.resource.authentication.JwtAuthenticationProvider;
import org.springframework.security.oauth2.server.resource.authentication.JwtAuthenticationToken;

/**
 * JWTs of the issuer of {@code spring.security.oauth2.resourceserver.jwt}. To verify a signature takes as long as the rest of a short request, so a token
 * that was found good is not verified again for a minute, unless it ends before.
 */
final class JwtTokens implements AuthenticationProvider {

    private static final Logger log = LoggerFactory.getLogger(JwtTokens.class);
    private static final Duration GOOD_FOR = Duration.ofMinutes(1);
    private static final int MOST_REMEMBERED = 10_000;
    private static final long PAUSE_NANOS = Duration.ofSeconds(1).toNanos();
    private static final String SCOPE = "SCOPE_"; // what Spring puts before a scope

    private final JwtDecoder decoder;
    private final JwtAuthenticationProvider jwts;
    private final Cache<String, Verified> verified = Caffeine.newBuilder()
            .maximumSize(MOST_REMEMBERED)
            .expireAfterWrite(GOOD_FOR)
            .build();

    private final Lock preparing = new ReentrantLock();
    private volatile boolean ready;
    private @Nullable Long failedAt; // guarded by the lock

    JwtTokens(JwtDecoder decoder, JwtAuthenticationConverter converter) {
        this.decoder = decoder;
        jwts = new JwtAuthenticationProvider(decoder);
        jwts.setJwtAuthenticationConverter(converter);
    }

    private record Verified(Caller caller, Instant until) {}

    @Override
    public Authentication authenticate(Authentication request) {
        String token = ((BearerTokenAuthenticationToken) request).getToken();
        Verified known = verified.getIfPresent(token);
        if (known != null && Instant.now().isBefore(known.until)) {
            return known.caller;
        }
        prepare();
        JwtAuthenticationToken jwt = (JwtAuthenticationToken) jwts.authenticate(request);
        Caller caller = callerOf(jwt);
        Instant end = jwt.getToken().getExpiresAt();
        verified.put(token, new Verified(caller, end == null ? Instant.MAX : end));
        return caller;
    }

    /**
     * With {@code issuer-uri}, the decoder asks the issuer for its keys when it is first used, and after a failure when it is next used. An answer can take
     * long, so the requests that wait for it share a failure.
     */
    private void prepare() {
        if (ready) {
            return;
        }
        preparing.lock();
        try {
            if (failedAt != null && System.nanoTime() - failedAt < PAUSE_NANOS) {
                throw new AuthenticationServiceException("The issuer gave no answer a moment ago");
            }
            decoder.decode("");
        } catch (JwtDecoderInitializationException e) {
            if (failedAt == null) {
                Throwable cause = NestedExceptionUtils.getMostSpecificCause(e);
                log.warn("The issuer of JWTs can't be asked for its keys: {}", cause.toString());
            }
            failedAt = System.nanoTime();
            throw new AuthenticationServiceException("The issuer gives no answer", e);
        } catch (JwtException e) { // a decoder that is ready refuses this token
            if (failedAt != null) {
                log.info("The issuer of JWTs has told its keys");
                failedAt = null;
            }
            ready = true;
        } finally {
            preparing.unlock();
        }
    }

    private static Caller callerOf(JwtAuthenticationToken jwt) {
        String subject = jwt.getName();
        if (subject == null || subject.isBlank()) {
            throw new InvalidBearerTokenException("It has no subject");
        }
        if (isBoundToKey(jwt.getToken())) {
            throw new InvalidBearerTokenException("It is bound to a key (DPoP), so it is no bearer token");
        }
        Long user = Caller.userId(subject);
        Set<Role> roles = EnumSet.noneOf(Role.class);
        for (GrantedAuthority authority : jwt.getAuthorities()) {
            Role role = roleOf(authority);
            if (role != null && (role != Role.OWN || user != null)) {
                roles.add(role);
            }
        }
        return new Caller("jwt:" + subject, roles, roles.contains(Role.OWN) ? user : null);
    }

    private static boolean isBoundToKey(Jwt jwt) {
        return jwt.getClaims().get("cnf") instanceof Map<?, ?> confirmation && confirmation.containsKey("jkt");
    }

    private static @Nullable Role roleOf(GrantedAuthority authority) {
        String scope = authority.getAuthority();
        return scope == null ? null : Role.ofScope(scope.startsWith(SCOPE) ? scope.substring(SCOPE.length()) : scope);
    }

    @Override
    public boolean supports(Class<?> type) {
        return BearerTokenAuthenticationToken.class.isAssignableFrom(type);
    }
}
