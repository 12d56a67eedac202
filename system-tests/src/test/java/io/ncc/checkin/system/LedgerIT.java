package io.ncc.checkin.system;

import static org.assertj.core.api.Assertions.assertThat;

import io.ncc.checkin.system.ledger.Fault;
import io.ncc.checkin.system.ledger.LedgerRun;
import io.ncc.checkin.system.ledger.Plan;
import io.ncc.checkin.system.ledger.Sabotage;
import io.ncc.checkin.system.ledger.Setup;
import io.ncc.checkin.system.ledger.Topology;
import io.ncc.checkin.system.ledger.Violation;
import io.ncc.checkin.testsupport.Jars;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The ledger test: while faults strike the services and Redis, the answers that clients got stay true, and every hash equals the sequential fold
 * of the stream. The services run from their jars.
 *
 * <p>{@code -Dledger.seeds=} is the number of seeds, {@code -Dledger.seconds=} the duration of the faults for each seed. {@code -Dledger.seed=}
 * repeats the faults of one seed; the first line of a run has it. {@code -Dledger.setup=} replaces the {@link Setup} of the seed.
 * {@code -Dledger.faults=} limits the {@linkplain Fault faults} to some, separated by commas.
 */
@Timeout(value = 15, unit = TimeUnit.MINUTES)
final class LedgerIT {

    private static final Duration LENGTH = Duration.ofSeconds(Integer.getInteger("ledger.seconds", 20));
    private static final int SEEDS = Integer.getInteger("ledger.seeds", 1);
    private static final Jars JARS = new Jars(Path.of(".."));

    @TempDir
    Path folder;

    static LongStream seeds() {
        Long seed = Long.getLong("ledger.seed");
        return seed != null ? LongStream.of(seed) : new Random().longs(SEEDS, 0, 1_000_000_000);
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void whatClientsWereToldHolds(long seed) {
        Plan plan = Plan.of(seed, setup(seed), faults());
        try (var topology = new Topology(plan.setup(), 2, JARS::extracted, folder);
                var run = new LedgerRun(topology, seed)) {
            assertThat(reportedIfItFails(run, () -> run.endure(plan, LENGTH)))
                    .as("-Dledger.seed=%d -Dledger.setup=%s\n%s", seed, plan.setup(), run.report())
                    .isEmpty();
        }
    }

    private static Setup setup(long seed) {
        String name = System.getProperty("ledger.setup");
        return name == null ? Setup.drawn(seed) : Setup.valueOf(name);
    }

    private static Collection<Fault> faults() {
        String names = System.getProperty("ledger.faults");
        return names == null
                ? EnumSet.allOf(Fault.class)
                : Stream.of(names.split(",")).map(Fault::valueOf).toList();
    }

    private static List<Violation> reportedIfItFails(LedgerRun run, Runnable events) {
        try {
            events.run();
            return run.settleAndCheck();
        } catch (AssertionError | RuntimeException e) {
            System.out.println(run.report());
            throw e;
        }
    }

    /** One after the other with the same services, those that replace a service last. */
    @Test
    void whatDoesNotKeepThePromisesIsFound() {
        try (var topology = new Topology(Setup.CLUSTER_AND_REPLICA, 1, JARS::extracted, folder)) {
            for (Sabotage sabotage : Sabotage.values()) {
                try (var run = new LedgerRun(topology, new Random().nextLong())) {
                    List<Violation> violations = reportedIfItFails(run, () -> run.commit(sabotage));
                    assertThat(violations)
                            .as("%s\n%s", sabotage, run.report())
                            .extracting(Violation::promise)
                            .contains(sabotage.broken());
                }
            }
        }
    }
}
