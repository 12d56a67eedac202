package io.ncc.checkin.processor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;

final class ProcessorPropertiesTest {

    @Test
    void theDefaults() {
        assertThat(bind(Map.of()))
                .isEqualTo(new ProcessorProperties(
                        null, 1000, 4, Duration.ofSeconds(2), Duration.ofSeconds(60), Duration.ofSeconds(10)));
    }

    @Test
    void everySettingIsRead() {
        assertThat(bind(Map.of(
                        "consumer", "consumer2",
                        "batch-size", "500",
                        "max-in-flight", "2",
                        "block", "1s",
                        "claim-after", "30s",
                        "claim-every", "5s")))
                .isEqualTo(new ProcessorProperties(
                        "consumer2", 500, 2, Duration.ofSeconds(1), Duration.ofSeconds(30), Duration.ofSeconds(5)));
    }

    @ParameterizedTest
    @CsvSource({
        "consumer, a b",
        "consumer, ''",
        "batch-size, 0",
        "batch-size, 2001",
        "max-in-flight, 0",
        "max-in-flight, 65",
        "block, 99ms",
        "block, 5001ms",
        "claim-after, 99ms",
        "claim-every, 99ms"
    })
    void aWrongValueIsRefusedByItsName(String name, String value) {
        assertThatThrownBy(() -> bind(Map.of(name, value)))
                .rootCause()
                .hasMessageStartingWith("checkin.processor." + name + " must be ");
    }

    private static ProcessorProperties bind(Map<String, String> settings) {
        var source = new MapConfigurationPropertySource();
        settings.forEach((name, value) -> source.put("checkin.processor." + name, value));
        return new Binder(source).bindOrCreate("checkin.processor", ProcessorProperties.class);
    }
}
