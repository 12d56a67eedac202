package io.ncc.checkin.benchmarks;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * How much is measured.
 *
 * @param warmUps rounds that don't count, for a JVM to compile what it runs
 * @param rounds that count
 * @param seconds that a service is under load in each round
 * @param entries of a backlog
 */
record Scale(int warmUps, int rounds, int seconds, int entries) {

    static final Scale FULL = new Scale(6, 5, 4, 500_000);
    static final Scale QUICK = new Scale(1, 1, 2, 100_000);

    private static final int LEAST_ROUNDS = 3;
    private static final int LEAST_SECONDS_TO_WARM_UP = FULL.warmUps * FULL.seconds / 2;
    private static final int LEAST_ENTRIES_TO_WARM_UP = FULL.warmUps * FULL.entries / 2;

    Duration load() {
        return Duration.ofSeconds(seconds);
    }

    /** Why this is too little to say whether a target is met; empty if it isn't. */
    Optional<String> tooLittle() {
        List<String> reasons = new ArrayList<>();
        require(reasons, "rounds", rounds, LEAST_ROUNDS);
        require(reasons, "seconds of load to warm up", (long) warmUps * seconds, LEAST_SECONDS_TO_WARM_UP);
        require(reasons, "entries to warm up", (long) warmUps * entries, LEAST_ENTRIES_TO_WARM_UP);
        return reasons.isEmpty() ? Optional.empty() : Optional.of(String.join("; ", reasons));
    }

    private static void require(List<String> reasons, String what, long is, long least) {
        if (is < least) {
            reasons.add("%s: %,d instead of at least %,d".formatted(what, is, least));
        }
    }
}
