package io.ncc.checkin.api.web;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.web.ErrorResponseException;

final class ParametersTest {

    @Test
    void theWholeRangeIsTaken() {
        assertThat(Parameters.id("id", "1")).isEqualTo(1);
        assertThat(Parameters.id("id", "9223372036854775807")).isEqualTo(Long.MAX_VALUE);
        assertThat(Parameters.time("from", "0")).isZero();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " 1",
                "+1",
                "-1",
                "01",
                "0x10",
                "#10",
                "1.0",
                "1e3",
                "١",
                "9223372036854775808",
                "92233720368547758070"
            })
    void anythingElseIsRefused(String text) {
        assertThatExceptionOfType(ErrorResponseException.class).isThrownBy(() -> Parameters.id("id", text));
        assertThatExceptionOfType(ErrorResponseException.class).isThrownBy(() -> Parameters.time("from", text));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "1609602085000",
                "2021-01-02T15:41:25Z",
                "2021-01-02T15:41:25.000Z",
                "2021-01-02t15:41:25z",
                "2021-01-02 15:41:25Z",
                "2021-01-02T16:41:25+01:00",
                "2021-01-02T16:41:25 01:00",
                "2021-01-02 16:41:25 01:00",
                "2021-01-02T14:41:25-01:00",
                "2021-01-02T15:41:25-00:00",
                "2021-01-02T15:41:25.000000000999Z",
            })
    void eachFormOfATimeThatIsUnambiguousIsTaken(String text) {
        assertThat(Parameters.time("from", text)).isEqualTo(1609602085000L);
        assertThat(Parameters.lastTime("to", text)).isEqualTo(1609602085000L);
    }

    @Test
    void aDateIsADayOfUtc() {
        assertThat(Parameters.time("from", "2021-01-02")).isEqualTo(1609545600000L);
        assertThat(Parameters.lastTime("to", "2021-01-02")).isEqualTo(1609631999999L);
    }

    /** The first two are examples of RFC 3339. */
    @ParameterizedTest
    @ValueSource(strings = {"1990-12-31T23:59:60Z", "1990-12-31T15:59:60-08:00", "1990-12-31 23:59:60.000z"})
    void aLeapSecondIsTheFirstOneOfTheNextDay(String text) {
        assertThat(Parameters.time("from", text)).isEqualTo(Parameters.time("from", "1991-01-01"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"1969-12-31T23:59:59Z", "1970-01-01T00:00:00+01:00", "1969-12-31"})
    void aTimeBefore1970IsRefused(String text) {
        assertThatExceptionOfType(ErrorResponseException.class)
                .isThrownBy(() -> Parameters.time("from", text))
                .satisfies(e ->
                        assertThat(String.valueOf(e.getBody().getProperties())).contains("must not be before 1970"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "2021-01-02T15:41:25",
                "2021-01-02 15:41",
                "2021-02-30",
                "2021-1-2",
                "02.01.2021",
                "2021-01-02T25:00:00Z",
                "2021-01-02T15:41:60Z",
                "2021-01-02T23:59:61Z",
                "now"
            })
    void otherTimesAreRefusedWithAnExample(String text) {
        assertThatExceptionOfType(ErrorResponseException.class)
                .isThrownBy(() -> Parameters.time("from", text))
                .satisfies(e -> assertThat(String.valueOf(e.getBody().getProperties()))
                        .contains("RFC 3339 time such as 2021-01-02T15:41:25.397Z"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "+1", "1.", ".5", "1e1", "0x1", "NaN", "1,5", " 1", "90.000000001", "-91"})
    void whatIsNoDecimalNumberInTheRangeIsRefused(String text) {
        assertThatExceptionOfType(ErrorResponseException.class)
                .isThrownBy(() -> Parameters.decimal("latitude", text, -90, 90.0))
                .satisfies(e -> assertThat(String.valueOf(e.getBody().getProperties()))
                        .contains("must be a decimal number from -90 to 90"));
    }

    @Test
    void zeroIsATimeButNoId() {
        assertThatExceptionOfType(ErrorResponseException.class).isThrownBy(() -> Parameters.id("id", "0"));
    }
}
