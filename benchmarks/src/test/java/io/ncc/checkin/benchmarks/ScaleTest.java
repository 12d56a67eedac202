package io.ncc.checkin.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class ScaleTest {

    @Test
    void aFullRunIsEnoughToJudgeBy() {
        assertThat(Scale.FULL.tooLittle()).isEmpty();
    }

    @Test
    void aQuickRunIsTooLittleInEveryWay() {
        assertThat(Scale.QUICK.tooLittle())
                .hasValue("rounds: 1 instead of at least 3; seconds of load to warm up: 2 instead of at least 12; "
                        + "entries to warm up: 100,000 instead of at least 1,500,000");
    }

    @ParameterizedTest
    @CsvSource({
        "3, 3, 4, 500000, true",
        "3, 2, 4, 500000, false",
        "0, 3, 4, 500000, false",
        "3, 3, 3, 500000, false",
        "12, 3, 1, 125000, true",
        "12, 3, 1, 124000, false",
        "1000, 3, 1, 10000000, true"
    })
    void eachOfTheThreeHasToBeEnough(int warmUps, int rounds, int seconds, int entries, boolean isEnough) {
        assertThat(new Scale(warmUps, rounds, seconds, entries).tooLittle().isEmpty())
                .isEqualTo(isEnough);
    }
}
