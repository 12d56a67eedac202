package io.ncc.checkin.receiver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.lettuce.core.StreamMessage;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.testsupport.HttpAnswer;
import io.ncc.checkin.testsupport.RealRedis;
import java.time.Duration;
import java.util.List;
import java.util.Map;
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
final class ReceiverIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final String STREAM = Keys.unpartitioned().checkins();
    private static final String VALID = "{\"userId\":789,\"locationId\":171,\"starRating\":5}";
    private static final Duration DEADLINE = Duration.ofSeconds(2);

    private static ConfigurableApplicationContext receiver;
    private static String url;

    @BeforeAll
    static void start() {
        receiver = start("--checkin.receiver.api-base-url=http://api.example:8081");
        url = urlOf(receiver);
    }

    private static ConfigurableApplicationContext start(String setting) {
        return ReceiverApplication.run(
                "--server.port=0",
                "--spring.data.redis.host=" + redis.host(),
                "--spring.data.redis.port=" + redis.port(),
                "--spring.data.redis.timeout=500ms", // so that a busy machine stays below the deadline
                setting);
    }

    private static String urlOf(ConfigurableApplicationContext context) {
        return "http://localhost:" + context.getEnvironment().getRequiredProperty("local.server.port");
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
        try (ConfigurableApplicationContext other = start("--spring.main.log-startup-info=false")) {
            HttpAnswer answer = HttpAnswer.post(urlOf(other) + "/checkins", VALID);
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
                "{\"userId\":\"789\",\"locationId\":171,\"starRating\":5} | /userId     | must be an integer",
                "{\"userId\":7.5,\"locationId\":171,\"starRating\":5}     | /userId     | must be an integer",
                "{\"userId\":1.0,\"locationId\":171,\"starRating\":5}     | /userId     | must be an integer",
                "{\"userId\":1e3,\"locationId\":171,\"starRating\":5}     | /userId     | must be an integer",
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
                "{\"userId\":7,\"userId\":8,\"locationId\":171,\"starRating\":5} | `` | is not well-formed JSON at line 1, column 21",
                "{\"userId\":7,\"locationId\":171,\"starRa                | `` | is not well-formed JSON at line 1, column 37",
                "{\"userId\":7,\"locationId\":171,\"starRating\":5} {}    | `` | must be one JSON object",
                "{                                                        | `` | is not well-formed JSON at line 1, column 2",
                "[]                                                       | `` | must be one JSON object",
                "true                                                     | `` | must be one JSON object",
                "7                                                        | `` | must be one JSON object",
                "null                                                     | `` | a JSON object is required",
                "``                                                       | `` | a JSON object is required"
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
        assertThat(readiness()).isEqualTo(503);
        redis.start();
        await().atMost(Duration.ofSeconds(10))
                .until(() -> HttpAnswer.post(url + "/checkins", VALID).status() == 202);
        assertThat(readiness()).isEqualTo(200);
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
            assertThat(refusedInTime().problemType()).isEqualTo("redis-out-of-memory");
        } finally {
            redis.releaseMemory();
        }
        assertThat(HttpAnswer.post(url + "/checkins", VALID).status()).isEqualTo(202);
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
    void theDescriptionOfTheApiNamesTheRoutesAndTheirStatus() {
        JsonNode paths = HttpAnswer.get(url + "/v3/api-docs").json().get("paths");
        for (String path : List.of("/checkins", "/api/checkin")) {
            assertThat(paths.get(path).get("post").get("responses").propertyNames())
                    .contains("202", "400", "413", "503");
        }
        assertThat(HttpAnswer.get(url + "/docs").status()).isEqualTo(302);
    }

    private static HttpAnswer refusedInTime() {
        long start = System.nanoTime();
        HttpAnswer answer = HttpAnswer.post(url + "/checkins", VALID);
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(DEADLINE);
        assertThat(answer.status()).isEqualTo(503);
        assertThat(answer.header("Retry-After")).isEqualTo("1");
        return answer;
    }

    private static int readiness() {
        return HttpAnswer.get(url + "/actuator/health/readiness").status();
    }
}
