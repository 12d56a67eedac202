package io.ncc.redis;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class NodeRequirementsTest {

    private static final String REDIS = "# Server\r\nredis_version:%s\r\nredis_git_sha1:00000000\r\n";
    private static final String VALKEY =
            "# Server\r\nredis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:%s\r\nredis_git_sha1:00000000\r\n";

    private static void check(String info, String version) {
        NodeRequirements.checkVersion("10.0.0.1:7001", info.formatted(version));
    }

    @ParameterizedTest
    @ValueSource(strings = {"7.2.0", "7.2.4", "7.2.6"})
    void aRedisThatMayCrashWhenASlotMovesIsRefused(String version) {
        assertThatThrownBy(() -> check(REDIS, version))
                .isInstanceOf(UnfitServerException.class)
                .hasMessageContainingAll("10.0.0.1:7001", "Redis " + version, "Redis 7.2.7");
    }

    @ParameterizedTest
    @ValueSource(strings = {"7.2.4", "7.2.5"})
    void soIsSuchAValkey(String version) {
        assertThatThrownBy(() -> check(VALKEY, version))
                .isInstanceOf(UnfitServerException.class)
                .hasMessageContainingAll("10.0.0.1:7001", "Valkey " + version, "Valkey 7.2.6");
    }

    @ParameterizedTest
    @ValueSource(strings = {"6.2.11", "7.0.15", "7.2.7", "7.2.10", "7.4.0", "8.0.2"})
    void anyOtherRedisIsFit(String version) {
        assertThatCode(() -> check(REDIS, version)).doesNotThrowAnyException();
    }

    @ParameterizedTest
    @ValueSource(strings = {"7.2.6", "7.2.11", "8.1.1", "9.1.2"})
    void anyOtherValkeyIsFit(String version) {
        assertThatCode(() -> check(VALKEY, version)).doesNotThrowAnyException();
    }
}
