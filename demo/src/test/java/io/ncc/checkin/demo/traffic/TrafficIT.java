package io.ncc.checkin.demo.traffic;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import picocli.CommandLine;

@Timeout(60)
final class TrafficIT {

    private static final long ENDLESS = Long.MAX_VALUE;

    private final Queue<String> received = new ConcurrentLinkedQueue<>();
    private final Queue<String> tokens = new ConcurrentLinkedQueue<>();
    private final Queue<String> lines = new ConcurrentLinkedQueue<>();
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final CountDownLatch release = new CountDownLatch(1);
    private HttpServer server;
    private volatile int status = 202;
    private volatile boolean hanging;

    @BeforeEach
    void startServer() throws IOException {
        start(0);
    }

    @AfterEach
    void stopServer() {
        release.countDown();
        server.stop(0);
        threads.shutdownNow();
    }

    private void start(int port) throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
        server.createContext("/checkins", this::answer);
        server.setExecutor(threads);
        server.start();
    }

    private void answer(HttpExchange exchange) throws IOException {
        tokens.add(String.valueOf(exchange.getRequestHeaders().getFirst("Authorization")));
        received.add(new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8));
        try {
            if (hanging) {
                release.await();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        exchange.sendResponseHeaders(status, -1);
        exchange.close();
    }

    private Traffic traffic(int rate, long count, long seed) {
        URI target = URI.create("http://localhost:" + server.getAddress().getPort() + "/checkins");
        return new Traffic(new TrafficPlan(target, rate, count, 1_000, 200, seed), null, lines::add);
    }

    @Test
    void theTokenIsSentIfThereIsOne() {
        assertThat(command("--count=1", "--token=chk_x")).isZero();
        assertThat(command("--count=1")).isZero();
        assertThat(tokens).containsExactly("Bearer chk_x", "null");
    }

    @Test
    void asManyAsAskedForArriveAtTheRateAskedFor() throws Exception {
        long start = System.nanoTime();
        try (Traffic traffic = traffic(200, 300, 1)) {
            traffic.start();
            assertThat(traffic.await(Duration.ofSeconds(30))).isTrue();
            assertThat(traffic.totals().accepted() + traffic.totals().notSent()).isGreaterThanOrEqualTo(300);
        }
        // the first goes at once, the last after 299 intervals of 5 ms
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThan(Duration.ofMillis(1_450));
        assertThat(received)
                .hasSize(300)
                .allMatch(body -> body.matches("\\{\"userId\":\\d+,\"locationId\":\\d+,\"starRating\":[0-5]}"));
        assertThat(lines).anyMatch(line -> line.startsWith("   1 s: "));
        assertThat(lines).last().asString().startsWith("ended after ").contains("sent 300, accepted 300, refused 0");
    }

    @Test
    void theSameSeedGivesTheSameCheckins() throws Exception {
        try (Traffic first = traffic(1_000, 50, 42)) {
            first.start();
            assertThat(first.await(Duration.ofSeconds(30))).isTrue();
        }
        List<String> once = received.stream().sorted().toList();
        received.clear();
        try (Traffic second = traffic(1_000, 50, 42)) {
            second.start();
            assertThat(second.await(Duration.ofSeconds(30))).isTrue();
        }
        assertThat(received.stream().sorted()).hasSize(50).containsExactlyElementsOf(once);
    }

    @Test
    void refusalsAreCountedByStatus() {
        status = 503;
        Traffic traffic = traffic(100, ENDLESS, 1);
        try (traffic) {
            traffic.start();
            await().until(() -> received.size() > 20);
            status = 429;
            await().until(() -> traffic.totals().refused().containsKey(429));
        }
        assertThat(traffic.totals().accepted()).isZero();
        assertThat(traffic.totals().refused()).containsOnlyKeys(429, 503);
        assertThat(traffic.totals().underWay()).isZero();
    }

    @Test
    void aReceiverThatIsAwayIsOneLineWhenItGoesAndOneWhenItIsBack() throws Exception {
        int port = server.getAddress().getPort();
        try (Traffic traffic = traffic(100, ENDLESS, 1)) {
            traffic.start();
            await().until(() -> traffic.totals().accepted() > 0);
            server.stop(0);
            await().atMost(Duration.ofSeconds(20)).until(() -> said("receiver away"));
            long failed = traffic.totals().failed();
            await().until(() -> traffic.totals().failed() > failed + 100); // a second later, no second line
            start(port);
            await().atMost(Duration.ofSeconds(20)).until(() -> said("receiver back"));
        }
        assertThat(lines)
                .filteredOn(line -> line.startsWith("receiver"))
                .satisfiesExactly(
                        away -> assertThat(away).startsWith("receiver away (ConnectException"),
                        back -> assertThat(back).startsWith("receiver back after "));
    }

    @Test
    void aReceiverThatHangsHoldsUpABoundedNumberAndTheRestIsReportedAsNotSent() {
        hanging = true;
        try (Traffic traffic = traffic(1_000, ENDLESS, 1)) {
            traffic.start();
            await().atMost(Duration.ofSeconds(20)).until(() -> traffic.totals().notSent() > 100);
            assertThat(traffic.totals().underWay()).isLessThanOrEqualTo(Traffic.MAX_UNDER_WAY);
            await().atMost(Duration.ofSeconds(20)).until(() -> said("can't keep the rate"));
            release.countDown();
        }
    }

    @Test
    void itStopsWhenClosedAndSaysSoOnce() {
        Traffic traffic = traffic(100, ENDLESS, 1);
        traffic.start();
        await().until(() -> received.size() > 5);
        traffic.close();
        traffic.close();
        Totals totals = traffic.totals();
        assertThat(totals.sent()).isEqualTo(received.size());
        assertThat(totals.underWay()).isZero();
        assertThat(lines).filteredOn(line -> line.startsWith("ended after ")).hasSize(1);
    }

    @Test
    void theExitCodeTellsWhetherAllWereAccepted() {
        assertThat(command("--count", "20", "--rate", "200")).isZero();
        status = 503;
        assertThat(command("--duration", "500ms")).isEqualTo(1);
        assertThat(lines).last().asString().contains("accepted 0").contains("(503: ");
    }

    private int command(String... options) {
        StringWriter out = new StringWriter();
        int exitCode = new CommandLine(new TrafficCommand())
                .setOut(new PrintWriter(out, true))
                .execute(Stream.concat(
                                Stream.of(
                                        "--url",
                                        "http://localhost:"
                                                + server.getAddress().getPort() + '/'),
                                Stream.of(options))
                        .toArray(String[]::new));
        out.toString().lines().forEach(lines::add);
        return exitCode;
    }

    private boolean said(String words) {
        return lines.stream().anyMatch(line -> line.contains(words));
    }
}
