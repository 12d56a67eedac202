package io.ncc.checkin.api.partition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.ncc.checkin.model.Partitions;
import io.ncc.redis.StreamId;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class CheckinIdTest {

    private static final Partitions FOUR = Partitions.of(4);
    private static final Partitions NONE = Partitions.none();

    private static CheckinId id(String text) {
        return CheckinId.parse(text, FOUR);
    }

    @Test
    void itsTextIsReadAgain() {
        for (String text : List.of("0-0-0", "1609602085397-12-3", "18446744073709551615-18446744073709551615-3")) {
            assertThat(id(text)).hasToString(text);
        }
        assertThat(CheckinId.parse("1609602085397-12", NONE)).hasToString("1609602085397-12");
        assertThat(CheckinId.parse("1-2-0", Partitions.of(1))).hasToString("1-2-0");
    }

    @ParameterizedTest
    @ValueSource(strings = {"1-2-3", "1", "", "1-2-", "-1-2"})
    void withoutPartitionsItHasTwoParts(String text) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> CheckinId.parse(text, NONE))
                .withMessage("must be an id such as 1609602085397-0");
    }

    @ParameterizedTest
    @ValueSource(strings = {"1-2", "1-2-4", "1-2-03", "1-2--1", "1-2-+1", "1-2-3-0", "-1-2-3", "1--3", "", "1-2-1000"})
    void withPartitionsItHasThreeParts(String text) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> id(text))
                .withMessage("must be an id such as 1609602085397-0-0, whose last part is a partition from 0 to 3");
    }

    @Test
    void itIsOrderedByItsParts() {
        assertThat(Stream.of("1-9-3", "2-0-0", "2-0-1", "2-0-3", "2-1-0", "10-0-0")
                        .map(CheckinIdTest::id))
                .isSorted();
    }

    @Test
    void itsNeighboursAreThoseOfThatOrder() {
        assertThat(id("5-0-2").next()).isEqualTo(id("5-0-3"));
        assertThat(id("5-0-3").next()).isEqualTo(id("5-1-0"));
        assertThat(id("5-1-0").previous()).isEqualTo(id("5-0-3"));
        assertThat(id("5-0-0").previous()).isEqualTo(id("4-18446744073709551615-3"));
        CheckinId alone = CheckinId.parse("5-0", NONE);
        assertThat(alone.next()).isEqualTo(CheckinId.parse("5-1", NONE));
        assertThat(alone.previous()).isEqualTo(CheckinId.parse("4-18446744073709551615", NONE));
    }

    @Test
    void inAnotherPartitionItIsBetweenTwoIds() {
        CheckinId id = id("5-7-2");
        assertThat(id.highestIn(1)).isEqualTo(new StreamId(5, 7));
        assertThat(id.highestIn(2)).isEqualTo(new StreamId(5, 7));
        assertThat(id.highestIn(3)).isEqualTo(new StreamId(5, 6));
        assertThat(id.lowestIn(1)).isEqualTo(new StreamId(5, 8));
        assertThat(id.lowestIn(2)).isEqualTo(new StreamId(5, 7));
        assertThat(id.lowestIn(3)).isEqualTo(new StreamId(5, 7));
    }

    @Test
    void whatNamesNoIdStaysAsItIs() {
        assertThat(id("5-7-2").outside("4-0")).isEqualTo("4-0-2");
        assertThat(id("5-7-2").outside("something")).isEqualTo("something");
        assertThat(id("5-7-2").outside(null)).isNull();
        assertThat(CheckinId.parse("5-7", NONE).outside("4-0")).isEqualTo("4-0");
    }
}
