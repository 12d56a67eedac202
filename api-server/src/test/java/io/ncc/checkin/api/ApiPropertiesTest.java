package io.ncc.checkin.api;

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

final class ApiPropertiesTest {

    @Test
    void theDefaults() {
        assertThat(bind(Map.of()))
                .isEqualTo(new ApiProperties(
                        Duration.ofSeconds(30),
                        Duration.ofSeconds(60),
                        Duration.ofHours(1),
                        2_000_000,
                        1_000,
                        1_000_000,
                        Duration.ofSeconds(15),
                        100,
                        false,
                        null,
                        null));
    }

    @Test
    void everySettingIsRead() {
        Map<String, String> settings = Map.ofEntries(
                entry("max-wait", "10s"),
                entry("claim-after", "5m"),
                entry("consumer-timeout", "2h"),
                entry("max-length", "5000"),
                entry("max-listeners", "50"),
                entry("listener-buffer", "20000"),
                entry("heartbeat", "1s"),
                entry("max-pages", "7"),
                entry("read-only", "true"),
                entry("receiver-base-url", "https://receiver/base"),
                entry("receiver-public-url", "https://checkins.example"));
        assertThat(bind(settings))
                .isEqualTo(new ApiProperties(
                        Duration.ofSeconds(10),
                        Duration.ofMinutes(5),
                        Duration.ofHours(2),
                        5_000,
                        50,
                        20_000,
                        Duration.ofSeconds(1),
                        7,
                        true,
                        URI.create("https://receiver/base"),
                        URI.create("https://checkins.example")));
    }

    @Test
    void thePublicUrlOfTheReceiverIsItsBaseUrlIfNoneIsSet() {
        assertThat(bind(Map.of("receiver-base-url", "http://receiver:8082")).receiverPublicUrl())
                .isEqualTo(URI.create("http://receiver:8082"));
    }

    @ParameterizedTest
    @CsvSource({
        "max-wait, 100ms",
        "max-wait, 5m",
        "claim-after, 100ms",
        "consumer-timeout, 1s",
        "max-length, 1000",
        "max-listeners, 1",
        "max-listeners, 100000",
        "listener-buffer, 1000",
        "heartbeat, 100ms",
        "heartbeat, 5m",
        "max-pages, 1",
        "max-pages, 10000"
    })
    void theLimitsThemselvesAreTaken(String name, String value) {
        assertThat(bind(Map.of(name, value))).isNotEqualTo(bind(Map.of()));
    }

    @ParameterizedTest
    @CsvSource({
        "max-wait, 99ms",
        "max-wait, 300001ms",
        "claim-after, 99ms",
        "consumer-timeout, 999ms",
        "max-length, 999",
        "max-listeners, 0",
        "max-listeners, 100001",
        "listener-buffer, 999",
        "heartbeat, 99ms",
        "heartbeat, 300001ms",
        "max-pages, 0",
        "max-pages, 10001",
        "receiver-base-url, http://receiver/",
        "receiver-base-url, receiver:8082",
        "receiver-public-url, http://receiver/",
        "receiver-public-url, receiver:8082"
    })
    void aWrongValueIsRefusedByItsName(String name, String value) {
        assertThatThrownBy(() -> bind(Map.of(name, value)))
                .rootCause()
                .hasMessageStartingWith("checkin.api." + name + " must be ");
    }

    private static ApiProperties bind(Map<String, String> settings) {
        var source = new MapConfigurationPropertySource();
        settings.forEach((name, value) -> source.put("checkin.api." + name, value));
        return new Binder(source).bindOrCreate("checkin.api", ApiProperties.class);
    }
}
