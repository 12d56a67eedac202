package io.ncc.checkin.api.board;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

final class SumsTest {

    private static final int BOARDS = 13;

    @Test
    void theyAreTheSumsOfWhatEachBoardHasOnce() {
        Random random = new Random(1);
        Sums sums = new Sums(100_000, 1, 0, BOARDS);
        Map<Long, Long> expected = new HashMap<>();
        Map<Long, Set<Integer>> boards = new HashMap<>();
        for (int i = 0; i < 100_000; i++) {
            int board = random.nextInt(BOARDS);
            long id = random.nextBoolean() ? 1 + random.nextInt(20_000) : Long.MAX_VALUE - random.nextInt(20_000);
            sums.add(board, id, i + 1);
            if (boards.computeIfAbsent(id, key -> new TreeSet<>()).add(board)) {
                expected.merge(id, i + 1L, Long::sum); // else it is read a second time
            }
        }
        expected.forEach((id, sum) -> assertThat(sums.of(id)).isEqualTo(sum));
        assertThat(sums.of(30_000)).isZero();
        assertThat(sums.where((sum, unseen) -> unseen == BOARDS - 1))
                .containsExactlyInAnyOrder(boards.entrySet().stream()
                        .filter(seen -> seen.getValue().size() == 1)
                        .mapToLong(Map.Entry::getKey)
                        .toArray());
        assertThat(sums.top(1))
                .hasSize(1)
                .allSatisfy(first -> assertThat(expected.values())
                        .allSatisfy(sum -> assertThat(sum).isLessThanOrEqualTo(first.score())));
        assertThat(sums.atRank(expected.size() + 1)).isZero();
    }

    @Test
    void eachIdIsInOneSlice() {
        TreeSet<Long> seen = new TreeSet<>();
        for (int slice = 0; slice < 8; slice++) {
            Sums sums = new Sums(10_000, 8, slice, 1);
            for (long id = 1; id <= 10_000; id++) {
                sums.add(0, id, 1);
            }
            long[] ids = sums.where((sum, unseen) -> true);
            assertThat(ids.length).as("about an eighth").isBetween(1_000, 1_500);
            Arrays.stream(ids).forEach(id -> assertThat(seen.add(id)).isTrue());
        }
        assertThat(seen).hasSize(10_000);
    }

    @Test
    void moreIdsThanFitAreAFailure() {
        Sums sums = new Sums(2, 1, 0, 2);
        sums.add(0, 1, 1);
        sums.add(0, 2, 1);
        sums.add(1, 1, 1);
        assertThatThrownBy(() -> sums.add(0, 3, 1)).isInstanceOf(Sums.TooManyIdsException.class);
    }
}
