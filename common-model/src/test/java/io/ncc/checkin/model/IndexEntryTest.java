package io.ncc.checkin.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

final class IndexEntryTest {

    @Test
    void anEntryHasItsValueAndItsId() {
        for (String value : new String[] {"", "bar", "a|b", "bär|0000000000000000001"}) {
            String entry = IndexEntry.of(value, Long.MAX_VALUE);
            assertThat(entry).isEqualTo(value + "|9223372036854775807");
            assertThat(IndexEntry.value(entry)).contains(value);
            assertThat(IndexEntry.id(entry)).contains(Long.MAX_VALUE);
            assertThat(IndexEntry.isOf(value, entry)).isTrue();
        }
    }

    @Test
    void whatAnotherProgramWroteIsNoEntry() {
        for (String odd : new String[] {
            "",
            "foo",
            "bar|7",
            "0000000000000000007",
            "bar|000000000000000000x",
            "bar|0000000000000000000",
            "bar|9223372036854775808",
            "bar|-000000000000000007"
        }) {
            assertThat(IndexEntry.id(odd)).as(odd).isEmpty();
            assertThat(IndexEntry.value(odd)).as(odd).isEmpty();
        }
        assertThat(IndexEntry.idOfPlace("9223372036854775807")).contains(Long.MAX_VALUE);
        for (String odd :
                new String[] {"", "foo", "0", "07", "+7", "-7", "9223372036854775808", "10000000000000000000"}) {
            assertThat(IndexEntry.idOfPlace(odd)).as(odd).isEmpty();
        }
    }

    @Test
    void entriesOfOneValueAreInTheOrderOfTheirIds() {
        assertThat(Stream.of(1L, 9L, 10L, 1L << 53, Long.MAX_VALUE).map(id -> IndexEntry.of("bar", id)))
                .isSorted()
                .first()
                .isEqualTo("bar|0000000000000000001");
    }

    @Test
    void aValueThatLooksLikeAnEntryIsTold() {
        String entry = IndexEntry.of("bar|0000000000000000005", 7);
        assertThat(entry).isBetween(IndexEntry.of("bar", 0), IndexEntry.of("bar", Long.MAX_VALUE));
        assertThat(IndexEntry.isOf("bar", entry)).isFalse();
    }

    @Test
    void onlyAsciiLettersOfAnAddressAreLowered() {
        assertThat(IndexEntry.email("Zoë.O'NEIL+İÉ@Example.COM")).isEqualTo("zoë.o'neil+İÉ@example.com");
    }
}
