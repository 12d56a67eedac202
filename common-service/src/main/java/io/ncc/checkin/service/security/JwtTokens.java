package io.ncc.checkin.service.security;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.security.authentication.AuthenticationProvider;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.GrantedAuthority;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.security.oauth2.jwt.JwtDecoder;
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

    private static final Duration GOOD_FOR = Duration.ofMinutes(1);
    private static final int MOST_REMEMBERED = 10_000;
    private static final String SCOPE = "SCOPE_"; // what Spring puts before a scope

    private final JwtAuthenticationProvider jwts;
    private final Cache<String, Verified> verified = Caffeine.newBuilder()
            .maximumSize(MOST_REMEMBERED)
            .expireAfterWrite(GOOD_FOR)
            .build();

    JwtTokens(JwtDecoder decoder, JwtAuthenticationConverter converter) {
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
        JwtAuthenticationToken jwt = (JwtAuthenticationToken) jwts.authenticate(request);
        Caller caller = callerOf(jwt);
        Instant end = jwt.getToken().getExpiresAt();
        verified.put(token, new Verified(caller, end == null ? Instant.MAX : end));
        return caller;
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
