package io.ncc.checkin.receiver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.lettuce.core.StreamMessage;
import io.lettuce.core.XAddArgs;
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
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

@Timeout(60)
final class ReceiverIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final String STREAM = Keys.unpartitioned().checkins();
    private static final String VALID = "{\"userId\":789,\"locationId\":171,\"starRating\":5}";
    private static final Duration DEADLINE = Duration.ofSeconds(2);

    private static StartedReceiver receiver;
    private static String url;

    @BeforeAll
    static void start() {
        receiver = StartedReceiver.on(
                redis,
                "checkin.receiver.api-base-url=http://api.example:8081",
                "spring.data.redis.timeout=500ms"); // so that a busy machine stays below the deadline
        url = receiver.url("");
    }

    @AfterAll
    static void stop() {
        receiver.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"/checkins", "/api/checkin"})
    void anAcceptedCheckinIsInTheStreamUnderTheIdOfTheAnswer(String path) {
        HttpAnswer answer = HttpAnswer.post(url + path, VALID);

        assertThat(answer.status()).isEqualTo(202);
        String id = answer.json().get("id").asString();
        assertThat(answer.header("Location")).isEqualTo("http://api.example:8081/checkins/" + id);
        List<StreamMessage<String, String>> entries =
                redis.commands().xrevrange(STREAM, Range.unbounded(), Limit.from(10));
        assertThat(entries).singleElement().satisfies(entry -> {
            assertThat(entry.getId()).isEqualTo(id);
            assertThat(entry.getBody()).isEqualTo(Map.of("userId", "789", "locationId", "171", "starRating", "5"));
        });
    }

    @Test
    void withoutAnApiBaseUrlThereIsNoLocation() {
        try (StartedReceiver other = StartedReceiver.on(redis)) {
            HttpAnswer answer = other.post(VALID);
            assertThat(answer.status()).isEqualTo(202);
            assertThat(answer.header("Location")).isNull();
        }
    }

    @Test
    void theLargestIdsAreTaken() {
        String body = "{\"userId\":9223372036854775807,\"locationId\":1,\"starRating\":0}";
        assertThat(HttpAnswer.post(url + "/checkins", body).status()).isEqualTo(202);
        assertThat(redis.commands().xlen(STREAM)).isEqualTo(1);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{\"userId\":\"7x\",\"locationId\":171,\"starRating\":5}  | /userId     | must be an integer",
                "{\"userId\":7,\"locationId\":171,\"starRating\":\"5\"}     | /starRating | must be an integer",
                "{\"userId\":7.5,\"locationId\":171,\"starRating\":5}     | /userId     | must be an integer",
                "{\"userId\":true,\"locationId\":171,\"starRating\":5}    | /userId     | must be an integer",
                "{\"userId\":[7],\"locationId\":171,\"starRating\":5}     | /userId     | must be an integer",
                "{\"userId\":7,\"locationId\":{},\"starRating\":5}        | /locationId | must be an integer",
                "{\"userId\":0,\"locationId\":171,\"starRating\":5}       | /userId     | must be 1 or more",
                "{\"userId\":7,\"locationId\":-1,\"starRating\":5}        | /locationId | must be 1 or more",
                "{\"userId\":7,\"locationId\":171,\"starRating\":6}       | /starRating | must be from 0 to 5",
                "{\"userId\":7,\"locationId\":171,\"starRating\":-1}      | /starRating | must be from 0 to 5",
                "{\"userId\":7,\"locationId\":171}                        | /starRating | is required",
                "{\"userId\":null,\"locationId\":171,\"starRating\":5}    | /userId     | is required",
                "{\"userId\":7,\"locationId\":171,\"starRating\":5,\"x\":1} | /x        | is not a known member",
                "{\"userId\":9223372036854775808,\"locationId\":171,\"starRating\":5} | /userId | is out of range",
                "{\"userId\":7,\"locationId\":171,\"starRating\":99999999999}         | /starRating | is out of range",
                "{\"userId\":7,\"userId\":8,\"locationId\":171,\"starRating\":5} | /userId | is there more than once",
                "{\"userId\":7,\"locationId\":171,\"starRa                | `` | is not well-formed JSON at line 1, column 37",
                "{\"userId\":7,\"locationId\":171,\"starRating\":5} {}    | `` | must be one JSON object",
                "{                                                        | `` | is not well-formed JSON at line 1, column 2",
                "[]                                                       | `` | must be one JSON object",
                "true                                                     | `` | must be one JSON object",
                "7                                                        | `` | must be one JSON object",
                "null                                                     | `` | must be one JSON object",
                "``                                                       | `` | must be one JSON object"
            })
    void aBadBodyIsRefusedWithAPointerAndAppendsNothing(String body, String pointer, String message) {
        HttpAnswer answer = HttpAnswer.post(url + "/checkins", body);

        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.header("Content-Type")).isEqualTo("application/problem+json");
        JsonNode problem = answer.json();
        assertThat(problem.get("type").asString()).isEqualTo("urn:checkins:problem:invalid-request");
        assertThat(problem.get("errors")).hasSize(1);
        assertThat(problem.get("errors").get(0).get("pointer").asString()).isEqualTo(pointer);
        assertThat(problem.get("errors").get(0).get("message").asString()).isEqualTo(message);
        assertThat(redis.commands().exists(STREAM)).isZero();
    }

    /** A program whose numbers are not exact above 2^53 sends strings; one that has only decimals sends 5.0. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"9007199254740993\" | \"171\" | 5   | 9007199254740993 171 5",
                "789.0                | 1e3    | 5.0 | 789 1000 5"
            })
    void anIdMayBeAStringAndAnIntegerMayHaveAPoint(String user, String location, String stars, String stored) {
        String body = "{\"userId\":" + user + ",\"locationId\":" + location + ",\"starRating\":" + stars + '}';
        assertThat(receiver.post(body).status()).isEqualTo(202);
        assertThat(receiver.batch().post('[' + body + ']').status()).isEqualTo(202);
        assertThat(HttpAnswer.post(url + "/checkins/batch", "application/x-ndjson", body)
                        .status())
                .isEqualTo(202);
        assertThat(redis.commands().xrange(STREAM, Range.unbounded()))
                .hasSize(3)
                .allSatisfy(entry ->
                        assertThat(String.join(" ", entry.getBody().values())).isEqualTo(stored));
    }

    @Test
    void allMembersThatAreWrongAreNamed() {
        JsonNode errors = HttpAnswer.post(url + "/checkins", "{\"userId\":0,\"starRating\":9}")
                .json()
                .get("errors");
        assertThat(errors.valueStream().map(error -> error.get("pointer").asString()))
                .containsExactly("/userId", "/locationId", "/starRating");
    }

    @Test
    void aBodyOfAnotherMediaTypeIsRefused() {
        HttpAnswer answer = HttpAnswer.post(url + "/checkins", "text/plain", VALID);
        assertThat(answer.status()).isEqualTo(415);
        assertThat(answer.problemType()).isEqualTo("unsupported-media-type");
        assertThat(redis.commands().exists(STREAM)).isZero();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aBodyOverTheLimitIsRefusedWhetherItSaysItsLengthOrNot(boolean saysLength) {
        String body = VALID + " ".repeat(5_000);
        HttpAnswer answer =
                saysLength ? HttpAnswer.post(url + "/checkins", body) : HttpAnswer.postChunked(url + "/checkins", body);
        assertThat(answer.status()).isEqualTo(413);
        assertThat(answer.problemType()).isEqualTo("content-too-large");
        assertThat(redis.commands().exists(STREAM)).isZero();
    }

    @ParameterizedTest
    @ValueSource(strings = {"/checkins", "/api/checkin", "/checkins/batch"})
    void queryParametersAreRefused(String path) {
        HttpAnswer answer = HttpAnswer.post(url + path + "?durability=fsync", VALID);
        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.json().at("/errors/0/parameter").asString()).isEqualTo("durability");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/checkins", "/api/checkin", "/checkins/batch"})
    void aPageOfAnotherSiteIsRefused(String path) {
        HttpAnswer answer = HttpAnswer.to(url + path)
                .header("Sec-Fetch-Site", "cross-site")
                .header("Content-Type", "text/plain")
                .post(VALID);
        assertThat(answer.status()).isEqualTo(403);
        assertThat(answer.problemType()).isEqualTo("foreign-page");
    }

    @Test
    void otherMethodsAndPathsAreProblemsToo() {
        assertThat(HttpAnswer.get(url + "/checkins").status()).isEqualTo(405);
        assertThat(HttpAnswer.get(url + "/checkins").problemType()).isEqualTo("method-not-allowed");
        assertThat(HttpAnswer.get(url + "/nowhere").status()).isEqualTo(404);
        assertThat(HttpAnswer.get(url + "/nowhere").problemType()).isEqualTo("not-found");
        assertThat(HttpAnswer.get(url + "/nowhere").body()).doesNotContain("static resource");
    }

    @Test
    void whileRedisIsStoppedNothingIsAcceptedAndItRecoversByItself() {
        redis.stop();
        // the first request may still be on the wire when the connection breaks; from then on nothing is
        await().atMost(Duration.ofSeconds(10))
                .until(() -> refusedInTime().problemType().equals("redis-unavailable"));
        receiver.awaitReadiness(503);
        redis.start();
        await().atMost(Duration.ofSeconds(10))
                .until(() -> HttpAnswer.post(url + "/checkins", VALID).status() == 202);
        receiver.awaitReadiness(200);
    }

    @Test
    void healthThatIsAskedForAllTheTimeIsAskedOfRedisOnlyNowAndThen() {
        receiver.awaitReadiness(200);
        long before = redis.calls("xlen");
        long start = System.nanoTime();
        for (int i = 0; i < 100; i++) {
            assertThat(receiver.get(i % 2 == 0 ? "/actuator/health" : "/actuator/health/readiness")
                            .status())
                    .isEqualTo(200);
        }
        long millis = Duration.ofNanos(System.nanoTime() - start).toMillis();
        assertThat(redis.calls("xlen") - before).isLessThanOrEqualTo(1 + millis / 200);
    }

    @Test
    void whenRedisDoesNotAnswerTheOutcomeIsSaidToBeUnknown() {
        redis.pause();
        assertThat(refusedInTime().problemType()).isEqualTo("outcome-unknown");
        redis.resume();
        await().atMost(Duration.ofSeconds(10))
                .until(() -> HttpAnswer.post(url + "/checkins", VALID).status() == 202);
    }

    @Test
    void whenMemoryIsFullNothingIsAccepted() {
        redis.fillMemory();
        try {
            // the latter if it happened to look at the memory, as it does once a second
            assertThat(refusedInTime().problemType()).isIn("redis-out-of-memory", "memory-limit");
            assertThat(redis.commands().exists(STREAM)).isZero();
        } finally {
            redis.releaseMemory();
        }
        await().atMost(Duration.ofSeconds(10)).until(receiver::accepts);
    }

    @Test
    void aKeyOfAnotherTypeIsAnInternalErrorWithoutAnyText() {
        redis.commands().set(STREAM, "not a stream");
        HttpAnswer answer = HttpAnswer.post(url + "/checkins", VALID);
        assertThat(answer.status()).isEqualTo(500);
        assertThat(answer.problemType()).isEqualTo("internal-error");
        assertThat(answer.body()).doesNotContain("WRONGTYPE").doesNotContain("Exception");
    }

    @Test
    void theAnswerSaysItsLengthAndIsNotChunked() {
        HttpAnswer answer = HttpAnswer.post(url + "/checkins", VALID);
        assertThat(answer.status()).isEqualTo(202);
        assertThat(answer.header("Content-Type")).isEqualTo("application/json");
        assertThat(answer.header("Content-Length"))
                .isEqualTo(Integer.toString(answer.body().length()));
        assertThat(answer.header("Transfer-Encoding")).isNull();
    }

    @ParameterizedTest
    @ValueSource(strings = {"identity", "", "Identity, identity", " , "})
    void aCheckinThatIsSentAsItIsMaySaySo(String coding) {
        HttpAnswer answer = HttpAnswer.to(url + "/checkins")
                .header("Content-Encoding", coding)
                .post(VALID);
        assertThat(answer.status()).isEqualTo(202);
    }

    @Test
    void aCompressedCheckinIsRefused() {
        HttpAnswer answer = HttpAnswer.to(url + "/checkins")
                .header("Content-Encoding", "gzip")
                .post(VALID);
        assertThat(answer.status()).isEqualTo(415);
        assertThat(answer.header("Accept-Encoding")).isEqualTo("identity");
        assertThat(answer.problemType()).isEqualTo("unsupported-media-type");
        assertThat(redis.commands().exists(STREAM)).isZero();
    }

    @Test
    void aFullStreamTakesNothingUntilThereIsRoom() {
        try (StartedReceiver bounded = StartedReceiver.on(redis, "checkin.receiver.max-length=1000")) {
            String body = Stream.generate(() -> VALID).limit(999).toList().toString();
            assertThat(bounded.batch().post(body).status()).isEqualTo(202);
            assertThat(bounded.readiness()).isEqualTo(200);
            assertThat(bounded.batch().post("[" + VALID + ',' + VALID + ']').problemType())
                    .isEqualTo("stream-full");
            assertThat(redis.commands().xlen(STREAM)).isEqualTo(999);
            assertThat(bounded.accepts()).isTrue();

            bounded.assertRefuses("stream-full");
            bounded.awaitReadiness(503);

            redis.commands().xtrim(STREAM, 999);
            assertThat(bounded.accepts()).isTrue();
            bounded.assertRefuses("stream-full");
        }
    }

    @Test
    void overTheMemoryLimitNothingIsTakenUntilThereIsRoom() {
        long used = redis.commands()
                .info("memory")
                .lines()
                .filter(line -> line.startsWith("used_memory:"))
                .mapToLong(line -> Long.parseLong(line.substring("used_memory:".length())))
                .sum();
        try (StartedReceiver careful = StartedReceiver.on(redis, "checkin.receiver.max-memory-use=0.5")) {
            assertThat(careful.accepts()).isTrue();
            redis.commands().configSet("maxmemory", Long.toString(used * 3 / 2));
            await().atMost(Duration.ofSeconds(10)).until(() -> !careful.accepts());
            careful.assertRefuses("memory-limit");
            careful.awaitReadiness(503);

            redis.commands().configSet("maxmemory", Long.toString(used * 4));
            await().atMost(Duration.ofSeconds(10)).until(careful::accepts);
            careful.awaitReadiness(200);
        } finally {
            redis.commands().configSet("maxmemory", "0");
        }
    }

    @Test
    void aReplicaTakesNothingUntilItIsThePrimary() {
        HttpAnswer.post(url + "/checkins", VALID);
        redis.commands().replicaof("127.0.0.1", 1);
        try {
            receiver.assertRefuses("redis-read-only");
            await().atMost(Duration.ofSeconds(10))
                    .until(() -> refusedInTime().problemType().equals("redis-read-only"));
            assertThat(redis.commands().xlen(STREAM)).isEqualTo(1);
        } finally {
            redis.commands().replicaofNoOne();
        }
        await().atMost(Duration.ofSeconds(10)).until(receiver::accepts);
    }

    @Test
    void withoutAnIdLeftNothingIsTakenUntilAnOperatorHasSeenToIt() {
        String highest = "18446744073709551615-18446744073709551615";
        redis.commands().xadd(STREAM, new XAddArgs().id(highest), Map.of("x", "y"));
        receiver.assertRefuses("ids-exhausted");
        receiver.assertRefuses("ids-exhausted");
        redis.commands().del(STREAM);
        assertThat(receiver.accepts()).isTrue();
    }

    @Test
    void whenTooManyWaitForRedisNoMoreAreTaken() {
        try (StartedReceiver small =
                StartedReceiver.on(redis, "checkin.receiver.queue-size=1000", "spring.data.redis.timeout=5s")) {
            String body = Stream.generate(() -> VALID).limit(500).toList().toString();
            redis.pause();
            // one on the wire and two behind it
            List<CompletableFuture<HttpAnswer>> batches = Stream.generate(() ->
                            CompletableFuture.supplyAsync(() -> small.batch().post(body)))
                    .limit(3)
                    .toList();
            await().atMost(Duration.ofSeconds(10)).until(() -> small.appender().checkinsWaiting() == 1_000);

            HttpAnswer refused = small.post(VALID);

            redis.resume();
            StartedReceiver.assertUnavailable(refused, "queue-full");
            assertThat(batches)
                    .allSatisfy(batch -> assertThat(batch.join().status()).isEqualTo(202));
            assertThat(redis.commands().xlen(STREAM)).isEqualTo(1_500);
            assertThat(small.accepts()).isTrue();
        }
    }

    @Test
    void aClientThatSendsTooMuchIsRefusedForAMoment() {
        try (StartedReceiver limited = StartedReceiver.on(redis, "checkin.receiver.rate-limit=1")) {
            HttpAnswer first = limited.post(VALID);
            assertThat(first.status()).isEqualTo(202);
            assertThat(first.header("RateLimit-Policy")).isEqualTo("\"client\";q=1;w=1");
            assertThat(first.header("RateLimit")).isEqualTo("\"client\";r=0;t=1");

            for (String path : List.of("/checkins", "/api/checkin", "/checkins/batch")) {
                AtomicReference<HttpAnswer> answer = new AtomicReference<>();
                await().atMost(Duration.ofSeconds(10))
                        .pollInterval(Duration.ofMillis(1))
                        .until(() -> {
                            answer.set(HttpAnswer.post(limited.url(path), VALID));
                            return answer.get().status() == 429;
                        });
                assertThat(answer.get().problemType()).isEqualTo("too-many-requests");
                assertThat(answer.get().header("Retry-After")).isEqualTo("1");
                assertThat(answer.get().header("RateLimit-Policy")).isEqualTo("\"client\";q=1;w=1");
                assertThat(answer.get().header("RateLimit")).isEqualTo("\"client\";r=0;t=1");
            }
            for (int i = 0; i < 5; i++) {
                assertThat(limited.readiness()).isEqualTo(200);
            }
            long before = redis.commands().xlen(STREAM);
            await().atMost(Duration.ofSeconds(10)).until(limited::accepts);
            assertThat(redis.commands().xlen(STREAM)).isEqualTo(before + 1);
        }
    }

    @Test
    void whatIsRefusedForItsFormCountsForTheRateLimitToo() {
        try (StartedReceiver limited = StartedReceiver.on(redis, "checkin.receiver.rate-limit=3")) {
            List<Integer> statuses = Stream.generate(
                            () -> HttpAnswer.post(limited.url("/checkins"), "text/plain", VALID))
                    .limit(30)
                    .map(answer -> {
                        assertThat(answer.header("RateLimit-Policy")).isEqualTo("\"client\";q=3;w=1");
                        return answer.status();
                    })
                    .toList();
            assertThat(statuses).startsWith(415, 415, 415).contains(429);
            await().until(() -> limited.get("/checkins/batch").status() == 405);
            assertThat(limited.get("/nowhere").header("RateLimit")).isNull();
        }
    }

    /** By the filters of the chain, which come before the limit. */
    @ParameterizedTest
    @CsvSource({
        "Sec-Fetch-Site: cross-site, 403",
        "X-Forwarded-For: 192.0.2.1, 403",
        "Host: evil.example, 421",
    })
    void whatIsRefusedForItsSenderCountsForTheRateLimitToo(String header, int status) throws IOException {
        String host = header.startsWith("Host") ? "" : "Host: localhost\r\n";
        byte[] request =
                RawConnection.bytes("POST /checkins HTTP/1.1\r\n" + host + header + "\r\nContent-Length: 0\r\n\r\n");
        try (StartedReceiver limited = StartedReceiver.on(redis, "checkin.receiver.rate-limit=3");
                var connection = new RawConnection(limited.port())) {
            List<Integer> statuses = new ArrayList<>();
            for (int i = 0; i < 30; i++) {
                connection.send(request);
                RawAnswer answer = Objects.requireNonNull(connection.read());
                assertThat(answer.header("ratelimit-policy")).isEqualTo("\"client\";q=3;w=1");
                statuses.add(answer.status());
            }
            assertThat(statuses).startsWith(status, status, status).contains(429);
        }
    }

    @Test
    void requestsAreTimedByRouteMethodAndStatus() {
        try (StartedReceiver fresh = StartedReceiver.on(redis)) {
            fresh.post(VALID);
            fresh.post("{}");
            fresh.batch().post("[]");
            fresh.get("/checkins");
            fresh.get("/nowhere/1");
            HttpAnswer.send(
                    HttpRequest.newBuilder(URI.create(fresh.url("/checkins"))).method("FOO", BodyPublishers.noBody()));
            await().untilAsserted(() -> assertThat(fresh.get("/actuator/prometheus")
                            .body()
                            .lines()
                            .filter(line -> line.startsWith("http_server_requests_seconds_count"))
                            .filter(line -> !line.contains("/actuator")))
                    .containsExactlyInAnyOrder(
                            timed("none", "POST", "SUCCESS", 202, "/checkins"),
                            timed("none", "POST", "CLIENT_ERROR", 400, "/checkins"),
                            timed("none", "POST", "SUCCESS", 202, "/checkins/batch"),
                            timed("none", "GET", "CLIENT_ERROR", 405, "/checkins"),
                            timed("none", "GET", "CLIENT_ERROR", 404, "/**"),
                            timed("none", "UNKNOWN", "CLIENT_ERROR", 405, "/checkins")));
        }
    }

    private static String timed(String failure, String method, String outcome, int status, String uri) {
        return "http_server_requests_seconds_count{error=\"%1$s\",exception=\"%1$s\",method=\"%2$s\",outcome=\"%3$s\",status=\"%4$d\",uri=\"%5$s\"} 1"
                .formatted(failure, method, outcome, status, uri);
    }

    @Test
    void onAManagementPortOfItsOwnTheProbesAnswerAndTheMainPortHasNone() {
        try (StartedReceiver managed = StartedReceiver.on(redis, "management.server.port=0")) {
            String management = managed.managementUrl();
            await().until(() ->
                    HttpAnswer.get(management + "/actuator/health/readiness").status() == 200);
            assertThat(HttpAnswer.get(management + "/actuator/health/liveness").status())
                    .isEqualTo(200);
            assertThat(HttpAnswer.get(management + "/actuator/prometheus").body())
                    .contains("checkin_receiver_queue");
            assertThat(managed.get("/actuator/health").status()).isEqualTo(404);
            assertThat(managed.accepts()).isTrue();
        }
    }

    @Test
    void errorsOfTheActuatorAreProblemsOnEitherPort() {
        try (StartedReceiver managed = StartedReceiver.on(redis, "management.server.port=0")) {
            for (String server : List.of(url, managed.managementUrl())) {
                assertProblem(HttpAnswer.get(server + "/actuator/nosuch"), 404, "not-found");
                assertProblem(HttpAnswer.get(server + "/actuator/health/nosuch"), 404, "not-found");
                assertProblem(HttpAnswer.get(server + "/actuator/metrics/nosuch"), 404, "not-found");
                assertProblem(HttpAnswer.get(server + "/nowhere"), 404, "not-found");
                assertProblem(HttpAnswer.get(server + "/"), 404, "not-found");
                assertProblem(HttpAnswer.get(server + "/error"), 404, "not-found");
                assertProblem(HttpAnswer.get(server + "/actuator/%5c"), 400, "invalid-request");
                assertProblem(
                        HttpAnswer.get(server + "/actuator/metrics/jvm.threads.live?tag=x"), 400, "invalid-request");
                assertProblem(HttpAnswer.post(server + "/actuator/health", "{}"), 405, "method-not-allowed");
                assertProblem(
                        HttpAnswer.send(HttpRequest.newBuilder(URI.create(server + "/actuator/health"))
                                .DELETE()),
                        405,
                        "method-not-allowed");
                assertProblem(
                        HttpAnswer.send(HttpRequest.newBuilder(URI.create(server + "/actuator/health"))
                                .header("Accept", "image/png")),
                        406,
                        "not-acceptable");
            }
        }
    }

    private static void assertProblem(HttpAnswer answer, int status, String type) {
        assertThat(answer.status()).as(answer.body()).isEqualTo(status);
        assertThat(answer.header("Content-Type")).as(answer.body()).isEqualTo("application/problem+json");
        assertThat(answer.problemType()).isEqualTo(type);
        assertThat(answer.json().get("status").asInt()).isEqualTo(status);
    }

    @Test
    void byDefaultAClientMaySendAsMuchAsItLikes() {
        for (int i = 0; i < 50; i++) {
            HttpAnswer answer = HttpAnswer.post(url + "/checkins", VALID);
            assertThat(answer.status()).isEqualTo(202);
            assertThat(answer.header("RateLimit")).isNull();
        }
    }

    @Test
    void eachValidCheckinIsCountedOnce() {
        try (StartedReceiver fresh = StartedReceiver.on(redis, "checkin.receiver.max-length=1000")) {
            assertThat(count(fresh, "checkin_receiver_checkins_total{outcome=\"accepted\"}"))
                    .isZero();

            fresh.post(VALID); // accepted
            fresh.post("a", VALID); // accepted
            fresh.post("a", VALID); // repeated
            fresh.post("a", StartedReceiver.checkin(8)); // a mismatch
            fresh.post("{}"); // no checkin
            fresh.batch().post("[" + VALID + ",{}," + VALID + ']'); // two accepted, one no checkin
            fresh.batch().header("Idempotency-Key", "b").post("[" + VALID + ',' + VALID + ']'); // accepted
            fresh.batch().header("Idempotency-Key", "b").post("[" + VALID + ',' + VALID + ']'); // repeated
            String tooMany = Stream.generate(() -> VALID).limit(1_000).toList().toString();
            fresh.batch().post(tooMany); // 500 accepted, 500 find the stream full
            redis.fillMemory();
            fresh.post(VALID);
            redis.releaseMemory();

            assertThat(count(fresh, "checkin_receiver_checkins_total{outcome=\"accepted\"}"))
                    .isEqualTo(506)
                    .isEqualTo(redis.commands().xlen(STREAM).intValue());
            assertThat(count(fresh, "checkin_receiver_checkins_total{outcome=\"repeated\"}"))
                    .isEqualTo(3);
            assertThat(count(fresh, "checkin_receiver_refused_total{reason=\"idempotency-mismatch\"}"))
                    .isEqualTo(1);
            assertThat(count(fresh, "checkin_receiver_refused_total{reason=\"stream-full\"}"))
                    .isEqualTo(500);
            assertThat(count(fresh, "checkin_receiver_checkins_total{")
                            + count(fresh, "checkin_receiver_refused_total{"))
                    .as("all that were valid")
                    .isEqualTo(1 + 3 + 2 + 4 + 1_000 + 1);
            assertThat(count(fresh, "checkin_receiver_queue")).isZero();
        }
    }

    /** The sum of what begins like this. */
    private static int count(StartedReceiver receiver, String start) {
        return receiver.get("/actuator/prometheus")
                .body()
                .lines()
                .filter(line -> line.startsWith(start))
                .mapToInt(line -> (int) Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .sum();
    }

    private static HttpAnswer refusedInTime() {
        long start = System.nanoTime();
        HttpAnswer answer = HttpAnswer.post(url + "/checkins", VALID);
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(DEADLINE);
        assertThat(answer.status()).isEqualTo(503);
        assertThat(answer.header("Retry-After")).isEqualTo("1");
        return answer;
    }
}
