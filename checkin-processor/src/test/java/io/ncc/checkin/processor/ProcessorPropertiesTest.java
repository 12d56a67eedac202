package io.ncc.checkin.processor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ncc.engine.DurationRange;
import io.ncc.engine.EngineSettings;
import io.ncc.engine.Mode;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;
import org.springframework.boot.convert.ApplicationConversionService;

final class ProcessorPropertiesTest {

    @Test
    void theDefaults() {
        assertThat(bind(Map.of()))
                .isEqualTo(new ProcessorProperties(
                        null,
                        Mode.GROUP,
                        1000,
                        4,
                        Duration.ofSeconds(2),
                        Duration.ofSeconds(60),
                        Duration.ofSeconds(10),
                        5,
                        null,
                        false,
                        500_000,
                        null,
                        2_000_000));
    }

    @Test
    void theDefaultsAreThoseOfTheEngine() {
        assertThat(bind(Map.of()).engine()).isEqualTo(EngineSettings.defaults("checkin"));
    }

    @Test
    void everySettingIsRead() {
        assertThat(bind(Map.ofEntries(
                        Map.entry("consumer", "consumer2"),
                        Map.entry("mode", "sequential"),
                        Map.entry("batch-size", "500"),
                        Map.entry("max-in-flight", "2"),
                        Map.entry("block", "1s"),
                        Map.entry("claim-after", "30s"),
                        Map.entry("claim-every", "5s"),
                        Map.entry("max-deliveries", "3"),
                        Map.entry("simulated-work", "1s..5s"),
                        Map.entry("keep-consumer", "true"),
                        Map.entry("retain-entries", "100"),
                        Map.entry("retain-age", "7d"),
                        Map.entry("max-length", "5000"))))
                .isEqualTo(new ProcessorProperties(
                        "consumer2",
                        Mode.SEQUENTIAL,
                        500,
                        2,
                        Duration.ofSeconds(1),
                        Duration.ofSeconds(30),
                        Duration.ofSeconds(5),
                        3,
                        new DurationRange(Duration.ofSeconds(1), Duration.ofSeconds(5)),
                        true,
                        100,
                        Duration.ofDays(7),
                        5000));
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
        "claim-every, 99ms",
        "max-deliveries, 0",
        "max-deliveries, 1001",
        "retain-entries, -1",
        "retain-entries, 1600001",
        "retain-age, 0s",
        "max-length, 999"
    })
    void aWrongValueIsRefusedByItsName(String name, String value) {
        assertThatThrownBy(() -> bind(Map.of(name, value)))
                .rootCause()
                .hasMessageStartingWith("checkin.processor." + name + " must be ");
    }

    @ParameterizedTest
    @ValueSource(strings = {"1s", "5s..1s", "1s..2s..3s", "a..b", "-1s..1s", "1s..21s"})
    void simulatedWorkIsARangeOfDurations(String value) {
        assertThatThrownBy(() -> bind(Map.of("simulated-work", value))).hasStackTraceContaining("simulated-work");
    }

    private static ProcessorProperties bind(Map<String, String> settings) {
        var source = new MapConfigurationPropertySource();
        settings.forEach((name, value) -> source.put("checkin.processor." + name, value));
        var conversions = new ApplicationConversionService();
        conversions.addConverter(new DurationRangeConverter());
        return new Binder(List.of(source), null, conversions)
                .bindOrCreate("checkin.processor", ProcessorProperties.class);
    }
}
