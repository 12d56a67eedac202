package io.ncc.redis;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

final class BackoffTest {

    private static final Duration FIRST = Duration.ofMillis(10);
    private static final Duration LIMIT = Duration.ofMillis(100);

    private final Backoff backoff = new Backoff(FIRST, LIMIT);

    @Test
    void pausesStayBelowALimitThatDoubles() {
        for (Duration bound = FIRST; bound.compareTo(LIMIT) < 0; bound = bound.multipliedBy(2)) {
            assertThat(backoff.next()).isPositive().isLessThanOrEqualTo(bound);
        }
        for (int i = 0; i < 1000; i++) {
            assertThat(backoff.next()).isPositive().isLessThanOrEqualTo(LIMIT);
        }
    }

    @Test
    void pausesAreSpreadOverTheWholeRange() {
        for (int i = 0; i < 10; i++) {
            backoff.next();
        }
        long shortOnes = 0;
        for (int i = 0; i < 1000; i++) {
            shortOnes += backoff.next().compareTo(LIMIT.dividedBy(2)) < 0 ? 1 : 0;
        }
        assertThat(shortOnes).isBetween(300L, 700L);
    }

    @Test
    void aSuccessStartsItAnew() {
        for (int i = 0; i < 10; i++) {
            backoff.next();
        }
        backoff.reset();
        assertThat(backoff.next()).isLessThanOrEqualTo(FIRST);
    }
}
