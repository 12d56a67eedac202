package io.ncc.checkin.api;

import static io.ncc.checkin.api.ContractObserver.CONTRACT;
import static io.ncc.checkin.api.StreamFixture.KEYS;
import static org.assertj.core.api.Assertions.assertThat;

import io.lettuce.core.XTrimArgs;
import io.ncc.checkin.testsupport.RandomCheckins;
import io.ncc.checkin.testsupport.RawAnswer;
import io.ncc.checkin.testsupport.RawConnection;
import io.ncc.checkin.testsupport.RealRedis;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Whatever is sent, the answer is no 500, and every error is a problem. {@code -Dfuzz.seed=} repeats a run, {@code -Dfuzz.requests=} makes it longer. */
@Timeout(600)
final class ApiFuzzIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final Logger log = LoggerFactory.getLogger(ApiFuzzIT.class);
    private static final int REQUESTS = Integer.getInteger("fuzz.requests", 2_000);

    private static final String IN_QUERY = "query ";

    /** Among so many there are some of the answers that are rare. */
    private static final int MANY = 20_000;

    private static final StreamFixture stream = new StreamFixture(redis);
    private static final List<String> METHODS =
            List.of("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "BREW");

    /** The query parameters of each route. A star in a route stands for any value. */
    private static final Map<String, List<String>> ROUTES = routes();

    private static final List<String> PARAMETERS = Stream.concat(
                    Stream.of("x"), ROUTES.values().stream().flatMap(List::stream))
            .distinct()
            .toList();
    private static final List<String> USUAL_VALUES = usualValues();
    private static final List<String> VALUES = List.of(
            "",
            "0",
            "1",
            "-1",
            "789",
            "1000",
            "1001",
            "9223372036854775807",
            "9223372036854775808",
            "18446744073709551615",
            "0-0",
            "1000-0",
            "1000-1",
            "1000-*",
            "18446744073709551615-18446744073709551615",
            "18446744073709551616-0",
            "9223372036854775807-18446744073709551615",
            "(1000-0",
            "-",
            "%2B",
            "$",
            "*",
            ">",
            "g",
            "one",
            "checkinConsumers",
            "latest",
            "asc",
            "desc",
            "auto",
            "manual",
            "1ms",
            "100ms",
            "-5s",
            "9223372036854775807d",
            "2021-01-02T15:41:25Z",
            "%2B999999999-12-31T23:59:59.999999999Z",
            "-999999999-01-01T00:00:00Z",
            "nan",
            "1e9",
            "0x10",
            "null",
            "%00",
            "%0d%0aX-Injected:%201",
            "%C3%A9",
            "%ff%fe",
            "%F0%9F%98%80",
            "%",
            "%zz",
            "%2F",
            "%2e%2e",
            "..",
            ";a=b",
            "a;b",
            "\\",
            "{}",
            "<script>",
            "'",
            "\"",
            "é",
            "x".repeat(300),
            "9".repeat(300));
    private static final List<String> BODIES = List.of(
            "",
            "{}",
            "[]",
            "null",
            "{\"ids\":[\"1000-0\"]}",
            "{\"ids\":[\"1000-0\",\"18446744073709551615-18446744073709551615\"]}",
            "{\"ids\":[]}",
            "{\"ids\":[null]}",
            "{\"ids\":null}",
            "{\"ids\":{\"a\":1}}",
            "{\"ids\":[[1]]}",
            "{\"ids\":[1.5e400]}",
            "{\"ids\":[\"\\ud800\"]}",
            "{\"ids\":[\"1-1\"],\"ids\":[\"1-1\"]}",
            "[".repeat(2_000),
            "{\"ids\":[\"" + "9".repeat(3_000) + "\"]}",
            "{\"ids",
            "\u0000");
    private static final List<String> TYPES = List.of(
            "application/json",
            "application/json",
            "text/plain",
            "application/problem+json",
            "*/*",
            "text/event-stream",
            "x",
            "a/b;c",
            "application/xml");

    private static ApiServer api;

    private final long seed = Long.getLong("fuzz.seed", System.nanoTime());
    private final Random random = new Random(seed);

    private static Map<String, List<String>> routes() {
        Map<String, List<String>> routes = new TreeMap<>();
        routes.put("GET /*", List.of());
        CONTRACT.routes()
                .forEach((route, declared) -> routes.put(
                        route.replaceAll("[{][^/]+}", "*"),
                        declared.parameters().keySet().stream()
                                .filter(parameter -> parameter.startsWith(IN_QUERY))
                                .map(parameter -> parameter.substring(IN_QUERY.length()))
                                .toList()));
        return routes;
    }

    /** Those that the contract has as examples, and those that mean something in this test. */
    private static List<String> usualValues() {
        Stream<String> examples = CONTRACT.routes().keySet().stream()
                .map(route -> route.split(" "))
                .flatMap(route -> CONTRACT.parameters(route[0], route[1]).stream())
                .flatMap(parameter -> Stream.concat(
                        Stream.of(parameter.path("example")),
                        parameter.at("/schema/enum").valueStream()))
                .map(value -> value.asString(""))
                .filter(value -> !value.isEmpty());
        return Stream.concat(
                        examples.map(value -> URLEncoder.encode(value, StandardCharsets.UTF_8)),
                        Stream.of("g", "one", "checkinConsumers", "789", "1", "0", "100", "1000-0", "1000-1", "10ms"))
                .distinct()
                .toList();
    }

    @BeforeAll
    static void start() {
        api = ApiServer.start(redis, "--checkin.api.max-wait=100ms", "--checkin.api.max-listeners=100000");
    }

    @AfterAll
    static void stop() {
        api.close();
    }

    @Test
    void nothingIsA500AndEveryErrorIsAProblem() throws IOException {
        log.info("{} requests from -Dfuzz.seed={}", REQUESTS, seed);
        prepare();
        Map<Integer, Integer> statuses = new TreeMap<>();
        for (int i = 0; i < REQUESTS; i++) {
            String route = oneOf(List.copyOf(ROUTES.keySet()));
            String method = random.nextInt(5) == 0 ? oneOf(METHODS) : route.substring(0, route.indexOf(' '));
            String request = request(method, route);
            RawAnswer answer = send(request);
            String which = "-Dfuzz.seed=" + seed + ", " + request;
            assertThat(answer.status()).as(which).isBetween(200, 599).isNotEqualTo(500);
            if (answer.isError() && !method.equals("HEAD")) {
                answer.requireProblem(which);
                assertThat(answer.body()).as(which).doesNotContain("io.ncc", "<script>");
            }
            assertThat(answer.headers()).as(which).doesNotContainKey("x-injected");
            statuses.merge(answer.status(), 1, Integer::sum);
        }
        log.info("Answers by status: {}", statuses);
        assertThat(statuses.keySet()).contains(200, 400, 404, 405); // it isn't all nonsense
        if (REQUESTS >= MANY) {
            assertThat(statuses.keySet()).contains(201, 204, 409);
        }
    }

    private static void prepare() {
        stream.add("1000-0", 789, 1, 1);
        stream.addOther("1000-1");
        new RandomCheckins(1, 5, 5).append(redis.commands(), 50);
        stream.createGroup();
        stream.createGroup("g", "0");
        stream.deliver("one", 5);
        stream.deliver("g", "one", 20);
        stream.setAsidePending("1000-1", "a reason");
        redis.commands().xadd(KEYS.deadLetters(), "a", "b");
        redis.commands().xtrim(KEYS.checkins(), XTrimArgs.Builder.minId("1000-1"));
        redis.commands().hset(KEYS.user(789), Map.of("id", "789", "numCheckins", "nan"));
        redis.commands().hset(KEYS.location(1), Map.of("id", "x"));
    }

    private <T> T oneOf(List<T> list) {
        return list.get(random.nextInt(list.size()));
    }

    private String value() {
        String value = oneOf(random.nextBoolean() ? USUAL_VALUES : VALUES);
        if (random.nextInt(10) == 0) { // something of a valid one is wrong
            int at = random.nextInt(value.length() + 1);
            value = value.substring(0, at) + (char) (33 + random.nextInt(94)) + value.substring(at);
        }
        return value;
    }

    private String request(String method, String route) {
        String path = route.substring(route.indexOf('/'));
        List<String> own = Objects.requireNonNull(ROUTES.get(route));
        StringBuilder target = new StringBuilder();
        for (int i = 0; i < path.length(); i++) {
            target.append(path.charAt(i) == '*' ? value() : String.valueOf(path.charAt(i)));
        }
        if (random.nextInt(20) == 0) {
            target.append(oneOf(List.of("/", "//", "/..", "/%2e%2e/", "#a", "?", "??", "/x")));
        }
        int parameters = random.nextInt(4);
        for (int i = 0; i < parameters; i++) {
            target.append(i == 0 ? '?' : '&').append(oneOf(own.isEmpty() || random.nextInt(4) == 0 ? PARAMETERS : own));
            if (random.nextInt(10) > 0) {
                target.append('=').append(value());
            }
        }
        StringBuilder request = new StringBuilder(method)
                .append(' ')
                .append(target)
                .append(" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
        if (random.nextInt(4) == 0) {
            request.append("Accept: ").append(oneOf(TYPES)).append("\r\n");
        }
        if (random.nextInt(8) == 0) {
            request.append("Last-Event-ID: ").append(value()).append("\r\n");
        }
        String body = random.nextInt(3) == 0 || method.equals("POST") ? oneOf(BODIES) : "";
        if (!body.isEmpty()) {
            request.append("Content-Type: ").append(oneOf(TYPES)).append("\r\n");
        }
        return request.append("Content-Length: ")
                .append(body.length())
                .append("\r\n\r\n")
                .append(body)
                .toString();
    }

    /** Over a plain socket: no client would send such. */
    private static RawAnswer send(String request) throws IOException {
        try (var connection = new RawConnection(api.port())) {
            connection.send(RawConnection.bytes(request));
            return Objects.requireNonNull(connection.read(), request);
        } catch (SocketTimeoutException e) {
            throw new AssertionError("no answer to " + request, e);
        }
    }
}
