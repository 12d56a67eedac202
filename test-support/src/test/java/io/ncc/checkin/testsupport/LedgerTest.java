package io.ncc.checkin.testsupport;

import static org.assertj.core.api.Assertions.assertThat;

import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.testsupport.Ledger.Posting;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

final class LedgerTest {

    private final Ledger ledger = new Ledger();
    private final Map<String, Checkin> stream = new LinkedHashMap<>();

    @Test
    void whatWasAcceptedAndIsInTheStreamIsFine() {
        accepted(ledger.open(1, false), "1-0");
        assertThat(violations()).isEmpty();
    }

    @Test
    void whatWasAcceptedAndIsNotInTheStreamIsFound() {
        accepted(ledger.open(1, false), "1-0");
        stream.clear();
        assertThat(violations()).singleElement().asString().contains("was accepted and is not in the stream");
        assertThat(ledger.violations(List.of(stream), (attempt, checkin) -> true))
                .isEmpty();
    }

    @Test
    void whatIsInTheStreamMoreOftenThanItWasSentIsFound() {
        Posting posting = ledger.open(1, false);
        accepted(posting, "1-0");
        stream.put("2-0", posting.checkins().get(0));
        assertThat(violations()).singleElement().asString().contains("was stored 2 times in all");
    }

    @Test
    void whatHasAKeyAndIsInTheStreamTwiceIsFoundHoweverOftenItWasSent() {
        Posting posting = ledger.open(1, true);
        accepted(posting, "1-0");
        accepted(posting, "2-0");
        assertThat(violations()).singleElement().asString().contains("is in the stream 2 times");
    }

    @Test
    void whatHasAKeyMayBeThereOnceMoreAfterTheKeysWereForgotten() {
        Posting posting = ledger.open(1, true);
        accepted(posting, "1-0");
        accepted(posting, "2-0");
        assertThat(ledger.violations(
                        List.of(
                                Map.of("1-0", posting.checkins().get(0)),
                                Map.of("2-0", posting.checkins().get(0))),
                        (attempt, checkin) -> false))
                .isEmpty();
    }

    @Test
    void whatWasSentOnceAndIsThereBothBeforeAndAfterAWipeIsFound() {
        Posting posting = ledger.open(1, false);
        accepted(posting, "1-0");
        assertThat(ledger.violations(
                        List.of(stream, Map.of("2-0", posting.checkins().get(0))), (attempt, checkin) -> false))
                .singleElement()
                .asString()
                .contains("was stored 2 times in all");
    }

    @Test
    void whatWasNotSentAndIsInTheStreamIsFound() {
        stream.put("1-0", ledger.open(1, false).checkins().get(0));
        assertThat(violations()).singleElement().asString().contains("was stored 1 times in all");
    }

    @Test
    void whatNobodyPostedAndIsInTheStreamIsFound() {
        stream.put("1-0", new Checkin(1, 1, 1));
        assertThat(violations()).singleElement().asString().contains("nobody has posted it");
    }

    @Test
    void halfABatchIsFound() {
        Posting posting = ledger.open(2, false);
        posting.accepted(List.of("1-0", "1-1"), 0);
        stream.put("1-0", posting.checkins().get(0));
        assertThat(violations()).anyMatch(it -> it.contains("1 of 2 are in the stream"));
    }

    @Test
    void eachPartitionStoresItsShareOfABatchAsAWhole() {
        var ledgerOfTwo = new Ledger(Partitions.of(2));
        Posting posting = ledgerOfTwo.open(10, false);
        posting.answered(batch(posting, LedgerTest::idOrProblem), 0, 0);
        Map<String, Checkin> first = new LinkedHashMap<>();
        posting.checkins().stream().filter(LedgerTest::isOfTheFirst).forEach(it -> first.put(id(it), it));

        assertThat(violations(ledgerOfTwo, first)).isEmpty();

        Checkin gone =
                Objects.requireNonNull(first.remove(first.keySet().iterator().next()));
        assertThat(violations(ledgerOfTwo, first))
                .hasSize(2)
                .anyMatch(it -> it.contains(gone + " was accepted and is not in the stream"))
                .anyMatch(it -> it.contains(first.size() + " of " + (first.size() + 1) + " are in the stream"));
    }

    @Test
    void whatItsPartitionRefusedIsNotStoredUnlessItsOutcomeIsUnknown() {
        Posting posting = ledger.open(1, false);
        stream.put("1-0", posting.checkins().get(0));
        posting.answered(batch(posting, checkin -> problem("outcome-unknown")), 0, 0);
        assertThat(violations()).isEmpty();

        Posting refused = ledger.open(1, false);
        refused.answered(batch(refused, checkin -> problem("redis-unavailable")), 0, 0);
        assertThat(violations()).isEmpty();

        stream.put("2-0", refused.checkins().get(0));
        assertThat(violations()).singleElement().asString().contains("was stored 1 times in all");
    }

    private static boolean isOfTheFirst(Checkin checkin) {
        return Partitions.of(2).ofUser(checkin.userId()) == 0;
    }

    private static String id(Checkin checkin) {
        return "1-" + checkin.userId() + "-0";
    }

    private static String idOrProblem(Checkin checkin) {
        return isOfTheFirst(checkin) ? "{\"id\":\"" + id(checkin) + "\"}" : problem("redis-unavailable");
    }

    private static String problem(String type) {
        return "{\"problem\":{\"type\":\"urn:checkins:problem:" + type + "\",\"status\":503}}";
    }

    private static RawAnswer batch(Posting posting, Function<Checkin, String> result) {
        String results = posting.checkins().stream().map(result).collect(Collectors.joining(","));
        return new RawAnswer(207, Map.of(), "{\"results\":[" + results + "]}");
    }

    private static List<String> violations(Ledger ledger, Map<String, Checkin> stream) {
        return ledger.violations(List.of(stream), (attempt, checkin) -> false);
    }

    private void accepted(Posting posting, String id) {
        posting.accepted(List.of(id), 0);
        stream.put(id, posting.checkins().get(0));
    }

    private List<String> violations() {
        return violations(ledger, stream);
    }
}
