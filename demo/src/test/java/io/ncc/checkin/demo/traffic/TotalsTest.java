package io.ncc.checkin.demo.traffic;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

final class TotalsTest {

    @Test
    void everySentCheckinIsAccountedFor() {
        var totals = new Totals(2_000, 1_900, new TreeMap<>(Map.of(503, 40L, 429, 10L)), 45, 3);
        assertThat(totals.underWay()).isEqualTo(5);
        assertThat(totals)
                .hasToString("sent 2,000, accepted 1,900, refused 50 (429: 10, 503: 40), failed 45, under way 5");
    }

    @Test
    void noStatusesAreListedWhereNothingWasRefused() {
        assertThat(new Totals(1, 1, new TreeMap<>(), 0, 0))
                .hasToString("sent 1, accepted 1, refused 0, failed 0, under way 0");
    }
}
