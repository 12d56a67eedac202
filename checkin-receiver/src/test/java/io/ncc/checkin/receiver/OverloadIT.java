package io.ncc.checkin.receiver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.micrometer.core.instrument.MeterRegistry;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.testsupport.HttpAnswer;
import io.ncc.checkin.testsupport.RawAnswer;
import io.ncc.checkin.testsupport.RawConnection;
import io.ncc.checkin.testsupport.RealRedis;
import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** What all requests together may hold. */
@Timeout(60)
final class OverloadIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final int BATCHES = 5;
    private static final double MEGABYTE = 1024 * 1024;
    private static final String BATCH = "/checkins/batch";
    private static final String NDJSON = "application/x-ndjson";
    private static final String BAD_LINE = "{\"userId\":0,\"locationId\":0,\"starRating\":9}\n";

    private static StartedReceiver receiver;

    @BeforeAll
    static void start() {
        receiver = StartedReceiver.on(redis, "checkin.receiver.max-request-memory=8MB");
    }

    @AfterAll
    static void stop() {
        receiver.close();
    }

    @Test
    void whatBatchesHoldTogetherIsLimitedAndLeavesRoomForSingleCheckins() throws IOException {
        String bad = BAD_LINE.repeat(8_500); // each line is three errors in the answer
        byte[] batch = RawConnection.post(BATCH, NDJSON, RawConnection.bytes(bad));
        try (var first = new RawConnection(receiver.port())) {
            first.send(Arrays.copyOf(batch, batch.length - 1));
            await().until(() -> held() > 5 * MEGABYTE);

            for (int i = 0; i < BATCHES; i++) {
                HttpAnswer answer =
                        receiver.batch().header("Content-Type", NDJSON).post(bad);
                StartedReceiver.assertUnavailable(answer, "overloaded");
                assertThat(held()).isBetween(5 * MEGABYTE, 6 * MEGABYTE); // three quarters of what is allowed
                assertThat(receiver.accepts()).isTrue();
                assertThat(receiver.readiness()).isEqualTo(200);
            }

            first.send(RawConnection.bytes("\n"));
            assertThat(first.read()).isNotNull().extracting(RawAnswer::status).isEqualTo(207);
        }
        await().until(() -> held() == 0);
        assertThat(receiver.batch().header("Content-Type", NDJSON).post(bad).status())
                .isEqualTo(207);
    }

    @Test
    void theNamesOfUnknownMembersCount() throws IOException {
        int lines = 300;
        String name = "~".repeat(4_000); // twice as long in a pointer
        String line = "{\"userId\":1,\"locationId\":1,\"starRating\":1,\"" + name + "\":0}\n";
        byte[] batch = RawConnection.post(BATCH, NDJSON, RawConnection.bytes(line.repeat(lines)));
        try (var connection = new RawConnection(receiver.port())) {
            connection.send(Arrays.copyOf(batch, batch.length - 1));
            await().until(() -> held() > 0.99 * lines * 2 * name.length());
            connection.send(RawConnection.bytes("\n"));
            assertThat(connection.read())
                    .isNotNull()
                    .extracting(RawAnswer::status)
                    .isEqualTo(207);
        }
        await().until(() -> held() == 0);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4})
    void whereMemoryEndsInABatchEachCheckinThatIsStoredHasItsResult(int partitions) {
        String lines = LongStream.rangeClosed(1, 3_000) // the second of each user is a repeat
                .mapToObj(user -> (StartedReceiver.checkin(user) + '\n').repeat(2))
                .collect(Collectors.joining());
        try (StartedReceiver small = StartedReceiver.on(
                redis,
                "checkin.receiver.max-request-memory=1MB",
                "checkin.receiver.repeat-window=1h",
                "checkin.partitions=" + partitions)) {
            HttpAnswer answer = small.batch().header("Content-Type", NDJSON).post(lines);

            assertThat(answer.status()).as(answer.body()).isEqualTo(207);
            assertThat(answer.json().at("/problem/type").asString()).endsWith(":overloaded");
            long stored = Partitions.of(partitions).all().stream()
                    .mapToLong(partition -> redis.commands()
                            .xlen(Partitions.of(partitions).keys(partition).checkins()))
                    .sum();
            assertThat(stored).isGreaterThan(BatchController.CHUNK);
            List<JsonNode> results = answer.json().get("results").valueStream().toList();
            assertThat(results.stream().filter(result -> result.has("id"))).hasSize((int) stored);
            assertThat(results.stream().map(result -> result.at("/problem/type").asString("")))
                    .containsOnly("", "urn:checkins:problem:repeat");
            assertThat(answer.json().get("accepted").asLong()).isEqualTo(stored);
            assertThat(answer.json().get("refused").asLong()).isEqualTo(results.size() - stored);
        }
    }

    @Test
    void whatARequestHeldIsGivenBackWhenItsClientDisconnects() throws IOException {
        for (String type : List.of("application/json", NDJSON)) {
            for (String path : List.of("/checkins", BATCH)) {
                try (RawConnection connection = new RawConnection(receiver.port())) {
                    byte[] request = RawConnection.post(path, type, RawConnection.bytes(BAD_LINE));
                    connection.send(Arrays.copyOf(request, request.length - 1));
                    connection.reset();
                }
            }
        }
        await().atMost(Duration.ofSeconds(10)).until(() -> held() == 0);
    }

    @Test
    void thereAreNoMoreConnectionsThanTheHeapHoldsUnlessASettingSaysSo() {
        long heap = Runtime.getRuntime().maxMemory();
        assertThat(receiver.maxConnections()).isEqualTo((int) Math.min(8_192, heap / (256 * 1024)));
        try (StartedReceiver other = StartedReceiver.on(redis, "server.tomcat.max-connections=77")) {
            assertThat(other.maxConnections()).isEqualTo(77);
        }
    }

    private static double held() {
        return receiver.part(MeterRegistry.class)
                .get("checkin.receiver.request.memory")
                .gauge()
                .value();
    }
}
