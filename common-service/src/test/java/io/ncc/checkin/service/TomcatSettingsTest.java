package io.ncc.checkin.service;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.springframework.util.unit.DataSize;

final class TomcatSettingsTest {

    @Test
    void thereAreAsManyConnectionsAsTheHeapHoldsAndNeverMoreThanTomcatHasByDefault() {
        assertThat(TomcatSettings.connectionsOf(DataSize.ofMegabytes(256).toBytes()))
                .isEqualTo(1_024);
        assertThat(TomcatSettings.connectionsOf(DataSize.ofMegabytes(64).toBytes()))
                .isEqualTo(256);
        assertThat(TomcatSettings.connectionsOf(DataSize.ofGigabytes(8).toBytes()))
                .isEqualTo(8_192);
    }
}
