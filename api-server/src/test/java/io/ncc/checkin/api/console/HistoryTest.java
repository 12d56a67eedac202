package io.ncc.checkin.api.console;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class HistoryTest {

    @Test
    void ofTheBeginningNothingIsKnown() {
        History.View view = new History(1000, 600).view();
        assertThat(view.end()).isNull();
        assertThat(view.accepted()).isEmpty();
    }

    @Test
    void theCurrentStepIsNotThereYet() {
        History history = new History(1000, 600);
        history.add(5_000, 5_000, null, null, 7L, 1L);
        assertThat(history.view().accepted()).isEmpty();
        history.add(5_000, 6_200, 10.0, 4.0, 9L, 2L);
        History.View view = history.view();
        assertThat(view.end()).isEqualTo(6_000);
        assertThat(view.accepted()).containsExactly(10.0);
        assertThat(view.applied()).containsExactly(4.0);
        assertThat(view.behind()).containsExactly(9L);
        assertThat(view.pending()).containsExactly(2L);
    }

    @Test
    void aSampleCountsForEachStepThatItCovers() {
        History history = new History(1000, 600);
        history.add(1_000, 1_000, null, null, 0L, 0L);
        history.add(1_000, 2_500, 10.0, null, 0L, 0L);
        history.add(2_500, 4_000, 20.0, null, 0L, 0L);
        assertThat(history.view().accepted()).containsExactly(10.0, 15.0, 20.0);
        assertThat(history.view().applied()).containsExactly(null, null, null);
    }

    @Test
    void aTimeOfWhichNothingIsKnownIsAGap() {
        History history = new History(1000, 600);
        history.add(1_000, 1_000, null, null, 0L, 0L);
        history.add(1_000, 2_000, 1.0, 1.0, 0L, 0L);
        history.add(5_000, 5_000, null, null, 8L, 3L);
        history.add(5_000, 6_000, 2.0, 2.0, 6L, 3L);
        History.View view = history.view();
        assertThat(view.accepted()).containsExactly(1.0, null, null, null, 2.0);
        assertThat(view.behind()).containsExactly(0L, 0L, null, null, 8L);
        assertThat(view.pending()).hasSameSizeAs(view.accepted());
    }

    @Test
    void theOldestStepsAreForgotten() {
        History history = new History(1000, 5);
        for (long second = 1; second <= 20; second++) {
            history.add(1000 * (second - 1), 1000 * second, (double) second, 0.0, second, 0L);
        }
        assertThat(history.view().end()).isEqualTo(20_000);
        assertThat(history.view().accepted()).containsExactly(16.0, 17.0, 18.0, 19.0, 20.0);
        history.add(100_000, 100_000, null, null, 1L, 1L);
        assertThat(history.view().accepted()).containsOnlyNulls().hasSize(5);
    }

    @Test
    void aClockThatGoesBackBeginsANewHistory() {
        History history = new History(1000, 5);
        history.add(8_000, 10_500, 1.0, 1.0, 0L, 0L);
        history.add(3_000, 3_000, null, null, 0L, 0L);
        history.add(3_000, 4_100, 5.0, 5.0, 0L, 0L);
        assertThat(history.view().end()).isEqualTo(4_000);
        assertThat(history.view().accepted()).containsExactly(5.0);
    }

    @Test
    void theSumOfAllStepsIsRightWhereverTheSamplesFall() {
        Random random = new Random(7);
        History history = new History(1000, 600);
        long time = 1_234;
        double appended = 0;
        history.add(time, time, null, null, 0L, 0L);
        while (time < 400_000) {
            long next = time + 300 + random.nextInt(1_500);
            double rate = random.nextInt(1_000);
            appended += rate * (next - time) / 1000;
            history.add(time, next, rate, 0.0, 0L, 0L);
            time = next;
        }
        double sum = history.view().accepted().stream()
                .filter(Objects::nonNull)
                .mapToDouble(Double::doubleValue)
                .sum();
        assertThat(sum).isCloseTo(appended, within(3_000.0)); // the first step is half there, the last one isn't over
    }
}
