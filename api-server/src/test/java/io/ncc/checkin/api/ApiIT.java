package io.ncc.checkin.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lettuce.core.Consumer;
import io.lettuce.core.XAddArgs;
import io.lettuce.core.XReadArgs.StreamOffset;
import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.CheckinCodec;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.testsupport.HttpAnswer;
import io.ncc.checkin.testsupport.RawAnswer;
import io.ncc.checkin.testsupport.RawConnection;
import io.ncc.checkin.testsupport.RealRedis;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.context.ConfigurableApplicationContext;
import tools.jackson.databind.JsonNode;

@Timeout(60)
final class ApiIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final Keys KEYS = Keys.unpartitioned();

    private static ConfigurableApplicationContext api;
    private static String url;

    @BeforeAll
    static void start() {
        api = ApiApplication.run(
                "--server.port=0",
                "--spring.data.redis.host=" + redis.host(),
                "--spring.data.redis.port=" + redis.port(),
                "--spring.data.redis.timeout=500ms"); // so that a busy machine stays below the two seconds
        url = "http://localhost:" + api.getEnvironment().getRequiredProperty("local.server.port");
    }

    @AfterAll
    static void stop() {
        api.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"/users/789", "/api/user/789"})
    void aUserIsItsListedFieldsAndNumbersAreNumbers(String path) {
        redis.commands()
                .hset(
                        KEYS.user(789),
                        Map.of(
                                "id",
                                "789",
                                "firstName",
                                "Ada",
                                "lastName",
                                "Lovelace",
                                "email",
                                "ada@example.com",
                                "password",
                                "$2a$10$secret",
                                "numCheckins",
                                "3",
                                "lastCheckin",
                                "1609602085397",
                                "lastSeenAt",
                                "171"));
        HttpAnswer answer = HttpAnswer.get(url + path);
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.body())
                .isEqualTo("{\"id\":789,\"firstName\":\"Ada\",\"lastName\":\"Lovelace\",\"email\":\"ada@example.com\","
                        + "\"numCheckins\":3,\"lastCheckin\":1609602085397,\"lastCheckinId\":null,\"lastSeenAt\":171}");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/users/789/fullname", "/api/user/789/fullname"})
    void aFullNameIsWhatTheUserHasOfIt(String path) {
        redis.commands().hset(KEYS.user(789), Map.of("firstName", "Ada", "lastName", "Lovelace"));
        assertThat(HttpAnswer.get(url + path).body()).isEqualTo("{\"fullName\":\"Ada Lovelace\"}");
        redis.commands().hdel(KEYS.user(789), "lastName");
        assertThat(HttpAnswer.get(url + path).body()).isEqualTo("{\"fullName\":\"Ada\"}");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/locations/171", "/api/location/171"})
    void aLocationIsItsListedFields(String path) {
        redis.commands()
                .hset(
                        KEYS.location(171),
                        Map.of(
                                "id",
                                "171",
                                "name",
                                "Bar",
                                "category",
                                "bar",
                                "location",
                                "-122.27,37.80",
                                "numCheckins",
                                "4",
                                "numStars",
                                "15",
                                "averageStars",
                                "4",
                                "secret",
                                "x"));
        assertThat(HttpAnswer.get(url + path).body())
                .isEqualTo("{\"id\":171,\"name\":\"Bar\",\"category\":\"bar\",\"location\":\"-122.27,37.80\","
                        + "\"numCheckins\":4,\"numStars\":15,\"averageStars\":4}");
    }

    @Test
    void whatAnotherProgramWroteInAnotherFormIsShownAsUnknown() {
        redis.commands().hset(KEYS.user(1), Map.of("numCheckins", "nan", "lastSeenAt", "here"));
        JsonNode user = HttpAnswer.get(url + "/users/1").json();
        assertThat(user.get("id").asLong()).isEqualTo(1);
        assertThat(user.get("numCheckins").isNull()).isTrue();
        assertThat(user.get("lastSeenAt").isNull()).isTrue();
    }

    @ParameterizedTest
    @CsvSource({
        "/users/5, 404, not-found",
        "/users/5/fullname, 404, not-found",
        "/locations/5, 404, not-found",
        "/checkins/latest, 404, not-found",
        "/stream/groups/none/consumers, 404, not-found",
        "/nowhere, 404, not-found",
        "/users/0, 400, invalid-request",
        "/users/x, 400, invalid-request",
        "/users/0x10, 400, invalid-request",
        "/users/%2B5, 400, invalid-request",
        "/users/9223372036854775808, 400, invalid-request",
        "/locations/-1, 400, invalid-request",
        "/locations/1.5/, 404, not-found",
        "/checkins/a/5, 400, invalid-request",
        "/checkins/5/b, 400, invalid-request",
        "/checkins/5/4, 400, invalid-request",
        "/checkins/-1/4, 400, invalid-request",
    })
    void whatIsNotThereOrNotValidIsAProblem(String path, int status, String type) {
        HttpAnswer answer = HttpAnswer.get(url + path);
        assertThat(answer.status()).isEqualTo(status);
        assertThat(answer.header("Content-Type")).isEqualTo("application/problem+json");
        assertThat(answer.problemType()).isEqualTo(type);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "GET    | /checkins?form=1                    | form   | is not known: there are from, to, limit, order, cursor",
                "GET    | /checkins?userId=5                  | userId | is not known: there are from, to, limit, order, cursor",
                "GET    | /checkins?limit=1&limit=2           | limit  | must be given once",
                "GET    | /checkins/latest?x                  | x      | is not known: there are no query parameters here",
                "GET    | /checkins/stream?userid=5           | userid | is not known: there are lastEventId, userId, locationId",
                "GET    | /users/1?wait=5s                    | wait   | goes with after",
                "GET    | /locations/1?aftr=1-1               | aftr   | is not known: there are after, wait",
                "POST   | /dead-letters/replay?reasn=x        | reasn  | is not known: there are group, reason, after",
                "PUT    | /groups/g?form=0                    | form   | is not known: there are from",
                "DELETE | /groups/g?force=true                | force  | is not known: there are no query parameters here",
                "POST   | /groups/g/consumers/c/pull?cuont=5  | cuont  | is not known: there are count, wait, ack, claimAfter, own",
            })
    void aQueryParameterThatTheRouteDoesNotHaveIsRefused(String method, String path, String name, String message) {
        HttpAnswer answer = send(method + ' ' + path);
        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.json().get("errors").toString())
                .isEqualTo("[{\"parameter\":\"" + name + "\",\"message\":\"" + message + "\"}]");
    }

    /** An Accept with a parameter is left to the controllers. */
    @ParameterizedTest
    @CsvSource({
        "/users/6, 200",
        "/users/7, 404",
        "/users/999999999999999999, 404",
        "/users/9223372036854775807, 404",
        "/users/06, 400",
        "/locations/6, 200",
        "/locations/7, 404",
        "/checkins/latest, 404",
        "/checkins/latest/, 404",
    })
    void aPlainReadIsAnsweredLikeOneOfTheControllers(String path, int status) throws IOException {
        redis.commands().hset(KEYS.user(6), "numCheckins", "1");
        redis.commands().hset(KEYS.location(6), "numCheckins", "1");
        String get = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n";
        RawAnswer byController = raw(get + "Accept: application/json;q=0.9\r\n");
        assertThat(byController.status()).isEqualTo(status);
        for (String accept : List.of("", "Accept: */*\r\n", "Accept: application/json\r\n")) {
            assertThat(raw(get + accept))
                    .usingRecursiveComparison()
                    .ignoringFields("headers.date")
                    .isEqualTo(byController);
        }
    }

    @Test
    void aPlainReadPassesTheFiltersOfAllRequests() throws IOException {
        String twice = "GET /users/6 HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: 1-0\r\nLast-Event-ID: 2-0\r\n";
        assertThat(raw(twice).status()).isEqualTo(400);
    }

    @Test
    void aPlainReadIsTimedAsItsRoute() {
        double before = timed("/users/{id}");
        HttpAnswer.get(url + "/users/8");
        await().untilAsserted(() -> assertThat(timed("/users/{id}")).isEqualTo(before + 1));
    }

    private static double timed(String route) {
        return HttpAnswer.get(url + "/actuator/prometheus")
                .body()
                .lines()
                .filter(line ->
                        line.startsWith("http_server_requests_seconds_count") && line.contains("uri=\"" + route + '"'))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .sum();
    }

    /** Tomcat refuses them unless it is told not to. */
    @Test
    void theCharactersThatABrowserLeavesInAQueryAreTaken() throws IOException {
        redis.commands().xadd(KEYS.deadLetters(), Map.of("a", "b"));
        String reason = "userId%20is%20not%20from%201%20to%202^63-1%20`{|}[]\\";
        assertThat(raw("POST /dead-letters/replay?reason=" + reason + " HTTP/1.1\r\nHost: localhost\r\n")
                        .status())
                .isEqualTo(200);
    }

    @Test
    void theCharactersThatABrowserLeavesInAPathAreTaken() throws IOException {
        String path = "/api/locations/bycategory/a|[b]^";
        RawAnswer answer = raw("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n");
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.json()).isEmpty();
        assertThat(raw("GET /nowhere/a|[b]^ HTTP/1.1\r\nHost: localhost\r\n").problemType())
                .isEqualTo("not-found");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "GET /users?email=50%zz                   | is not percent-encoded UTF-8",
                "GET /users?email=%ff%fe                  | is not percent-encoded UTF-8",
                "POST /dead-letters/replay?reason=100%    | is not percent-encoded UTF-8",
                "GET /users?=5                            | has a parameter without a name, or too many parameters",
            })
    void aQueryThatCanNotBeReadIsNamed(String line, String message) throws IOException {
        RawAnswer answer = raw(line + " HTTP/1.1\r\nHost: localhost\r\n");
        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.problemType()).isEqualTo("invalid-request");
        assertThat(answer.json().get("errors").toString())
                .isEqualTo("[{\"parameter\":\"query\",\"message\":\"" + message + "\"}]");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "Sec-Fetch-Site: cross-site   | 403",
                "Sec-Fetch-Site: same-site    | 403",
                "Sec-Fetch-Site: same-origin  | 201",
                "Sec-Fetch-Site: none         | 201",
                "Origin: http://evil.example  | 403",
                "Origin: null                 | 403",
                "Origin: http://localhost     | 201",
                "Origin: https://LOCALHOST    | 201",
                "Accept: */*                  | 201",
            })
    void aPageOfAnotherSiteChangesNothing(String header, int status) throws IOException {
        assertThat(raw("PUT /groups/g HTTP/1.1\r\nHost: localhost\r\n" + header + "\r\n")
                        .status())
                .isEqualTo(status);
        assertThat(redis.commands().exists(KEYS.checkins())).isEqualTo(status == 201 ? 1 : 0);
        for (String change : List.of(
                "POST /dead-letters/replay",
                "DELETE /dead-letters/1-1",
                "DELETE /groups/none",
                "POST /groups/none/consumers/one/pull?ack=auto",
                "POST /nowhere")) {
            RawAnswer answer = raw(change + " HTTP/1.1\r\nHost: localhost\r\n" + header + "\r\n");
            if (status == 403) {
                assertThat(answer.status()).isEqualTo(403);
                assertThat(answer.problemType()).isEqualTo("foreign-page");
            } else {
                assertThat(answer.status()).isNotEqualTo(403);
            }
        }
        assertThat(raw("GET /stream/groups HTTP/1.1\r\nHost: localhost\r\n" + header + "\r\n")
                        .status())
                .isEqualTo(200);
    }

    /** @param head without the empty line */
    private static RawAnswer raw(String head) throws IOException {
        try (var connection = new RawConnection(URI.create(url).getPort())) {
            connection.send(RawConnection.bytes(head + "Connection: close\r\nContent-Length: 0\r\n\r\n"));
            return Objects.requireNonNull(connection.read());
        }
    }

    @Test
    void anInvalidParameterIsNamed() {
        assertThat(HttpAnswer.get(url + "/users/x")
                        .json()
                        .get("errors")
                        .get(0)
                        .get("parameter")
                        .asString())
                .isEqualTo("id");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/checkins/latest", "/api/checkins/latest"})
    void theLatestIsTheHighestIdThatIsACheckin(String path) {
        add("1000-0", 1, 2, 3);
        add("1000-1", 4, 5, 0);
        for (int i = 1; i <= 1500; i++) {
            redis.commands().xadd(KEYS.checkins(), new XAddArgs().id("2000-" + i), Map.of("not", "a checkin"));
        }
        assertThat(HttpAnswer.get(url + path).body())
                .isEqualTo("{\"id\":\"1000-1\",\"timestamp\":1000,\"userId\":4,\"locationId\":5,\"starRating\":0}");
    }

    @Test
    void aStreamWithoutAnyCheckinHasNoLatest() {
        redis.commands().xadd(KEYS.checkins(), Map.of("not", "a checkin"));
        assertThat(HttpAnswer.get(url + "/checkins/latest").status()).isEqualTo(404);
    }

    @ParameterizedTest
    @ValueSource(strings = {"/checkins/1000/1001", "/api/checkins/1000/1001"})
    void aRangeIncludesBothOfItsEndsWithAllTheirSequenceNumbers(String path) {
        add("999-5", 1, 1, 1);
        add("1000-0", 1, 1, 1);
        add("1001-18446744073709551615", 1, 1, 1);
        add("1002-0", 1, 1, 1);
        assertThat(HttpAnswer.get(url + path)
                        .json()
                        .valueStream()
                        .map(checkin -> checkin.get("id").asString()))
                .containsExactly("1000-0", "1001-18446744073709551615");
    }

    @Test
    void aRangeHasAtMostAThousand() {
        for (int i = 1; i <= 1001; i++) {
            add("1000-" + i, 1, 1, 1);
        }
        JsonNode range = HttpAnswer.get(url + "/checkins/0/9999").json();
        assertThat(range).hasSize(1000);
        assertThat(range.get(999).get("id").asString()).isEqualTo("1000-1000");
    }

    @Test
    @SuppressWarnings("unchecked") // of Lettuce's generic varargs
    void theConsumersOfAGroupAreListedWithTheirPendingEntries() {
        add("1000-0", 1, 1, 1);
        redis.commands().xgroupCreate(StreamOffset.from(KEYS.checkins(), "0"), Keys.GROUP);
        redis.commands().xreadgroup(Consumer.from(Keys.GROUP, "one"), StreamOffset.lastConsumed(KEYS.checkins()));
        JsonNode consumers = HttpAnswer.get(url + "/stream/groups/checkinConsumers/consumers")
                .json();
        assertThat(consumers).hasSize(1);
        assertThat(consumers.get(0).get("name").asString()).isEqualTo("one");
        assertThat(consumers.get(0).get("pending").asLong()).isEqualTo(1);
        assertThat(consumers.get(0).get("idle").asLong()).isBetween(0L, 60_000L);
    }

    @Test
    void whileRedisIsStoppedEveryRouteSaysSoAndRecoversByItself() {
        redis.stop();
        for (String route : List.of(
                "GET /users/1",
                "GET /api/user/1",
                "GET /users/1/fullname",
                "GET /users/1?after=1-1&wait=5s",
                "GET /locations/1",
                "GET /api/location/1",
                "GET /locations/1?after=1-1&wait=5s",
                "GET /checkins/latest",
                "GET /api/checkins/latest",
                "GET /checkins",
                "GET /checkins/0/1",
                "GET /api/checkins/0/1",
                "GET /checkins/1-1",
                "GET /stream",
                "GET /stream/groups",
                "GET /stream/groups/g/consumers",
                "GET /stream/groups/g/pending",
                "GET /dead-letters",
                "GET /dead-letters/1-1",
                "POST /dead-letters/1-1/replay",
                "POST /dead-letters/replay",
                "DELETE /dead-letters/1-1",
                "PUT /groups/g",
                "DELETE /groups/g",
                "DELETE /groups/g/consumers/c",
                "POST /groups/g/consumers/c/pull",
                "POST /groups/g/consumers/c/pull?wait=5s&ack=auto",
                "POST /groups/g/ack")) { // GET /checkins/stream is answered: it goes on when Redis is back
            long start = System.nanoTime();
            HttpAnswer answer = send(route);
            assertThat(Duration.ofNanos(System.nanoTime() - start)).as(route).isLessThan(Duration.ofSeconds(2));
            assertThat(answer.status()).as(route).isEqualTo(503);
            assertThat(answer.header("Retry-After")).isEqualTo("1");
            assertThat(answer.problemType()).isEqualTo("redis-unavailable");
        }
        redis.start();
        await().atMost(Duration.ofSeconds(10))
                .until(() -> HttpAnswer.get(url + "/users/1").status() == 404);
    }

    @Test
    void aServerThatDoesNotAnswerIsAProblemWithinTwoSeconds() {
        redis.pause();
        long start = System.nanoTime();
        assertThat(HttpAnswer.get(url + "/users/1").status()).isEqualTo(503);
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(2));
        redis.resume();
        await().atMost(Duration.ofSeconds(10))
                .until(() -> HttpAnswer.get(url + "/users/1").status() == 404);
    }

    private static HttpAnswer send(String route) {
        int space = route.indexOf(' ');
        return HttpAnswer.send(HttpRequest.newBuilder(URI.create(url + route.substring(space + 1)))
                .header("Content-Type", "application/json")
                .method(
                        route.substring(0, space),
                        route.endsWith("/ack")
                                ? BodyPublishers.ofString("{\"ids\":[\"1-1\"]}")
                                : BodyPublishers.noBody()));
    }

    private static void add(String id, long user, long location, int stars) {
        redis.commands()
                .xadd(KEYS.checkins(), new XAddArgs().id(id), CheckinCodec.encode(new Checkin(user, location, stars)));
    }
}
