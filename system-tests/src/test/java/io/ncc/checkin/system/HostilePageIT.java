package io.ncc.checkin.system;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import io.lettuce.core.XGroupCreateArgs;
import io.lettuce.core.XReadArgs.StreamOffset;
import io.ncc.checkin.api.ApiApplication;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.receiver.ReceiverApplication;
import io.ncc.checkin.testsupport.RealRedis;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.context.ConfigurableApplicationContext;

/** A page of another site, in a browser on the machine of the services: nothing is done, and nothing is read. Where the page is allowed, the same is done. */
@Timeout(120)
final class HostilePageIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final Keys KEYS = Keys.unpartitioned();
    private static final String EVIL = "evil.example";
    private static final String SECRET = "ada@example.org";

    private static HttpServer hostile;
    private static Browser browser;
    private static ConfigurableApplicationContext receiver;
    private static ConfigurableApplicationContext api;

    @BeforeAll
    static void start() throws IOException {
        hostile = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        hostile.createContext("/", exchange -> {
            byte[] page = "<!DOCTYPE html><title>hostile</title><body></body>".getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().set("Content-Type", "text/html");
            exchange.sendResponseHeaders(200, page.length);
            exchange.getResponseBody().write(page);
            exchange.close();
        });
        hostile.start();
        receiver = ReceiverApplication.run(settings());
        api = ApiApplication.run(settings("--checkin.api.receiver-base-url=http://localhost:" + port(receiver)));
        browser = Browser.start(EVIL);
    }

    @AfterAll
    static void stop() {
        browser.close();
        api.close();
        receiver.close();
        hostile.stop(0);
    }

    private static String[] settings(String... more) {
        List<String> all = new ArrayList<>(List.of("--server.port=0", "--spring.data.redis.url=" + redis.uri()));
        all.addAll(List.of(more));
        return all.toArray(String[]::new);
    }

    private static String page() {
        return "http://" + EVIL + ':' + hostile.getAddress().getPort() + '/';
    }

    private static int port(ConfigurableApplicationContext service) {
        return service.getEnvironment().getRequiredProperty("local.server.port", Integer.class);
    }

    @BeforeEach
    void fill() {
        redis.commands().flushall();
        redis.commands().hset(KEYS.user(1), Map.of("id", "1", "firstName", "Ada", "email", SECRET, "numCheckins", "0"));
        redis.commands()
                .xgroupCreate(StreamOffset.from(KEYS.checkins(), "0-0"), "victim", XGroupCreateArgs.Builder.mkstream());
        redis.commands().xadd(KEYS.checkins(), "userId", "1", "locationId", "1", "starRating", "5");
        redis.commands().xadd(KEYS.deadLetters(), new Object[] {
            "originalId", "5-0", "reason", "broken", "deliveries", "1", "consumer", "c", "fields", "1", "userId", "x"
        });
    }

    /** What can be changed, in a form that a page can send without a preflight, and in one that it can't. */
    private static void attack(String receiverUrl, String apiUrl) {
        String checkin = "{\"userId\":1,\"locationId\":1,\"starRating\":5}";
        browser.runAsync("""
                const [receiver, api, checkin] = arguments;
                const attempts = [];
                const send = (url, init) => attempts.push(fetch(url, init).catch(() => null));
                for (const mode of ['cors', 'no-cors']) {
                  send(api + '/dead-letters/replay', {method: 'POST', mode});
                  send(api + '/console/checkins', {method: 'POST', mode, body: checkin});
                  send(api + '/groups/victim/consumers/x/pull?ack=auto', {method: 'POST', mode});
                  send(receiver + '/checkins', {method: 'POST', mode, body: checkin});
                  send(receiver + '/checkins/batch', {method: 'POST', mode, body: checkin});
                }
                send(receiver + '/checkins', {method: 'POST', body: checkin, headers: {'Content-Type': 'application/json'}});
                send(api + '/console/checkins', {method: 'POST', body: checkin, headers: {'Content-Type': 'application/json'}});
                send(api + '/groups/x?from=0', {method: 'PUT'});
                send(api + '/groups/victim', {method: 'DELETE'});
                navigator.sendBeacon(receiver + '/checkins', checkin);
                for (const url of [api + '/dead-letters/replay', api + '/groups/victim/consumers/y/pull?ack=auto', receiver + '/checkins']) {
                  const frame = document.body.appendChild(document.createElement('iframe'));
                  frame.name = 'f' + Math.random();
                  const form = document.body.appendChild(document.createElement('form'));
                  Object.assign(form, {method: 'post', action: url, target: frame.name, enctype: 'text/plain'});
                  const field = form.appendChild(document.createElement('input'));
                  field.name = '{"userId":1,"locationId":1,"starRating":5,"x":"';
                  field.value = '"}';
                  attempts.push(new Promise(done => { frame.onload = done; }));
                  form.submit();
                }
                await Promise.race([Promise.all(attempts), new Promise(done => setTimeout(done, 3000))]);
                """, receiverUrl, apiUrl, checkin);
    }

    private static Map<String, String> everything() {
        Map<String, String> all = new TreeMap<>();
        redis.commands()
                .keys("*")
                .forEach(key -> all.put(
                        key,
                        Base64.getEncoder()
                                .encodeToString(
                                        Objects.requireNonNull(redis.commands().dump(key)))));
        return all;
    }

    @ParameterizedTest
    @ValueSource(strings = {"localhost", "127.0.0.1"})
    void itChangesNothing(String host) {
        Map<String, String> before = everything();
        browser.open(page());
        attack("http://" + host + ':' + port(receiver), "http://" + host + ':' + port(api));
        assertThat(everything()).isEqualTo(before);
    }

    /** Or the attacks might be none. */
    @Test
    void whereItIsAllowedTheSameIsDone() {
        String allowed = "--checkin.security.allowed-origins=" + page().substring(0, page().length() - 1);
        try (ConfigurableApplicationContext openReceiver = ReceiverApplication.run(settings(allowed));
                ConfigurableApplicationContext openApi = ApiApplication.run(settings(allowed))) {
            browser.open(page());
            attack("http://localhost:" + port(openReceiver), "http://localhost:" + port(openApi));
        }
        assertThat(redis.commands().xlen(KEYS.deadLetters())).isZero();
        assertThat(redis.commands().xlen(KEYS.checkins())).isGreaterThan(2);
        assertThat(redis.commands().xinfoGroups(KEYS.checkins()).toString()).doesNotContain("victim");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/users/1", "/console/sample", "/"})
    void itReadsNothing(String path) {
        browser.open(page());
        List<String> seen = browser.runAsync("""
                const [url] = arguments;
                const seen = [];
                for (const mode of ['cors', 'no-cors']) {
                  await fetch(url, {mode}).then(answer => answer.text()).then(text => seen.push(text), () => {});
                }
                await new Promise(done => {
                  const script = document.createElement('script');
                  script.onload = script.onerror = done;
                  script.src = url;
                  document.head.append(script);
                });
                return seen;
                """, "http://localhost:" + port(api) + path);
        assertThat(seen).allSatisfy(text -> assertThat(text).isEmpty());
    }

    /** The name of the page's site resolves to this machine, so the browser takes the service for that site. */
    @Test
    void aSiteWhoseNameResolvesToThisMachineIsNotServed() {
        browser.open("http://" + EVIL + ':' + port(api) + "/users/1");
        assertThat(browser.driver().getPageSource())
                .contains("misdirected-request")
                .doesNotContain(SECRET);
        browser.open("http://localhost:" + port(api) + "/users/1");
        assertThat(browser.driver().getPageSource()).contains(SECRET);
    }

    @ParameterizedTest
    @ValueSource(strings = {"/", "/users/1", "/docs/index.html", "/dead-letters"})
    void nothingIsShownInItsFrames(String path) {
        browser.open(page());
        browser.runAsync("""
                const [url] = arguments;
                const frame = document.body.appendChild(document.createElement('iframe'));
                const loaded = new Promise(done => { frame.onload = done; });
                frame.src = url;
                await loaded;
                """, "http://localhost:" + port(api) + path);
        browser.driver().switchTo().frame(0);
        try {
            assertThat(browser.<String>run("return location.href")).startsWith("chrome-error:");
        } finally {
            browser.driver().switchTo().defaultContent();
        }
        assertThat(browser.messages()).anySatisfy(message -> assertThat(message).contains("frame-ancestors"));
    }

    @Test
    void theDocumentationWorksUnderItsPolicy() {
        for (ConfigurableApplicationContext service : List.of(receiver, api)) {
            browser.messages().clear();
            browser.open("http://localhost:" + port(service) + "/docs");
            browser.awaitTrue("document.querySelectorAll('.opblock').length > 2");
            assertThat(browser.messages())
                    .allSatisfy(message -> assertThat(message).contains("/favicon.ico")); // which there isn't
        }
    }
}
