package io.ncc.checkin.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ncc.checkin.service.ProblemType;
import io.ncc.checkin.testsupport.Contract;
import io.ncc.checkin.testsupport.ContractChecks;
import io.ncc.checkin.testsupport.HttpAnswer;
import io.ncc.checkin.testsupport.RealRedis;
import java.math.BigInteger;
import java.net.URLEncoder;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.StringJoiner;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.context.ApplicationContext;
import tools.jackson.databind.JsonNode;

@Timeout(60)
final class ContractIT extends ContractChecks {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final Contract CONTRACT = ContractObserver.CONTRACT;

    private static ApiServer api;

    ContractIT() {
        super(CONTRACT);
    }

    @BeforeAll
    static void start() {
        api = ApiServer.start(redis);
    }

    @AfterAll
    static void stop() {
        api.close();
    }

    @Override
    protected ApplicationContext service() {
        return api.context();
    }

    @Test
    void eachTypeOfProblemThatTheApiServerHasIsInIt() {
        Set<ProblemType> ofTheReceiver = Set.of(
                ProblemType.REPEAT,
                ProblemType.IDEMPOTENCY_MISMATCH,
                ProblemType.REDIS_READ_ONLY,
                ProblemType.REDIS_OUT_OF_MEMORY,
                ProblemType.MEMORY_LIMIT,
                ProblemType.QUEUE_FULL,
                ProblemType.OVERLOADED,
                ProblemType.IDS_EXHAUSTED,
                ProblemType.DURABILITY_UNAVAILABLE,
                ProblemType.OUTCOME_UNKNOWN,
                ProblemType.METHOD_NOT_ALLOWED); // of no route
        assertThat(Arrays.stream(ProblemType.values())
                        .filter(type -> !ofTheReceiver.contains(type))
                        .map(type -> String.valueOf(type.problem().getType())))
                .allSatisfy(type -> assertThat(CONTRACT.text()).containsPattern("(const:|-) " + type + '\n'));
    }

    static List<String> routes() {
        return List.copyOf(CONTRACT.routes().keySet());
    }

    /** The limits and forms of its parameters are those that the server keeps to. */
    @ParameterizedTest
    @MethodSource("routes")
    void whatItSaysOfAParameterIsSo(String route) {
        String method = route.substring(0, route.indexOf(' '));
        String path = route.substring(route.indexOf('/'));
        List<JsonNode> parameters = CONTRACT.parameters(method, path);
        for (JsonNode parameter : parameters) {
            for (String value : valid(parameter)) {
                assertThat(status(method, path, parameters, parameter, value))
                        .as("%s with %s=%s", route, parameter.get("name"), value)
                        .isNotEqualTo(400);
            }
            for (String value : invalid(parameter)) {
                assertThat(status(method, path, parameters, parameter, value))
                        .as("%s with %s=%s", route, parameter.get("name"), value)
                        .isEqualTo(400);
            }
        }
    }

    private static List<String> valid(JsonNode parameter) {
        List<String> values = new ArrayList<>(List.of(example(parameter)));
        JsonNode schema = parameter.get("schema");
        for (String bound : List.of("minimum", "maximum", "default")) {
            if (schema.has(bound)) {
                values.add(schema.get(bound).asString());
            }
        }
        schema.path("enum").forEach(value -> values.add(value.asString()));
        schema.path("examples").forEach(value -> values.add(value.asString()));
        if (schema.path("type").asString("").equals("boolean")) {
            values.addAll(List.of("true", "false"));
        }
        return values;
    }

    private static List<String> invalid(JsonNode parameter) {
        JsonNode schema = parameter.get("schema");
        if (schema.get("type").asString().equals("integer")) {
            return List.of(
                    schema.get("minimum")
                            .bigIntegerValue()
                            .subtract(BigInteger.ONE)
                            .toString(),
                    schema.get("maximum").bigIntegerValue().add(BigInteger.ONE).toString(),
                    "x",
                    "1.5");
        }
        boolean any = schema.get("type").asString().equals("string") && !schema.has("pattern") && !schema.has("enum");
        return any ? List.of() : List.of("x!");
    }

    private static String example(JsonNode parameter) {
        JsonNode schema = parameter.get("schema");
        return (parameter.has("example") ? parameter.get("example") : schema.get("default")).asString();
    }

    /** Gives the other parameters as in their examples. */
    private static int status(String method, String path, List<JsonNode> parameters, JsonNode parameter, String value) {
        String filled = path;
        StringJoiner query = new StringJoiner("&", "?", "");
        query.setEmptyValue("");
        boolean header = parameter.get("in").asString().equals("header");
        for (JsonNode each : parameters) {
            String name = each.get("name").asString();
            String text = URLEncoder.encode(each.equals(parameter) ? value : example(each), StandardCharsets.UTF_8)
                    .replace("+", "%20");
            boolean alone =
                    name.equals("cursor") || parameter.get("name").asString().equals("cursor");
            if (each.get("in").asString().equals("path")) {
                filled = filled.replace('{' + name + '}', text);
            } else if (each.get("in").asString().equals("query") && (each.equals(parameter) || !alone)) {
                query.add(name + '=' + text);
            }
        }
        HttpRequest.Builder request = api.request(filled + query).header("Content-Type", "application/json");
        if (header) {
            request.header(parameter.get("name").asString(), value);
        }
        String body = path.endsWith("/ack") ? "{\"ids\":[\"1-1\"]}" : "";
        // of a GET without the body of its answer: that of events has no end
        return HttpAnswer.send(request.method(method.equals("GET") ? "HEAD" : method, BodyPublishers.ofString(body)))
                .status();
    }

    static List<Arguments> answersThatBreakIt() {
        String user = "{\"id\":1,\"firstName\":null,\"lastName\":null,\"email\":null,\"numCheckins\":1,"
                + "\"lastCheckin\":1,\"lastCheckinId\":\"1-0\",\"lastSeenAt\":1}";
        String problem = "{\"type\":\"urn:checkins:problem:%s\",\"title\":\"T\",\"status\":%s,\"detail\":\"D\"}";
        Map<String, String> json = Map.of("Content-Type", "application/json");
        Map<String, String> ofProblem = Map.of("Content-Type", "application/problem+json");
        Map<String, String> ofEvents = Map.of("Content-Type", "text/event-stream;charset=UTF-8");
        return List.of(
                Arguments.of("a status that it hasn't", "/users/1", 201, json, user),
                Arguments.of("a member that it hasn't", "/users/1", 200, json, user.replace("{", "{\"x\":1,")),
                Arguments.of("a member that is missing", "/users/1", 200, json, user.replace("\"email\":null,", "")),
                Arguments.of("a null", "/users/1", 200, json, user.replace("\"id\":1", "\"id\":null")),
                Arguments.of("a number as text", "/api/user/1", 200, json, user.replace("\"id\":1", "\"id\":\"1\"")),
                Arguments.of("another media type", "/users/1", 200, Map.of("Content-Type", "text/plain"), user),
                Arguments.of(
                        "a header that it hasn't",
                        "/users/1",
                        200,
                        Map.of("Content-Type", "application/json", "Location", "/users/2"),
                        user),
                Arguments.of("a header that is missing", "/users/1", 504, ofProblem, problem.formatted("not-yet", 504)),
                Arguments.of("a type of another status", "/users/1", 404, ofProblem, problem.formatted("gone", 404)),
                Arguments.of(
                        "another status in the body", "/users/1", 404, ofProblem, problem.formatted("not-found", 400)),
                Arguments.of(
                        "an error that the route hasn't", "/stream", 410, ofProblem, problem.formatted("gone", 410)),
                Arguments.of("an error of no route", "/nowhere", 404, ofProblem, "{\"status\":404}"),
                Arguments.of(
                        "an event without an id",
                        "/checkins/stream",
                        200,
                        ofEvents,
                        "{\"event\":\"gap\",\"id\":\"null\",\"data\":{}}"),
                Arguments.of(
                        "an event that is no checkin",
                        "/checkins/stream",
                        200,
                        ofEvents,
                        "{\"event\":\"message\",\"id\":\"1-0\",\"data\":{}}"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("answersThatBreakIt")
    void anAnswerThatBreaksItIsFound(String name, String path, int status, Map<String, String> headers, String body) {
        assertThatThrownBy(() -> CONTRACT.check("GET", path, status, headers::get, body))
                .as(name)
                .isInstanceOf(AssertionError.class);
    }
}
