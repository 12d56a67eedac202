package io.ncc.checkin.receiver;

import static io.ncc.checkin.receiver.StartedReceiver.checkin;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.lettuce.core.Range;
import io.lettuce.core.XAddArgs;
import io.micrometer.core.instrument.MeterRegistry;
import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.testsupport.HttpAnswer;
import io.ncc.checkin.testsupport.RealRedis;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** A receiver of several partitions on one Redis. */
@Timeout(60)
final class PartitionsIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final Partitions PARTITIONS = Partitions.of(4);
    private static final Duration LIMIT = Duration.ofSeconds(20);

    @ParameterizedTest
    @ValueSource(ints = {1, 4, 64})
    void aCheckinGoesToThePartitionOfItsUserWhichItsIdNames(int count) {
        Partitions partitions = Partitions.of(count);
        try (StartedReceiver receiver = StartedReceiver.on(
                redis, "checkin.partitions=" + count, "checkin.receiver.api-base-url=http://api.example")) {
            Map<String, Long> accepted = new HashMap<>();
            for (long user = 1; user <= 100; user++) {
                HttpAnswer answer = receiver.post(checkin(user));
                String id = StartedReceiver.idOf(answer);
                assertThat(answer.header("Location")).isEqualTo("http://api.example/checkins/" + id);
                assertThat(id).endsWith("-" + partitions.ofUser(user));
                accepted.put(id, user);
            }
            assertThat(stored(partitions)).isEqualTo(accepted);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4, 64})
    void theResultsOfABatchAreInItsOrder(int count) {
        Partitions partitions = Partitions.of(count);
        try (StartedReceiver receiver = StartedReceiver.on(redis, "checkin.partitions=" + count)) {
            HttpAnswer answer = batch(receiver, "k", 1, 1_234);

            assertThat(answer.status()).as(answer.body()).isEqualTo(202);
            assertThat(answer.json().get("accepted").asInt()).isEqualTo(1_234);
            Map<String, Long> accepted = accepted(answer);
            assertThat(accepted).hasSize(1_234);
            assertThat(stored(partitions)).isEqualTo(accepted);

            assertThat(accepted(batch(receiver, "k", 1, 1_234))).isEqualTo(accepted);
            assertThat(stored(partitions)).isEqualTo(accepted);
        }
    }

    @Test
    void whatAPartitionRefusesIsNamedOneByOneAndARepeatCompletesIt() {
        try (StartedReceiver receiver = started()) {
            fill(2);

            HttpAnswer first = batch(receiver, "k", 1, 1_234);

            assertThat(first.status()).isEqualTo(207);
            assertThat(first.json().has("problem")).isFalse();
            List<Long> refused = LongStream.rangeClosed(1, 1_234)
                    .boxed()
                    .filter(user -> PARTITIONS.ofUser(user) == 2)
                    .toList();
            assertThat(first.json().get("refused").asInt()).isEqualTo(refused.size());
            assertThat(refusedAs("stream-full", first)).isEqualTo(refused);
            assertThat(accepted(first)).hasSize(1_234 - refused.size());
            assertThat(receiver.part(MeterRegistry.class)
                            .get("checkin.receiver.refused")
                            .tag("reason", "stream-full")
                            .counter()
                            .count())
                    .isEqualTo(refused.size());

            empty(2);
            HttpAnswer second = batch(receiver, "k", 1, 1_234);

            assertThat(second.status()).isEqualTo(202);
            assertThat(accepted(second)).hasSize(1_234).containsAllEntriesOf(accepted(first));
            assertThat(stored(PARTITIONS)).isEqualTo(accepted(second));
        }
    }

    @Test
    void aPartitionThatRefusedAPartOfABatchGetsNoLaterPartSoThatAUsersCheckinsStayInOrder() {
        List<Checkin> checkins = new ArrayList<>();
        for (int i = 0; i < 1_000; i++) {
            boolean isTheirs = i < 5 || i == 500 || i == 501;
            checkins.add(new Checkin(userOf(isTheirs ? 2 : i % 2), 1 + i, 5));
        }
        try (StartedReceiver receiver = started()) {
            fill(2, 997);

            HttpAnswer first = batch(receiver, "k", checkins);

            assertThat(first.status()).isEqualTo(207);
            assertThat(refusedAs("stream-full", first)).containsExactly(1L, 2L, 3L, 4L, 5L, 501L, 502L);
            assertThat(first.json().get("refused").asInt()).isEqualTo(7);

            empty(2);
            HttpAnswer second = batch(receiver, "k", checkins);

            assertThat(second.status()).isEqualTo(202);
            assertThat(locations(2)).containsExactly(1L, 2L, 3L, 4L, 5L, 501L, 502L);
        }
    }

    @Test
    void aPartitionThatFoundAMismatchGetsNoLaterPartEither() {
        List<Checkin> checkins = new ArrayList<>(Collections.nCopies(500, new Checkin(userOf(2), 1, 5)));
        try (StartedReceiver receiver = started()) {
            batch(receiver, "k", checkins);
            checkins.set(499, new Checkin(userOf(0), 1, 5));
            checkins.add(new Checkin(userOf(2), 2, 5));

            HttpAnswer answer = batch(receiver, "k", checkins);

            assertThat(answer.status()).isEqualTo(207);
            assertThat(answer.json().get("accepted").asInt()).isEqualTo(1);
            assertThat(refusedAs("idempotency-mismatch", answer)).hasSize(500).contains(501L);
            assertThat(locations(2)).hasSize(500).doesNotContain(2L);
        }
    }

    @Test
    void whatEachPartitionRefusesIsRefusedAsAWhole() {
        try (StartedReceiver receiver = started()) {
            PARTITIONS.all().forEach(PartitionsIT::fill);
            HttpAnswer answer = batch(receiver, "k", 1, 700);
            assertThat(answer.status()).isEqualTo(503);
            assertThat(answer.problemType()).isEqualTo("stream-full");
        }
    }

    @Test
    void aRefusalDoesNotHideThatAnotherPartitionHasPerhapsStoredSomething() {
        try (StartedReceiver receiver = started()) {
            leaveRoomForOne(0);
            List.of(1, 2, 3).forEach(PartitionsIT::fill);

            HttpAnswer answer = batch(receiver, "k", 1, 40);

            assertThat(answer.status()).isEqualTo(503);
            assertThat(answer.problemType()).isEqualTo("outcome-unknown");
        }
    }

    @ParameterizedTest
    @CsvSource({"false, 503", "true, 207"})
    void whatCutsABatchOffDoesNotHideThatAPartitionHasPerhapsStoredSomething(boolean withErrors, int status) {
        try (StartedReceiver receiver = started()) {
            leaveRoomForOne(0);
            List.of(1, 2, 3).forEach(PartitionsIT::fill);

            HttpAnswer answer = receiver.batch()
                    .post(LongStream.rangeClosed(1, 40)
                            .mapToObj(StartedReceiver::checkin)
                            .collect(Collectors.joining(",", withErrors ? "[{}," : "[", ",broken")));

            assertThat(answer.status()).as(answer.body()).isEqualTo(status);
            if (withErrors) {
                assertThat(answer.json().get("accepted").asInt()).isZero();
                assertThat(refusedAs("outcome-unknown", answer)).isNotEmpty();
                assertThat(answer.json().at("/problem/type").asString()).endsWith(":invalid-request");
            } else {
                assertThat(answer.problemType()).isEqualTo("outcome-unknown");
            }
        }
    }

    @Test
    void aPartitionThatIsFullIsItsUsersTroubleAlone() {
        try (StartedReceiver receiver = started()) {
            fill(2);
            for (long user = 1; user <= 40; user++) {
                HttpAnswer answer = receiver.post(checkin(user));
                assertThat(answer.status()).as("user %s", user).isEqualTo(PARTITIONS.ofUser(user) == 2 ? 503 : 202);
            }
            assertThat(receiver.readiness()).isEqualTo(200);
            JsonNode append = receiver.get("/actuator/health").json().at("/components/append");
            assertThat(append.at("/status").asString()).isEqualTo("UP");
            assertThat(append.at("/details/away").propertyNames()).containsExactly("2");
            assertThat(available(receiver)).containsExactly(1, 1, 0, 1);

            List.of(0, 1, 3).forEach(PartitionsIT::fill);
            receiver.awaitReadiness(503);
        }
    }

    @Test
    void theGaugesOfThePartitionsFollowWithoutAnyoneAskingForTheHealth() {
        try (StartedReceiver receiver = started()) {
            await().atMost(LIMIT)
                    .untilAsserted(() -> assertThat(available(receiver)).containsExactly(1, 1, 1, 1));
            fill(2);
            await().atMost(LIMIT)
                    .untilAsserted(() -> assertThat(available(receiver)).containsExactly(1, 1, 0, 1));
            empty(2);
            await().atMost(LIMIT)
                    .untilAsserted(() -> assertThat(available(receiver)).containsExactly(1, 1, 1, 1));

            redis.commands().configSet("maxmemory", "1");
            try {
                await().atMost(LIMIT)
                        .untilAsserted(() -> assertThat(available(receiver)).containsExactly(0, 0, 0, 0));
            } finally {
                redis.commands().configSet("maxmemory", "0");
            }
        }
    }

    /** What the gauge of each partition says. */
    private static List<Integer> available(StartedReceiver receiver) {
        return PARTITIONS.all().stream()
                .map(partition -> (int) receiver.part(MeterRegistry.class)
                        .get("checkin.partition.available")
                        .tag("partition", Integer.toString(partition))
                        .gauge()
                        .value())
                .toList();
    }

    @Test
    void anotherNumberOfPartitionsIsNoQuestionOfDurability() {
        try (StartedReceiver receiver = started()) {
            await().atMost(LIMIT).until(receiver::accepts);
        }
        String key = PARTITIONS.keys(0).partitions();
        try (StartedReceiver receiver = StartedReceiver.on(redis, "checkin.partitions=8")) {
            assertRefused(
                    receiver,
                    "/details/away/5",
                    "checkin.partitions is 8, but Redis has 4 partitions, as " + key + " says. ");
        }
        try (StartedReceiver receiver = StartedReceiver.on(redis)) {
            assertRefused(
                    receiver,
                    "/details",
                    "checkin.partitions is not set, but Redis has 4 partitions, as " + key + " says. ");
        }
    }

    private static void assertRefused(StartedReceiver receiver, String details, String reason) {
        await().atMost(LIMIT).untilAsserted(() -> {
            JsonNode append = receiver.get("/actuator/health").json().at("/components/append");
            assertThat(append.at("/status").asString()).isEqualTo("DOWN");
            assertThat(append.at(details + "/problem").asString()).isEqualTo("REDIS_UNAVAILABLE");
            assertThat(append.at(details + "/reason").asString()).startsWith(reason);
        });
        StartedReceiver.assertUnavailable(receiver.post(checkin(1)), "redis-unavailable");
    }

    @Test
    void anIdempotencyKeyIsUsedOnceInEachPartition() {
        try (StartedReceiver receiver = started()) {
            HttpAnswer first = receiver.post("k", checkin(1));
            assertThat(StartedReceiver.idOf(receiver.post("k", checkin(1)))).isEqualTo(StartedReceiver.idOf(first));
            long other = LongStream.iterate(2, user -> user + 1)
                    .filter(user -> PARTITIONS.ofUser(user) == PARTITIONS.ofUser(1))
                    .findFirst()
                    .orElseThrow();
            assertThat(receiver.post("k", checkin(other)).problemType()).isEqualTo("idempotency-mismatch");
            long elsewhere = userOf((PARTITIONS.ofUser(1) + 1) % 4);
            assertThat(receiver.post("k", checkin(elsewhere)).status()).isEqualTo(202);
        }
    }

    @Test
    void aLengthThatIsTooSmallForAllPartitionsIsRefused() {
        assertThatThrownBy(
                        () -> StartedReceiver.on(redis, "checkin.partitions=64", "checkin.receiver.max-length=63999"))
                .hasStackTraceContaining("checkin.receiver.max-length must be 1000 or more, for each of 64 partitions");
    }

    private static StartedReceiver started() {
        return StartedReceiver.on(redis, "checkin.partitions=4", "checkin.receiver.max-length=4000");
    }

    private static HttpAnswer batch(StartedReceiver receiver, String key, long first, long last) {
        return batch(receiver, key, LongStream.rangeClosed(first, last).mapToObj(StartedReceiver::checkin));
    }

    private static HttpAnswer batch(StartedReceiver receiver, String key, List<Checkin> checkins) {
        return batch(
                receiver,
                key,
                checkins.stream()
                        .map(it -> "{\"userId\":%d,\"locationId\":%d,\"starRating\":%d}"
                                .formatted(it.userId(), it.locationId(), it.starRating())));
    }

    private static HttpAnswer batch(StartedReceiver receiver, String key, Stream<String> lines) {
        return receiver.batch()
                .header("Content-Type", "application/x-ndjson")
                .header("Idempotency-Key", key)
                .post(lines.collect(Collectors.joining("\n")));
    }

    private static long userOf(int partition) {
        return LongStream.iterate(1, user -> user + 1)
                .filter(user -> PARTITIONS.ofUser(user) == partition)
                .findFirst()
                .orElseThrow();
    }

    /** Of the checkins of a partition, in the order of its stream. */
    private static List<Long> locations(int partition) {
        return redis.commands().xrange(PARTITIONS.keys(partition).checkins(), Range.unbounded()).stream()
                .map(entry -> Long.valueOf(entry.getBody().get("locationId")))
                .toList();
    }

    /** Users from 1 on, by the ids of the results. */
    private static Map<String, Long> accepted(HttpAnswer batch) {
        JsonNode results = batch.json().get("results");
        return IntStream.range(0, results.size())
                .filter(i -> results.get(i).has("id"))
                .boxed()
                .collect(Collectors.toMap(i -> results.get(i).get("id").asString(), i -> 1L + i));
    }

    private static List<Long> refusedAs(String problem, HttpAnswer batch) {
        JsonNode results = batch.json().get("results");
        return IntStream.range(0, results.size())
                .filter(i -> results.get(i).at("/problem/type").asString("").endsWith(":" + problem))
                .mapToObj(i -> 1L + i)
                .toList();
    }

    private static Map<String, Long> stored(Partitions partitions) {
        Map<String, Long> users = new HashMap<>();
        for (int partition : partitions.all()) {
            for (var entry : redis.commands().xrange(partitions.keys(partition).checkins(), Range.unbounded())) {
                long user = Long.parseLong(entry.getBody().get("userId"));
                assertThat(partitions.ofUser(user)).isEqualTo(partition);
                users.put(entry.getId() + "-" + partition, user);
            }
        }
        return users;
    }

    /** To its share of max-length. */
    private static void fill(int partition) {
        fill(partition, 1_000);
    }

    private static void fill(int partition, int entries) {
        String stream = PARTITIONS.keys(partition).checkins();
        for (int i = 0; i < entries; i++) {
            redis.commands().xadd(stream, "filling", "it");
        }
    }

    /** One of several checkins still fits. */
    private static void leaveRoomForOne(int partition) {
        String highestButOne = "18446744073709551615-18446744073709551614";
        redis.commands()
                .xadd(PARTITIONS.keys(partition).checkins(), new XAddArgs().id(highestButOne), Map.of("filling", "it"));
    }

    private static void empty(int partition) {
        redis.commands().del(PARTITIONS.keys(partition).checkins());
    }
}
