package io.ncc.checkin.benchmarks.measure;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class ContestTest {

    @Test
    void theContestantsTakeTurnsInBeginning() {
        List<String> order = new ArrayList<>();
        contest(order).run(1, 2, line -> {});
        assertThat(order).containsExactly("b", "a", "a", "b", "b", "a");
    }

    @Test
    void roundsThatWarmUpDontCount() {
        Contest.Result result = contest(new ArrayList<>()).run(3, 2, line -> {});
        assertThat(result.samples().get("a")).hasSize(2);
    }

    @Test
    void aRatioIsThatOfTheSameRound() {
        Contest.Result result = new Contest.Result(
                "", "", Map.of("a", List.of(sample(10), sample(300)), "b", List.of(sample(20), sample(100))));
        assertThat(result.ratio("a", "b")).isEqualTo(new Spread(1.75, 0.5, 3));
    }

    @Test
    void theMedianOfAnEvenNumberIsBetweenTheTwoInTheMiddle() {
        assertThat(Spread.of(List.of(4.0, 1.0, 2.0, 100.0))).isEqualTo(new Spread(3, 1, 100));
        assertThat(Spread.of(List.of(3.0, 1.0, 2.0))).isEqualTo(new Spread(2, 1, 3));
    }

    private static Contest contest(List<String> order) {
        Contest contest = new Contest("title", "unit");
        for (String name : List.of("a", "b")) {
            contest.add(name, () -> {
                order.add(name);
                return sample(1);
            });
        }
        return contest;
    }

    private static Sample sample(double perSecond) {
        return new Sample(perSecond, Map.of(), null);
    }
}
