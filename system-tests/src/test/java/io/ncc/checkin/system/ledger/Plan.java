package io.ncc.checkin.system.ledger;

import io.ncc.checkin.system.ledger.Fault.Target;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;

/** The faults of a run, derived from the seed. Each possible fault comes once before any fault comes again. */
public record Plan(long seed, Setup setup, List<Step> steps) {

    private static final int ROUNDS = 20;

    /**
     * Faults at the same time: one that strikes Redis, or one that strikes a service, or one of each.
     *
     * @param seed of how long they last and whom they strike
     */
    record Step(List<Fault> faults, long seed) {

        @Override
        public String toString() {
            return faults.stream().map(Fault::name).collect(Collectors.joining(" with "));
        }
    }

    /** With all faults. */
    public static Plan of(long seed, Setup setup) {
        return of(seed, setup, EnumSet.allOf(Fault.class));
    }

    /** With these faults only, as far as they are possible. */
    public static Plan of(long seed, Setup setup, Collection<Fault> faults) {
        var random = new Random(seed);
        List<Step> steps = new ArrayList<>();
        for (int round = 0; round < ROUNDS; round++) {
            List<Fault> onRedis = shuffled(faults, Target.REDIS, setup, random);
            List<Fault> onServices = shuffled(faults, Target.SERVICE, setup, random);
            while (!onRedis.isEmpty() || !onServices.isEmpty()) {
                List<Fault> together = new ArrayList<>();
                int choice = random.nextInt(3);
                if (!onRedis.isEmpty() && (choice != 0 || onServices.isEmpty())) {
                    together.add(onRedis.remove(0));
                }
                if (!onServices.isEmpty() && (choice != 1 || together.isEmpty())) {
                    together.add(onServices.remove(0));
                }
                steps.add(new Step(List.copyOf(together), random.nextLong()));
            }
        }
        return new Plan(seed, setup, List.copyOf(steps));
    }

    private static List<Fault> shuffled(Collection<Fault> faults, Target target, Setup setup, Random random) {
        List<Fault> some = faults.stream()
                .filter(fault -> fault.target() == target && fault.isPossible(setup))
                .collect(Collectors.toCollection(ArrayList::new));
        Collections.shuffle(some, random);
        return some;
    }
}
