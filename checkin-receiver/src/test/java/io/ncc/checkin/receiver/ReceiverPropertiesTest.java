package io.ncc.checkin.receiver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.entry;

import java.net.URI;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;
import org.springframework.util.unit.DataSize;

final class ReceiverPropertiesTest {

    @Test
    void theDefaults() {
        assertThat(bind(Map.of()))
                .isEqualTo(new ReceiverProperties(
                        null,
                        Durability.MEMORY,
                        1,
                        Duration.ofSeconds(1),
                        2_000_000,
                        0.9,
                        Duration.ofHours(1),
                        null,
                        20_000,
                        DataSize.ofKilobytes(4),
                        DataSize.ofMegabytes(2),
                        10_000,
                        null,
                        Duration.ofSeconds(30),
                        0));
    }

    @Test
    void everySettingIsRead() {
        Map<String, String> settings = Map.ofEntries(
                entry("api-base-url", "http://api:8081"),
                entry("durability", "fsync"),
                entry("replicas", "2"),
                entry("durability-timeout", "200ms"),
                entry("max-length", "5000"),
                entry("max-memory-use", "0.5"),
                entry("idempotency-ttl", "1d"),
                entry("repeat-window", "5m"),
                entry("queue-size", "1000"),
                entry("max-body-size", "2KB"),
                entry("max-batch-size", "1MB"),
                entry("max-batch-entries", "10"),
                entry("max-request-memory", "50MB"),
                entry("body-timeout", "5s"),
                entry("rate-limit", "100"));
        assertThat(bind(settings))
                .isEqualTo(new ReceiverProperties(
                        URI.create("http://api:8081"),
                        Durability.FSYNC,
                        2,
                        Duration.ofMillis(200),
                        5_000,
                        0.5,
                        Duration.ofDays(1),
                        Duration.ofMinutes(5),
                        1_000,
                        DataSize.ofKilobytes(2),
                        DataSize.ofMegabytes(1),
                        10,
                        DataSize.ofMegabytes(50),
                        Duration.ofSeconds(5),
                        100));
    }

    @Test
    void waitingLongerThanACommandMayTakeIsRefused() {
        ReceiverProperties replica = bind(Map.of("durability", "replica", "durability-timeout", "500ms"));
        replica.requireDurabilityTimeoutBelow(Duration.ofMillis(501));
        assertThatThrownBy(() -> replica.requireDurabilityTimeoutBelow(Duration.ofMillis(500)))
                .hasMessageContaining("spring.data.redis.timeout");
        bind(Map.of()).requireDurabilityTimeoutBelow(Duration.ofMillis(500));
    }

    @ParameterizedTest
    @CsvSource({
        "api-base-url, localhost",
        "api-base-url, /checkins",
        "api-base-url, http://api:8081/",
        "replicas, 0",
        "replicas, 11",
        "durability-timeout, 9ms",
        "max-length, 999",
        "max-memory-use, 0.09",
        "max-memory-use, 1.01",
        "idempotency-ttl, 999ms",
        "idempotency-ttl, 31d",
        "repeat-window, 999ms",
        "repeat-window, 25h",
        "queue-size, 999",
        "queue-size, 1000001",
        "max-body-size, 127B",
        "max-body-size, 1048577B",
        "max-batch-size, 1023B",
        "max-batch-size, 1025MB",
        "max-batch-entries, 0",
        "max-batch-entries, 100001",
        "max-request-memory, 1023KB",
        "body-timeout, 99ms",
        "rate-limit, -1"
    })
    void aWrongValueIsRefusedByItsName(String name, String value) {
        assertThatThrownBy(() -> bind(Map.of(name, value)))
                .rootCause()
                .hasMessageStartingWith("checkin.receiver." + name + " must be ");
    }

    private static ReceiverProperties bind(Map<String, String> settings) {
        var source = new MapConfigurationPropertySource();
        settings.forEach((name, value) -> source.put("checkin.receiver." + name, value));
        return new Binder(source).bindOrCreate("checkin.receiver", ReceiverProperties.class);
    }
}
