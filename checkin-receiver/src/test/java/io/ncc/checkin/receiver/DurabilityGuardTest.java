package io.ncc.checkin.receiver;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

final class DurabilityGuardTest {

    @Test
    void serversThatKeepThePromiseInDifferentWaysAreNamedSideBySide() {
        assertThat(by("WAITAOF 1 0 300", "appendfsync always", "WAITAOF 1 0 300"))
                .isEqualTo("WAITAOF 1 0 300, or appendfsync always");
    }

    @Test
    void aServerThatIsNotKnownYetIsNamedOnlyIfNoneIs() {
        assertThat(by("not known yet", "appendfsync always")).isEqualTo("appendfsync always");
        assertThat(by("not known yet", "not known yet")).isEqualTo("not known yet");
    }

    private static String by(String... mechanisms) {
        return String.valueOf(DurabilityGuard.describe(Durability.FSYNC, Stream.of(mechanisms))
                .get("by"));
    }
}
