package io.ncc.checkin.system;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;
import org.webjars.WebJarVersionLocator;

/** What the modules of the console compute, tested where they run: {@code console/tests.js} in Chromium. */
@Timeout(60)
final class ConsoleModulesIT {

    private static final String RUN = """
            const {[arguments[0]]: tests} = await import('/console/tests.js');
            const results = {};
            for (const [name, test] of Object.entries(tests)) {
              try {
                await test();
                results[name] = '';
              } catch (failure) {
                results[name] = failure.stack;
              }
            }
            return results;
            """;

    private static HttpServer server;
    private static Browser browser;

    @BeforeAll
    static void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", ConsoleModulesIT::serve);
        server.start();
        browser = Browser.start();
        browser.open("http://localhost:" + server.getAddress().getPort() + "/console/");
    }

    @AfterAll
    static void stop() {
        if (browser != null) {
            browser.close();
        }
        server.stop(0);
    }

    /** The modules are where the API server has them, the tests below {@code /console/}, and an empty page is there, too. */
    private static void serve(HttpExchange exchange) throws IOException {
        String path = exchange.getRequestURI().getPath();
        String type = path.endsWith(".js") ? "text/javascript" : path.endsWith(".css") ? "text/css" : "text/html";
        String resource = path.startsWith("/console/")
                ? path
                : path.startsWith("/webjars/") ? webJar(path) : "/io/ncc/checkin/api/console/static" + path;
        try (InputStream content = path.endsWith("/") ? InputStream.nullInputStream() : stream(resource)) {
            exchange.getResponseHeaders().set("Content-Type", type + ";charset=utf-8");
            exchange.sendResponseHeaders(content == null ? 404 : 200, 0);
            if (content != null) {
                content.transferTo(exchange.getResponseBody());
            }
        }
        exchange.close();
    }

    private static InputStream stream(String resource) {
        return ConsoleModulesIT.class.getResourceAsStream(resource);
    }

    private static String webJar(String path) {
        String[] parts = path.split("/", 4);
        return "/" + new WebJarVersionLocator().fullPath(parts[2], parts[3]);
    }

    @TestFactory
    Stream<DynamicTest> modules() {
        Map<String, String> results = browser.runAsync(RUN, "tests");
        return results.entrySet().stream()
                .map(result -> DynamicTest.dynamicTest(
                        result.getKey(), () -> assertThat(result.getValue()).isEmpty()));
    }

    @Test
    void aTestThatFailsIsSeenToFail() {
        Map<String, String> results = browser.runAsync(RUN, "failing");

        assertThat(results)
                .hasSize(2)
                .hasEntrySatisfying("thisFails", failure -> assertThat(failure).contains("is 1, and should be 2"))
                .hasEntrySatisfying(
                        "thisFailsLater", failure -> assertThat(failure).contains("later"));
    }
}
