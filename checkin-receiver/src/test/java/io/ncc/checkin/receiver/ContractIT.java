package io.ncc.checkin.receiver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ncc.checkin.service.ProblemType;
import io.ncc.checkin.testsupport.Contract;
import io.ncc.checkin.testsupport.HttpAnswer;
import io.ncc.checkin.testsupport.RealRedis;
import io.swagger.v3.parser.OpenAPIV3Parser;
import io.swagger.v3.parser.core.models.ParseOptions;
import java.net.URI;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.web.servlet.handler.SimpleUrlHandlerMapping;
import org.springframework.web.servlet.mvc.method.RequestMappingInfo;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerMapping;

/** The contract is a file that is written by hand: it must be valid, it must have each route and no other, and it must be served. */
@Timeout(60)
final class ContractIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final Contract CONTRACT = ContractObserver.CONTRACT;
    private static StartedReceiver receiver;

    @BeforeAll
    static void start() {
        receiver = StartedReceiver.on(redis);
    }

    @AfterAll
    static void stop() {
        receiver.close();
    }

    @Test
    void itIsValidOpenApi() {
        assertThat(problemsOf(CONTRACT.text())).isEmpty();
        assertThat(problemsOf(CONTRACT.text().replaceFirst("operationId: postCheckins", "operationIdd: postCheckins")))
                .as("of a document that is not valid")
                .isNotEmpty();
    }

    private static List<String> problemsOf(String document) {
        return new OpenAPIV3Parser()
                .readContents(document, null, new ParseOptions())
                .getMessages();
    }

    @Test
    void itsRoutesAreThoseOfTheReceiver() {
        Map<String, Set<String>> mapped = new TreeMap<>();
        for (RequestMappingHandlerMapping mapping : receiver.parts(RequestMappingHandlerMapping.class)) {
            mapping.getHandlerMethods().forEach((info, method) -> {
                if (method.getBeanType().getPackage().equals(ReceiverApplication.class.getPackage())) {
                    routes(info).forEach(route -> mapped.put(route, consumes(info)));
                }
            });
        }
        receiver.parts(SimpleUrlHandlerMapping.class).stream()
                .flatMap(mapping -> mapping.getHandlerMap().entrySet().stream())
                .filter(route -> route.getValue() instanceof CheckinController)
                .forEach(route -> mapped.put("POST " + route.getKey(), new TreeSet<>(Set.of("application/json"))));
        assertThat(CONTRACT.routes()).isEqualTo(mapped.keySet());
        mapped.forEach((route, mediaTypes) -> {
            String[] methodAndPath = route.split(" ");
            assertThat(CONTRACT.consumes(methodAndPath[0], methodAndPath[1])).isEqualTo(mediaTypes);
        });
    }

    private static Stream<String> routes(RequestMappingInfo info) {
        return info.getMethodsCondition().getMethods().stream()
                .flatMap(method -> info.getPatternValues().stream().map(path -> method + " " + path));
    }

    private static Set<String> consumes(RequestMappingInfo info) {
        TreeSet<String> all = new TreeSet<>();
        info.getConsumesCondition().getConsumableMediaTypes().forEach(type -> all.add(type.toString()));
        return all;
    }

    @Test
    void eachTypeOfProblemThatTheReceiverHasIsInIt() {
        List<ProblemType> ofTheApiServer = List.of(
                ProblemType.NOT_FOUND,
                ProblemType.METHOD_NOT_ALLOWED,
                ProblemType.CONFLICT,
                ProblemType.GONE,
                ProblemType.TOO_MANY_LISTENERS,
                ProblemType.NOT_YET);
        assertThat(Arrays.stream(ProblemType.values())
                        .filter(type -> !ofTheApiServer.contains(type))
                        .map(type -> String.valueOf(type.problem().getType())))
                .allSatisfy(type -> assertThat(CONTRACT.text()).containsPattern("(const:|-) " + type + '\n'));
    }

    @Test
    void itIsServedAsItIsAndAsJson() {
        HttpAnswer yaml = receiver.get("/v3/api-docs.yaml");
        assertThat(yaml.header("Content-Type")).isEqualTo("application/yaml");
        assertThat(yaml.body()).isEqualTo(CONTRACT.text());

        HttpAnswer json = receiver.get("/v3/api-docs");
        assertThat(json.header("Content-Type")).isEqualTo("application/json");
        assertThat(json.json()).isEqualTo(CONTRACT.document());
    }

    @Test
    void itsPageIsThereWithAllItNeeds() {
        HttpAnswer docs = receiver.get("/docs");
        assertThat(docs.status()).isEqualTo(302);
        assertThat(docs.header("Location")).isEqualTo("docs/index.html");

        HttpAnswer page = receiver.get("/docs/index.html");
        assertThat(page.status()).isEqualTo(200);
        assertThat(page.header("Content-Type")).startsWith("text/html");
        List<String> needed = Pattern.compile("(?:src|href)=\"([^\"]+)\"")
                .matcher(page.body())
                .results()
                .map(match -> match.group(1))
                .toList();
        assertThat(needed).hasSize(3);
        assertThat(needed)
                .allSatisfy(file -> assertThat(HttpAnswer.get(URI.create(receiver.url("/docs/index.html"))
                                        .resolve(file)
                                        .toString())
                                .status())
                        .as(file)
                        .isEqualTo(200));
    }

    @ParameterizedTest
    @ValueSource(strings = {"/ncc", "/a/b"})
    void behindAPrefixItIsThereToo(String prefix) {
        try (StartedReceiver behind = StartedReceiver.on(redis, "server.servlet.context-path=" + prefix)) {
            assertThat(behind.get(prefix + "/v3/api-docs").status()).isEqualTo(200);
            assertThat(behind.get(prefix + "/docs/index.html").status()).isEqualTo(200);
            assertThat(behind.get(prefix + "/webjars/swagger-ui/swagger-ui.css").status())
                    .isEqualTo(200);
        }
    }

    static List<Arguments> answersThatBreakIt() {
        String accepted = "{\"id\":\"1-0\"}";
        String problem =
                "{\"type\":\"urn:checkins:problem:%s\",\"title\":\"T\",\"status\":%s,\"detail\":\"D\",\"instance\":\"/checkins\"}";
        Map<String, String> json = Map.of("Content-Type", "application/json");
        Map<String, String> ofProblem = Map.of("Content-Type", "application/problem+json");
        return List.of(
                Arguments.of("a status that it hasn't", 200, json, accepted),
                Arguments.of("a member that it hasn't", 202, json, "{\"id\":\"1-0\",\"x\":1}"),
                Arguments.of("a null", 202, json, "{\"id\":null}"),
                Arguments.of("another media type", 202, Map.of("Content-Type", "text/plain"), accepted),
                Arguments.of(
                        "a header that it hasn't",
                        202,
                        Map.of("Content-Type", "application/json", "Retry-After", "1"),
                        accepted),
                Arguments.of("a header that is missing", 503, ofProblem, problem.formatted("stream-full", 503)),
                Arguments.of("a type of another status", 422, ofProblem, problem.formatted("stream-full", 422)),
                Arguments.of(
                        "another status in the body", 422, ofProblem, problem.formatted("idempotency-mismatch", 400)));
    }

    @ParameterizedTest
    @MethodSource("answersThatBreakIt")
    void anAnswerThatBreaksItIsFound(String name, int status, Map<String, String> headers, String body) {
        assertThatThrownBy(() -> CONTRACT.check("POST", "/checkins", status, headers::get, body))
                .as(name)
                .isInstanceOf(AssertionError.class);
    }
}
