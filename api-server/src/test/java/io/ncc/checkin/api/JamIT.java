package io.ncc.checkin.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

import io.ncc.checkin.model.Keys;
import io.ncc.checkin.testsupport.Bystanders;
import io.ncc.checkin.testsupport.RawAnswer;
import io.ncc.checkin.testsupport.RawConnection;
import io.ncc.checkin.testsupport.RealRedis;
import io.ncc.checkin.testsupport.SlowClients;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Clients that send slowly, and how long others wait meanwhile. The properties that make it longer are those of the receiver's test of this name. */
@Timeout(180)
final class JamIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final int MOST_CONNECTIONS = Integer.getInteger("jam.max-connections", 64);
    private static final int CONNECTIONS = Integer.getInteger("jam.connections", MOST_CONNECTIONS + 20);
    private static final Duration TIME = Duration.ofSeconds(Integer.getInteger("jam.seconds", 1));
    private static final Duration SOON = Duration.ofMillis(Integer.getInteger("jam.millis", 6_000));

    private static final byte[] USER = RawConnection.bytes("GET /users/1 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    private static final String JSON = "Content-Type: application/json\r\n";
    private static final String LONG = "Content-Length: 2000000\r\n";

    private static ApiServer api;
    private static ApiServer strict;

    @BeforeAll
    static void start() {
        api = ApiServer.start(
                redis, "--server.tomcat.max-connections=" + MOST_CONNECTIONS, "--spring.data.redis.timeout=8s");
        strict = ApiServer.start(
                redis,
                "--server.tomcat.connection-timeout=200ms",
                "--checkin.api.receiver-base-url=http://localhost:1");
    }

    @AfterAll
    static void stop() {
        api.close();
        strict.close();
    }

    @BeforeEach
    void user() {
        redis.commands().hset(Keys.unpartitioned().user(1), Map.of("id", "1", "firstName", "Ada"));
    }

    private static String head(String request, String headers) {
        return request + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n";
    }

    static List<Arguments> slowBodies() {
        return List.of(
                argumentSet("of a login", head("POST /sessions", JSON + "Content-Length: 60000\r\n")),
                argumentSet("that nobody reads", head("GET /users/1", LONG)),
                argumentSet("of a request that Tomcat answers", head("OPTIONS *", LONG)));
    }

    @ParameterizedTest
    @MethodSource("slowBodies")
    void othersAreServedWhileBodiesArriveSlowly(String head) throws Exception {
        boolean canBeEnded = true; // the server has only a part of this JVM, and with it of the CPU time
        try (var others = new Bystanders(api.port(), USER, 200, canBeEnded);
                var slow =
                        new SlowClients(api.port(), CONNECTIONS, RawConnection.bytes(head), RawConnection.bytes(" "))) {
            await().atMost(Duration.ofSeconds(30)).until(() -> {
                others.useOpen();
                return slow.begun() > Math.min(CONNECTIONS, MOST_CONNECTIONS) * 9 / 10;
            });
            others.waits(TIME).assertBelow(SOON);
        }
    }

    /** Whoever reads them. */
    @Test
    void bodiesThatTrickleTimeOut() throws Exception {
        List<RawConnection> connections = new ArrayList<>();
        try {
            for (String request : List.of(
                    "POST /sessions",
                    "POST /groups/g/ack",
                    "POST /console/checkins",
                    "GET /actuator/health/liveness")) {
                RawConnection connection = new RawConnection(strict.port());
                connections.add(connection);
                connection.send(RawConnection.bytes(head(request, JSON + "Content-Length: 60000\r\n")));
            }
            Drops drops = new Drops(connections);
            try {
                for (RawConnection connection : connections) {
                    RawAnswer answer = Objects.requireNonNull(connection.read());
                    answer.requireProblem("a trickling body");
                    assertThat(answer.problemType()).isEqualTo("request-timeout");
                    assertThat(connection.isEnded()).isTrue();
                }
            } finally {
                drops.stop();
            }
        } finally {
            for (RawConnection connection : connections) {
                connection.close();
            }
        }
    }

    @Test
    void aBodyThatIsNeitherReadNorAskedForIsNotWaitedFor() throws Exception {
        try (var connection = new RawConnection(api.port())) {
            connection.send(RawConnection.bytes(head("GET /users/1", LONG + "Expect: 100-continue\r\n")));
            assertThat(Objects.requireNonNull(connection.readFirst()).status()).isEqualTo(200);
            Drops drops = new Drops(List.of(connection));
            try {
                assertThat(connection.isEnded()).isTrue();
            } finally {
                drops.stop();
            }
        }
    }

    /** As clients send it that have something to say with each request. */
    @Test
    void afterASmallBodyThatNobodyReadsTheConnectionIsAtTheNextRequest() throws IOException {
        try (var connection = new RawConnection(api.port())) {
            String small = head("GET /users/1", JSON + "Content-Length: 2\r\n");
            connection.send(RawConnection.bytes(small + "{}"));
            assertThat(Objects.requireNonNull(connection.read()).status()).isEqualTo(200);
            connection.send(RawConnection.bytes(small));
            assertThat(Objects.requireNonNull(connection.read()).status()).isEqualTo(200);
            connection.send(RawConnection.bytes("{}"));
            connection.send(USER);
            assertThat(Objects.requireNonNull(connection.read()).status()).isEqualTo(200);
        }
    }

    @Test
    void aFormIsRefusedUnread() throws IOException {
        try (var connection = new RawConnection(api.port())) {
            connection.send(RawConnection.bytes(head(
                    "POST /groups/g/consumers/c/pull", "Content-Type: application/x-www-form-urlencoded\r\n" + LONG)));
            RawAnswer answer = Objects.requireNonNull(connection.read());
            answer.requireProblem("a form");
            assertThat(answer.problemType()).isEqualTo("invalid-request");
            assertThat(answer.body()).contains("query");
        }
    }

    /** A byte for each connection now and then. */
    private static final class Drops {

        private final Thread thread;

        Drops(List<RawConnection> connections) {
            thread = new Thread(() -> drip(connections), "drops");
            thread.start();
        }

        private static void drip(List<RawConnection> connections) {
            try {
                while (true) {
                    connections.forEach(Drops::dripOn);
                    Thread.sleep(100);
                }
            } catch (InterruptedException e) {
                // the test has had enough
            }
        }

        private static void dripOn(RawConnection connection) {
            try {
                connection.send(RawConnection.bytes(" "));
            } catch (IOException e) {
                // the server has had enough
            }
        }

        void stop() {
            thread.interrupt();
            try {
                thread.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
