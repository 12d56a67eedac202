package io.ncc.checkin.receiver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ncc.checkin.service.ProblemType;
import io.ncc.checkin.testsupport.Contract;
import io.ncc.checkin.testsupport.Contract.Route;
import io.ncc.checkin.testsupport.ContractChecks;
import io.ncc.checkin.testsupport.RealRedis;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.context.ApplicationContext;
import org.springframework.web.servlet.handler.SimpleUrlHandlerMapping;

@Timeout(60)
final class ContractIT extends ContractChecks {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final Contract CONTRACT = ContractObserver.CONTRACT;
    private static StartedReceiver receiver;

    ContractIT() {
        super(CONTRACT);
    }

    @BeforeAll
    static void start() {
        receiver = StartedReceiver.on(redis);
    }

    @AfterAll
    static void stop() {
        receiver.close();
    }

    @Override
    protected ApplicationContext service() {
        return receiver.context();
    }

    @Override
    protected Map<String, Route> otherRoutes() {
        return receiver.parts(SimpleUrlHandlerMapping.class).stream()
                .flatMap(mapping -> mapping.getHandlerMap().entrySet().stream())
                .filter(route -> route.getValue() instanceof CheckinController)
                .collect(Collectors.toMap(
                        route -> "POST " + route.getKey(),
                        route -> new Route(
                                Set.of("application/json"), Set.of("application/json"), Map.of("body", true))));
    }

    @Override
    protected Set<String> otherHeaders() {
        return Set.of("Idempotency-Key", "Content-Encoding");
    }

    @Test
    void eachTypeOfProblemThatTheReceiverHasIsInIt() {
        List<ProblemType> ofTheApiServer = List.of(
                ProblemType.NOT_FOUND,
                ProblemType.METHOD_NOT_ALLOWED,
                ProblemType.CONFLICT,
                ProblemType.GONE,
                ProblemType.LOGIN_REFUSED,
                ProblemType.LOGINS_BUSY,
                ProblemType.RANKINGS_BUSY,
                ProblemType.TOO_MANY_LISTENERS,
                ProblemType.READ_ONLY,
                ProblemType.RECEIVER_UNAVAILABLE,
                ProblemType.NOT_YET);
        assertThat(Arrays.stream(ProblemType.values())
                        .filter(type -> !ofTheApiServer.contains(type))
                        .map(type -> String.valueOf(type.problem().getType())))
                .allSatisfy(type -> assertThat(CONTRACT.text()).containsPattern("(const:|-) " + type + '\n'));
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
