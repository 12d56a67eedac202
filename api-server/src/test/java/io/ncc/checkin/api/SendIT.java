package io.ncc.checkin.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.ncc.checkin.testsupport.HttpAnswer;
import io.ncc.checkin.testsupport.RealRedis;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A checkin that the page sends, with a receiver that answers as a test wants. The demo's test has the real one. */
@Timeout(60)
final class SendIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final String CHECKIN = "{\"userId\":789,\"locationId\":171,\"starRating\":5}";

    private static final ExecutorService threads = Executors.newCachedThreadPool();
    private static final BlockingQueue<Request> received = new LinkedBlockingQueue<>();
    private static volatile Answer next = new Answer(202, "application/json", "{\"id\":\"1-0\"}");
    private static volatile CountDownLatch held = new CountDownLatch(0);

    private static HttpServer receiver;
    private static ApiServer api;

    private record Request(
            String method,
            String path,
            @Nullable String type,
            @Nullable String authorization,
            String body) {}

    private record Answer(int status, String type, String body) {}

    @BeforeAll
    static void start() throws IOException {
        receiver = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        receiver.createContext("/", SendIT::answer);
        receiver.setExecutor(threads);
        receiver.start();
        api = startWith(receiver.getAddress().getPort());
    }

    private static ApiServer startWith(int port) {
        return ApiServer.start(redis, "--checkin.api.receiver-base-url=http://127.0.0.1:" + port + "/base");
    }

    @AfterAll
    static void stop() {
        api.close();
        receiver.stop(0);
        threads.shutdownNow();
    }

    @BeforeEach
    void forget() {
        received.clear();
        next = new Answer(202, "application/json", "{\"id\":\"1-0\"}");
    }

    private static void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            received.add(new Request(
                    exchange.getRequestMethod(),
                    exchange.getRequestURI().toString(),
                    exchange.getRequestHeaders().getFirst("Content-Type"),
                    exchange.getRequestHeaders().getFirst("Authorization"),
                    new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8)));
            held.await();
            exchange.getResponseHeaders().set("Content-Type", next.type());
            if (next.status() == 202) {
                exchange.getResponseHeaders().set("Location", "http://api/checkins/1-0");
            }
            byte[] body = next.body().getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(next.status(), body.length);
            exchange.getResponseBody().write(body);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static HttpAnswer send(String json) {
        return api.post("/console/checkins", json);
    }

    @Test
    void theCheckinAndTheTokenAreHandedOnAndTheAnswerIsTheReceivers() {
        HttpAnswer answer = HttpAnswer.to(api.url("/console/checkins"))
                .header("Authorization", "Bearer secret")
                .post(CHECKIN);
        assertThat(answer.status()).isEqualTo(202);
        assertThat(answer.json().get("id").asString()).isEqualTo("1-0");
        assertThat(answer.header("Location")).isEqualTo("http://api/checkins/1-0");
        assertThat(received)
                .containsExactly(new Request("POST", "/base/checkins", "application/json", "Bearer secret", CHECKIN));
    }

    @Test
    void aProblemOfTheReceiverIsHandedOn() {
        next = new Answer(
                400,
                "application/problem+json",
                "{\"type\":\"urn:checkins:problem:invalid-request\",\"title\":\"Invalid request\",\"status\":400,"
                        + "\"detail\":\"The body of the request is invalid.\",\"instance\":\"/checkins\","
                        + "\"errors\":[{\"pointer\":\"/starRating\",\"message\":\"must be from 0 to 5\"}]}");
        HttpAnswer answer = send(CHECKIN.replace('5', '9'));
        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.header("Content-Type")).isEqualTo("application/problem+json");
        assertThat(answer.body()).isEqualTo(next.body());
    }

    @Test
    void whatIsNoReceiverIsAProblem() {
        next = new Answer(200, "text/html", "<html>");
        assertThat(send(CHECKIN).problemType()).isEqualTo("receiver-unavailable");
    }

    @Test
    void aReceiverThatIsAwayIsAProblem() throws IOException {
        int port;
        try (ServerSocket free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        try (ApiServer lonely = startWith(port)) {
            HttpAnswer answer = lonely.post("/console/checkins", CHECKIN);
            assertThat(answer.status()).isEqualTo(503);
            assertThat(answer.problemType()).isEqualTo("receiver-unavailable");
        }
    }

    @Test
    void withoutTheSettingThereIsNothingToSendTo() {
        try (ApiServer without = ApiServer.start(redis)) {
            assertThat(without.post("/console/checkins", CHECKIN).problemType()).isEqualTo("not-found");
            HttpAnswer sample = await().until(() -> without.get("/console/sample"), polled -> polled.status() == 200);
            assertThat(sample.json().at("/hello/receiverUrl").isNull()).isTrue();
        }
    }

    @Test
    void aBodyThatIsNoCheckinIsRefusedBeforeItIsHandedOn() {
        assertThat(send(CHECKIN + " ".repeat(5_000)).problemType()).isEqualTo("content-too-large");
        assertThat(HttpAnswer.post(api.url("/console/checkins"), "text/plain", CHECKIN)
                        .problemType())
                .isEqualTo("unsupported-media-type");
        assertThat(received).isEmpty();
    }

    @Test
    void aReceiverThatIsSlowHoldsUpOnlyAFew() {
        held = new CountDownLatch(1);
        List<CompletableFuture<HttpAnswer>> waiting = new ArrayList<>();
        try {
            for (int i = 0; i < 20; i++) {
                waiting.add(CompletableFuture.supplyAsync(() -> send(CHECKIN), threads));
            }
            await().atMost(Duration.ofSeconds(10)).until(() -> received.size() == 20);
            assertThat(send(CHECKIN).problemType()).isEqualTo("overloaded");
        } finally {
            held.countDown();
        }
        assertThat(waiting)
                .allSatisfy(answer -> assertThat(answer.join().status()).isEqualTo(202));
        assertThat(send(CHECKIN).status()).isEqualTo(202);
    }
}
