package io.ncc.checkin.testsupport;

import static org.assertj.core.api.Assertions.assertThat;

import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.testsupport.Ledger.Posting;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
        assertThat(ledger.violations(List.of(stream), attempt -> true)).isEmpty();
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
                        attempt -> false))
                .isEmpty();
    }

    @Test
    void whatWasSentOnceAndIsThereBothBeforeAndAfterAWipeIsFound() {
        Posting posting = ledger.open(1, false);
        accepted(posting, "1-0");
        assertThat(ledger.violations(
                        List.of(stream, Map.of("2-0", posting.checkins().get(0))), attempt -> false))
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

    private void accepted(Posting posting, String id) {
        posting.accepted(List.of(id), 0);
        stream.put(id, posting.checkins().get(0));
    }

    private List<String> violations() {
        return ledger.violations(List.of(stream), attempt -> false);
    }
}
