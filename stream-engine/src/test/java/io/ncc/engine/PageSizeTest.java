package io.ncc.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class PageSizeTest {

    private final PageSize size = new PageSize(1000);

    @Test
    void itDoublesWhilePagesAreFullAndSmall() {
        assertThat(size.count()).isEqualTo(1);
        for (int expected : List.of(2, 4, 8, 16, 32, 64, 128, 256, 512, 1000, 1000)) {
            learn(size.count(), size.count(), 100);
            assertThat(size.count()).isEqualTo(expected);
        }
    }

    @Test
    void aPageThatIsNotFullSaysNothing() {
        learn(1, 0, 0);
        assertThat(size.count()).isEqualTo(1);
    }

    @Test
    void aPageThatWasAskedForBeforeTheSizeGrewSaysNothingMore() {
        learn(1, 1, 100);
        learn(1, 1, 100);
        assertThat(size.count()).isEqualTo(2);
    }

    @Test
    void afterALargePageTheNextIsSmallInProportion() {
        grow();
        learn(1000, 1000, 20 * PageSize.WANTED_WEIGHT);
        assertThat(size.count()).isEqualTo(50);
        learn(50, 50, 100 * PageSize.WANTED_WEIGHT);
        assertThat(size.count()).isEqualTo(1);
        learn(1, 1, 3 * PageSize.WANTED_WEIGHT);
        assertThat(size.count()).isEqualTo(1);
    }

    @Test
    void itStaysWhereTheNextMightBeTooLarge() {
        grow();
        learn(1000, 1000, 2 * PageSize.WANTED_WEIGHT);
        assertThat(size.count()).isEqualTo(500);
        learn(500, 500, PageSize.WANTED_WEIGHT);
        assertThat(size.count()).isEqualTo(500);
        learn(500, 500, PageSize.WANTED_WEIGHT / 4);
        assertThat(size.count()).isEqualTo(1000);
    }

    @Test
    void afterAFailureItBeginsAgain() {
        grow();
        size.reset();
        assertThat(size.count()).isEqualTo(1);
    }

    private void grow() {
        for (int i = 0; i < 10; i++) {
            learn(size.count(), size.count(), 100);
        }
        assertThat(size.count()).isEqualTo(1000);
    }

    private void learn(int asked, int came, long weight) {
        size.learn(new Page(Collections.nCopies(came, new Entry("1-0", Map.of("a", "b"), 1)), asked, weight));
    }
}
