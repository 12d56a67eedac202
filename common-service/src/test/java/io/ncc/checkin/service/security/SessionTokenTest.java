package io.ncc.checkin.service.security;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class SessionTokenTest {

    private static final String SECRET = "x".repeat(43);

    @ParameterizedTest
    @ValueSource(longs = {1, 789, Long.MAX_VALUE})
    void aTokenNamesItsUser(long user) {
        SessionToken token = SessionToken.random(user);
        assertThat(SessionToken.parse(token.text())).isEqualTo(token);
        assertThat(token.user()).isEqualTo(user);
    }

    @Test
    void noTwoTokensAreTheSame() {
        assertThat(SessionToken.random(1).text())
                .isNotEqualTo(SessionToken.random(1).text());
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "01", "-1", "", "x", "9223372036854775808"})
    void whatIsNoIdOfAUserMakesItATokenOfAnotherKind(String user) {
        assertThat(SessionToken.parse("chs_1_" + SECRET)).isNotNull();
        assertThat(SessionToken.parse("chs_" + user + '_' + SECRET)).isNull();
    }

    @ParameterizedTest
    @ValueSource(strings = {"chk_1_", "chs_1", "1_", "CHS_1_", " chs_1_"})
    void anotherPrefixMakesItATokenOfAnotherKind(String prefix) {
        assertThat(SessionToken.parse(prefix + SECRET)).isNull();
    }

    @Test
    void itsTextIsNotLogged() {
        SessionToken token = SessionToken.random(789);
        assertThat(token).hasToString("SessionToken[user=789]");
        assertThat(token.digest()).hasSize(64).doesNotContain(token.text().substring(8));
    }
}
