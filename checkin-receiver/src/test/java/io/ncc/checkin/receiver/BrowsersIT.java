package io.ncc.checkin.receiver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ncc.checkin.testsupport.RawAnswer;
import io.ncc.checkin.testsupport.RawConnection;
import io.ncc.checkin.testsupport.RealRedis;
import java.io.IOException;
import java.util.Objects;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What pages of other sites get of a service that a browser can reach. */
@Timeout(60)
final class BrowsersIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final String APP = "https://app.example.org";

    private static StartedReceiver closed;
    private static StartedReceiver opened;

    @BeforeAll
    static void start() {
        closed = StartedReceiver.on(redis, "management.server.port=0");
        opened = StartedReceiver.on(
                redis,
                "checkin.security.allowed-origins=" + APP,
                "checkin.security.allowed-hosts=Checkins.example.org,*.internal.example",
                "checkin.security.tokens[0].name=one",
                "checkin.security.tokens[0].sha256=" + "0".repeat(64),
                "checkin.security.tokens[0].roles=write");
    }

    @AfterAll
    static void stop() {
        closed.close();
        opened.close();
    }

    private static RawAnswer get(int port, String path, String... headers) throws IOException {
        return send(port, "GET " + path, headers);
    }

    private static RawAnswer send(int port, String what, String... headers) throws IOException {
        try (var connection = new RawConnection(port)) {
            connection.send(RawConnection.bytes(what + " HTTP/1.1\r\n" + String.join("\r\n", headers)
                    + "\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"));
            return Objects.requireNonNull(connection.read());
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "127.0.0.1",
                "127.0.0.1:8082",
                "[::1]",
                "[::1]:8082",
                "192.0.2.1",
                "localhost",
                "LOCALHOST:1",
                "checkin-receiver:8082"
            })
    void addressesAndNamesWithoutADotAreTaken(String host) throws IOException {
        assertThat(get(closed.port(), "/v3/api-docs", "Host: " + host).status()).isEqualTo(200);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "evil.example",
                "evil.example:8082",
                "127.0.0.1.evil.example",
                "localhost.evil.example",
                "1.2.3.4.5",
                "localhost."
            })
    void otherNamesAreRefusedOnEachPort(String host) throws IOException {
        for (String method : new String[] {"GET", "POST", "OPTIONS"}) {
            RawAnswer answer = send(closed.port(), method + " /checkins", "Host: " + host);
            assertThat(answer.status()).isEqualTo(421);
            assertThat(answer.problemType()).isEqualTo("misdirected-request");
        }
        int management = closed.context().getEnvironment().getRequiredProperty("local.management.port", Integer.class);
        assertThat(get(management, "/actuator/health", "Host: " + host).status())
                .isEqualTo(421);
        assertThat(get(management, "/actuator/health", "Host: localhost").status())
                .isEqualTo(200);
    }

    @ParameterizedTest
    @CsvSource({
        "checkins.example.org, 200",
        "CHECKINS.example.org:443, 200",
        "www.checkins.example.org, 421",
        "example.org, 421",
        "a.internal.example, 200",
        "a.b.internal.example:80, 200",
        "internal.example, 421",
        "xinternal.example, 421",
    })
    void theNamesOfTheSettingAreTaken(String host, int status) throws IOException {
        assertThat(get(opened.port(), "/v3/api-docs", "Host: " + host).status()).isEqualTo(status);
    }

    @Test
    void noAnswerIsForAFrameAnotherSiteOrACache() throws IOException {
        RawAnswer answer = get(closed.port(), "/checkins", "Host: localhost");
        assertThat(answer.header("x-content-type-options")).isEqualTo("nosniff");
        assertThat(answer.header("cache-control")).isEqualTo("no-store");
        assertThat(answer.header("content-security-policy")).isEqualTo("default-src 'none'; frame-ancestors 'none'");
        assertThat(answer.header("cross-origin-resource-policy")).isEqualTo("same-origin");
        assertThat(answer.header("referrer-policy")).isEqualTo("no-referrer");
        assertThat(answer.headers()).doesNotContainKeys("set-cookie", "access-control-allow-origin");
        RawAnswer refused = get(closed.port(), "/checkins", "Host: evil.example");
        assertThat(refused.header("content-security-policy")).isEqualTo("default-src 'none'; frame-ancestors 'none'");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/docs/index.html", "/docs/docs.js", "/webjars/swagger-ui/swagger-ui-bundle.js"})
    void theDocumentationRunsItsOwnScriptsOnly(String path) throws IOException {
        RawAnswer answer = get(closed.port(), path, "Host: localhost");
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.header("content-security-policy"))
                .contains("default-src 'none'", "script-src 'self';", "frame-ancestors 'none'");
        assertThat(answer.header("cache-control")).isEqualTo("no-cache");
    }

    @Test
    void aPreflightOfAnotherOriginIsNotPermitted() throws IOException {
        for (StartedReceiver receiver : new StartedReceiver[] {closed, opened}) {
            RawAnswer answer = preflight(receiver, "https://evil.example", "POST");
            assertThat(answer.headers()).doesNotContainKey("access-control-allow-origin");
            assertThat(get(receiver.port(), "/v3/api-docs", "Host: localhost", "Origin: https://evil.example")
                            .headers())
                    .doesNotContainKey("access-control-allow-origin");
        }
        assertThat(preflight(closed, APP, "POST").headers()).doesNotContainKey("access-control-allow-origin");
    }

    private static RawAnswer preflight(StartedReceiver receiver, String origin, String method) throws IOException {
        return send(
                receiver.port(),
                "OPTIONS /checkins",
                "Host: localhost",
                "Origin: " + origin,
                "Access-Control-Request-Method: " + method,
                "Access-Control-Request-Headers: authorization, content-type, idempotency-key");
    }

    @Test
    void anOriginOfTheSettingMayUseTheService() throws IOException {
        RawAnswer answer = preflight(opened, APP, "POST");
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.header("access-control-allow-origin")).isEqualTo(APP);
        assertThat(answer.header("access-control-allow-headers")).contains("authorization", "idempotency-key");
        assertThat(answer.headers()).doesNotContainKey("access-control-allow-credentials");

        RawAnswer refused = send(
                opened.port(), "POST /checkins", "Host: localhost", "Origin: " + APP, "Sec-Fetch-Site: cross-site");
        assertThat(refused.status()).isEqualTo(401); // and no foreign page
        assertThat(refused.header("access-control-allow-origin")).isEqualTo(APP); // so that the page can read it
        assertThat(refused.header("access-control-expose-headers")).contains("WWW-Authenticate");

        assertThat(send(
                                opened.port(),
                                "POST /checkins",
                                "Host: localhost",
                                "Origin: " + APP + ".evil.example",
                                "Sec-Fetch-Site: cross-site")
                        .problemType())
                .isEqualTo("foreign-page");
    }

    @Test
    void anOriginOfTheSettingGetsTheAnswersThatOthersGetAndCountsLikeThem() throws IOException {
        try (StartedReceiver limited =
                StartedReceiver.on(redis, "checkin.security.allowed-origins=" + APP, "checkin.receiver.rate-limit=3")) {
            RawAnswer refused = send(limited.port(), "PATCH /checkins", "Host: localhost", "Origin: " + APP);
            assertThat(refused.status()).isEqualTo(405);
            assertThat(refused.problemType()).isEqualTo("method-not-allowed");
            assertThat(refused.header("access-control-allow-origin")).isEqualTo(APP);

            RawAnswer options = send(limited.port(), "OPTIONS /checkins", "Host: localhost", "Origin: " + APP);
            assertThat(options.status()).isEqualTo(200);
            assertThat(options.header("allow")).contains("POST");

            for (String origin : new String[] {APP, "https://evil.example"}) {
                await().untilAsserted(() -> {
                    RawAnswer answer = preflight(limited, origin, "POST");
                    assertThat(answer.status()).isEqualTo(429);
                    assertThat(answer.problemType()).isEqualTo("too-many-requests");
                });
            }
            await().until(() -> preflight(limited, APP, "PATCH").status() == 200); // the answer to the PATCH is a 405
        }
    }
}
