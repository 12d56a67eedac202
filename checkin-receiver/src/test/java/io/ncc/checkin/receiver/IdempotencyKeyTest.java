package io.ncc.checkin.receiver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.mock.web.MockHttpServletRequest;
import org.springframework.web.ErrorResponseException;

final class IdempotencyKeyTest {

    @ParameterizedTest
    @ValueSource(strings = {"a", "!~", "8e03978e-40d5-43dd-bc93-6894a57f9324", "\"quoted\"", "a:1"})
    void visibleAsciiIsTaken(String key) {
        assertThat(IdempotencyKey.of(with(key))).isEqualTo(key);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "two words", "\u00fcber", "a\u007f", "line\n", "\0"})
    void anythingElseIsRefused(String key) {
        assertThatThrownBy(() -> IdempotencyKey.of(with(key))).isInstanceOf(ErrorResponseException.class);
    }

    @Test
    void thereMayBeNone() {
        assertThat(IdempotencyKey.of(with())).isNull();
    }

    private static MockHttpServletRequest with(String... keys) {
        var request = new MockHttpServletRequest();
        for (String key : keys) {
            request.addHeader(IdempotencyKey.HEADER, key);
        }
        return request;
    }
}
