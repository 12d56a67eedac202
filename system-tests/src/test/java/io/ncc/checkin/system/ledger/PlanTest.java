package io.ncc.checkin.system.ledger;

import static org.assertj.core.api.Assertions.assertThat;

import io.ncc.checkin.system.ledger.Fault.Target;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class PlanTest {

    @Test
    void aSeedGivesTheSamePlanEachTime() {
        assertThat(Plan.of(7, Setup.REPLICA)).isEqualTo(Plan.of(7, Setup.REPLICA));
        assertThat(Plan.of(7, Setup.REPLICA).steps())
                .isNotEqualTo(Plan.of(8, Setup.REPLICA).steps());
    }

    @Test
    void eachPossibleFaultComesBeforeOneComesAgain() {
        List<Fault> possible = Arrays.stream(Fault.values())
                .filter(fault -> fault.isPossible(Setup.FSYNC))
                .toList();
        List<Fault> first = Plan.of(7, Setup.FSYNC).steps().stream()
                .flatMap(step -> step.faults().stream())
                .limit(possible.size())
                .toList();
        assertThat(first).containsExactlyInAnyOrderElementsOf(possible).doesNotContain(Fault.FAILOVER);
    }

    @Test
    void faultsAtTheSameTimeStrikeDifferentTargets() {
        assertThat(Plan.of(7, Setup.REPLICA).steps())
                .anyMatch(step -> step.faults().size() == 2)
                .allMatch(step -> step.faults().size() == 1
                        || step.faults().stream()
                                .map(Fault::target)
                                .toList()
                                .equals(List.of(Target.REDIS, Target.SERVICE)));
    }

    @Test
    void aPlanCanBeOfSomeFaultsOnly() {
        assertThat(Plan.of(7, Setup.REPLICA, Set.of(Fault.FLUSHALL)).steps())
                .isNotEmpty()
                .allMatch(step -> step.faults().equals(List.of(Fault.FLUSHALL)));
    }
}
