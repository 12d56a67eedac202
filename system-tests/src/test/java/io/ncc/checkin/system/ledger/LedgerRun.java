package io.ncc.checkin.system.ledger;

import io.lettuce.core.api.sync.RedisCommands;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.system.ledger.History.Strike;
import io.ncc.checkin.system.ledger.Plan.Step;
import io.ncc.checkin.system.ledger.Snapshot.Wipe;
import io.ncc.checkin.system.ledger.Topology.Kind;
import io.ncc.checkin.system.ledger.Topology.Member;
import io.ncc.checkin.testsupport.Ledger;
import io.ncc.checkin.testsupport.LiveFollower.Event;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.stream.Collectors;

/** One run: starts traffic, injects the faults of a plan, waits until all entries are settled, and compares the result with the ledger. */
public final class LedgerRun implements AutoCloseable {

    private static final int MOST_NOTED = 5;

    private final History history;
    private final Ledger ledger;
    private final Topology topology;
    private final Traffic traffic;
    private final Readers readers;
    private final Follower follower;

    /** What a follower was shown by a sabotage. */
    private List<Event> shown = List.of();

    /** By partition. */
    private List<Integer> primaries;

    private long primariesSince = System.nanoTime();

    /** For which the plan changes the primary. */
    private final Set<Integer> planned = new HashSet<>();

    /**
     * Empties Redis, and begins with the traffic.
     *
     * @param seed of the traffic
     */
    public LedgerRun(Topology topology, long seed) {
        this.topology = topology;
        Partitions partitions = topology.setup().partitions();
        history = new History(partitions);
        ledger = new Ledger(partitions);
        topology.redis().untilDoneOnPrimaries(RedisCommands::flushall);
        primaries = topology.redis().primaries();
        history.note("seed " + seed + ", " + topology.setup() + ", Redis "
                + topology.redis().version());
        List<Integer> receivers =
                topology.all(Kind.RECEIVER).stream().map(Member::port).toList();
        traffic = new Traffic(ledger, receivers, seed);
        int api = topology.all(Kind.API).get(0).port();
        readers = new Readers(api, traffic);
        follower = new Follower(api);
    }

    /** Does what the check has to find, while checkins come in. */
    public void commit(Sabotage sabotage) {
        traffic.awaitAccepted(30);
        history.note(sabotage.name());
        shown = sabotage.commit(topology, ledger);
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
        history.note(step.toString());
        List<CompletableFuture<Void>> faults = new ArrayList<>();
        for (Fault fault : step.faults()) {
            var random = new Random(step.seed() + faults.size());
            int partition = random.nextInt(topology.setup().partitions().count());
            Set<Integer> struck = fault.partitions(topology.redis(), partition);
            if (fault.changesPrimary()) {
                planned.addAll(struck);
            }
            var scene = new Scene(topology, history, random, partition);
            faults.add(CompletableFuture.runAsync(() -> strike(fault, scene, struck)));
        }
        try {
            CompletableFuture.allOf(faults.toArray(CompletableFuture[]::new)).join();
        } catch (CompletionException e) {
            throw new AssertionError("The fault " + step + " failed", e.getCause());
        }
    }

    private void strike(Fault fault, Scene scene, Set<Integer> partitions) {
        scene.elapse(1, 300);
        long from = System.nanoTime();
        fault.strike(scene);
        history.add(new Strike(fault, from, System.nanoTime(), fault.weakens(topology.setup()), partitions));
        scene.elapse(1, 300);
    }

    /** A fault that takes too long ends in a failover, too, on a machine that is busy with other things. */
    private void awaitWhole() {
        topology.redis().awaitWhole();
        List<Integer> now = topology.redis().primaries();
        Set<Integer> changed = topology.setup().partitions().all().stream()
                .filter(partition -> !now.get(partition).equals(primaries.get(partition)))
                .filter(partition -> !planned.contains(partition))
                .collect(Collectors.toSet());
        if (!changed.isEmpty()) {
            Fault unplanned = Fault.PRIMARY_KILLED;
            Set<Promise> weakened = unplanned.weakens(topology.setup());
            history.add(new Strike(unplanned, primariesSince, System.nanoTime(), weakened, changed));
        }
        planned.clear();
        primaries = now;
        primariesSince = System.nanoTime();
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
        history.wipe(topology.redis(), topology.setup().partitions().all(), Wipe.NOTHING);
        var check = new LedgerCheck(ledger, history);
        List<Violation> violations = new ArrayList<>(check.ofStored());
        history.note(check.summary());
        violations.addAll(check.ofRead(readers));
        history.note(readers.summary());
        check.lastId().ifPresent(follower::awaitSeen);
        violations.addAll(check.ofFollowed(follower.events()));
        violations.addAll(check.ofFollowed(shown));
        history.note(follower.summary());
        check.losses().forEach(history::note);
        check.refusals().forEach(history::note);
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
