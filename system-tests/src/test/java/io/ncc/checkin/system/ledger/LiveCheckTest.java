package io.ncc.checkin.system.ledger;

import static org.assertj.core.api.Assertions.assertThat;

import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.CheckinCodec;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.system.ledger.History.Epoch;
import io.ncc.checkin.system.ledger.History.Strike;
import io.ncc.checkin.testsupport.LiveFollower.Event;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class LiveCheckTest {

    private static final String SHOWN = "{\"userId\":1,\"locationId\":1,\"starRating\":1}";

    private static final Event AWAY = new Event("away", null, "{\"partitions\":[1]}");

    private final History history = new History(Partitions.none());

    @Test
    void everyEntryOnceAndInOrderIsFine() {
        assertThat(violations(List.of(epoch("1-0", "2-0", "3-0")), "1-0", "2-0", "3-0"))
                .isEmpty();
        assertThat(violations(List.of(epoch("1-0", "2-0", "3-0")), "2-0", "3-0"))
                .isEmpty();
    }

    @Test
    void anEntryThatIsMissedIsFound() {
        assertThat(violations(List.of(epoch("1-0", "2-0", "3-0")), "1-0", "3-0"))
                .containsExactly("2-0 was not shown before 3-0");
    }

    @Test
    void anEntryThatIsRepeatedOrOutOfOrderIsFound() {
        assertThat(violations(List.of(epoch("1-0", "2-0")), "1-0", "1-0")).containsExactly("1-0 was shown after 1-0");
        assertThat(violations(List.of(epoch("1-0", "2-0", "3-0")), "2-0", "1-0"))
                .containsExactly("1-0 was shown after 2-0");
    }

    @Test
    void anEntryThatIsNotInTheStreamIsFound() {
        assertThat(violations(List.of(epoch("1-0", "3-0")), "1-0", "2-0", "3-0"))
                .containsExactly(
                        "2-0 Checkin[userId=1, locationId=1, starRating=1] was shown and is not in the stream");
    }

    @Test
    void anEntryThatIsShownAsAnotherIsFound() {
        List<Event> seen = List.of(new Event("message", "1-0", SHOWN.replace("\"starRating\":1", "\"starRating\":2")));
        assertThat(new LiveCheck(List.of(epoch("1-0")), history).violations(seen))
                .containsExactly(
                        "1-0 Checkin[userId=1, locationId=1, starRating=2] was shown and is not in the stream");
    }

    @Test
    void afterAGapItMayGoOnAnywhere() {
        assertThat(violations(List.of(epoch("1-0", "2-0", "3-0")), "1-0", "gap", "3-0"))
                .isEmpty();
    }

    @Test
    void theEndOfAStreamThatWasWipedOutMayBeMissedButNotTheBeginningOfTheNext() {
        List<Epoch> epochs = List.of(epoch("1-0", "2-0"), epoch("5-0", "6-0"));
        assertThat(violations(epochs, "1-0", "5-0", "6-0")).isEmpty();
        assertThat(violations(epochs, "1-0", "6-0")).containsExactly("5-0 was not shown before 6-0");
    }

    @Test
    void whatAFailoverTookBackHidesLowerIds() {
        history.add(new Strike(Fault.FAILOVER, 0, 1, Set.of(Promise.LIVE), Set.of(0)));
        List<Epoch> epochs = List.of(epoch("1-0", "1-2", "1-5", "1-6"));
        assertThat(violations(epochs, "1-0", "1-3", "1-5")).isEmpty();
        assertThat(violations(epochs, "1-0", "1-3", "1-6")).containsExactly("1-5 was not shown before 1-6");
    }

    @Test
    void theEntriesOfAllPartitionsAreInOneOrder() {
        List<Epoch> epochs = List.of(epoch(0, "1-0", "3-0"), epoch(1, "1-0", "2-0"));
        assertThat(violationsOfTwo(epochs, message("1-0-0"), message("1-0-1"), message("2-0-1"), message("3-0-0")))
                .isEmpty();
        assertThat(violationsOfTwo(epochs, message("1-0-1"), message("1-0-0"), message("2-0-1"), message("3-0-0")))
                .containsExactly("1-0-0 was shown after 1-0-1");
        assertThat(violationsOfTwo(epochs, message("1-0-0"), message("1-0-1"), message("3-0-0"), message("2-0-1")))
                .containsExactly("2-0-1 was shown after 3-0-0");
    }

    @Test
    void whatAPartitionHasThatWasAwayComesLateAndOnce() {
        List<Epoch> epochs = List.of(epoch(0, "1-0", "3-0"), epoch(1, "1-0", "2-0"));
        assertThat(violationsOfTwo(epochs, message("1-0-0"), message("1-0-1"), AWAY, message("3-0-0"), late("2-0-1")))
                .isEmpty();
        assertThat(violationsOfTwo(epochs, message("1-0-0"), message("1-0-1"), AWAY, message("3-0-0"), late("1-0-1")))
                .containsExactly("1-0-1 was shown after 1-0-1");
    }

    @Test
    void whoReconnectsMayMissWhatAPartitionHasThatIsAway() {
        List<Epoch> epochs = List.of(epoch(0, "1-0", "3-0"), epoch(1, "1-0", "2-0", "4-0"));
        var reconnected = new Event(LiveCheck.RECONNECTED, null, "{}");
        assertThat(violationsOfTwo(epochs, message("1-0-1"), AWAY, message("3-0-0"), reconnected, message("4-0-1")))
                .isEmpty();
        assertThat(violationsOfTwo(epochs, message("1-0-1"), message("3-0-0"), reconnected, message("4-0-1")))
                .containsExactly("2-0-1 was not shown before 4-0-1");
    }

    private static Event message(String id) {
        return new Event("message", id, SHOWN);
    }

    private static Event late(String id) {
        return new Event("message", null, "{\"id\":\"" + id + "\"," + SHOWN.substring(1));
    }

    private static List<String> violationsOfTwo(List<Epoch> epochs, Event... seen) {
        return new LiveCheck(epochs, new History(Partitions.of(2))).violations(List.of(seen));
    }

    private List<String> violations(List<Epoch> epochs, String... seen) {
        List<Event> events = new ArrayList<>();
        for (String it : seen) {
            events.add(it.equals("gap") ? new Event("gap", null, "{}") : new Event("message", it, SHOWN));
        }
        return new LiveCheck(epochs, history).violations(events);
    }

    private static Epoch epoch(String... ids) {
        return epoch(0, ids);
    }

    private static Epoch epoch(int partition, String... ids) {
        Map<String, Map<String, String>> entries = new LinkedHashMap<>();
        for (String id : ids) {
            entries.put(id, CheckinCodec.encode(new Checkin(1, 1, 1)));
        }
        var after = new Snapshot(entries, Map.of(), Map.of(), Map.of());
        return new Epoch(partition, 0, 1, Snapshot.EMPTY, after, true);
    }
}
