package io.ncc.checkin.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.ncc.checkin.testsupport.HttpAnswer;
import io.ncc.checkin.testsupport.RealRedis;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The page of the console, and its files. */
@Timeout(60)
final class PageIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final String UPLOT = "/webjars/uplot/dist/uPlot.esm.js";

    private static ApiServer api;

    @BeforeAll
    static void start() {
        api = ApiServer.start(redis);
    }

    @AfterAll
    static void stop() {
        api.close();
    }

    private static HttpAnswer get(String path, String header, String value) {
        return HttpAnswer.send(api.request(path).header(header, value));
    }

    @ParameterizedTest
    @ValueSource(strings = {"*/*", "text/html", "text/html,application/xhtml+xml,*/*;q=0.8", "application/json"})
    void thePageIsThereWhateverIsAccepted(String accept) {
        HttpAnswer page = get("/", "Accept", accept);
        assertThat(page.status()).isEqualTo(200);
        assertThat(page.header("Content-Type")).startsWith("text/html");
        assertThat(page.body()).isEqualTo(api.get("/index.html").body());
    }

    @ParameterizedTest
    @ValueSource(strings = {"/", "/index.html", UPLOT})
    void thePageAndItsFilesMayDoNoMoreThanTheyNeed(String path) {
        HttpAnswer file = api.get(path);
        assertThat(file.status()).isEqualTo(200);
        assertThat(file.header("Content-Security-Policy"))
                .contains("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'")
                .doesNotContain("unsafe");
        assertThat(file.header("X-Content-Type-Options")).isEqualTo("nosniff");
        assertThat(file.header("Referrer-Policy")).isEqualTo("no-referrer");
        assertThat(file.header("Cross-Origin-Opener-Policy")).isEqualTo("same-origin");
        assertThat(file.header("Cross-Origin-Resource-Policy")).isEqualTo("same-origin");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/", UPLOT, "/webjars/swagger-ui/swagger-ui.css"})
    void aFileThatTheBrowserHasIsNotSentAgain(String path) {
        HttpAnswer file = api.get(path);
        assertThat(file.header("Cache-Control")).isEqualTo("no-cache");
        assertThat(file.header("Last-Modified")).isNull();
        String etag = String.valueOf(file.header("ETag"));
        HttpAnswer again = get(path, "If-None-Match", etag);
        assertThat(again.status()).isEqualTo(304);
        assertThat(again.body()).isEmpty();
        assertThat(get(path, "If-None-Match", "W/\"0000000000000000\"").status())
                .isEqualTo(200);
        assertThat(etag).isNotEqualTo(api.get("/docs/index.html").header("ETag"));
    }

    @Test
    void filesAreCompressedAndAnswersOfTheApiAreNot() {
        assertThat(get(UPLOT, "Accept-Encoding", "gzip").header("Content-Encoding"))
                .isEqualTo("gzip");
        assertThat(get(UPLOT, "Accept-Encoding", "gzip").header("ETag"))
                .isEqualTo(api.get(UPLOT).header("ETag"));
        assertThat(get("/v3/api-docs", "Accept-Encoding", "gzip").header("Content-Encoding"))
                .isNull();
    }

    @Test
    void whatIsNotThereIsAProblem() {
        HttpAnswer answer = api.get("/nowhere.js");
        assertThat(answer.status()).isEqualTo(404);
        assertThat(answer.problemType()).isEqualTo("not-found");
        assertThat(api.post("/").status()).isEqualTo(405);
    }

    @Test
    void theDocumentationHasNoneOfThePagesPolicy() {
        assertThat(api.get("/docs/index.html").header("Content-Security-Policy"))
                .isNotEqualTo(api.get("/").header("Content-Security-Policy"));
    }
}
