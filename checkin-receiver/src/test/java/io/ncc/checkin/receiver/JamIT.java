package io.ncc.checkin.receiver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

import io.ncc.checkin.testsupport.Bystanders;
import io.ncc.checkin.testsupport.Jars;
import io.ncc.checkin.testsupport.RawConnection;
import io.ncc.checkin.testsupport.RealRedis;
import io.ncc.checkin.testsupport.ServiceProcess;
import io.ncc.checkin.testsupport.SlowClients;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Many clients that hold connections, threads and memory of a receiver with a heap of 256 MB, and how long others wait meanwhile.
 *
 * <p>{@code -Djam.seconds=} makes it longer, {@code -Djam.connections=} sets how many connections there are, and {@code -Djam.millis=} how long an answer may take.
 */
@Timeout(180)
final class JamIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final Logger log = LoggerFactory.getLogger(JamIT.class);

    /** Of the receiver. With its heap of 256 MB it would have 1,024 by itself. */
    private static final int MOST_CONNECTIONS = Integer.getInteger("jam.max-connections", 128);

    private static final Duration TIME = Duration.ofSeconds(Integer.getInteger("jam.seconds", 1));

    /** More than a receiver with this heap has. */
    private static final int CONNECTIONS = Integer.getInteger("jam.connections", MOST_CONNECTIONS + 20);

    private static final int BATCHES = Integer.getInteger("jam.batches", 60);

    /** A second is the aim, and this is for a busy machine. */
    private static final Duration SOON = Duration.ofMillis(Integer.getInteger("jam.millis", 6_000));

    private static final byte[] CHECKIN =
            RawConnection.post("/checkins", "application/json", RawConnection.bytes(StartedReceiver.checkin(1)));
    private static final byte[] READINESS = get("/actuator/health/readiness");
    private static final String BAD_LINE = "{\"userId\":0,\"locationId\":0,\"starRating\":9}\n";

    @TempDir
    static Path folder;

    private static ServiceProcess receiver;

    @BeforeAll
    static void start() {
        receiver = ServiceProcess.ofJar(
                "receiver",
                folder,
                List.of("-XX:+ExitOnOutOfMemoryError"),
                List.of(),
                new Jars(Path.of("..")).extracted("checkin-receiver"),
                List.of(
                        "--server.port=0",
                        "--server.tomcat.max-connections=" + MOST_CONNECTIONS,
                        "--checkin.receiver.max-request-memory=" + MOST_CONNECTIONS * 64
                                + "KB", // a quarter of the heap
                        "--spring.data.redis.host=" + redis.host(),
                        "--spring.data.redis.port=" + redis.port(),
                        "--spring.data.redis.timeout=10s")); // it is not Redis that is tested, on a busy machine
        receiver.awaitUp();
    }

    @AfterAll
    static void stop() {
        receiver.close();
    }

    static List<Arguments> slowClients() {
        return List.of(
                argumentSet("nothing but connections", "", ""),
                argumentSet("connections that were used once", new String(READINESS, StandardCharsets.US_ASCII), ""),
                argumentSet("headers that never end", "POST /checkins HTTP/1.1\r\nHost: localhost\r\nX: ", "x"),
                argumentSet("slow bodies", head("/checkins", "application/json", "Content-Length: 4000"), " "),
                argumentSet(
                        "slow bodies in chunks",
                        head("/checkins", "application/json", "Transfer-Encoding: chunked"),
                        "1\r\n \r\n"),
                argumentSet(
                        "extensions of a chunk that never end",
                        head("/checkins", "application/json", "Transfer-Encoding: chunked") + "1;",
                        "x"),
                argumentSet(
                        "trailing headers that never end",
                        head("/checkins", "application/json", "Transfer-Encoding: chunked") + "0\r\nX: ",
                        "x"),
                argumentSet(
                        "clients that are told to go on",
                        head("/checkins", "application/json", "Expect: 100-continue\r\nContent-Length: 4000"),
                        ""),
                argumentSet("slow batches", head("/checkins/batch", "application/json", "Content-Length: 400000"), " "),
                argumentSet(
                        "slow bodies of the actuator",
                        head("/actuator/health/liveness", "application/json", "Content-Length: 60000")
                                .replace("POST", "GET"),
                        " "),
                argumentSet(
                        "slow bodies that are refused", head("/checkins", "text/csv", "Content-Length: 4000"), " "));
    }

    private static String head(String path, String type, String framing) {
        return "POST " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: " + type + "\r\n" + framing + "\r\n\r\n";
    }

    private static byte[] get(String path) {
        return RawConnection.bytes("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    }

    @ParameterizedTest
    @MethodSource("slowClients")
    void othersAreServedWhileSlowClientsHoldConnections(String beginning, String drop) throws Exception {
        try (var others = bystanders();
                var slow = new SlowClients(
                        receiver.port(), CONNECTIONS, RawConnection.bytes(beginning), RawConnection.bytes(drop))) {
            await().atMost(Duration.ofSeconds(30)).until(() -> {
                others.useOpen();
                return slow.begun() > Math.min(CONNECTIONS, MOST_CONNECTIONS) * 9 / 10;
            });
            assertThatOthersAreServed(others, beginning);
        }
    }

    private static Bystanders bystanders() throws IOException {
        return new Bystanders(receiver.port(), CHECKIN, 202, CONNECTIONS > 2 * MOST_CONNECTIONS);
    }

    @Test
    void othersAreServedWhileManySendLargeBatchesOfWhichNothingIsGood() throws Exception {
        byte[] batch = RawConnection.post(
                "/checkins/batch", "application/x-ndjson", RawConnection.bytes(BAD_LINE.repeat(9_990)));
        ExecutorService clients = Executors.newFixedThreadPool(BATCHES);
        try (var others = bystanders()) {
            for (int i = 0; i < BATCHES; i++) {
                clients.execute(() -> sendSlowly(batch));
            }
            Thread.sleep(1_000);
            assertThatOthersAreServed(others, "batches");
        } finally {
            clients.shutdownNow();
            assertThat(clients.awaitTermination(30, TimeUnit.SECONDS)).isTrue();
        }
    }

    private static void sendSlowly(byte[] batch) {
        int piece = batch.length / 4 + 1;
        while (!Thread.currentThread().isInterrupted()) {
            try (var connection = new RawConnection(receiver.port())) {
                for (int from = 0; from < batch.length; from += piece) {
                    connection.send(Arrays.copyOfRange(batch, from, Math.min(batch.length, from + piece)));
                    Thread.sleep(100);
                }
                connection.read();
            } catch (IOException e) {
                // again
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private static void assertThatOthersAreServed(Bystanders others, String meanwhile) throws IOException {
        Bystanders.Waits waits = others.waits(TIME);
        log.info("{}: {}", meanwhile.lines().findFirst().orElse("nothing"), waits);
        waits.assertBelow(SOON);
    }
}
