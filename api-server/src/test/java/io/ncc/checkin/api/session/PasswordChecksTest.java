package io.ncc.checkin.api.session;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.NullSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.security.crypto.bcrypt.BCrypt;

final class PasswordChecksTest {

    private static final int COST = 6;
    private static final String PASSWORD = "correct horse";

    private final PasswordChecks checks = new PasswordChecks(new LoginProperties(1, 1, COST));

    @AfterEach
    void stop() {
        checks.destroy();
    }

    private boolean matches(String password, @Nullable String hash) {
        return checks.matches(password, hash).toCompletableFuture().join();
    }

    private static String hash(int cost) {
        return BCrypt.hashpw(PASSWORD, BCrypt.gensalt(cost));
    }

    /** In the units of bcrypt: each step of the cost doubles it. */
    private static long workOf(List<String> hashes) {
        return hashes.stream()
                .mapToLong(hash -> 1L << Integer.parseInt(hash.substring(4, 6)))
                .sum();
    }

    @ParameterizedTest
    @CsvSource({"4, a", "5, a", "6, a", "6, b", "6, y"})
    void thePasswordOfAHashMatches(int cost, char version) {
        String hash = "$2" + version + hash(cost).substring(3);
        assertThat(matches(PASSWORD, hash)).isTrue();
        assertThat(matches("wrong", hash)).isFalse();
    }

    @ParameterizedTest
    @NullSource
    @ValueSource(strings = {"", PASSWORD, "$2a$06$tooShort", "$1$salt$hash"})
    void withoutAHashNothingMatches(@Nullable String hash) {
        assertThat(matches(PASSWORD, hash)).isFalse();
        assertThat(checks.work(hash)).hasSize(1).doesNotContain(PASSWORD);
        assertThat(workOf(checks.work(hash))).isEqualTo(1L << COST);
    }

    @ParameterizedTest
    @ValueSource(ints = {4, 5, 6})
    void theWorkIsThatOfTheSettingWhateverTheCostOfTheHash(int cost) {
        String hash = hash(cost);
        assertThat(checks.work(hash)).startsWith(hash).doesNotHaveDuplicates();
        assertThat(workOf(checks.work(hash))).isEqualTo(1L << COST);
    }

    @Test
    void aHashOfAHigherCostRaisesTheWorkOfEveryCheck() {
        assertThat(matches(PASSWORD, hash(7))).isTrue();
        assertThat(workOf(checks.work(null))).isEqualTo(1L << 7);
        assertThat(workOf(checks.work(hash(4)))).isEqualTo(1L << 7);
    }

    /** It would take days, or make each login fail. */
    @ParameterizedTest
    @ValueSource(strings = {"00", "03", "17", "31", "99"})
    void aHashOfACostOutOfRangeIsNone(String cost) {
        String hash = "$2a$" + cost + hash(4).substring(6);
        assertThat(matches(PASSWORD, hash)).isFalse();
        assertThat(workOf(checks.work(null))).isEqualTo(1L << COST);
    }

    /** Bcrypt would refuse a malformed decoy at once. */
    @Test
    void aDecoyIsAHash() {
        assertThat(checks.work(null))
                .singleElement()
                .satisfies(decoy -> assertThat(BCrypt.checkpw("x", decoy)).isFalse());
    }
}
