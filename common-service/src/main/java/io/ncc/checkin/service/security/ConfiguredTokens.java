package io.ncc.checkin.service.security;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.security.authentication.AuthenticationProvider;
import org.springframework.security.core.Authentication;
import org.springframework.security.oauth2.server.resource.authentication.BearerTokenAuthenticationToken;

/** The tokens of {@code checkin.security.tokens}. */
final class ConfiguredTokens implements AuthenticationProvider {

    private final Map<String, Caller> byDigest;

    ConfiguredTokens(List<SecurityProperties.Token> tokens) {
        byDigest = tokens.stream()
                .collect(Collectors.toUnmodifiableMap(
                        SecurityProperties.Token::sha256, SecurityProperties.Token::caller));
    }

    @Override
    public @Nullable Authentication authenticate(Authentication request) {
        return byDigest.get(TokenDigests.of(((BearerTokenAuthenticationToken) request).getToken()));
    }

    @Override
    public boolean supports(Class<?> type) {
        return BearerTokenAuthenticationToken.class.isAssignableFrom(type);
    }
}
