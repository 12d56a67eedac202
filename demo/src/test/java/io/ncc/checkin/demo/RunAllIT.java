package io.ncc.checkin.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.ncc.checkin.demo.load.SampleData;
import io.ncc.checkin.localredis.LocalRedis;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.testsupport.HttpAnswer;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

@Timeout(120)
final class RunAllIT {

    private static final Duration AT_ONCE = Duration.ofSeconds(1);

    private final RunAll.Ports ports =
            new RunAll.Ports(LocalRedis.freePort(), LocalRedis.freePort(), LocalRedis.freePort());
    private final StringWriter printed = new StringWriter();

    private RunAll all(boolean cluster, Partitions partitions) {
        return new RunAll(ports, cluster, partitions, new PrintWriter(printed));
    }

    static Stream<Arguments> forms() {
        return Stream.of(
                Arguments.of(false, Partitions.none(), "Redis \\S+ on port \\d+"),
                Arguments.of(false, Partitions.of(4), "Redis \\S+ on port \\d+\n4 partitions"),
                Arguments.of(
                        true,
                        Partitions.of(16),
                        "Redis Cluster \\S+, primaries on ports \\[\\d+, \\d+, \\d+], replicas on ports \\[\\d+, \\d+, \\d+]"
                                + "\n16 partitions"));
    }

    @ParameterizedTest
    @MethodSource("forms")
    void whatItPrintsWorks(boolean cluster, Partitions partitions, String firstLines) {
        try (RunAll all = all(cluster, partitions)) {
            all.start();
            String receiver = "http://localhost:" + ports.receiver();
            String api = "http://localhost:" + ports.api();
            assertThat(printed.toString())
                    .containsPattern("^" + firstLines + "\n1,000 users loaded")
                    .contains("5,000 checkins loaded")
                    .containsSubsequence(
                            "http://localhost:" + ports.api() + "/\n",
                            "Access is protected: from this machine only",
                            "curl",
                            "/docs")
                    .contains("localhost:" + ports.receiver() + "/checkins")
                    .contains("localhost:" + ports.api() + "/users/789");

            await().atMost(Duration.ofSeconds(30)).until(() -> sumOfCheckins(api) >= SampleData.CHECKINS);

            HttpAnswer posted =
                    HttpAnswer.post(receiver + "/checkins", "{\"userId\":789,\"locationId\":171,\"starRating\":5}");
            assertThat(posted.status()).isEqualTo(202);
            String id = posted.json().get("id").asString();
            assertThat(id).matches(partitions.idOutside(partitions.ofUser(789), "\\d+-\\d+"));
            await().atMost(AT_ONCE)
                    .until(() -> HttpAnswer.get(api + "/users/789").body().contains(id));
            assertThat(HttpAnswer.get(api + "/checkins/latest").status()).isEqualTo(200);
            assertTheConsoleWorks(receiver, api);
            assertDescribesItself(receiver, "Checkin receiver");
            assertDescribesItself(api, "API server");
            assertThat(HttpAnswer.get("http://localhost:" + ports.processor() + "/actuator/health")
                            .status())
                    .isEqualTo(200);
        }
        assertThatThrownBy(() -> HttpAnswer.get("http://localhost:" + ports.api() + "/users/789"))
                .isInstanceOf(UncheckedIOException.class);
    }

    /** At the API server, and nowhere else: all services are on one class path. */
    private void assertTheConsoleWorks(String receiver, String api) {
        assertThat(HttpAnswer.get(api + "/").body()).contains("<html");
        for (String other : List.of(receiver, "http://localhost:" + ports.processor())) {
            assertThat(HttpAnswer.get(other + "/").status()).isEqualTo(404);
            assertThat(HttpAnswer.get(other + "/index.html").status()).isEqualTo(404);
        }
        HttpAnswer sent =
                HttpAnswer.post(api + "/console/checkins", "{\"userId\":790,\"locationId\":171,\"starRating\":5}");
        assertThat(sent.status()).as(sent.body()).isEqualTo(202);
        String id = sent.json().get("id").asString();
        await().atMost(AT_ONCE)
                .until(() -> HttpAnswer.get(api + "/users/790").body().contains(id));
        assertThat(HttpAnswer.get(api + "/console/sample")
                        .json()
                        .at("/hello/receiverUrl")
                        .asString())
                .isEqualTo(receiver);
    }

    /** All services are on one class path. */
    private static void assertDescribesItself(String service, String title) {
        assertThat(HttpAnswer.get(service + "/v3/api-docs")
                        .json()
                        .at("/info/title")
                        .asString())
                .isEqualTo(title);
        assertThat(HttpAnswer.get(service + "/docs/index.html").status()).isEqualTo(200);
    }

    /** Over all locations: each checkin is at one. */
    private static long sumOfCheckins(String api) {
        long sum = 0;
        for (int id = 1; id <= SampleData.LOCATIONS; id++) {
            sum += HttpAnswer.get(api + "/locations/" + id)
                    .json()
                    .get("numCheckins")
                    .asLong();
        }
        return sum;
    }

    @Test
    void aPortThatIsTakenEndsItWithNothingLeftRunning() throws IOException {
        try (ServerSocket taken = new ServerSocket(ports.receiver(), 1, InetAddress.getByName("0.0.0.0"))) {
            assertThat(taken.isBound()).isTrue();
            RunAll all = all(false, Partitions.none());
            assertThatThrownBy(all::start).hasStackTraceContaining("already in use");
        }
        assertThatThrownBy(() -> HttpAnswer.get("http://localhost:" + ports.api() + "/users/789"))
                .isInstanceOf(UncheckedIOException.class);
    }
}
