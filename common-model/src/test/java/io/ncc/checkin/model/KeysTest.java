package io.ncc.checkin.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

final class KeysTest {

    private static final Instant HOUR = Instant.parse("2026-11-27T23:00:00Z");

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
                        "ncc:boards:users",
                        "ncc:boards:users:24h",
                        "ncc:boards:users:2026-11-27T23",
                        "ncc:boards:locations",
                        "ncc:boards:locations:24h",
                        "ncc:boards:locations:2026-11-27T23",
                        "ncc:boards:stars",
                        "ncc:boards:hours",
                        "ncc:boards:recent",
                        "ncc:locations:8:visitors",
                        "ncc:boards:lastid",
                        "ncc:boards:applied",
                        "ncc:boards:totals",
                        "ncc:boards:dead",
                        "ncc:boards:dead:ids",
                        "ncc:boards:probe",
                        "ncc:index:emails",
                        "ncc:index:categories",
                        "ncc:index:places",
                        "ncc:index:places:bar",
                        "ncc:details:8",
                        "ncc:sessions:0af",
                        "ncc:logins:0af",
                        "ncc:partitions",
                        "ncc:idempotency:k",
                        "ncc:checkedin:7:8");
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
                keys.userBoard(),
                keys.userDayBoard(),
                keys.userBoard(HOUR),
                keys.locationBoard(),
                keys.locationDayBoard(),
                keys.locationBoard(HOUR),
                keys.starBoard(),
                keys.boardHours(),
                keys.recentUsers(),
                keys.visitors(8),
                keys.boardsCheckpoint(),
                keys.boardsSettledRanges(),
                keys.boardsTotals(),
                keys.boardsDeadLetters(),
                keys.boardsDeadLetterIds(),
                keys.boardsProbe(),
                keys.emails(),
                keys.categories(),
                keys.places(),
                keys.places("bar"),
                keys.details(8),
                keys.session("0af"),
                keys.failedLogins("0af"),
                keys.partitions(),
                keys.idempotency("k"),
                keys.checkedIn(7, 8));
    }
}
