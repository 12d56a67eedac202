package io.ncc.checkin.benchmarks.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Against a server whose answers are known. */
@Timeout(30)
final class HttpLoadTest {

    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final AtomicInteger answered = new AtomicInteger();
    private volatile int status = 200;
    private volatile Duration pauseOnce = Duration.ZERO;
    private HttpServer server;

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(threads);
        server.createContext("/", exchange -> {
            long pause = pauseOnce.toMillis();
            pauseOnce = Duration.ZERO;
            try {
                Thread.sleep(pause);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            answered.incrementAndGet();
            exchange.sendResponseHeaders(status, -1);
            exchange.close();
        });
        server.start();
    }

    @AfterEach
    void stop() {
        server.stop(0);
        threads.shutdownNow();
    }

    @Test
    void everyAnswerIsCounted() {
        try (HttpLoad load = load(4)) {
            Answers answers = load.closedLoop(Duration.ofMillis(300), () -> Requests.get("/"))
                    .requireNoFailure("all");
            assertThat(answers.succeeded()).isEqualTo(answered.get()).isPositive();
            assertThat(answers.latency().getTotalCount()).isEqualTo(answers.succeeded());
        }
    }

    @Test
    void aCountedLoopSendsSoManyAndWaitsForTheAnswers() {
        try (HttpLoad load = load(4)) {
            Answers answers = load.closedLoop(250, () -> Requests.get("/")).requireNoFailure("all");
            assertThat(answers.succeeded()).isEqualTo(answered.get()).isEqualTo(250);
            assertThat(answers.latency().getTotalCount()).isEqualTo(250);
            // the next loop starts from nothing, also with fewer requests than connections
            assertThat(load.closedLoop(3, () -> Requests.get("/")).succeeded()).isEqualTo(3);
            assertThat(answered).hasValue(253);
        }
    }

    @Test
    void soManyASecondAreSent() {
        try (HttpLoad load = load(4)) {
            Answers answers = load.openLoop(200, Duration.ofMillis(500), () -> Requests.get("/"));
            assertThat(answers.succeeded()).isEqualTo(100);
            assertThat(answers.seconds()).isBetween(0.4, 5.0);
        }
    }

    @Test
    void aSlowAnswerMakesThoseBehindItSlowToo() {
        pauseOnce = Duration.ofMillis(400);
        try (HttpLoad load = load(1)) {
            Answers answers = load.openLoop(100, Duration.ofMillis(400), () -> Requests.get("/"));
            // of 40 requests, one each 10 ms, half were due in the first 200 ms, and had to wait for 200 ms or more
            assertThat(answers.latency().getValueAtPercentile(60))
                    .isGreaterThan(Duration.ofMillis(150).toNanos());
        }
    }

    @Test
    void whatIsRefusedIsAFailure() {
        status = 503;
        try (HttpLoad load = load(1)) {
            Answers answers = load.openLoop(100, Duration.ofMillis(100), () -> Requests.get("/"));
            assertThat(answers.failed()).isEqualTo(10);
            assertThatThrownBy(() -> answers.requireNoFailure("it")).hasMessageContaining("10 of 10");
        }
    }

    private HttpLoad load(int connections) {
        return new HttpLoad(server.getAddress().getPort(), connections);
    }
}
