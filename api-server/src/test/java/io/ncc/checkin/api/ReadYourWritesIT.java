package io.ncc.checkin.api;

import static io.ncc.checkin.api.StreamFixture.KEYS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ncc.checkin.testsupport.HttpAnswer;
import io.ncc.checkin.testsupport.RealRedis;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
final class ReadYourWritesIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final StreamFixture stream = new StreamFixture(redis);
    private static final int REQUEST_THREADS = 20;

    private static ApiServer api;

    @BeforeAll
    static void start() {
        api = ApiServer.start(
                redis,
                "--checkin.api.max-wait=20s",
                "--server.tomcat.threads.max=" + REQUEST_THREADS,
                "--spring.data.redis.timeout=1s"); // so that a busy machine stays below the two seconds
    }

    @AfterAll
    static void stop() {
        api.close();
    }

    private static CompletableFuture<HttpAnswer> begin(String path) {
        return HttpAnswer.begin(api.request(path));
    }

    private static Duration since(long start) {
        return Duration.ofNanos(System.nanoTime() - start);
    }

    private static void awaitWaiting(int count) {
        await().atMost(Duration.ofSeconds(10)).until(() -> api.metric("checkin_api_waiting") == count);
    }

    private static String addAndCount() {
        String id = stream.add(789, 171, 5);
        redis.commands().hset(KEYS.user(789), StreamFixture.userTotals(id, 1));
        redis.commands().hset(KEYS.location(171), Map.of("id", "171", "numCheckins", "1"));
        return id;
    }

    @ParameterizedTest
    @ValueSource(strings = {"/users/789", "/api/user/789", "/locations/171", "/api/location/171"})
    void whatIsAppliedIsAnsweredAtOnce(String path) {
        String id = addAndCount();
        redis.commands().set(KEYS.checkpoint(), id);
        HttpAnswer answer = api.get(path + "?after=" + id + "&wait=0s");
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.body()).isEqualTo(api.get(path).body()).contains("\"numCheckins\":1");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/users/789", "/locations/171"})
    void whatIsAppliedMeanwhileIsAnsweredWithTheTotalOfThen(String path) {
        stream.createGroup();
        String id = stream.add(789, 171, 5);
        CompletableFuture<HttpAnswer> answer = begin(path + "?after=" + id + "&wait=20s");
        awaitWaiting(1);
        await().pollDelay(Duration.ofMillis(200)).until(() -> !answer.isDone());
        redis.commands().hset(KEYS.user(789), StreamFixture.userTotals(id, 7));
        redis.commands().hset(KEYS.location(171), Map.of("numCheckins", "7"));
        long settled = System.nanoTime();
        redis.commands().set(KEYS.checkpoint(), id);
        HttpAnswer response = answer.join();
        assertThat(since(settled)).isLessThan(Duration.ofSeconds(2));
        assertThat(response.status()).isEqualTo(200);
        assertThat(response.body()).contains("\"numCheckins\":7");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/users/789", "/locations/171"})
    void whatIsNotAppliedInTimeIsNotYet(String path) {
        stream.createGroup();
        String id = addAndCount();
        long start = System.nanoTime();
        HttpAnswer answer = api.get(path + "?after=" + id + "&wait=300ms");
        assertThat(since(start)).isBetween(Duration.ofMillis(300), Duration.ofSeconds(3));
        assertThat(answer.status()).isEqualTo(504);
        assertThat(answer.header("Retry-After")).isEqualTo("1");
        assertThat(answer.header("Content-Type")).isEqualTo("application/problem+json");
        assertThat(answer.problemType()).isEqualTo("not-yet");
    }

    @Test
    void withoutAWaitItIsTwoSeconds() {
        String id = addAndCount();
        long start = System.nanoTime();
        assertThat(api.get("/users/789?after=" + id).status()).isEqualTo(504);
        assertThat(since(start)).isBetween(Duration.ofSeconds(2), Duration.ofSeconds(4));
    }

    @Test
    void afterRedisWasSlowNobodyWaitsLongerThanWasAsked() {
        String id = addAndCount();
        CompletableFuture<HttpAnswer> patient = begin("/users/789?after=" + id + "&wait=20s");
        awaitWaiting(1);
        redis.commands().clientPause(800);
        redis.commands().ping(); // answered when the pause is over, and with it the look that was under way
        long start = System.nanoTime();
        assertThat(api.get("/users/789?after=" + id + "&wait=100ms").status()).isEqualTo(504);
        assertThat(since(start)).isLessThan(Duration.ofSeconds(2));
        redis.commands().set(KEYS.checkpoint(), id);
        assertThat(patient.join().status()).isEqualTo(200);
    }

    @Test
    void anEntryThatIsDeadIsAConflictAlsoForOneWhoWaits() {
        stream.createGroup();
        String id = addAndCount();
        stream.deliver("one", 1);
        CompletableFuture<HttpAnswer> waiting = begin("/users/789?after=" + id + "&wait=20s");
        awaitWaiting(1);
        stream.setAsidePending(id, "WRONGTYPE");
        assertThat(waiting.join().status()).isEqualTo(409);
        HttpAnswer answer = api.get("/users/789?after=" + id);
        assertThat(answer.status()).isEqualTo(409);
        assertThat(answer.problemType()).isEqualTo("conflict");
    }

    @Test
    void anEntryThatIsNotThereIsNotFound() {
        addAndCount();
        HttpAnswer answer = api.get("/users/789?after=1000-0&wait=20s");
        assertThat(answer.status()).isEqualTo(404);
        assertThat(answer.problemType()).isEqualTo("not-found");
    }

    @Test
    void anEntryThatDisappearsWhileOneWaitsIsNotFound() {
        String id = addAndCount();
        CompletableFuture<HttpAnswer> waiting = begin("/users/789?after=" + id + "&wait=20s");
        awaitWaiting(1);
        redis.commands().xdel(KEYS.checkins(), id);
        assertThat(waiting.join().status()).isEqualTo(404);
    }

    @Test
    void anEntryThatWasAppliedAndTrimmedIsApplied() {
        String id = addAndCount();
        redis.commands().set(KEYS.checkpoint(), id);
        redis.commands().xdel(KEYS.checkins(), id);
        assertThat(api.get("/users/789?after=" + id).status()).isEqualTo(200);
    }

    @ParameterizedTest
    @CsvSource({"true", "false"})
    void theCheckinOfAnotherUserOrLocationIsRefusedAtOnce(boolean applied) {
        String id = addAndCount();
        redis.commands().hset(KEYS.user(790), Map.of("id", "790"));
        redis.commands().hset(KEYS.location(172), Map.of("id", "172"));
        if (applied) {
            redis.commands().set(KEYS.checkpoint(), id);
        }
        for (String path : List.of("/users/790", "/locations/172", "/users/171", "/locations/789")) {
            HttpAnswer answer = api.get(path + "?after=" + id);
            assertThat(answer.status()).as(path).isEqualTo(400);
            assertThat(answer.json().get("errors").get(0).get("parameter").asString())
                    .isEqualTo("after");
        }
    }

    @ParameterizedTest
    @CsvSource({
        "after=1000-0&wait=20001ms, wait",
        "after=1000-0&wait=1h, wait",
        "after=1000-0&wait=-1s, wait",
        "after=1000-0&wait=PT1S, wait",
        "after=1000-0&wait=soon, wait",
        "after=1000-0&wait=, wait",
        "after=1000-0&wait=99999999999999999999s, wait",
        "after=1000-0&wait=9223372036854775807d, wait",
        "after=, after",
        "after, after",
        "after=5, after",
        "after=latest&wait=1s, after",
    })
    void aParameterThatIsWrongIsNamed(String query, String parameter) {
        HttpAnswer answer = api.get("/users/789?" + query);
        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.json().get("errors").get(0).get("parameter").asString())
                .isEqualTo(parameter);
    }

    @Test
    void aUserWhoIsNotThereIsNotFoundAlsoAfterTheirCheckin() {
        String id = stream.add(789, 171, 5);
        stream.settleRange(id, id);
        assertThat(api.get("/users/789?after=" + id).status()).isEqualTo(404);
    }

    @Test
    void theFirstCheckinOfAUserThatAnotherProgramAcknowledgedIsAConflictAlsoBelowTheCheckpoint() {
        String id = stream.add(789, 171, 5);
        stream.createGroup();
        stream.deliver("another", 1);
        stream.settleUpTo(id); // as the janitor does when nothing is pending
        HttpAnswer answer = api.get("/users/789?after=" + id);
        assertThat(answer.status()).isEqualTo(409);
        assertThat(answer.problemType()).isEqualTo("conflict");
    }

    @Test
    void threeHundredWhoWaitTakeNeitherThreadsNorConnectionsAndEachGetsItsAnswer() {
        int waiting = 300;
        stream.createGroup();
        List<String> ids = new ArrayList<>();
        for (int user = 1; user <= waiting; user++) {
            String id = stream.add(user, 1, 1);
            redis.commands().hset(KEYS.user(user), StreamFixture.userTotals(id, 1000 + user));
            ids.add(id);
        }
        api.get("/users/1");
        List<String> threads = ApiServer.threads();
        long connectionsBefore = stream.connections();

        List<CompletableFuture<HttpAnswer>> answers = IntStream.rangeClosed(1, waiting)
                .mapToObj(user -> begin("/users/" + user + "?after=" + ids.get(user - 1) + "&wait=20s"))
                .toList();
        awaitWaiting(waiting);
        // those of the server's pool, and the one that looks for all who wait
        assertThat(ApiServer.threads()).hasSizeLessThanOrEqualTo(threads.size() + REQUEST_THREADS + 1);
        assertThat(stream.connections()).isEqualTo(connectionsBefore);
        long start = System.nanoTime();
        assertThat(api.get("/users/1").status()).isEqualTo(200);
        assertThat(since(start)).isLessThan(Duration.ofSeconds(1));
        assertThat(answers).noneMatch(CompletableFuture::isDone);

        redis.commands().set(KEYS.checkpoint(), ids.get(waiting - 1));
        for (int user = 1; user <= waiting; user++) {
            HttpAnswer answer = answers.get(user - 1).join();
            assertThat(answer.status()).isEqualTo(200);
            assertThat(answer.body()).contains("\"id\":" + user + ",").contains("\"numCheckins\":" + (1000 + user));
        }
        awaitWaiting(0);
    }

    @Test
    void whoeverWaitsHearsWithinTwoSecondsThatRedisIsAway() {
        stream.createGroup();
        String id = addAndCount();
        List<CompletableFuture<HttpAnswer>> answers = IntStream.range(0, 10)
                .mapToObj(i -> begin("/users/789?after=" + id + "&wait=20s"))
                .toList();
        awaitWaiting(10);
        redis.stop();
        long stopped = System.nanoTime();
        for (CompletableFuture<HttpAnswer> answer : answers) {
            assertThat(answer.join().status()).isEqualTo(503);
            assertThat(answer.join().body()).contains("urn:checkins:problem:redis-unavailable");
            assertThat(answer.join().headers().firstValue("Retry-After")).hasValue("1");
        }
        assertThat(since(stopped)).isLessThan(Duration.ofSeconds(2));
        redis.start();
        await().atMost(Duration.ofSeconds(10))
                .until(() -> api.get("/users/789?after=" + id + "&wait=1ms").status() == 504);
    }

    @Test
    void whoeverWaitsHearsWithinTwoSecondsThatRedisDoesNotAnswer() {
        stream.createGroup();
        String id = addAndCount();
        CompletableFuture<HttpAnswer> answer = begin("/users/789?after=" + id + "&wait=20s");
        awaitWaiting(1);
        redis.pause();
        long paused = System.nanoTime();
        assertThat(answer.join().status()).isEqualTo(503);
        assertThat(since(paused)).isLessThan(Duration.ofSeconds(2));
        redis.resume();
        await().atMost(Duration.ofSeconds(10))
                .until(() -> api.get("/users/789?after=" + id + "&wait=1ms").status() == 504);
    }
}
