package io.ncc.checkin.receiver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ncc.checkin.service.security.Access;
import io.ncc.checkin.testsupport.HttpAnswer;
import io.ncc.checkin.testsupport.RealRedis;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpRequest;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;

@Timeout(60)
final class ProtectedModeIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final String[] TOKEN = {
        "checkin.security.tokens[0].name=one",
        "checkin.security.tokens[0].sha256=" + "0".repeat(64),
        "checkin.security.tokens[0].roles=write"
    };

    @Test
    void withoutAnySettingItListensOnTheLoopbackAddressOnlyAndAsksForNoToken() throws IOException {
        try (StartedReceiver receiver = StartedReceiver.on(redis)) {
            assertThat(receiver.accepts()).isTrue();
            assertThat(receiver.get("/actuator/prometheus").status()).isEqualTo(200);
            assertThat(isReachableOnOtherAddresses(receiver)).isFalse();
            assertThat(receiver.part(Access.class))
                    .hasToString(
                            "protected: from this machine only, without a token (checkin.security.* changes that)");
        }
    }

    @Test
    void withATokenOrOpenItListensOnAllAddresses() throws IOException {
        try (StartedReceiver withToken = StartedReceiver.on(redis, TOKEN);
                StartedReceiver open = StartedReceiver.on(redis, "checkin.security.mode=open")) {
            assertThat(isReachableOnOtherAddresses(withToken)).isTrue();
            assertThat(withToken.accepts()).isFalse();
            assertThat(isReachableOnOtherAddresses(open)).isTrue();
            assertThat(open.accepts()).isTrue();
            assertThat(withToken.part(Access.class)).hasToString("by token: every request needs one");
            assertThat(open.part(Access.class)).hasToString("open: from anywhere, without a token");
        }
    }

    /** All of 127.0.0.0/8 is this machine's, and a server on 127.0.0.1 has the one address. */
    private static boolean isReachableOnOtherAddresses(StartedReceiver receiver) throws IOException {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress("127.0.0.2", receiver.port()), 1_000);
            return true;
        } catch (java.net.ConnectException e) {
            return false;
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "server.address=0.0.0.0",
                "server.address=127.0.0.1 management.server.port=0 management.server.address=0.0.0.0",
            })
    void itDoesNotStartOnAnotherAddress(String settings) {
        assertThatThrownBy(() -> StartedReceiver.on(redis, settings.split(" ")))
                .hasRootCauseInstanceOf(InvalidConfigurationPropertyValueException.class)
                .rootCause()
                .hasMessageContainingAll(
                        "server.address",
                        "checkin.security.tokens",
                        "issuer-uri",
                        "checkin.security.logins",
                        "checkin.security.mode=open");
    }

    @Test
    void anotherLoopbackAddressIsFine() {
        try (StartedReceiver receiver = StartedReceiver.on(
                redis, "server.address=127.0.0.1", "management.server.port=0", "management.server.address=127.0.0.2")) {
            assertThat(receiver.accepts()).isTrue();
        }
    }

    @Test
    void openWithTokensDoesNotStart() {
        List<String> settings = new ArrayList<>(List.of(TOKEN));
        settings.add("checkin.security.mode=open");
        assertThatThrownBy(() -> StartedReceiver.on(redis, settings.toArray(String[]::new)))
                .rootCause()
                .hasMessageContaining("mode must be protected if there are tokens");
    }

    @Test
    void openWithAnIssuerDoesNotStart() {
        assertThatThrownBy(() -> StartedReceiver.on(
                        redis,
                        "checkin.security.mode=open",
                        "spring.security.oauth2.resourceserver.jwt.jwk-set-uri=http://127.0.0.1:1/keys"))
                .rootCause()
                .hasMessageContaining("checkin.security.mode");
    }

    @ParameterizedTest
    @ValueSource(strings = {"none", "native", "framework"})
    void whatComesThroughAProxyIsRefusedWhateverItsHeadersSay(String strategy) {
        try (StartedReceiver receiver = StartedReceiver.on(redis, "server.forward-headers-strategy=" + strategy)) {
            for (String[] header : new String[][] {
                {"X-Forwarded-For", "127.0.0.1"},
                {"X-Forwarded-For", "203.0.113.9, 127.0.0.1"},
                {"Forwarded", "for=127.0.0.1"},
            }) {
                HttpAnswer answer = HttpAnswer.to(receiver.url("/checkins"))
                        .header(header[0], header[1])
                        .post(StartedReceiver.checkin(1));
                assertThat(answer.status()).as(header[1]).isEqualTo(403);
                assertThat(answer.problemType()).isEqualTo("protected-mode");
                assertThat(answer.body()).contains("checkin.security.mode=open");
            }
            assertThat(redis.commands().exists(StartedReceiver.STREAM)).isZero();
            assertThat(receiver.accepts()).isTrue();
            redis.commands().del(StartedReceiver.STREAM);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"none", "native", "framework"})
    void whatComesToTheManagementPortThroughAProxyIsRefused(String strategy) {
        try (StartedReceiver receiver =
                StartedReceiver.on(redis, "management.server.port=0", "server.forward-headers-strategy=" + strategy)) {
            String url = receiver.managementUrl() + "/actuator/prometheus";
            assertThat(HttpAnswer.get(url).status()).isEqualTo(200);
            for (String[] header : new String[][] {
                {"X-Forwarded-For", "203.0.113.9"},
                {"Forwarded", "for=127.0.0.1"},
            }) {
                HttpAnswer answer =
                        HttpAnswer.send(HttpRequest.newBuilder(URI.create(url)).header(header[0], header[1]));
                assertThat(answer.status()).as(header[0]).isEqualTo(403);
                assertThat(answer.problemType()).isEqualTo("protected-mode");
            }
        }
    }

    @Test
    void noHeaderStandsForAToken() {
        try (StartedReceiver receiver =
                StartedReceiver.on(redis, TOKEN[0], TOKEN[1], TOKEN[2], "server.forward-headers-strategy=native")) {
            HttpAnswer answer = HttpAnswer.to(receiver.url("/checkins"))
                    .header("X-Forwarded-For", "127.0.0.1")
                    .header("X-Real-IP", "127.0.0.1")
                    .header("Forwarded", "for=127.0.0.1")
                    .post(StartedReceiver.checkin(1));
            assertThat(answer.status()).isEqualTo(401);
        }
    }
}
