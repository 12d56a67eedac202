package io.ncc.checkin.benchmarks;

import java.time.Duration;

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

    Duration load() {
        return Duration.ofSeconds(seconds);
    }
}
