package io.ncc.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class PageSizeTest {

    private final PageSize size = new PageSize(1000);

    @Test
    void itDoublesWhilePagesAreFullAndSmallAndQuicklySettled() {
        assertThat(size.count()).isEqualTo(1);
        for (int expected : List.of(2, 4, 8, 16, 32, 64, 128, 256, 512, 1000, 1000)) {
            int before = size.count();
            learn(before, before, 100);
            assertThat(size.count()).as("before it is settled").isEqualTo(before);
            size.settled(before, PageSize.QUICK);
            assertThat(size.count()).isEqualTo(expected);
        }
    }

    @Test
    void onlyABatchOfTheSizeLetsItGrow() {
        growTo(64);
        learn(64, 64, 100);
        for (int i = 0; i < 4; i++) { // which were in flight while it grew
            size.settled(32, Duration.ZERO);
        }
        assertThat(size.count()).isEqualTo(64);
    }

    @Test
    void itStaysWhileBatchesAreSettledNeitherQuicklyNorSlowly() {
        growTo(64);
        learn(64, 64, 100);
        size.settled(64, PageSize.QUICK.plusMillis(1));
        size.settled(64, PageSize.SLOW);
        assertThat(size.count()).isEqualTo(64);
    }

    @Test
    void itIsHalfAfterSlowBatchesHoweverManyWereInFlight() {
        growTo(1000);
        for (int i = 0; i < 4; i++) {
            settleSlowly(1000);
        }
        assertThat(size.count()).isEqualTo(500);
        settleSlowly(500);
        settleSlowly(1000);
        assertThat(size.count()).isEqualTo(250);
    }

    /** A network may be slow, and then a smaller page doesn't help. */
    @Test
    void aFewEntriesAreNeverTooSlow() {
        growTo(2 * PageSize.FEW);
        settleSlowly(2 * PageSize.FEW);
        settleSlowly(PageSize.FEW);
        assertThat(size.count()).isEqualTo(PageSize.FEW);
        size.reset();
        for (int i = 0; i < 10; i++) {
            learn(size.count(), size.count(), 100);
            settleSlowly(size.count());
        }
        assertThat(size.count()).isEqualTo(PageSize.FEW);
    }

    @Test
    void itDecaysWhilePagesAreNotFull() {
        growTo(1000);
        learn(1000, 600, 100);
        assertThat(size.count()).as("half of it is too small").isEqualTo(1000);
        for (int expected : List.of(500, 250, 125, 62, 60, 60)) {
            learn(size.count(), 30, 100);
            assertThat(size.count()).isEqualTo(expected);
        }
        learn(60, 60, 100);
        learn(60, 0, 0); // read ahead, after a full page
        size.settled(60, Duration.ZERO);
        assertThat(size.count()).isEqualTo(30);
        for (int i = 0; i < 10; i++) {
            learn(size.count(), 0, 0);
        }
        assertThat(size.count()).isEqualTo(1);
    }

    @Test
    void aPageThatWasAskedForBeforeTheSizeGrewSaysNothingMore() {
        growTo(4);
        learn(2, 2, 100);
        size.settled(2, Duration.ZERO);
        assertThat(size.count()).isEqualTo(4);
    }

    @Test
    void afterALargePageTheNextIsSmallInProportion() {
        growTo(1000);
        learn(1000, 1000, 20 * PageSize.WANTED_WEIGHT);
        assertThat(size.count()).isEqualTo(50);
        learn(50, 50, 100 * PageSize.WANTED_WEIGHT);
        assertThat(size.count()).isEqualTo(1);
        learn(1, 1, 3 * PageSize.WANTED_WEIGHT);
        size.settled(1, Duration.ZERO);
        assertThat(size.count()).isEqualTo(1);
    }

    @Test
    void itStaysWhereTheNextMightBeTooLarge() {
        growTo(1000);
        learn(1000, 1000, 2 * PageSize.WANTED_WEIGHT);
        assertThat(size.count()).isEqualTo(500);
        learn(500, 500, PageSize.WANTED_WEIGHT);
        size.settled(500, Duration.ZERO);
        assertThat(size.count()).isEqualTo(500);
        learn(500, 500, PageSize.WANTED_WEIGHT / 4);
        size.settled(500, Duration.ZERO);
        assertThat(size.count()).isEqualTo(1000);
    }

    @Test
    void afterAFailureItBeginsAgain() {
        growTo(1000);
        size.reset();
        assertThat(size.count()).isEqualTo(1);
    }

    private void growTo(int count) {
        while (size.count() < count) {
            learn(size.count(), size.count(), 100);
            size.settled(size.count(), Duration.ZERO);
        }
        assertThat(size.count()).isEqualTo(count);
    }

    private void settleSlowly(int entries) {
        size.settled(entries, PageSize.SLOW.plusMillis(1));
    }

    private void learn(int asked, int came, long weight) {
        size.learn(new Page(Collections.nCopies(came, new Entry("1-0", Map.of("a", "b"), 1)), asked, weight));
    }
}
