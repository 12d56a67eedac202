package io.ncc.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class StreamIdTest {

    @ParameterizedTest
    @ValueSource(strings = {"0-0", "1609602085397-0", "1609602085397-18446744073709551615", "18446744073709551615-1"})
    void printsWhatItParsed(String text) {
        assertThat(StreamId.parse(text)).hasToString(text);
    }

    @ParameterizedTest
    @CsvSource({
        "5-7, 5-6",
        "5-0, 4-18446744073709551615",
        "0-1, 0-0",
        "0-0, 0-0",
        "9223372036854775808-0, 9223372036854775807-18446744073709551615"
    })
    void comesAfterThePreviousOne(String id, String previous) {
        assertThat(StreamId.parse(id).previous()).hasToString(previous);
    }

    @Test
    void ordersByUnsignedPartsNotByText() {
        var ascending = List.of(
                StreamId.ZERO,
                StreamId.parse("9-10"),
                StreamId.parse("10-9"),
                StreamId.parse("10-10"),
                StreamId.parse("10-9223372036854775808"),
                StreamId.parse("9223372036854775807-0"),
                StreamId.parse("9223372036854775808-0"),
                StreamId.parse("18446744073709551615-18446744073709551615"));
        assertThat(ascending).isSorted();
        assertThat(StreamId.parse("10-9")).isEqualByComparingTo(new StreamId(10, 9));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "-",
                "+",
                "$",
                "0",
                "1-",
                "-1",
                "1--1",
                "1-2-3",
                "1-*",
                "a-b",
                "+1-0",
                "1-+1",
                " 1-0",
                "1-0 ",
                "١-0",
                "1.0-0",
                "18446744073709551616-0",
                "0-18446744073709551616"
            })
    void anythingElseIsRefused(String text) {
        assertThatIllegalArgumentException().isThrownBy(() -> StreamId.parse(text));
    }
}
