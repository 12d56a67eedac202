package io.ncc.checkin.api.place;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class PlaceReaderTest {

    @Test
    void aCircleThatHasTooFewIsFollowedByALargerOne() {
        assertThat(PlaceReader.larger(250, 2_000, 2_000)).isEqualTo(1_000);
        assertThat(PlaceReader.larger(1_000, 2_000, 2_000)).isEqualTo(2_000);
        assertThat(PlaceReader.larger(500, 1_000, 2_000)).isBetween(501.0, 999.0);
        assertThat(PlaceReader.larger(999.999, 1_000, 2_000)).isEqualTo(1_000);
    }

    @Test
    void alsoIfItHadTooManyAMomentAgo() {
        assertThat(PlaceReader.larger(500, 500, 4_000)).isEqualTo(2_000);
        assertThat(PlaceReader.larger(1_000, 1_000, 2_000)).isEqualTo(2_000);
    }
}
