package io.ncc.checkin.service.security;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.springframework.security.authentication.AuthenticationProvider;
import org.springframework.security.authentication.AuthenticationServiceException;
import org.springframework.security.core.Authentication;
import org.springframework.security.oauth2.server.resource.InvalidBearerTokenException;

final class AccessTest {

    private static boolean admits(Supplier<@Nullable Authentication> answer) {
        AuthenticationProvider provider = new AuthenticationProvider() {

            @Override
            public @Nullable Authentication authenticate(Authentication request) {
                return answer.get();
            }

            @Override
            public boolean supports(Class<?> type) {
                return true;
            }
        };
        return new Access(SecurityProperties.Mode.PROTECTED, List.of(provider)).admits("x");
    }

    @Test
    void aTokenIsAdmittedUntilItIsKnownToBeNoLongerGood() {
        assertThat(admits(() -> new Caller("app", Set.of(Role.READ), null))).isTrue();
        assertThat(admits(() -> {
                    throw new AuthenticationServiceException("away");
                }))
                .isTrue();
        assertThat(admits(() -> {
                    throw new InvalidBearerTokenException("expired");
                }))
                .isFalse();
        assertThat(admits(() -> null)).as("of no provider").isFalse();
    }
}
