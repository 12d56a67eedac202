package io.ncc.checkin.api.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;

final class LoginPropertiesTest {

    @Test
    void theDefaults() {
        assertThat(bind(Map.of())).isEqualTo(new LoginProperties(10, 100, 10));
    }

    @Test
    void everySettingIsRead() {
        assertThat(bind(Map.of("failures-per-account", "3", "failures-per-client", "4", "password-cost", "12")))
                .isEqualTo(new LoginProperties(3, 4, 12));
    }

    @ParameterizedTest
    @CsvSource({"failures-per-account, 1", "failures-per-client, 1", "password-cost, 4", "password-cost, 16"})
    void theLimitsThemselvesAreTaken(String name, String value) {
        assertThat(bind(Map.of(name, value))).isNotEqualTo(bind(Map.of()));
    }

    @ParameterizedTest
    @CsvSource({"failures-per-account, 0", "failures-per-client, 0", "password-cost, 3", "password-cost, 17"})
    void aWrongValueIsRefusedByItsName(String name, String value) {
        assertThatThrownBy(() -> bind(Map.of(name, value)))
                .rootCause()
                .hasMessageStartingWith("checkin.login." + name + " must be ");
    }

    private static LoginProperties bind(Map<String, String> settings) {
        var source = new MapConfigurationPropertySource();
        settings.forEach((name, value) -> source.put("checkin.login." + name, value));
        return new Binder(source).bindOrCreate("checkin.login", LoginProperties.class);
    }
}
