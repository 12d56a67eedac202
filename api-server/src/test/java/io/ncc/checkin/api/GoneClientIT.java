package io.ncc.checkin.api;

import static io.ncc.checkin.api.StreamFixture.KEYS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ncc.checkin.testsupport.HttpAnswer;
import io.ncc.checkin.testsupport.RawAnswer;
import io.ncc.checkin.testsupport.RawConnection;
import io.ncc.checkin.testsupport.RealRedis;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** Clients that disconnect while their request waits, or fall silent while they send it. */
@Timeout(60)
final class GoneClientIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final StreamFixture stream = new StreamFixture(redis);

    /** Far below the waits and the heartbeat, and enough for a busy machine. */
    private static final Duration SOON = Duration.ofSeconds(8);

    private static final String PULL = "POST /groups/g/consumers/c%d/pull?wait=30s";

    private static ApiServer api;

    @BeforeAll
    static void start() {
        api = ApiServer.start(
                redis,
                "--checkin.api.heartbeat=5m",
                "--spring.data.redis.timeout=4s",
                "--server.tomcat.connection-timeout=500ms");
    }

    @AfterAll
    static void stop() {
        api.close();
    }

    private static byte[] request(String line) {
        return RawConnection.bytes(line + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    }

    private static void awaitMetric(String name, int value) {
        await().atMost(SOON).until(() -> api.metric(name) == value);
    }

    /** Returns when all requests wait. %d is the number of a request. */
    private static List<RawConnection> send(int count, String line, String metric) throws IOException {
        List<RawConnection> connections = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            RawConnection connection = new RawConnection(api.port());
            connections.add(connection);
            connection.send(request(line.formatted(i)));
        }
        awaitMetric(metric, count);
        return connections;
    }

    /** Every other one as a client does that gives up, the others as one whose process is killed. */
    private static void disconnect(List<RawConnection> connections) throws IOException {
        for (int i = 0; i < connections.size(); i++) {
            if (i % 2 == 0) {
                connections.get(i).close();
            } else {
                connections.get(i).reset();
            }
        }
    }

    private static RawAnswer answer(RawConnection connection) throws IOException {
        return Objects.requireNonNull(connection.read());
    }

    private static List<String> ids(JsonNode answer) {
        return answer.get("items")
                .valueStream()
                .map(item -> item.get("id").asString())
                .toList();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "&ack=auto"})
    void whoIsThereGetsAllEntriesAndAtOnce(String query) throws IOException {
        int entries = 60;
        stream.createGroup("g", "$");
        disconnect(send(60, PULL + query, "checkin_api_pulling"));
        awaitMetric("checkin_api_pulling", 0);

        List<String> expected =
                IntStream.rangeClosed(1, entries).mapToObj(i -> "1000-" + i).toList();
        List<String> seen = new ArrayList<>();
        long start = System.nanoTime();
        for (String id : expected) {
            stream.addAll(List.of(id), List.of("1"));
            if (seen.size() < entries / 2) { // from then on they pile up
                seen.addAll(ids(api.post("/groups/g/consumers/live/pull?wait=30s&count=1" + query)
                        .json()));
            }
        }
        seen.addAll(ids(api.post("/groups/g/consumers/live/pull?wait=30s&count=1000" + query)
                .json()));

        assertThat(seen).isEqualTo(expected);
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(SOON);
    }

    @Test
    void nobodyWaitsForTheCheckinOfAClientThatIsGone() throws IOException {
        stream.createGroup();
        String id = stream.add(789, 171, 5);
        List<RawConnection> users = send(20, "GET /users/789?after=" + id + "&wait=30s", "checkin_api_waiting");
        disconnect(users);
        awaitMetric("checkin_api_waiting", 0);
        disconnect(send(20, "GET /locations/171?after=" + id + "&wait=30s", "checkin_api_waiting"));
        awaitMetric("checkin_api_waiting", 0);
    }

    @Test
    void aFollowerThatIsGoneIsForgottenBeforeThereIsSomethingToSend() throws IOException {
        disconnect(send(20, "GET /checkins/stream", "checkin_api_listeners"));
        awaitMetric("checkin_api_listeners", 0);
    }

    @Test
    void whoEndsItsOwnSideIsAnsweredAtOnce() throws IOException {
        String id = stream.add(789, 171, 5);
        stream.createGroup();
        stream.createGroup("g", "$");
        try (RawConnection pull = send(1, PULL, "checkin_api_pulling").get(0);
                RawConnection total = send(1, "GET /users/789?after=" + id + "&wait=30s", "checkin_api_waiting")
                        .get(0)) {
            long start = System.nanoTime();
            pull.endOfSending();
            total.endOfSending();
            assertThat(answer(pull).body()).isEqualTo("{\"items\":[]}");
            assertThat(answer(total).problemType()).isEqualTo("not-yet");
            assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(SOON);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "Content-Length: 0\r\n"})
    void whoSendsItsNextRequestIsAnsweredInTurn(String header) throws IOException {
        stream.createGroup("g", "$");
        try (RawConnection connection = new RawConnection(api.port())) {
            connection.send(
                    RawConnection.bytes(PULL.formatted(1) + " HTTP/1.1\r\nHost: localhost\r\n" + header + "\r\n"));
            awaitMetric("checkin_api_pulling", 1);
            connection.send(request("POST /groups/g/consumers/c2/pull"));
            await().pollDelay(Duration.ofMillis(300)).until(() -> api.metric("checkin_api_pulling") == 1);
            String id = stream.add(789, 171, 5);
            assertThat(answer(connection).body()).contains(id);
            assertThat(answer(connection).body()).isEqualTo("{\"items\":[]}");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"Content-Length: 100\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n64\r\n"})
    void aBodyThatStopsHalfWayTimesOut(String framing) throws IOException {
        try (RawConnection connection = new RawConnection(api.port())) {
            connection.send(RawConnection.bytes("POST /groups/g/ack HTTP/1.1\r\nHost: localhost\r\n"
                    + "Content-Type: application/json\r\n" + framing + "{\"ids\":[\"1-1\","));
            RawAnswer answer = answer(connection);
            assertThat(answer.status()).isEqualTo(408);
            answer.requireProblem("half of a body");
            assertThat(answer.problemType()).isEqualTo("request-timeout");
            assertThat(connection.isEnded()).isTrue();
        }
    }

    /** Which is how long a client may be silent while it sends a request. */
    @Test
    void whoWaitsLongerThanTheConnectionTimeoutIsAnswered() throws IOException {
        String id = stream.add(789, 171, 5);
        stream.createGroup();
        stream.createGroup("g", "$");
        try (RawConnection pull = new RawConnection(api.port());
                RawConnection total = new RawConnection(api.port());
                RawConnection live =
                        send(1, "GET /checkins/stream", "checkin_api_listeners").get(0)) {
            total.send(request("GET /users/789?after=" + id + "&wait=2500ms"));
            for (int i = 0; i < 2; i++) { // the second time on a connection that was used already
                pull.send(request("POST /groups/g/consumers/c/pull?wait=2500ms"));
                assertThat(answer(pull).body()).isEqualTo("{\"items\":[]}");
            }
            assertThat(answer(total).problemType()).isEqualTo("not-yet");
            assertThat(api.metric("checkin_api_listeners")).isEqualTo(1);
            assertThat(answer(live).status()).isEqualTo(200);
        }
    }

    @Test
    void aBodyThatNeverComesEndsTheConnectionAfterTheAnswer() throws IOException {
        stream.createGroup("g", "$");
        try (RawConnection connection = new RawConnection(api.port())) {
            connection.send(RawConnection.bytes(
                    "POST /groups/g/consumers/c/pull?wait=1s HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"));
            assertThat(answer(connection).body()).isEqualTo("{\"items\":[]}");
            assertThat(connection.isEnded()).isTrue();
        }
    }

    @Test
    void aConnectionServesOneWaitAfterTheOther() throws IOException {
        stream.createGroup("g", "$");
        redis.commands().hset(KEYS.user(1), Map.of("id", "1", "firstName", "Ada"));
        try (RawConnection connection = new RawConnection(api.port())) {
            for (int i = 0; i < 20; i++) {
                connection.send(request(PULL.formatted(1)));
                awaitMetric("checkin_api_pulling", 1);
                String id = stream.add(1, 1, 1);
                assertThat(answer(connection).body()).contains(id);
                connection.send(request("GET /users/1"));
                assertThat(answer(connection).body()).contains("Ada");
            }
            connection.send(request(PULL.formatted(1)));
            awaitMetric("checkin_api_pulling", 1);
        }
        awaitMetric("checkin_api_pulling", 0);
        assertThat(HttpAnswer.get(api.url("/users/1")).status()).isEqualTo(200);
    }

    /** New connections are made room for, but not by ending those that wait for an answer. */
    @Test
    void aWaitIsNotEndedForNewConnections() throws IOException {
        stream.createGroup("g", "$");
        try (ApiServer small = ApiServer.start(redis, "--server.tomcat.max-connections=20")) {
            List<RawConnection> waiting = new ArrayList<>();
            List<RawConnection> idle = new ArrayList<>();
            try {
                for (int i = 0; i < 10; i++) {
                    RawConnection connection = new RawConnection(small.port());
                    waiting.add(connection);
                    connection.send(request(PULL.formatted(i) + "&count=1"));
                }
                await().atMost(SOON).until(() -> small.metric("checkin_api_pulling") == 10);
                for (int i = 0; i < 40; i++) {
                    idle.add(new RawConnection(small.port()));
                }
                await().atMost(SOON).until(() -> small.get("/checkins").status() == 200); // there was room for this one
                IntStream.rangeClosed(1, 10).forEach(i -> stream.addAll(List.of("1000-" + i), List.of("1")));
                for (RawConnection connection : waiting) {
                    assertThat(ids(answer(connection).json())).hasSize(1);
                }
            } finally {
                for (RawConnection connection : waiting) {
                    connection.close();
                }
                for (RawConnection connection : idle) {
                    connection.close();
                }
            }
        }
    }
}
