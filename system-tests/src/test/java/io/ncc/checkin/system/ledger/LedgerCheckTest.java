package io.ncc.checkin.system.ledger;

import static io.ncc.checkin.system.ledger.LedgerCheck.LONGEST_ANSWER;
import static io.ncc.checkin.system.ledger.LedgerCheck.LONGEST_REFUSAL;
import static org.assertj.core.api.Assertions.assertThat;

import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.system.ledger.History.Strike;
import io.ncc.checkin.testsupport.Ledger;
import io.ncc.checkin.testsupport.Ledger.Posting;
import io.ncc.checkin.testsupport.RawAnswer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What the others notice when one shard is struck. */
final class LedgerCheckTest {

    private static final RawAnswer REFUSED = new RawAnswer(
            207,
            Map.of(),
            "{\"results\":[{\"problem\":{\"type\":\"urn:checkins:problem:redis-unavailable\",\"status\":503}}]}");

    private final Partitions partitions = Partitions.of(8);
    private final Ledger ledger = new Ledger(partitions);
    private final History history = new History(partitions);
    private final Posting posting = ledger.open(1, true);
    private final int partition = partitions.ofUser(posting.checkins().get(0).userId());

    @Test
    void answersThatTakeLongAreFoundUnlessTheirOwnPartitionWasStruck() {
        posting.accepted(List.of("1-0-" + partition), ago(LONGEST_ANSWER.toMillis() + 50));
        strike((partition + 1) % 8);
        assertThat(noticed()).isEmpty();
        posting.accepted(List.of("1-0-" + partition), ago(LONGEST_ANSWER.toMillis() + 50));

        assertThat(noticed()).singleElement().asString().contains("was noticed by others, which answered late");

        strike(partition);
        assertThat(noticed()).isEmpty();
    }

    @Test
    void refusalsForAWhileAreFoundAndOneAloneIsNot() throws InterruptedException {
        strike((partition + 1) % 8);
        posting.answered(REFUSED, System.nanoTime(), System.nanoTime());
        posting.accepted(List.of("1-0-" + partition), ago(100));
        assertThat(noticed()).isEmpty();

        Thread.sleep(LONGEST_REFUSAL.toMillis() + 50);
        posting.answered(REFUSED, System.nanoTime(), System.nanoTime());

        assertThat(noticed()).singleElement().asString().contains("was noticed by partition " + partition);
    }

    private static long ago(long millis) {
        return System.nanoTime() - Duration.ofMillis(millis).toNanos();
    }

    /** One that lasts from before all answers until after them. */
    private void strike(int struck) {
        history.add(new Strike(Fault.CLUSTER_FAILOVER, ago(10_000), ago(-10_000), Set.of(), Set.of(struck)));
    }

    private List<Violation> noticed() {
        return new LedgerCheck(ledger, history)
                .ofStored().stream()
                        .filter(violation -> violation.promise() == Promise.SHARDS)
                        .toList();
    }
}
