package io.ncc.checkin.system;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import io.lettuce.core.Range;
import io.lettuce.core.StreamMessage;
import io.ncc.checkin.api.ApiApplication;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.testsupport.RandomCheckins;
import io.ncc.checkin.testsupport.RealRedis;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.springframework.context.ConfigurableApplicationContext;

/** A page of another origin, which the API server allows, follows the stream with {@code EventSource}. */
@Timeout(120)
final class EventSourceIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final String STREAM = Keys.unpartitioned().checkins();
    private static final String USER = "7";
    private static final int RELOADS = 5;

    /** Keeps what it has seen in the browser's storage. After a reload it goes on after the last event. */
    private static final String PAGE = """
            <!DOCTYPE html><title>follows</title><script>
            for (const [name, filter] of [['all', ''], ['some', '&userId=USER']]) {
              const seen = JSON.parse(localStorage.getItem(name) ?? '[]');
              const keep = (what, last) => {
                seen.push(what);
                localStorage.setItem(name, JSON.stringify(seen));
                localStorage.setItem(name + ' last', last);
              };
              const last = localStorage.getItem(name + ' last') ?? '0-0';
              const source = new EventSource('http://localhost:PORT/checkins/stream?lastEventId=' + last + filter);
              source.onmessage = event => keep(JSON.parse(event.data).id, event.lastEventId);
              source.addEventListener('gap', event => keep('gap', event.lastEventId));
            }
            </script>""";

    private static HttpServer site;
    private static ConfigurableApplicationContext api;
    private static Browser browser;

    @BeforeAll
    static void start() throws IOException {
        site = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        String origin = "http://localhost:" + site.getAddress().getPort();
        api = ApiApplication.run(
                "--server.port=0",
                "--spring.data.redis.url=" + redis.uri(),
                "--checkin.security.allowed-origins=" + origin);
        byte[] page = PAGE.replace("USER", USER)
                .replace("PORT", api.getEnvironment().getRequiredProperty("local.server.port"))
                .getBytes(StandardCharsets.UTF_8);
        site.createContext("/", exchange -> {
            exchange.getResponseHeaders().set("Content-Type", "text/html");
            exchange.sendResponseHeaders(200, page.length);
            exchange.getResponseBody().write(page);
            exchange.close();
        });
        site.start();
        browser = Browser.start();
        browser.open(origin);
    }

    @AfterAll
    static void stop() {
        browser.close();
        api.close();
        site.stop(0);
    }

    @Test
    void aPageThatIsReloadedWhileCheckinsComeMissesNoneWithAndWithoutAFilter() throws InterruptedException {
        var checkins = new RandomCheckins(1, 10, 5);
        var isReloaded = new AtomicBoolean();
        Thread writer = new Thread(() -> {
            while (!isReloaded.get()) {
                checkins.append(redis.commands(), 5);
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
            }
        });
        writer.setDaemon(true);
        writer.start();
        for (int i = 0; i < RELOADS; i++) {
            long before = seen("all").size();
            browser.awaitTrue("JSON.parse(localStorage.getItem('all') ?? '[]').length > arguments[0]", before);
            browser.driver().navigate().refresh();
        }
        isReloaded.set(true);
        writer.join();
        List<StreamMessage<String, String>> entries = redis.commands().xrange(STREAM, Range.unbounded());
        List<String> all = entries.stream().map(StreamMessage::getId).toList();
        List<String> some = entries.stream()
                .filter(entry -> USER.equals(entry.getBody().get("userId")))
                .map(StreamMessage::getId)
                .toList();
        browser.awaitTrue("localStorage.getItem('all').includes(arguments[0])", all.get(all.size() - 1));
        browser.awaitTrue("localStorage.getItem('some').includes(arguments[0])", some.get(some.size() - 1));
        assertThat(seen("all")).isEqualTo(all);
        assertThat(seen("some")).isEqualTo(some);
    }

    private static List<String> seen(String name) {
        return browser.run("return JSON.parse(localStorage.getItem(arguments[0]) ?? '[]')", name);
    }
}
