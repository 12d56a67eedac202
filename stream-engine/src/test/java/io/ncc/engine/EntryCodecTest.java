package io.ncc.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

final class EntryCodecTest {

    private final EntryCodec codec = new EntryCodec();

    @Test
    void aNameThatCameBeforeIsNotMadeAnew() {
        assertThat(decoded("userId")).isSameAs(decoded("userId")).isEqualTo("userId");
    }

    @Test
    void aLongNameIsNotKept() {
        String name = "n".repeat(65);
        assertThat(decoded(name)).isEqualTo(name).isNotSameAs(decoded(name));
    }

    private String decoded(String name) {
        return codec.decodeKey(ByteBuffer.wrap(name.getBytes(StandardCharsets.ISO_8859_1)));
    }
}
