package io.ncc.checkin.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ncc.checkin.model.Keys;
import io.ncc.checkin.testsupport.DeafClient;
import io.ncc.checkin.testsupport.HttpAnswer;
import io.ncc.checkin.testsupport.RawConnection;
import io.ncc.checkin.testsupport.RealRedis;
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
import org.junit.jupiter.params.provider.ValueSource;

/** Clients that send and never read. {@code -Ddeaf.seconds=} makes it longer. */
@Timeout(60)
final class DeafClientIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final Duration TIME = Duration.ofSeconds(Integer.getInteger("deaf.seconds", 2));

    /** Far below what a write that blocks takes here, and enough for a busy machine. */
    private static final Duration SOON = Duration.ofSeconds(4);

    /** A few such answers are more than the system buffers for a connection. */
    private static final int LONG = 1_000_000;

    private static ApiServer api;

    @BeforeAll
    static void start() {
        api = ApiServer.start(redis, "--server.tomcat.connection-timeout=20s", "--spring.data.redis.timeout=8s");
    }

    @AfterAll
    static void stop() {
        api.close();
    }

    @BeforeEach
    void users() {
        Keys keys = Keys.unpartitioned();
        redis.commands().hset(keys.user(1), Map.of("id", "1", "firstName", "Ada", "lastName", "Lovelace"));
        redis.commands().hset(keys.user(2), Map.of("id", "2", "firstName", "A".repeat(LONG)));
        redis.commands().hset(keys.user(3), Map.of("id", "3", "firstName", "A".repeat(LONG / 20)));
    }

    private static DeafClient deaf(ApiServer server, String path) {
        return new DeafClient(
                server.port(), RawConnection.bytes("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 20})
    void nobodyElseNoticesAClientThatDoesNotRead(int number) throws Exception {
        assertThat(api.get("/users/1").status()).isEqualTo(200); // the first is always slow
        List<DeafClient> deaf = new ArrayList<>();
        try {
            for (int i = 0; i < number; i++) {
                deaf.add(deaf(api, i < 3 ? "/users/3" : "/users/" + i)); // most are not there
            }
            long end = System.nanoTime() + TIME.toNanos();
            for (long start = System.nanoTime(); start < end; start = System.nanoTime()) {
                HttpAnswer answer = api.get("/users/1");
                assertThat(answer.status()).as(answer.body()).isEqualTo(200);
                assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(SOON);
                Thread.sleep(10); // the other tests need the CPU
            }
        } finally {
            for (DeafClient client : deaf) {
                client.close();
            }
        }
    }

    @Test
    void anAnswerThatIsNotTakenEndsTheConnection() throws IOException {
        try (ApiServer strict = ApiServer.start(redis, "--server.tomcat.connection-timeout=500ms");
                DeafClient client = deaf(strict, "/users/2")) {
            await().atMost(Duration.ofSeconds(20)).until(client::isRefused);
        }
    }

    @Test
    void anAnswerThatIsTakenSlowlyComesWhole() throws Exception {
        try (var connection = new RawConnection(api.port())) {
            connection.send(RawConnection.bytes("GET /users/2 HTTP/1.1\r\nHost: localhost\r\n\r\n"));
            Thread.sleep(500); // meanwhile all buffers fill
            assertThat(Objects.requireNonNull(connection.read())
                            .json()
                            .get("firstName")
                            .asString())
                    .hasSize(LONG);
            connection.send(RawConnection.bytes("GET /users/1 HTTP/1.1\r\nHost: localhost\r\n\r\n"));
            assertThat(Objects.requireNonNull(connection.read())
                            .json()
                            .get("firstName")
                            .asString())
                    .isEqualTo("Ada");
        }
    }
}
