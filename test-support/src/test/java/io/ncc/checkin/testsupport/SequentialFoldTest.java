package io.ncc.checkin.testsupport;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.CheckinCodec;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class SequentialFoldTest {

    private static final String USER = "ncc:users:7";
    private static final String LOCATION = "ncc:locations:3";

    @Test
    void aCheckinOfStrangersCreatesBothHashesWithTheirIds() {
        var fold = SequentialFold.over(Map.of()).add("100-2", checkin(7, 3, 5));
        assertThat(fold.hashes())
                .containsOnly(
                        Map.entry(
                                USER,
                                Map.of(
                                        "id", "7",
                                        "numCheckins", "1",
                                        "lastCheckin", "100",
                                        "lastCheckinId", "100-2",
                                        "lastSeenAt", "3")),
                        Map.entry(
                                LOCATION, Map.of("id", "3", "numCheckins", "1", "numStars", "5", "averageStars", "5")));
        assertThat(fold.applied()).isEqualTo(1);
        assertThat(fold.dead()).isZero();
    }

    @Test
    void whatWasLoadedIsCountedOnAndOtherFieldsStay() {
        var fold = SequentialFold.over(Map.of(
                        USER,
                        Map.of("id", "7", "firstName", "Ada", "numCheckins", "41"),
                        LOCATION,
                        Map.of("id", "3", "numCheckins", "2", "numStars", "3", "averageStars", "2"),
                        "ncc:users:8",
                        Map.of("id", "8")))
                .add("100-0", checkin(7, 3, 4))
                .add("100-1", checkin(7, 3, 0));
        assertThat(fold.hashes().get(USER))
                .containsEntry("firstName", "Ada")
                .containsEntry("numCheckins", "43")
                .containsEntry("lastCheckinId", "100-1");
        assertThat(fold.hashes().get(LOCATION))
                .containsEntry("numCheckins", "4")
                .containsEntry("numStars", "7")
                .containsEntry("averageStars", "2"); // 1.75
        assertThat(fold.hashes().get("ncc:users:8")).isEqualTo(Map.of("id", "8"));
    }

    @ParameterizedTest
    @CsvSource({"1,0,1", "1,1,1", "1,2,2", "2,1,1", "2,2,1", "3,4,1", "3,5,2", "9,3,0", "9,4,1", "9,5,1"})
    void averagesAreRoundedHalfUp(int checkins, int stars, int average) {
        var location = Map.of("numCheckins", Integer.toString(checkins), "numStars", "1");
        var fold = SequentialFold.over(Map.of(LOCATION, location)).add("1-0", checkin(7, 3, stars));
        assertThat(fold.hashes().get(LOCATION)).containsEntry("averageStars", Integer.toString(average));
    }

    @ParameterizedTest
    @CsvSource({
        "99,      99-5,   true",
        "101,     101-0,  false",
        "100,     100-4,  true",
        "100,     100-6,  false",
        "100,     101-0,  true",
        "100,     99-9,   true",
        "100,     ,       true",
        "100,     junk,   true",
        "9,       ,       true",
        "18446744073709551615, , false",
        "9223372036854775808,  , false",
    })
    void theHigherIdIsTheLastCheckin(String lastCheckin, String lastCheckinId, boolean replaced) {
        var user = new HashMap<>(Map.of("lastCheckin", lastCheckin, "lastSeenAt", "1"));
        if (lastCheckinId != null) {
            user.put("lastCheckinId", lastCheckinId);
        }
        var fold = SequentialFold.over(Map.of(USER, user)).add("100-5", checkin(7, 3, 5));
        assertThat(fold.hashes().get(USER)).containsEntry("lastSeenAt", replaced ? "3" : "1");
        assertThat(fold.hashes().get(USER)).containsEntry("numCheckins", "1");
    }

    @Test
    void aReplayIsOrderedByItsOriginal() {
        var replay = new HashMap<>(checkin(7, 4, 5));
        replay.put("replayOf", "100-0");
        var fold = SequentialFold.over(Map.of()).add("200-0", checkin(7, 3, 5)).add("300-0", replay);
        assertThat(fold.hashes().get(USER))
                .containsEntry("numCheckins", "2")
                .containsEntry("lastSeenAt", "3")
                .containsEntry("lastCheckinId", "200-0");
    }

    @ParameterizedTest
    @ValueSource(strings = {"junk", "999-0"})
    void aReplayOfSomethingImpossibleIsOrderedByItself(String replayOf) {
        var entry = new HashMap<>(checkin(7, 4, 5));
        entry.put("replayOf", replayOf);
        var fold = SequentialFold.over(Map.of()).add("300-0", entry);
        assertThat(fold.hashes().get(USER)).containsEntry("lastCheckinId", "300-0");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "yesterday", "-5", "1.5"})
    void anEntryWhoseUserHasNoTimeAsItsLastCheckinIsDead(String lastCheckin) {
        var initial = Map.of(USER, Map.of("lastCheckin", lastCheckin));
        var fold = SequentialFold.over(initial).add("1-0", checkin(7, 3, 5));
        assertThat(fold.differences(initial)).isEmpty();
        assertThat(fold.dead()).isEqualTo(1);
    }

    @Test
    void anUndecodableEntryIsDeadAndChangesNothing() {
        var fold = SequentialFold.over(Map.of()).add("1-0", Map.of("userId", "7", "locationId", "3"));
        assertThat(fold.hashes()).isEmpty();
        assertThat(fold.applied()).isZero();
        assertThat(fold.dead()).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"many", "", "1.5", "9007199254740992", "99999999999999999999"})
    void anEntryWithAnUnusableTargetIsDeadAndChangesNeitherHash(String numStars) {
        var initial = Map.of(LOCATION, Map.of("numStars", numStars));
        var fold = SequentialFold.over(initial).add("1-0", checkin(7, 3, 5));
        assertThat(fold.differences(initial)).isEmpty();
        assertThat(fold.dead()).isEqualTo(1);
    }

    @Test
    void entriesOutOfOrderAreRefused() {
        var fold = SequentialFold.over(Map.of()).add("2-0", checkin(7, 3, 5));
        assertThatThrownBy(() -> fold.add("2-0", checkin(7, 3, 5)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("2-0 after 2-0");
    }

    /** The negative controls: each way in which the product could be wrong is seen. */
    @Test
    void theExpectedHashesAreNoDifference() {
        assertThat(threeCheckins().differences(copyOf(threeCheckins()))).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "ncc:users:7,     numCheckins,   4,    3",
        "ncc:users:7,     numCheckins,   2,    3",
        "ncc:users:7,     lastSeenAt,    9,    3",
        "ncc:users:7,     lastCheckin,   99,   102",
        "ncc:users:7,     lastCheckinId, 102-1, 102-0",
        "ncc:locations:3, numCheckins,   4,    3",
        "ncc:locations:3, numStars,      13,   12",
        "ncc:locations:3, averageStars,  5,    4",
        "ncc:locations:3, id,            03,   3",
    })
    void aWrongFieldIsReported(String key, String field, String wrong, String right) {
        var actual = copyOf(threeCheckins());
        requireNonNull(actual.get(key)).put(field, wrong);
        assertThat(threeCheckins().differences(actual))
                .containsExactly(key + ": " + field + " must be " + right + ", but is " + wrong);
    }

    @Test
    void aMissingFieldIsReported() {
        var actual = copyOf(threeCheckins());
        requireNonNull(actual.get(USER)).remove("lastCheckinId");
        assertThat(threeCheckins().differences(actual))
                .containsExactly(USER + ": lastCheckinId must be 102-0, but is null");
    }

    @Test
    void aMissingHashIsReported() {
        var actual = copyOf(threeCheckins());
        actual.remove(LOCATION);
        assertThat(threeCheckins().differences(actual))
                .singleElement()
                .asString()
                .startsWith(LOCATION + " does not exist, but must be {averageStars=4");
    }

    @Test
    void aHashTooManyIsReported() {
        var actual = copyOf(threeCheckins());
        actual.put("ncc:users:8", Map.of("id", "8"));
        assertThat(threeCheckins().differences(actual)).containsExactly("ncc:users:8 must not exist, but is {id=8}");
    }

    private static SequentialFold threeCheckins() {
        return SequentialFold.over(Map.of())
                .add("100-0", checkin(7, 3, 5))
                .add("101-0", checkin(7, 3, 4))
                .add("102-0", checkin(7, 3, 3));
    }

    private static Map<String, Map<String, String>> copyOf(SequentialFold fold) {
        Map<String, Map<String, String>> copy = new HashMap<>();
        fold.hashes().forEach((key, hash) -> copy.put(key, new TreeMap<>(hash)));
        return copy;
    }

    private static Map<String, String> checkin(long user, long location, int stars) {
        return CheckinCodec.encode(new Checkin(user, location, stars));
    }
}
