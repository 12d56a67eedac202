package io.ncc.checkin.processor;

import io.ncc.checkin.localredis.RedisBinary;
import io.ncc.checkin.localredis.RedisVersion;
import io.ncc.checkin.processor.ChaosRun.Fault;
import io.ncc.checkin.testsupport.BrokenScript;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.boot.logging.LogLevel;
import org.springframework.boot.logging.LoggingSystem;

/**
 * Every entry counts exactly once in each of both projections, whatever happens: processors in JVMs of their own are killed, and paused for longer than the
 * claim time, connections cut, scripts flushed, each group destroyed and rewound, Redis killed and started again from its append-only file.
 * Afterwards the hashes and the boards are the folds of the stream, everything is settled and nothing was given up. With either half of the
 * guard in settle.lua taken out the same check fails.
 *
 * <p>By default it is short: each fault once, with one random seed, which also draws the version of Redis. The long form:
 *
 * <pre>
 * mvn verify -pl checkin-processor -am -Dit.test=ChaosIT -Dtest=none -Dsurefire.failIfNoSpecifiedTests=false \
 *     -Dfailsafe.failIfNoSpecifiedTests=false -Dchaos.checkins=140000 -Dchaos.seeds=20
 * </pre>
 *
 * <p>{@code -Dchaos.seed=<seed>} repeats what was done in one run; it is printed in its first line.
 */
@Timeout(300)
final class ChaosIT {

    private static final int CHECKINS = Integer.getInteger("chaos.checkins", 10_000);
    private static final int SEEDS = Integer.getInteger("chaos.seeds", 1);
    private static final int CHECKINS_OF_A_CONTROL = 8_000;

    private static final List<Fault> FAULTS = List.of(
            Fault.PROCESSOR_KILLED,
            Fault.PROCESSOR_PAUSED,
            Fault.CONNECTIONS_CUT,
            Fault.SCRIPTS_FLUSHED,
            Fault.GROUP_DESTROYED,
            Fault.GROUP_REWOUND,
            Fault.BOARDS_GROUP_DESTROYED,
            Fault.BOARDS_GROUP_REWOUND,
            Fault.REDIS_KILLED);

    @TempDir
    Path folder;

    @BeforeAll
    static void quiet() {
        // without Spring nothing has told them not to log each command
        LoggingSystem logging = LoggingSystem.get(ChaosIT.class.getClassLoader());
        logging.setLogLevel("io.lettuce", LogLevel.ERROR);
        logging.setLogLevel("io.netty", LogLevel.INFO);
    }

    record Attempt(RedisBinary server, long seed) {}

    static Stream<Attempt> attempts() {
        Long seed = Long.getLong("chaos.seed");
        List<Long> seeds = seed != null
                ? List.of(seed)
                : new Random().longs(SEEDS, 0, 1_000_000_000).boxed().toList();
        List<RedisBinary> servers = servers();
        return seeds.stream().map(it -> new Attempt(servers.get(new Random(it).nextInt(servers.size())), it));
    }

    /** One of each version. */
    private static List<RedisBinary> servers() {
        Set<RedisVersion> seen = new HashSet<>();
        return RedisBinary.all().stream()
                .filter(server -> seen.add(server.version()))
                .toList();
    }

    @ParameterizedTest
    @MethodSource("attempts")
    void eachEntryCountsOnceWhateverHappens(Attempt attempt) {
        List<Fault> faults = new ArrayList<>();
        for (int i = 0; i < Math.max(1, CHECKINS / 40_000); i++) {
            faults.addAll(FAULTS);
        }
        Collections.shuffle(faults, new Random(attempt.seed));
        run(attempt, 3, List.of(), faults, CHECKINS, run -> {
            run.settleAndStop();
            run.assertFolds();
            run.assertNothingGivenUp();
        });
    }

    @Test
    void anEntryThatAnotherProgramCountsIsNotCountedAgain() {
        shareWithAnotherProgram(2, List.of(), run -> {
            run.assertFolds();
            run.assertNothingGivenUp();
        });
    }

    @Test
    void withoutTheXackHalfOfTheGuardTheCheckFails() throws IOException {
        shareWithAnotherProgram(1, broken(BrokenScript.WITHOUT_XACK_HALF), ChaosRun::assertCountedTwice);
    }

    @Test
    void withoutTheSettledHalfOfTheGuardTheCheckFails() throws IOException {
        List<Path> classPath = broken(BrokenScript.WITHOUT_SETTLED_HALF);
        run(
                control(),
                1,
                classPath,
                List.of(
                        Fault.GROUP_DESTROYED,
                        Fault.GROUP_REWOUND,
                        Fault.BOARDS_GROUP_DESTROYED,
                        Fault.BOARDS_GROUP_REWOUND),
                CHECKINS_OF_A_CONTROL,
                run -> {
                    run.settleAndStop();
                    run.assertCountedTwice();
                    run.assertOnBoardsTwice();
                });
    }

    private void shareWithAnotherProgram(int processors, List<Path> classPath, Consumer<ChaosRun> check) {
        List<Fault> faults = List.of(
                Fault.SETTLED_BY_ANOTHER_PROGRAM,
                Fault.PROCESSOR_PAUSED,
                Fault.SETTLED_BY_ANOTHER_PROGRAM,
                Fault.SCRIPTS_FLUSHED,
                Fault.SETTLED_BY_ANOTHER_PROGRAM);
        run(control(), processors, classPath, faults, CHECKINS_OF_A_CONTROL, run -> {
            run.appendOneOfEach();
            run.settleAndStop();
            check.accept(run);
        });
    }

    private static Attempt control() {
        return new Attempt(RedisBinary.chosen(), new Random().nextInt(1_000_000_000));
    }

    private void run(
            Attempt attempt,
            int processors,
            List<Path> classPath,
            List<Fault> faults,
            int checkins,
            Consumer<ChaosRun> check) {
        try (var run = new ChaosRun(attempt.server, attempt.seed, checkins, folder)) {
            try {
                run.startProcessors(processors, classPath);
                run.endure(faults);
                check.accept(run);
            } catch (AssertionError | RuntimeException e) {
                System.out.println(run.report());
                throw e;
            }
        }
    }

    /** A class path with the apply script, broken like this. */
    private List<Path> broken(BrokenScript broken) throws IOException {
        try (InputStream script = ChaosIT.class.getResourceAsStream('/' + BrokenScript.NAME)) {
            return List.of(broken.writeInto(folder, Objects.requireNonNull(script)));
        }
    }
}
