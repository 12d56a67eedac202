package io.ncc.checkin.system.ledger;

import io.lettuce.core.api.sync.RedisCommands;
import io.ncc.checkin.system.ledger.History.Strike;
import io.ncc.checkin.system.ledger.Plan.Step;
import io.ncc.checkin.system.ledger.Snapshot.Wipe;
import io.ncc.checkin.system.ledger.Topology.Kind;
import io.ncc.checkin.system.ledger.Topology.Member;
import io.ncc.checkin.testsupport.Ledger;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/** One run: starts traffic, injects the faults of a plan, waits until all entries are settled, and compares the result with the ledger. */
public final class LedgerRun implements AutoCloseable {

    private static final int MOST_NOTED = 5;

    private final History history = new History();
    private final Ledger ledger = new Ledger();
    private final Topology topology;
    private final Traffic traffic;
    private final Readers readers;
    private final Follower follower;
    private int primary;
    private long primarySince = System.nanoTime();
    private boolean failoverPlanned;

    /**
     * Empties Redis, and begins with the traffic.
     *
     * @param seed of the traffic
     */
    public LedgerRun(Topology topology, long seed) {
        this.topology = topology;
        topology.redis().untilDoneOnPrimary(RedisCommands::flushall);
        primary = topology.redis().primary();
        history.note("seed " + seed + ", " + topology.setup() + ", Redis "
                + topology.redis().version());
        List<Integer> receivers =
                topology.all(Kind.RECEIVER).stream().map(Member::port).toList();
        int api = topology.all(Kind.API).get(0).port();
        traffic = new Traffic(ledger, receivers, seed);
        readers = new Readers(api, traffic);
        follower = new Follower(api);
    }

    /** Does what the check has to find, while checkins come in. */
    public void commit(Sabotage sabotage) {
        traffic.awaitAccepted(30);
        history.note(sabotage.name());
        sabotage.commit(topology, ledger);
    }

    /** Goes through the plan, for so long or until its end. */
    public void endure(Plan plan, Duration length) {
        long end = System.nanoTime() + length.toNanos();
        for (Step step : plan.steps()) {
            if (System.nanoTime() > end) {
                return;
            }
            strike(step);
        }
    }

    private void strike(Step step) {
        awaitWhole();
        failoverPlanned = step.faults().stream().anyMatch(Fault::isFailover);
        history.note(step.toString());
        List<CompletableFuture<Void>> faults = new ArrayList<>();
        for (Fault fault : step.faults()) {
            var scene = new Scene(topology, history, new Random(step.seed() + faults.size()));
            faults.add(CompletableFuture.runAsync(() -> strike(fault, scene)));
        }
        try {
            CompletableFuture.allOf(faults.toArray(CompletableFuture[]::new)).join();
        } catch (CompletionException e) {
            throw new AssertionError("The fault " + step + " failed", e.getCause());
        }
    }

    private void strike(Fault fault, Scene scene) {
        scene.elapse(1, 300);
        long from = System.nanoTime();
        fault.strike(scene);
        history.add(new Strike(fault, from, System.nanoTime(), fault.weakens(topology.setup())));
        scene.elapse(1, 300);
    }

    /** A fault that takes too long ends in a failover, too, on a machine that is busy with other things. */
    private void awaitWhole() {
        topology.redis().awaitWhole();
        int now = topology.redis().primary();
        if (now != primary && !failoverPlanned) {
            history.add(new Strike(
                    Fault.FAILOVER, primarySince, System.nanoTime(), Fault.FAILOVER.weakens(topology.setup())));
        }
        primary = now;
        primarySince = System.nanoTime();
    }

    /** Ends the traffic, waits until everything is settled and shown, and compares. */
    public List<Violation> settleAndCheck() {
        awaitWhole();
        topology.awaitAllUp();
        traffic.end();
        history.note("traffic has ended");
        awaitWhole();
        topology.awaitSettled();
        readers.close();
        history.wipe(topology.redis(), Wipe.NOTHING);
        var check = new LedgerCheck(ledger, history);
        check.lastId().ifPresent(follower::awaitSeen);
        List<Violation> violations = check.violations(readers, follower);
        history.note(check.summary(readers, follower));
        check.losses().forEach(history::note);
        history.note(violations.size() + " violations");
        violations.stream().limit(MOST_NOTED).forEach(violation -> history.note(violation.toString()));
        return violations;
    }

    /** What has happened so far, for a check that failed. */
    public String report() {
        return history.report() + '\n' + topology.endOfOutput();
    }

    @Override
    public void close() {
        traffic.close();
        readers.close();
        follower.close();
    }
}
