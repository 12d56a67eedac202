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
        assertThat(Parameters.millis("from", "0")).isZero();
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
        assertThatExceptionOfType(ErrorResponseException.class).isThrownBy(() -> Parameters.millis("from", text));
    }

    @Test
    void zeroIsATimeButNoId() {
        assertThatExceptionOfType(ErrorResponseException.class).isThrownBy(() -> Parameters.id("id", "0"));
    }
}
