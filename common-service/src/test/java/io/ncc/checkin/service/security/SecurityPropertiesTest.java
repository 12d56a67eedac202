package io.ncc.checkin.service.security;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ncc.checkin.service.security.SecurityProperties.Mode;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.context.properties.bind.BindException;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;

final class SecurityPropertiesTest {

    private static final String DIGEST = "0".repeat(64);

    private static SecurityProperties bound(Map<String, String> settings) {
        Map<String, String> all = new LinkedHashMap<>();
        settings.forEach((name, value) -> all.put("checkin.security." + name, value));
        return new Binder(new MapConfigurationPropertySource(all))
                .bindOrCreate("checkin.security", SecurityProperties.class);
    }

    @Test
    void theDefaultIsProtectedWithoutAnyToken() {
        SecurityProperties properties = bound(Map.of());
        assertThat(properties.mode()).isEqualTo(Mode.PROTECTED);
        assertThat(properties.tokens()).isEmpty();
        assertThat(properties.allowedHosts()).isEmpty();
        assertThat(properties.allowedOrigins()).isEmpty();
        assertThat(properties.logins()).isFalse();
    }

    @Test
    void allCanBeSet() {
        SecurityProperties properties = bound(Map.of(
                "tokens[0].name", "phone",
                "tokens[0].sha256", DIGEST,
                "tokens[0].roles", "own, read",
                "tokens[0].user", "17",
                "allowed-hosts", "checkins.example.org,*.internal",
                "allowed-origins", "https://app.example.org,http://localhost:3000",
                "logins", "true"));
        Caller caller = properties.tokens().get(0).caller();
        assertThat(caller.getName()).isEqualTo("phone");
        assertThat(caller.getAuthorities()).containsExactly(Role.OWN, Role.READ);
        assertThat(caller.mayWriteFor(17)).isTrue();
        assertThat(caller.mayWriteFor(18)).isFalse();
        assertThat(properties.allowedHosts()).containsExactlyInAnyOrder("checkins.example.org", "*.internal");
        assertThat(properties.allowedOrigins()).hasSize(2);
        assertThat(properties.logins()).isTrue();
        assertThat(bound(Map.of("mode", "open")).mode()).isEqualTo(Mode.OPEN);
    }

    @Test
    void openWithLoginsIsRefused() {
        assertThatThrownBy(() -> bound(Map.of("mode", "open", "logins", "true")))
                .rootCause()
                .hasMessageContaining("must be protected if there are tokens or logins");
    }

    @ParameterizedTest
    @CsvSource({
        "tokens[0].name, a b, a name has",
        "tokens[0].sha256, 12, 64",
        "tokens[0].roles, '', must have roles",
        "tokens[0].roles, write, only then",
        "tokens[0].roles, wrote, Role",
        "tokens[0].user, '', only then",
        "tokens[1].name, phone, different",
        "tokens[1].sha256, 0000000000000000000000000000000000000000000000000000000000000000, different",
        "mode, open, must be protected",
        "mode, closed, Mode",
        "logins, maybe, maybe",
        "allowed-hosts, checkins.example.org:8082, allowed-hosts",
        "allowed-hosts, http://checkins.example.org, allowed-hosts",
        "allowed-origins, app.example.org, allowed-origins",
        "allowed-origins, https://app.example.org/, allowed-origins",
        "allowed-origins, *, allowed-origins",
    })
    void whatIsWrongIsTold(String name, String value, String message) {
        Map<String, String> settings = new LinkedHashMap<>(Map.of(
                "tokens[0].name", "phone",
                "tokens[0].sha256", DIGEST,
                "tokens[0].roles", "own",
                "tokens[0].user", "17",
                "tokens[1].name", "other",
                "tokens[1].sha256", "1".repeat(64),
                "tokens[1].roles", "write"));
        assertThat(bound(settings).tokens()).hasSize(2);
        settings.put(name, value);
        assertThatThrownBy(() -> bound(settings))
                .isInstanceOf(BindException.class)
                .rootCause()
                .hasMessageContaining(message);
    }
}
