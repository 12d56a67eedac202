package io.ncc.checkin.receiver;

import static io.ncc.checkin.receiver.StartedReceiver.idOf;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.micrometer.core.instrument.MeterRegistry;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.testsupport.HttpAnswer;
import io.ncc.checkin.testsupport.RealRedis;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** A user can't check in at the same location again within the repeat window. */
@Timeout(60)
final class RepeatWindowIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final String WINDOW = "checkin.receiver.repeat-window=10m";
    private static final String BATCH =
            "[" + checkin(7, 8) + ',' + checkin(9, 8) + ",{}," + checkin(7, 8) + ',' + checkin(7, 9) + ']';

    private static StartedReceiver receiver;
    private static StartedReceiver another;

    @BeforeAll
    static void start() {
        receiver = StartedReceiver.on(redis, WINDOW);
        another = StartedReceiver.on(redis, WINDOW);
    }

    @AfterAll
    static void stop() {
        receiver.close();
        another.close();
    }

    private static String checkin(long user, long location) {
        return "{\"userId\":" + user + ",\"locationId\":" + location + ",\"starRating\":5}";
    }

    private static long stored() {
        return redis.commands().xlen(Keys.unpartitioned().checkins());
    }

    private static void assertRepeat(HttpAnswer answer) {
        assertThat(answer.status()).as(answer.body()).isEqualTo(409);
        assertThat(answer.problemType()).isEqualTo("repeat");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/checkins", "/api/checkin"})
    void theSameUserAtTheSameLocationIsRefused(String path) {
        double refused = refused();
        idOf(HttpAnswer.post(receiver.url(path), checkin(7, 8)));

        assertRepeat(HttpAnswer.post(another.url(path), checkin(7, 8)));
        assertRepeat(HttpAnswer.post(receiver.url(path), checkin(7, 8)));

        idOf(another.post(checkin(7, 9)));
        idOf(another.post(checkin(8, 8)));
        assertThat(stored()).isEqualTo(3);
        assertThat(refused() - refused).isEqualTo(1);
    }

    private static double refused() {
        var counter = receiver.part(MeterRegistry.class)
                .find("checkin.receiver.refused")
                .tag("reason", "repeat")
                .counter();
        return counter == null ? 0 : counter.count();
    }

    @Test
    void afterTheWindowTheUserCanCheckInThereAgain() {
        try (StartedReceiver brief = StartedReceiver.on(redis, "checkin.receiver.repeat-window=1s")) {
            idOf(brief.post(checkin(7, 8)));
            assertRepeat(brief.post(checkin(7, 8)));
            await().atMost(Duration.ofSeconds(10))
                    .until(() -> brief.post(checkin(7, 8)).status() == 202);
            assertThat(redis.commands().keys("ncc:checkedin:*")).hasSizeLessThanOrEqualTo(1);
        }
    }

    @Test
    void aRequestThatIsSentAgainWithItsKeyIsNoRepeat() {
        String id = idOf(receiver.post("k", checkin(7, 8)));
        assertThat(idOf(another.post("k", checkin(7, 8)))).isEqualTo(id);
        assertRepeat(another.post("l", checkin(7, 8)));
        assertRepeat(another.post("l", checkin(7, 8)));
        assertThat(stored()).isEqualTo(1);
    }

    @Test
    void inABatchEachIsRefusedAlone() {
        idOf(receiver.post(checkin(9, 8)));
        HttpAnswer answer = receiver.batch().header("Idempotency-Key", "k").post(BATCH);

        assertResults(answer, "id", "repeat", "errors", "repeat", "id");
        assertThat(answer.json().get("accepted").asInt()).isEqualTo(2);
        assertThat(answer.json().get("refused").asInt()).isEqualTo(3);
        assertThat(stored()).isEqualTo(3);

        HttpAnswer again = another.batch().header("Idempotency-Key", "k").post(BATCH);
        assertThat(again.json()).isEqualTo(answer.json());
        assertResults(receiver.batch().post(BATCH), "repeat", "repeat", "errors", "repeat", "repeat");
        assertThat(stored()).isEqualTo(3);
    }

    @Test
    void withPartitionsItIsTheSame() {
        Partitions partitions = Partitions.of(4);
        try (StartedReceiver partitioned = StartedReceiver.on(redis, WINDOW, "checkin.partitions=4")) {
            idOf(partitioned.post(checkin(9, 8)));
            assertRepeat(partitioned.post(checkin(9, 8)));

            HttpAnswer answer =
                    partitioned.batch().header("Idempotency-Key", "k").post(BATCH);
            assertResults(answer, "id", "repeat", "errors", "repeat", "id");
            assertThat(partitioned
                            .batch()
                            .header("Idempotency-Key", "k")
                            .post(BATCH)
                            .json())
                    .isEqualTo(answer.json());
            assertThat(redis.commands()
                            .exists(partitions.keys(partitions.ofUser(7)).checkedIn(7, 8)))
                    .isEqualTo(1);
        }
    }

    private static void assertResults(HttpAnswer answer, String... expected) {
        assertThat(answer.status()).as(answer.body()).isEqualTo(207);
        List<String> results = new ArrayList<>();
        for (JsonNode result : answer.json().get("results")) {
            results.add(
                    result.has("problem")
                            ? result.get("problem").get("type").asString().replace("urn:checkins:problem:", "")
                            : result.propertyNames().iterator().next());
        }
        assertThat(results).containsExactly(expected);
    }

    @Test
    void ofManyAtTheSameTimeAtTwoReceiversOneIsStored() {
        ExecutorService clients = Executors.newFixedThreadPool(16);
        try {
            for (long user = 1; user <= 20; user++) {
                String body = checkin(user, 8);
                List<CompletableFuture<HttpAnswer>> answers = new ArrayList<>();
                for (int i = 0; i < 16; i++) {
                    StartedReceiver one = i % 2 == 0 ? receiver : another;
                    answers.add(CompletableFuture.supplyAsync(() -> one.post(body), clients));
                }
                assertThat(answers.stream().map(answer -> answer.join().status()))
                        .containsOnly(202, 409)
                        .containsOnlyOnce(202);
            }
        } finally {
            clients.shutdown();
        }
        assertThat(stored()).isEqualTo(20);
    }

    @Test
    void unlessItIsSetNothingIsRememberedAndNothingRefused() {
        try (StartedReceiver without = StartedReceiver.on(redis)) {
            idOf(without.post(checkin(7, 8)));
            idOf(without.post(checkin(7, 8)));
            assertThat(redis.commands().keys("ncc:checkedin:*")).isEmpty();
        }
    }
}
