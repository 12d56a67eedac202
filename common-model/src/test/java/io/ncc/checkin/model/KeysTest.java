package io.ncc.checkin.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

final class KeysTest {

    @Test
    void theUnpartitionedNamesAreTheContract() {
        assertThat(Keys.GROUP).isEqualTo("checkinConsumers");
        assertThat(all(Keys.unpartitioned()))
                .containsExactly(
                        "ncc:checkins",
                        "ncc:users:7",
                        "ncc:locations:8",
                        "ncc:checkinprocessor:lastid",
                        "ncc:checkinprocessor:applied",
                        "ncc:checkinprocessor:totals",
                        "ncc:checkins:dead",
                        "ncc:checkins:dead:ids",
                        "ncc:checkins:projections",
                        "ncc:checkinprocessor:probe",
                        "ncc:partitions",
                        "ncc:idempotency:k");
    }

    @Test
    void everyKeyOfAPartitionCarriesItsHashTag() {
        assertThat(all(Partitions.of(64).keys(3))).allMatch(key -> key.startsWith("ncc:{3-13}:"));
    }

    private static List<String> all(Keys keys) {
        return List.of(
                keys.checkins(),
                keys.user(7),
                keys.location(8),
                keys.checkpoint(),
                keys.settledRanges(),
                keys.totals(),
                keys.deadLetters(),
                keys.deadLetterIds(),
                keys.projections(),
                keys.probe(),
                keys.partitions(),
                keys.idempotency("k"));
    }
}
