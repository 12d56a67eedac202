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

    private static List<Integer> costsOf(List<String> hashes) {
        return hashes.stream()
                .map(hash -> Integer.valueOf(hash.substring(4, 6)))
                .toList();
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
        assertThat(costsOf(checks.work(hash))).containsExactly(COST);
    }

    @Test
    void everyCheckVerifiesOneHashOfEachCostSoFar() {
        assertThat(costsOf(checks.work(null))).containsExactly(COST);
        for (int cost : new int[] {4, 7, COST}) {
            assertThat(matches(PASSWORD, hash(cost))).isTrue();
        }
        assertThat(costsOf(checks.work(null))).containsExactly(4, COST, 7);
        for (int cost : new int[] {4, COST, 7}) {
            String hash = hash(cost);
            assertThat(checks.work(hash)).contains(hash);
            assertThat(costsOf(checks.work(hash))).containsExactly(4, COST, 7);
        }
    }

    /** It would take days, or make each login fail. */
    @ParameterizedTest
    @ValueSource(strings = {"00", "03", "17", "31", "99"})
    void aHashOfACostOutOfRangeIsNone(String cost) {
        String hash = "$2a$" + cost + hash(4).substring(6);
        assertThat(matches(PASSWORD, hash)).isFalse();
        assertThat(costsOf(checks.work(null))).containsExactly(COST);
    }

    /** Bcrypt would refuse a malformed decoy at once. */
    @Test
    void aDecoyIsAHash() {
        assertThat(checks.work(null))
                .singleElement()
                .satisfies(decoy -> assertThat(BCrypt.checkpw("x", decoy)).isFalse());
    }
}
