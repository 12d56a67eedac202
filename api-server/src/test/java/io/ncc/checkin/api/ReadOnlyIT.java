package io.ncc.checkin.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ncc.checkin.testsupport.HttpAnswer;
import io.ncc.checkin.testsupport.RealRedis;
import java.net.http.HttpRequest.BodyPublishers;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Timeout(60)
final class ReadOnlyIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final StreamFixture stream = new StreamFixture(redis);

    private static ApiServer api;

    @BeforeAll
    static void start() {
        api = ApiServer.start(
                redis, "--checkin.api.read-only=true", "--checkin.api.receiver-base-url=http://localhost:1");
    }

    @AfterAll
    static void stop() {
        api.close();
    }

    /** All that the contract has: a new one can't be forgotten. */
    static List<String> routesThatChangeSomething() {
        List<String> routes = ContractObserver.CONTRACT.routes().keySet().stream()
                .filter(route -> !route.startsWith("GET "))
                .toList();
        assertThat(routes).hasSizeGreaterThanOrEqualTo(8);
        return routes;
    }

    @ParameterizedTest
    @MethodSource("routesThatChangeSomething")
    void whatCouldChangeSomethingIsRefused(String route) {
        String letter = stream.setAside(stream.addOther(), "broken");
        stream.createGroup("mine", "0");
        stream.deliver("mine", "c", 1);
        String path = route.substring(route.indexOf('/'))
                .replace("{id}", letter)
                .replace("{group}", "mine")
                .replace("{consumer}", "c");
        HttpAnswer answer = HttpAnswer.send(api.request(path)
                .header("Content-Type", "application/json")
                .method(
                        route.substring(0, route.indexOf(' ')),
                        BodyPublishers.ofString("{\"ids\":[\"" + letter + "\"]}")));
        assertThat(answer.status()).isEqualTo(403);
        assertThat(answer.problemType()).isEqualTo("read-only");
        assertThat(stream.pending("mine")).isEqualTo(1);
        assertThat(api.get("/dead-letters/" + letter).status()).isEqualTo(200);
        assertThat(stream.ids()).hasSize(1);
    }

    @Test
    void whatOnlyReadsIsAnswered() {
        stream.add(1, 1, 1);
        for (String path : List.of("/", "/checkins/latest", "/stream", "/dead-letters", "/actuator/health/liveness")) {
            assertThat(api.get(path).status()).as(path).isEqualTo(200);
        }
    }

    @Test
    void thePageIsTold() {
        HttpAnswer answer = await().until(() -> api.get("/console/sample"), polled -> polled.status() == 200);
        assertThat(answer.json().at("/hello/readOnly").asBoolean()).isTrue();
    }

    @Test
    void anActionOfTheActuatorIsRefusedToo() {
        assertThat(api.post("/actuator/loggers/root", "{\"configuredLevel\":\"OFF\"}")
                        .problemType())
                .isEqualTo("read-only");
    }
}
