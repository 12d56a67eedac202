package io.ncc.checkin.receiver;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.web.ErrorResponseException;

final class IdempotencyKeyTest {

    @ParameterizedTest
    @ValueSource(strings = {"a", "!~", "8e03978e-40d5-43dd-bc93-6894a57f9324", "\"quoted\"", "a:1"})
    void visibleAsciiIsTaken(String key) {
        assertThatCode(() -> IdempotencyKey.requireValid(key)).doesNotThrowAnyException();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "two words", "\u00fcber", "a\u007f", "line\n", "\0"})
    void anythingElseIsRefused(String key) {
        assertThatThrownBy(() -> IdempotencyKey.requireValid(key)).isInstanceOf(ErrorResponseException.class);
    }
}
