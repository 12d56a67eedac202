package io.ncc.checkin.processor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ncc.engine.DurationRange;
import io.ncc.engine.EngineSettings;
import io.ncc.engine.Mode;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
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
                        Set.of(ProjectionKind.TOTALS, ProjectionKind.BOARDS),
                        null,
                        500_000,
                        null,
                        2_000_000));
    }

    @Test
    void theDefaultsAreThoseOfTheEngine() {
        assertThat(bind(Map.of()).engine(1)).isEqualTo(EngineSettings.defaults("checkin"));
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
                        Map.entry("projections", "boards"),
                        Map.entry("partitions", "0-3"),
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
                        Set.of(ProjectionKind.BOARDS),
                        "0-3",
                        100,
                        Duration.ofDays(7),
                        5000));
    }

    @ParameterizedTest
    @CsvSource({
        "consumer, a b",
        "consumer, ''",
        "projections, ''",
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
    @CsvSource({"16, 0-3, '0,1,2,3'", "16, 15, 15", "2, , '0,1'", "1, 0, 0"})
    void partitionsAreARangeOrAll(int count, @Nullable String setting, String expected) {
        Map<String, String> settings = setting == null ? Map.of() : Map.of("partitions", setting);
        assertThat(bind(settings).partitions(count).stream()
                        .map(String::valueOf)
                        .collect(Collectors.joining(",")))
                .isEqualTo(expected);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "0-16", "16", "3-2", "1,2", "-1", "0-", "a", "0 - 3", "9999"})
    void partitionsOutOfRangeAreRefused(String setting) {
        assertThatThrownBy(() -> bind(Map.of("partitions", setting)).partitions(16))
                .hasMessage("checkin.processor.partitions must be a range such as 0-31, or a number, from 0 to 15, not "
                        + setting);
    }

    @ParameterizedTest
    @CsvSource({"1, 500000, 2000000", "3, 166666, 666666", "64, 7812, 31250"})
    void partitionsShareTheLengths(int count, long retainEntries, long maxLength) {
        EngineSettings share = bind(Map.of()).engine(count);
        assertThat(share.retainEntries()).isEqualTo(retainEntries);
        assertThat(share.maxLength()).isEqualTo(maxLength);
    }

    @Test
    void whatMayBeKeptOfTheWholeMayBeKeptOfEach() {
        var most = bind(Map.of("retain-entries", "1600000"));
        assertThat(IntStream.rangeClosed(1, 256)
                        .mapToLong(count -> most.engine(count).retainEntries() * count))
                .allMatch(kept -> kept > 1_600_000 - 5 * 256 && kept <= 1_600_000);
    }

    @Test
    void aLengthThatIsTooSmallForAllPartitionsIsRefused() {
        var properties = bind(Map.of("max-length", "63000", "retain-entries", "0"));
        assertThatThrownBy(() -> properties.engine(64))
                .hasMessage("checkin.processor.max-length must be 1000 or more, for each of 64 partitions");
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
