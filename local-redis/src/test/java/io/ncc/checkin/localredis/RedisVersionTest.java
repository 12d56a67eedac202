package io.ncc.checkin.localredis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class RedisVersionTest {

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=ae4d7c971a948f0",
                "Valkey server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=ae4d7c971a948f0",
                "warning: something\nRedis server v=7.0.15 sha=00000000:0",
            })
    void theVersionLineOfAServerIsRead(String output) {
        assertThat(RedisVersion.parseVersionLine(output)).isEqualTo(new RedisVersion(7, 0, 15));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "grep (GNU grep) 3.8", "v=", "v=seven", "v=7.0"})
    void anythingElseIsRefusedAndQuoted(String output) {
        assertThatThrownBy(() -> RedisVersion.parseVersionLine(output))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(output.replace("v=", ""));
    }

    @Test
    void aVersionSurvivesItsText() {
        assertThat(RedisVersion.parse("6.2.11"))
                .isEqualTo(new RedisVersion(6, 2, 11))
                .hasToString("6.2.11");
    }

    @Test
    void versionsAreOrderedByNumberAndNotByText() {
        assertThat(RedisVersion.parse("7.0.15"))
                .isGreaterThan(RedisVersion.parse("7.0.9"))
                .isGreaterThan(RedisVersion.parse("6.10.99"))
                .isLessThan(RedisVersion.parse("7.1.0"))
                .isLessThan(RedisVersion.parse("10.0.0"));
    }

    @Test
    void aPatchReleaseIsAtLeastItsMinorRelease() {
        var version = new RedisVersion(7, 2, 4);
        assertThat(version.isAtLeast(7, 2)).isTrue();
        assertThat(version.isAtLeast(6, 9)).isTrue();
        assertThat(version.isAtLeast(7, 4)).isFalse();
        assertThat(version.isAtLeast(8, 0)).isFalse();
    }
}
