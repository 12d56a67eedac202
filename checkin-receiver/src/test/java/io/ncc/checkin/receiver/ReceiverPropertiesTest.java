package io.ncc.checkin.receiver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
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
        assertThat(bind(Map.of())).isEqualTo(new ReceiverProperties(null, DataSize.ofKilobytes(4)));
    }

    @Test
    void everySettingIsRead() {
        assertThat(bind(Map.of("api-base-url", "http://api:8081", "max-body-size", "2KB")))
                .isEqualTo(new ReceiverProperties(URI.create("http://api:8081"), DataSize.ofKilobytes(2)));
    }

    @ParameterizedTest
    @CsvSource({
        "api-base-url, localhost",
        "api-base-url, /checkins",
        "api-base-url, http://api:8081/",
        "max-body-size, 127B",
        "max-body-size, 1048577B"
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
