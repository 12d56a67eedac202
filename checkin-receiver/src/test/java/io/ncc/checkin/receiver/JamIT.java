package io.ncc.checkin.receiver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

import io.ncc.checkin.testsupport.Jars;
import io.ncc.checkin.testsupport.RawAnswer;
import io.ncc.checkin.testsupport.RawConnection;
import io.ncc.checkin.testsupport.RealRedis;
import io.ncc.checkin.testsupport.ServiceProcess;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
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
        try (var open = new OpenConnection();
                var slow = new SlowClients(CONNECTIONS, RawConnection.bytes(beginning), RawConnection.bytes(drop))) {
            await().atMost(Duration.ofSeconds(30)).until(() -> {
                open.millisOfCheckin(System.nanoTime());
                return slow.begun() > Math.min(CONNECTIONS, MOST_CONNECTIONS) * 9 / 10;
            });
            assertThatOthersAreServed(open, beginning);
        }
    }

    /**
     * Of a client that was there before. One that is used isn't ended, unless there are so many slow clients that all connections are ended between
     * two requests. Then it connects again, as clients do.
     */
    private static final class OpenConnection implements AutoCloseable {

        private static final boolean CAN_BE_ENDED = CONNECTIONS > 2 * MOST_CONNECTIONS;

        private RawConnection connection = new RawConnection(receiver.port());

        OpenConnection() throws IOException {
            millisOfCheckin(System.nanoTime());
        }

        long millisOfCheckin(long begin) throws IOException {
            try {
                return millisOf(connection, CHECKIN, 202, begin);
            } catch (EOFException | SocketException e) {
                if (!CAN_BE_ENDED) {
                    throw e;
                }
                connection.close();
                connection = new RawConnection(receiver.port());
                return millisOf(connection, CHECKIN, 202, begin);
            }
        }

        @Override
        public void close() throws IOException {
            connection.close();
        }
    }

    @Test
    void othersAreServedWhileManySendLargeBatchesOfWhichNothingIsGood() throws Exception {
        byte[] batch = RawConnection.post(
                "/checkins/batch", "application/x-ndjson", RawConnection.bytes(BAD_LINE.repeat(9_990)));
        ExecutorService clients = Executors.newFixedThreadPool(BATCHES);
        try (var open = new OpenConnection()) {
            for (int i = 0; i < BATCHES; i++) {
                clients.execute(() -> sendSlowly(batch));
            }
            Thread.sleep(1_000);
            assertThatOthersAreServed(open, "batches");
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

    private static void assertThatOthersAreServed(OpenConnection open, String meanwhile) throws IOException {
        List<Long> onNew = new ArrayList<>();
        List<Long> onOpen = new ArrayList<>();
        List<Long> readiness = new ArrayList<>();
        long end = System.nanoTime() + TIME.toNanos();
        long begin = System.nanoTime();
        while (System.nanoTime() < end) {
            onOpen.add(open.millisOfCheckin(begin));
            begin = System.nanoTime();
            try (var fresh = new RawConnection(receiver.port())) {
                onNew.add(millisOf(fresh, CHECKIN, 202, begin));
            }
            begin = System.nanoTime();
            try (var fresh = new RawConnection(receiver.port())) {
                readiness.add(millisOf(fresh, READINESS, 200, begin));
            }
            begin = System.nanoTime();
        }
        log.info(
                "{}: {} rounds; at most ms: POST {} on an open connection, {} on a new one; readiness {}",
                meanwhile.lines().findFirst().orElse("nothing"),
                readiness.size(),
                max(onOpen),
                max(onNew),
                max(readiness));
        assertThat(List.of(max(onOpen), max(onNew), max(readiness)))
                .allMatch(millis -> millis < SOON.toMillis(), "took at most " + SOON);
    }

    private static long max(List<Long> millis) {
        return millis.stream().mapToLong(Long::longValue).max().orElseThrow();
    }

    private static long millisOf(RawConnection connection, byte[] request, int status, long begin) throws IOException {
        connection.send(request);
        RawAnswer answer = connection.read();
        if (answer == null) {
            throw new EOFException("no answer");
        }
        assertThat(answer.status()).as("%s", answer).isEqualTo(status);
        return Duration.ofNanos(System.nanoTime() - begin).toMillis();
    }

    /** Connections that send the beginning of a request and then a drop now and then, and are opened again where the server ends them. */
    private static final class SlowClients implements AutoCloseable {

        private static final int ROUND_MILLIS = 200;
        private static final int ROUNDS_TO_NEXT = 5;

        private final InetSocketAddress server =
                new InetSocketAddress(InetAddress.getLoopbackAddress(), receiver.port());
        private final byte[] beginning;
        private final byte[] drop;
        private final @Nullable SocketChannel[] connections;
        private final boolean[] begun;
        private final int[] pause;
        private final Thread thread = new Thread(this::run, "slow clients");
        private volatile int begunNow;
        private volatile boolean closed;

        SlowClients(int count, byte[] beginning, byte[] drop) {
            this.beginning = beginning;
            this.drop = drop;
            connections = new SocketChannel[count];
            begun = new boolean[count];
            pause = new int[count];
            thread.start();
        }

        int begun() {
            return begunNow;
        }

        private void run() {
            ByteBuffer answer = ByteBuffer.allocate(8_192);
            while (!closed) {
                int now = 0;
                for (int i = 0; i < connections.length && !closed; i++) {
                    try {
                        step(i, answer);
                    } catch (IOException e) {
                        end(i);
                    }
                    now += begun[i] ? 1 : 0;
                }
                begunNow = now;
                try {
                    Thread.sleep(ROUND_MILLIS);
                } catch (InterruptedException e) {
                    return;
                }
            }
        }

        private void step(int i, ByteBuffer answer) throws IOException {
            SocketChannel connection = connections[i];
            if (connection == null && pause[i]-- > 0) {
                return;
            }
            if (connection == null) {
                connection = SocketChannel.open();
                connections[i] = connection;
                connection.configureBlocking(false);
                connection.connect(server);
            }
            if (!connection.isConnected() && !connection.finishConnect()) {
                return;
            }
            if (!begun[i]) {
                connection.write(ByteBuffer.wrap(beginning));
                begun[i] = true;
            } else if (connection.read(answer.clear()) < 0) {
                end(i);
            } else {
                connection.write(ByteBuffer.wrap(drop));
            }
        }

        private void end(int i) {
            begun[i] = false;
            pause[i] = ROUNDS_TO_NEXT;
            SocketChannel connection = connections[i];
            connections[i] = null;
            if (connection != null) {
                try {
                    connection.close();
                } catch (IOException e) {
                    // it is gone
                }
            }
        }

        @Override
        public void close() {
            closed = true;
            try {
                thread.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            for (int i = 0; i < connections.length; i++) {
                end(i);
            }
        }
    }
}
