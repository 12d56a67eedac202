package io.ncc.checkin.receiver;

import static io.ncc.checkin.receiver.StartedReceiver.STREAM;
import static io.ncc.checkin.receiver.StartedReceiver.checkin;
import static io.ncc.checkin.receiver.StartedReceiver.idOf;
import static io.ncc.checkin.receiver.StartedReceiver.ids;
import static io.ncc.checkin.receiver.StartedReceiver.users;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.micrometer.core.instrument.MeterRegistry;
import io.ncc.checkin.testsupport.HttpAnswer;
import io.ncc.checkin.testsupport.RealRedis;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;

/** What an Idempotency-Key is good for. */
@Timeout(60)
final class IdempotencyIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final Duration LIMIT = Duration.ofSeconds(10);
    private static final String KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324";

    private static StartedReceiver receiver;

    private final ListAppender<ILoggingEvent> log = new ListAppender<>();

    @BeforeEach
    void listen() {
        log.start();
        unexpectedFailures().addAppender(log);
    }

    @AfterEach
    void stopListening() {
        unexpectedFailures().detachAppender(log);
    }

    private static Logger unexpectedFailures() {
        return (Logger) LoggerFactory.getLogger("io.ncc.checkin.service.ProblemAdvice");
    }

    @BeforeAll
    static void start() {
        receiver = StartedReceiver.on(redis);
    }

    @AfterAll
    static void stop() {
        receiver.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"/checkins", "/api/checkin"})
    void aRepeatedRequestGetsTheSameIdAndAppendsNothing(String path) {
        String id = idOf(
                HttpAnswer.to(receiver.url(path)).header("Idempotency-Key", KEY).post(checkin(7)));
        assertThat(idOf(HttpAnswer.to(receiver.url(path))
                        .header("Idempotency-Key", KEY)
                        .post(checkin(7))))
                .isEqualTo(id);
        assertThat(ids(redis)).containsExactly(id);
    }

    @Test
    void withoutAKeyARequestIsNoRepeat() {
        assertThat(idOf(receiver.post(checkin(7)))).isNotEqualTo(idOf(receiver.post(checkin(7))));
        assertThat(redis.commands().xlen(STREAM)).isEqualTo(2);
    }

    @Test
    void anotherKeyIsAnotherRequest() {
        String id = idOf(receiver.post(KEY, checkin(7)));
        assertThat(idOf(receiver.post(KEY + "x", checkin(7)))).isNotEqualTo(id);
        assertThat(redis.commands().xlen(STREAM)).isEqualTo(2);
    }

    @Test
    void theSameKeyWithOtherValuesIsRefusedAndTheFirstResultStays() {
        String id = idOf(receiver.post(KEY, checkin(7)));

        HttpAnswer answer = receiver.post(KEY, checkin(8));

        assertThat(answer.status()).isEqualTo(422);
        assertThat(answer.problemType()).isEqualTo("idempotency-mismatch");
        assertThat(answer.header("Content-Type")).isEqualTo("application/problem+json");
        assertThat(answer.header("Retry-After")).isNull();
        assertThat(idOf(receiver.post(KEY, checkin(7)))).isEqualTo(id);
        assertThat(users(redis)).containsExactly(7L);
    }

    @Test
    void theSameValuesInOtherBytesAreTheSameRequest() {
        String id = idOf(receiver.post(KEY, "{\"userId\":7,\"locationId\":171,\"starRating\":5}"));
        assertThat(idOf(receiver.post(KEY, "\n{ \"starRating\" : 5,\t\"userId\": 7, \"locationId\":171 }  ")))
                .isEqualTo(id);
        assertThat(ids(redis)).containsExactly(id);
    }

    @Test
    void aRequestThatWasRefusedMayBeMendedAndSentAgainWithItsKey() {
        assertThat(receiver.post(KEY, checkin(0)).status()).isEqualTo(400);
        redis.fillMemory();
        try {
            assertThat(receiver.post(KEY, checkin(8)).status()).isEqualTo(503);
        } finally {
            redis.releaseMemory();
        }
        await().atMost(LIMIT).until(() -> receiver.post(KEY, checkin(7)).status() == 202);
        assertThat(users(redis)).containsExactly(7L);
    }

    @Test
    void aKeyOfTheGreatestLengthIsTaken() {
        String id = idOf(receiver.post("k".repeat(255), checkin(7)));
        assertThat(idOf(receiver.post("k".repeat(255), checkin(7)))).isEqualTo(id);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 256})
    void aKeyOfABadLengthIsRefused(int length) {
        assertRefused("k".repeat(length));
    }

    @ParameterizedTest
    @ValueSource(strings = {"two words", "tab\tbed"})
    void aKeyOfBadCharactersIsRefused(String key) {
        assertRefused(key);
    }

    private static void assertRefused(String key) {
        for (String path : List.of("/checkins", "/checkins/batch")) {
            String body = path.endsWith("batch") ? '[' + checkin(7) + ']' : checkin(7);
            HttpAnswer answer = HttpAnswer.to(receiver.url(path))
                    .header("Idempotency-Key", key)
                    .post(body);
            assertThat(answer.status()).isEqualTo(400);
            assertThat(answer.problemType()).isEqualTo("invalid-request");
            assertThat(answer.json().at("/errors/0/parameter").asString()).isEqualTo("Idempotency-Key");
        }
        assertThat(redis.commands().exists(STREAM)).isZero();
    }

    @Test
    void concurrentRequestsWithOneKeyAppendOnceAndAllGetTheSameId() throws InterruptedException, ExecutionException {
        int requests = 50;
        ExecutorService clients = Executors.newFixedThreadPool(requests);
        try {
            CountDownLatch go = new CountDownLatch(1);
            List<Future<HttpAnswer>> answers = new ArrayList<>();
            for (int i = 0; i < requests; i++) {
                answers.add(clients.submit(() -> {
                    go.await();
                    return receiver.post(KEY, checkin(7));
                }));
            }
            go.countDown();
            List<String> ids = new ArrayList<>();
            for (Future<HttpAnswer> answer : answers) {
                ids.add(idOf(answer.get()));
            }
            assertThat(ids(redis)).hasSize(1).isEqualTo(ids.stream().distinct().toList());
        } finally {
            clients.shutdownNow();
        }
    }

    @Test
    void aKeyIsForgottenAfterItsTime() {
        try (StartedReceiver forgetful = StartedReceiver.on(redis, "checkin.receiver.idempotency-ttl=1s")) {
            String id = idOf(forgetful.post(KEY, checkin(7)));
            // a repeat doesn't prolong it
            await().atMost(LIMIT)
                    .until(() -> !idOf(forgetful.post(KEY, checkin(7))).equals(id));
            assertThat(redis.commands().xlen(STREAM)).isEqualTo(2);
        }
    }

    @Test
    void aKeyHoldsWhenRedisIsRestarted() {
        String id = idOf(receiver.post(KEY, checkin(7)));
        redis.restart();
        await().atMost(LIMIT).until(() -> receiver.post(KEY, checkin(7)).status() == 202);
        assertThat(idOf(receiver.post(KEY, checkin(7)))).isEqualTo(id);
        assertThat(ids(redis)).containsExactly(id);
    }

    @Test
    void aKeyHoldsAtAnotherReceiver() {
        String id = idOf(receiver.post(KEY, checkin(7)));
        try (StartedReceiver other = StartedReceiver.on(redis)) {
            assertThat(idOf(other.post(KEY, checkin(7)))).isEqualTo(id);
            assertThat(other.post(KEY, checkin(8)).status()).isEqualTo(422);
        }
        assertThat(ids(redis)).containsExactly(id);
    }

    @Test
    void aRepeatedBatchGetsTheSameIdsAndAppendsNothing() {
        HttpAnswer first = batch(array(1, 1_200));
        assertThat(first.status()).isEqualTo(202);
        assertThat(batch(lines(1, 1_200), "application/x-ndjson").body()).isEqualTo(first.body());
        assertThat(redis.commands().xlen(STREAM)).isEqualTo(1_200);
    }

    @Test
    void aBatchWithOtherValuesIsRefused() {
        assertThat(batch(array(1, 10)).status()).isEqualTo(202);
        HttpAnswer answer = batch(array(2, 11));
        assertThat(answer.status()).isEqualTo(422);
        assertThat(answer.problemType()).isEqualTo("idempotency-mismatch");
        assertThat(redis.commands().xlen(STREAM)).isEqualTo(10);
    }

    @Test
    void aBatchThatRedisCutOffResumesAndStoresEachCheckinOnce() {
        HttpAnswer cutOff = receiver.batch()
                .header("Content-Type", "application/x-ndjson")
                .header("Idempotency-Key", KEY)
                .postInParts(
                        lines(1, 700),
                        () -> {
                            await().atMost(LIMIT).until(() -> redis.commands().xlen(STREAM) == 500);
                            redis.fillMemory();
                        },
                        lines(701, 1_200));
        redis.releaseMemory();
        assertThat(cutOff.status()).isEqualTo(207);
        assertThat(cutOff.json().get("accepted").asInt()).isEqualTo(500);

        assertThatItResumes();
    }

    @Test
    void aDamagedResultIsLoggedOnceHoweverOftenItIsAskedFor() {
        redis.commands().hset("ncc:idempotency:damaged", "a", "b");
        Logger appender = (Logger) LoggerFactory.getLogger(CheckinAppender.class);
        appender.addAppender(log);
        try {
            for (int i = 0; i < 20; i++) {
                assertThat(receiver.post("damaged", checkin(1)).status()).isEqualTo(500);
            }
        } finally {
            appender.detachAppender(log);
        }
        assertThat(log.list)
                .extracting(ILoggingEvent::getFormattedMessage)
                .singleElement(InstanceOfAssertFactories.STRING)
                .contains("ncc:idempotency:damaged");
    }

    @Test
    void aBatchWhoseArrayBreaksOffResumesAndStoresEachCheckinOnce() {
        HttpAnswer cutOff = batch(array(1, 700).replace("]", ",{"));
        assertThat(cutOff.status()).isEqualTo(207);
        assertThat(cutOff.json().get("accepted").asInt()).isEqualTo(500);
        assertThat(cutOff.json().get("results")).hasSize(500);
        assertThat(redis.commands().xlen(STREAM)).isEqualTo(500);

        assertThatItResumes();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aBatchWhoseClientIsGoneResumesAndStoresEachCheckinOnce(boolean asLines) throws IOException {
        long before = batchesHandled();
        String body = asLines ? lines(1, 700) : array(1, 700).replace("]", ",");
        URI uri = URI.create(receiver.url("/checkins/batch"));
        try (Socket client = new Socket(uri.getHost(), uri.getPort())) {
            String request = "POST /checkins/batch HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n"
                    + "Content-Type: " + (asLines ? "application/x-ndjson" : "application/json") + "\r\n"
                    + "Idempotency-Key: " + KEY + "\r\n\r\n" + body;
            client.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            client.getOutputStream().flush();
            await().atMost(LIMIT).until(() -> redis.commands().xlen(STREAM) == 500);
        }
        await().atMost(LIMIT).until(() -> batchesHandled() > before);
        assertThat(log.list).as("nothing is wrong here").isEmpty();
        assertThat(redis.commands().xlen(STREAM)).isEqualTo(500);

        assertThatItResumes();
    }

    private static void assertThatItResumes() {
        List<String> before = ids(redis);
        await().atMost(LIMIT).until(() -> batch(array(1, 1_200)).status() == 202); // memory is looked at once a second
        HttpAnswer again = batch(array(1, 1_200));
        List<String> answered = again.json()
                .get("results")
                .valueStream()
                .map(result -> result.get("id").asString())
                .toList();
        assertThat(answered).startsWith(before.toArray(String[]::new)).isEqualTo(ids(redis));
        assertThat(users(redis))
                .isEqualTo(LongStream.rangeClosed(1, 1_200).boxed().toList());
    }

    private static long batchesHandled() {
        return receiver
                .part(MeterRegistry.class)
                .find("http.server.requests")
                .tag("uri", "/checkins/batch")
                .timers()
                .stream()
                .mapToLong(timer -> timer.count())
                .sum();
    }

    private static HttpAnswer batch(String array) {
        return batch(array, "application/json");
    }

    private static HttpAnswer batch(String body, String contentType) {
        return receiver.batch()
                .header("Content-Type", contentType)
                .header("Idempotency-Key", KEY)
                .post(body);
    }

    private static String array(long first, long last) {
        return LongStream.rangeClosed(first, last)
                .mapToObj(StartedReceiver::checkin)
                .collect(Collectors.joining(",", "[", "]"));
    }

    private static String lines(long first, long last) {
        return LongStream.rangeClosed(first, last)
                .mapToObj(user -> checkin(user) + '\n')
                .collect(Collectors.joining());
    }
}
