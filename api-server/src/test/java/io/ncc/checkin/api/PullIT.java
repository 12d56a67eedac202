package io.ncc.checkin.api;

import static io.ncc.checkin.api.StreamFixture.KEYS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lettuce.core.XTrimArgs;
import io.ncc.checkin.testsupport.HttpAnswer;
import io.ncc.checkin.testsupport.RandomCheckins;
import io.ncc.checkin.testsupport.RealRedis;
import java.net.http.HttpRequest.BodyPublishers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

@Timeout(60)
final class PullIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final StreamFixture stream = new StreamFixture(redis);
    private static final int REQUEST_THREADS = 20;
    private static final int PENDING = Integer.getInteger("pull.pending", 200);
    private static final Duration CLAIM_AFTER = Duration.ofMillis(300);

    private static ApiServer api;

    @BeforeAll
    static void start() {
        api = ApiServer.start(
                redis,
                "--checkin.api.claim-after=" + CLAIM_AFTER.toMillis() + "ms",
                "--checkin.api.max-wait=20s",
                "--server.tomcat.threads.max=" + REQUEST_THREADS,
                "--spring.data.redis.timeout=4s"); // so that a busy machine is no outage
    }

    @AfterAll
    static void stop() {
        api.close();
    }

    private static List<String> pull(String group, String consumer, String query) {
        HttpAnswer answer = api.post("/groups/" + group + "/consumers/" + consumer + "/pull" + query);
        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        return ids(answer.json());
    }

    private static List<String> ids(JsonNode answer) {
        return answer.get("items")
                .valueStream()
                .map(item -> item.get("id").asString())
                .toList();
    }

    private static long acknowledge(String group, List<String> ids) {
        String body = ids.stream().collect(Collectors.joining("\",\"", "{\"ids\":[\"", "\"]}"));
        HttpAnswer answer = api.post("/groups/" + group + "/ack", body);
        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        return answer.json().get("acknowledged").asLong();
    }

    private static CompletableFuture<HttpAnswer> begin(String path) {
        return HttpAnswer.begin(api.request(path).POST(BodyPublishers.noBody()));
    }

    /** Sends requests, and returns when all have found nothing. %d is the last digit of the number of a request, and that number. */
    private static List<CompletableFuture<HttpAnswer>> beginToWait(int count, String path) {
        long before = stream.pulls();
        List<CompletableFuture<HttpAnswer>> answers = IntStream.range(0, count)
                .mapToObj(i -> begin(path.formatted(i % 10, i)))
                .toList();
        await().atMost(Duration.ofSeconds(10)).until(() -> stream.pulls() >= before + count);
        return answers;
    }

    private static Duration since(long start) {
        return Duration.ofNanos(System.nanoTime() - start);
    }

    private static List<String> add(int count) {
        List<String> ids =
                IntStream.rangeClosed(1, count).mapToObj(i -> "1000-" + i).toList();
        stream.addAll(ids, Collections.nCopies(count, "1"));
        return ids;
    }

    @Test
    void whatIsPulledIsTheCheckinsInOrder() {
        stream.createGroup("g", "0");
        stream.add("1000-0", 789, 171, 5);
        assertThat(api.post("/groups/g/consumers/one/pull").body())
                .isEqualTo("{\"items\":[{\"id\":\"1000-0\",\"timestamp\":1000,\"userId\":789,\"locationId\":171,"
                        + "\"starRating\":5,\"deliveries\":1}]}");
        assertThat(api.post("/groups/g/consumers/one/pull").body()).isEqualTo("{\"items\":[]}");
    }

    @Test
    void eachGroupSeesEveryEntryOnceAcrossItsConsumers() throws Exception {
        int count = 2_000;
        assertThat(api.put("/groups/first?from=0").status()).isEqualTo(201);
        assertThat(api.put("/groups/second?from=$").status()).isEqualTo(201);
        Queue<String> first = new ConcurrentLinkedQueue<>();
        Queue<String> second = new ConcurrentLinkedQueue<>();
        AtomicBoolean appended = new AtomicBoolean();
        ExecutorService consumers = Executors.newFixedThreadPool(6);
        try {
            List<Future<?>> running = new ArrayList<>();
            for (String consumer : List.of("a", "b", "c")) {
                running.add(consumers.submit(() -> consume("first", consumer, "auto", first, appended)));
                running.add(consumers.submit(() -> consume("second", consumer, "manual", second, appended)));
            }
            var checkins = new RandomCheckins(1, 10, 10);
            for (int i = 0; i < count; i += 20) {
                checkins.append(redis.commands(), 20);
            }
            await().atMost(Duration.ofSeconds(30)).until(() -> first.size() >= count && second.size() >= count);
            appended.set(true);
            for (Future<?> one : running) {
                one.get();
            }
        } finally {
            consumers.shutdownNow();
        }
        List<String> all = stream.ids();
        assertThat(all).hasSize(count);
        assertThat(first).containsExactlyInAnyOrderElementsOf(all);
        assertThat(second).containsExactlyInAnyOrderElementsOf(all);
        assertThat(stream.pending("first")).isZero();
        assertThat(stream.pending("second")).isZero();
    }

    private static void consume(String group, String consumer, String ack, Queue<String> seen, AtomicBoolean end) {
        while (!end.get()) {
            List<String> ids = pull(group, consumer, "?count=50&wait=200ms&ack=" + ack);
            // acknowledged first: on a busy machine it could otherwise be given to another one meanwhile
            if (ack.equals("manual") && !ids.isEmpty()) {
                acknowledge(group, ids);
            }
            seen.addAll(ids);
        }
    }

    @Test
    void automaticAcknowledgementLeavesNothingPending() {
        List<String> ids = add(10);
        stream.createGroup("g", "0");
        assertThat(pull("g", "one", "?ack=auto")).isEqualTo(ids);
        assertThat(stream.pending("g")).isZero();
        assertThat(pull("g", "two", "?ack=auto")).isEmpty();
    }

    @Test
    void aPullTakesAsManyAsItsCount() {
        List<String> ids = add(1_001);
        stream.createGroup("g", "0");
        // on a busy machine, the other one would claim the first ones meanwhile
        try (ApiServer patient = ApiServer.start(redis)) {
            String path = "/groups/g/consumers/one/pull";
            assertThat(ids(patient.post(path + "?count=1").json())).isEqualTo(ids.subList(0, 1));
            assertThat(ids(patient.post(path).json())).isEqualTo(ids.subList(1, 101));
            assertThat(ids(patient.post(path + "?count=1000").json())).isEqualTo(ids.subList(101, 1_001));
        }
        assertThat(stream.pending("g")).isEqualTo(1_001);
    }

    @Test
    void whatIsAcknowledgedIsNoLongerPendingAndCountsOnce() {
        List<String> ids = add(10);
        stream.createGroup("g", "0");
        pull("g", "one", "");
        assertThat(acknowledge("g", ids.subList(0, 4))).isEqualTo(4);
        assertThat(acknowledge("g", ids.subList(2, 6))).isEqualTo(2);
        assertThat(acknowledge("g", List.of("5-5"))).isZero();
        assertThat(stream.pending("g")).isEqualTo(4);
    }

    @Test
    void whatAConsumerDoesNotAcknowledgeIsTakenOverBeforeWhatIsNew() {
        List<String> ids = add(10);
        stream.createGroup("g", "0");
        assertThat(pull("g", "stops", "?count=5")).isEqualTo(ids.subList(0, 5));
        acknowledge("g", ids.subList(1, 2));
        awaitIdle("g");
        assertThat(pull("g", "goes-on", "?count=3")).containsExactly("1000-1", "1000-3", "1000-4");
        assertThat(pull("g", "goes-on-too", "?count=3")).containsExactly("1000-5", "1000-6", "1000-7");
    }

    @Test
    void whatAConsumerHasNotHeldForLongIsItsOwn() {
        List<String> ids = add(2);
        try (ApiServer patient = ApiServer.start(redis)) {
            stream.createGroup("g", "0");
            String path = "/groups/g/consumers/%s/pull?count=1";
            assertThat(ids(patient.post(path.formatted("one")).json())).isEqualTo(ids.subList(0, 1));
            assertThat(ids(patient.post(path.formatted("two")).json())).isEqualTo(ids.subList(1, 2));
            assertThat(ids(patient.post(path.formatted("two")).json())).isEmpty();
        }
    }

    /** Returns when all that is pending can be claimed. */
    private static void awaitIdle(String group) {
        await().atMost(Duration.ofSeconds(10)).until(() -> leastIdle(group) > CLAIM_AFTER.toMillis());
    }

    private static long leastIdle(String group) {
        return api.get("/stream/groups/" + group + "/pending")
                .json()
                .valueStream()
                .mapToLong(entry -> entry.get("idle").asLong())
                .min()
                .orElseThrow();
    }

    @Test
    void whoWaitsIsAnsweredAtOnceWhenAnEntryComes() {
        stream.createGroup("g", "$");
        CompletableFuture<HttpAnswer> answer =
                beginToWait(1, "/groups/g/consumers/one/pull?wait=20s").get(0);
        await().pollDelay(Duration.ofMillis(200)).until(() -> !answer.isDone());
        long start = System.nanoTime();
        String id = stream.add(1, 1, 1);
        assertThat(answer.join().body()).contains(id);
        assertThat(since(start)).isLessThan(Duration.ofSeconds(1));
    }

    @Test
    void whoWaitsInVainGetsNothingAtTheEnd() {
        stream.createGroup("g", "$");
        long start = System.nanoTime();
        assertThat(pull("g", "one", "?wait=400ms")).isEmpty();
        assertThat(since(start)).isBetween(Duration.ofMillis(400), Duration.ofSeconds(3));
    }

    @Test
    void twoHundredWhoWaitTakeNeitherThreadsNorConnections() {
        int waiting = 200;
        List<String> groups = IntStream.range(0, 10).mapToObj(i -> "g" + i).toList();
        groups.forEach(group -> stream.createGroup(group, "$"));
        api.get("/checkins/latest");
        List<String> threads = ApiServer.threads();
        long connections = stream.connections();
        List<CompletableFuture<HttpAnswer>> answers =
                beginToWait(waiting, "/groups/g%d/consumers/c%d/pull?wait=20s&count=1&ack=auto");
        // those of the server's pool, which are there for all requests
        assertThat(ApiServer.threads()).hasSizeLessThanOrEqualTo(threads.size() + REQUEST_THREADS);
        assertThat(stream.connections()).isEqualTo(connections);
        long start = System.nanoTime();
        assertThat(api.get("/checkins/latest").status()).isEqualTo(404);
        assertThat(since(start)).isLessThan(Duration.ofSeconds(1));
        assertThat(answers).noneMatch(CompletableFuture::isDone);

        assertThat(api.metric("checkin_api_pulling")).isEqualTo(waiting);

        add(20);
        assertThat(answers)
                .allSatisfy(answer -> assertThat(answer.join().body()).contains("\"1000-"));
        await().atMost(Duration.ofSeconds(15)).until(() -> api.metric("checkin_api_pulling") == 0);
    }

    @Test
    void ofThoseWhoDoNotWaitNothingIsKept() {
        stream.createGroup("g", "$");
        add(5);
        for (int i = 0; i < 20; i++) {
            pull("g", "one", i % 2 == 0 ? "?count=1" : "?count=1&wait=1ms");
        }
        assertThat(api.post("/groups/none/consumers/one/pull?wait=20s").status())
                .isEqualTo(404);
        await().atMost(Duration.ofSeconds(15)).until(() -> api.metric("checkin_api_pulling") == 0);
    }

    @Test
    void aGroupBeginsWhereItIsTold() {
        assertThat(api.put("/groups/early?from=$").status()).isEqualTo(201); // makes the stream
        List<String> ids = add(4);
        assertThat(api.put("/groups/all?from=0").status()).isEqualTo(201);
        assertThat(api.put("/groups/some?from=1000-2").status()).isEqualTo(201);
        assertThat(api.put("/groups/new?from=$").status()).isEqualTo(201);
        assertThat(api.put("/groups/default").status()).isEqualTo(201);
        assertThat(pull("early", "one", "")).isEqualTo(ids);
        assertThat(pull("all", "one", "")).isEqualTo(ids);
        assertThat(pull("some", "one", "")).isEqualTo(ids.subList(2, 4));
        assertThat(pull("new", "one", "")).isEmpty();
        assertThat(pull("default", "one", "")).isEmpty();
    }

    @Test
    void aGroupThatIsThereStaysWhereItIs() {
        List<String> ids = add(4);
        assertThat(api.put("/groups/g?from=0").status()).isEqualTo(201);
        assertThat(pull("g", "one", "?count=2")).isEqualTo(ids.subList(0, 2));
        HttpAnswer again = api.put("/groups/g?from=0");
        assertThat(again.status()).isEqualTo(200);
        assertThat(again.body()).isEmpty();
        assertThat(pull("g", "one", "")).isEqualTo(ids.subList(2, 4));
    }

    @Test
    void aGroupThatIsRemovedIsGone() {
        stream.createGroup("g", "0");
        HttpAnswer answer = api.delete("/groups/g");
        assertThat(answer.status()).isEqualTo(204);
        assertThat(answer.body()).isEmpty();
        assertThat(redis.commands().xinfoGroups(KEYS.checkins())).isEmpty();
        assertThat(api.delete("/groups/g").status()).isEqualTo(404);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whoWaitsHearsAtOnceThatTheGroupIsRemoved(boolean byAnotherProgram) {
        stream.createGroup("g", "$");
        List<CompletableFuture<HttpAnswer>> answers = beginToWait(3, "/groups/g/consumers/c%2$d/pull?wait=20s");
        long start = System.nanoTime();
        if (byAnotherProgram) {
            redis.commands().xgroupDestroy(KEYS.checkins(), "g");
        } else {
            assertThat(api.delete("/groups/g").status()).isEqualTo(204);
        }
        assertThat(answers)
                .allSatisfy(answer -> assertThat(answer.join().status()).isEqualTo(404));
        assertThat(since(start)).isLessThan(Duration.ofSeconds(byAnotherProgram ? 5 : 1));
        await().atMost(Duration.ofSeconds(15)).until(() -> api.metric("checkin_api_pulling") == 0);
        stream.createGroup("g", "$"); // and again there is one
        CompletableFuture<HttpAnswer> answer =
                beginToWait(1, "/groups/g/consumers/one/pull?wait=20s").get(0);
        String id = stream.add(1, 1, 1);
        assertThat(answer.join().body()).contains(id);
    }

    @Test
    void aLaterPullOfAConsumerEndsItsOlderOneWhichTakesNothing() {
        stream.createGroup("g", "$");
        CompletableFuture<HttpAnswer> older =
                beginToWait(1, "/groups/g/consumers/one/pull?wait=20s&ack=auto").get(0);
        CompletableFuture<HttpAnswer> later =
                beginToWait(1, "/groups/g/consumers/one/pull?wait=20s").get(0);
        assertThat(older.join().status()).isEqualTo(409);
        String id = stream.add(1, 1, 1);
        assertThat(later.join().body()).contains(id);
    }

    @Test
    void manyWhoWaitCostOneScriptForEachEntryThatComes() {
        int waiting = 100;
        int entries = 50;
        stream.createGroup("g", "$");
        List<CompletableFuture<HttpAnswer>> answers =
                beginToWait(waiting, "/groups/g/consumers/c%2$d/pull?wait=20s&count=10");
        long before = stream.pulls();
        long start = System.nanoTime();
        for (int i = 1; i <= entries; i++) {
            stream.add(i, 1, 1);
            int come = i;
            await().pollInterval(Duration.ofMillis(2))
                    .until(() ->
                            answers.stream().filter(CompletableFuture::isDone).count() >= come);
        }
        // one for each entry, and one a second to see what has been held for too long
        assertThat(stream.pulls() - before)
                .isLessThanOrEqualTo(entries + since(start).toSeconds() + 2);
        assertThat(api.delete("/groups/g").status()).isEqualTo(204);
        CompletableFuture.allOf(answers.toArray(CompletableFuture[]::new)).join();
    }

    @Test
    void everyPendingEntryHasItsTurn() {
        List<String> ids = add(PENDING);
        stream.createGroup("g", "0");
        stream.deliver("g", "dead", PENDING);
        awaitIdle("g");
        Set<String> seen = new HashSet<>();
        int pulls = 0;
        while (!seen.contains(ids.get(PENDING - 1))) {
            seen.addAll(pull("g", "one", "?count=1"));
            pulls++;
            assertThat(pulls).isLessThanOrEqualTo(PENDING + PENDING / 20);
        }
        assertThat(seen).hasSize(PENDING);
    }

    /** Such as those that were trimmed. */
    @ParameterizedTest
    @ValueSource(ints = {11, 2_500})
    void ownEntriesComeBeforeNewOnesHoweverManyOfThemAreGone(int gone) {
        List<String> ids = add(gone + 2);
        stream.createGroup("g", "0");
        stream.deliver("g", "one", gone + 1);
        redis.commands().xtrim(KEYS.checkins(), XTrimArgs.Builder.minId(ids.get(gone)));
        assertThat(pull("g", "one", "?count=1&own=true")).containsExactly(ids.get(gone));
        assertThat(stream.pending("g")).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void newEntriesHaveTheirTurnWhileManyAreClaimed(boolean own) {
        List<String> ids = add(40);
        String group = "turns-" + own; // of one that was used, the server knows where to go on
        stream.createGroup(group, "0");
        stream.deliver(group, "dead", 39);
        awaitIdle(group);
        List<String> seen = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            seen.addAll(pull(group, "one", "?count=1&ack=auto&own=" + own));
        }
        assertThat(seen).contains(ids.get(39));
    }

    @Test
    void whatIsClaimedComesAtOnceWhileThereAreNewEntriesToo() {
        List<String> ids = add(60);
        String group = "unused"; // of one that was used, the server knows where to go on
        stream.createGroup(group, "0");
        stream.deliver(group, "dead", 30);
        awaitIdle(group);
        List<String> seen = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            seen.addAll(pull(group, "one", "?count=1"));
        }
        assertThat(seen).hasSize(20).containsAll(ids.subList(0, 16)).containsAll(ids.subList(30, 34));
    }

    @Test
    void whatIsHeldForTooLongComesToWhoWaits() {
        add(1);
        stream.createGroup("g", "0");
        stream.deliver("g", "dead", 1);
        long start = System.nanoTime();
        assertThat(pull("g", "one", "?wait=20s")).containsExactly("1000-1");
        assertThat(since(start)).isLessThan(Duration.ofSeconds(5));
    }

    @Test
    void aLookForPendingEntriesIsBoundedAndRare() {
        int pending = 20_000;
        redis.commands().configResetstat();
        stream.addAll(
                IntStream.rangeClosed(1, pending).mapToObj(i -> "1000-" + i).toList(),
                Collections.nCopies(pending, "1"));
        stream.createGroup("g", "0");
        stream.deliver("g", "busy", pending);
        try (ApiServer patient = ApiServer.start(redis)) {
            long before = redis.calls("xautoclaim");
            for (int i = 0; i < 20; i++) {
                patient.post("/groups/g/consumers/one/pull?count=10");
            }
            // ten steps of a hundred entries each, once a second
            assertThat(redis.calls("xautoclaim") - before).isBetween(1L, 30L);
        }
    }

    @Test
    void whatComesAgainSaysHowOften() {
        add(2);
        stream.createGroup("g", "0");
        stream.deliver("g", "dead", 1);
        awaitIdle("g");
        JsonNode items = api.post("/groups/g/consumers/one/pull").json().get("items");
        assertThat(items.valueStream().map(item -> item.get("deliveries").asInt()))
                .containsExactly(2, 1);
    }

    @Test
    void aConsumerGetsWhatItHoldsIfItAsksForIt() {
        List<String> ids = add(6);
        stream.createGroup("g", "0");
        pull("g", "one", "?count=3");
        pull("g", "two", "?count=1");
        redis.commands().xdel(KEYS.checkins(), ids.get(0));
        assertThat(pull("g", "one", "?own=true&count=1")).isEqualTo(ids.subList(1, 2));
        assertThat(pull("g", "one", "?own=true")).isEqualTo(ids.subList(1, 3));
        acknowledge("g", ids.subList(1, 3));
        assertThat(pull("g", "one", "?own=true&ack=auto")).isEqualTo(ids.subList(4, 6));
        assertThat(stream.pending("g")).isEqualTo(1);
    }

    @Test
    void aPullMayTakeOverWhatOthersHaveHeldForLess() {
        List<String> ids = add(2);
        stream.createGroup("g", "0");
        try (ApiServer patient = ApiServer.start(redis)) {
            stream.deliver("g", "dead", 2);
            assertThat(ids(patient.post("/groups/g/consumers/one/pull?claimAfter=0ms&count=1")
                            .json()))
                    .isEqualTo(ids.subList(0, 1));
            assertThat(patient.post("/groups/g/consumers/one/pull?claimAfter=61s")
                            .status())
                    .isEqualTo(400);
        }
    }

    @Test
    void idleConsumersThatHoldNothingAreRemoved() {
        add(21);
        stream.createGroup("g", "0");
        try (ApiServer tidy = ApiServer.start(redis, "--checkin.api.consumer-timeout=1s")) {
            stream.deliver("g", "holds", 1);
            for (int i = 0; i < 20; i++) {
                tidy.post("/groups/g/consumers/c" + i + "/pull?count=1&ack=auto");
            }
            assertThat(consumers("g")).hasSizeGreaterThan(1); // on a slow machine some are gone already
            await().atMost(Duration.ofSeconds(15)).until(() -> consumers("g").equals(List.of("holds")));
        }
    }

    private static List<String> consumers(String group) {
        return api.get("/stream/groups/" + group + "/consumers")
                .json()
                .valueStream()
                .map(consumer -> consumer.get("name").asString())
                .toList();
    }

    @Test
    void aConsumerCanBeRemovedUnlessItHoldsEntries() {
        List<String> ids = add(1);
        stream.createGroup("g", "0");
        pull("g", "one", "");
        HttpAnswer refused = api.delete("/groups/g/consumers/one");
        assertThat(refused.status()).isEqualTo(409);
        assertThat(refused.problemType()).isEqualTo("conflict");
        assertThat(stream.pending("g")).isEqualTo(1);
        acknowledge("g", ids);
        assertThat(api.delete("/groups/g/consumers/one").status()).isEqualTo(204);
        assertThat(consumers("g")).isEmpty();
        assertThat(api.delete("/groups/g/consumers/one").status()).isEqualTo(204);
        assertThat(api.delete("/groups/none/consumers/one").status()).isEqualTo(404);
        assertThat(api.delete("/groups/checkinConsumers/consumers/one").status())
                .isEqualTo(409);
    }

    /** A server before 7.0 doesn't count. */
    @ParameterizedTest
    @CsvSource({"$, 10", "1000-100, 10", "1000-40, 70", "0, 110"})
    void theLagOfAGroupIsKnownFromTheStart(String from, int expected) {
        add(100);
        assertThat(api.put("/groups/g?from=" + from).status()).isEqualTo(201);
        stream.addAll(
                IntStream.rangeClosed(101, 110).mapToObj(i -> "1000-" + i).toList(), Collections.nCopies(10, "1"));
        if (isLagKnown()) {
            assertThat(lag().asInt()).isEqualTo(expected);
        } else {
            assertThat(lag().isNull()).isTrue();
        }
    }

    private static boolean isLagKnown() {
        return redis.commands().xinfoStream(KEYS.checkins()).contains("entries-added");
    }

    private static JsonNode lag() {
        return api.get("/stream/groups").json().get(0).get("lag");
    }

    @Test
    void theLagOfAGroupThatBeginsFarBackIsKnownOnceItReachesTheEnd() {
        add(10_002);
        assertThat(api.put("/groups/g?from=1000-2").status()).isEqualTo(201);
        assertThat(lag().isNull()).isTrue();
        for (int i = 0; i < 10; i++) {
            assertThat(pull("g", "one", "?count=1000&ack=auto")).hasSize(1_000);
        }
        stream.add(1, 1, 1);
        assertThat(lag().isNull()).isEqualTo(!isLagKnown());
    }

    @Test
    void aGroupDoesNotBeginAboveTheEndOfTheStream() {
        add(1);
        assertThat(api.put("/groups/g?from=1000-2").status()).isEqualTo(400);
        assertThat(api.put("/groups/g?from=1000-1").status()).isEqualTo(201);
        assertThat(api.put("/groups/g?from=1000-2").status()).isEqualTo(200); // which says that it stays where it is
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aGroupThatIsNotThereIsNotFound(boolean stream) {
        if (stream) {
            add(1);
        }
        for (HttpAnswer answer : List.of(
                api.delete("/groups/none"),
                api.post("/groups/none/consumers/one/pull"),
                api.post("/groups/none/consumers/one/pull?wait=20s&ack=auto"))) {
            assertThat(answer.status()).isEqualTo(404);
            assertThat(answer.problemType()).isEqualTo("not-found");
        }
        assertThat(acknowledge("none", List.of("1000-1"))).isZero(); // as there is nothing pending
    }

    @ParameterizedTest
    @ValueSource(strings = {"checkinConsumers", "checkinBoards"})
    void theGroupsOfTheProcessorAreLeftAlone(String group) {
        add(1);
        stream.createGroup(group, "0");
        stream.deliver(group, "one", 1);
        for (HttpAnswer answer : List.of(
                api.put("/groups/" + group),
                api.put("/groups/" + group + "?from=x"),
                api.delete("/groups/" + group),
                api.post("/groups/" + group + "/consumers/one/pull"),
                api.post("/groups/" + group + "/consumers/one/pull?ack=auto&wait=1s"),
                api.post("/groups/" + group + "/ack", "{\"ids\":[\"1000-1\"]}"))) {
            assertThat(answer.status()).isEqualTo(409);
            assertThat(answer.problemType()).isEqualTo("conflict");
        }
        assertThat(stream.pending(group)).isEqualTo(1);
    }

    static Stream<String> oddNames() {
        return Stream.of("%20", "a%20b", "a:b", "a*", "%C3%A9", "a%0A", "x".repeat(101));
    }

    @Test
    void anOddNameIsRefused() {
        oddNames().forEach(name -> {
            for (HttpAnswer answer : List.of(
                    api.put("/groups/" + name),
                    api.delete("/groups/" + name),
                    api.post("/groups/" + name + "/consumers/one/pull"),
                    api.post("/groups/g/consumers/" + name + "/pull"),
                    api.post("/groups/" + name + "/ack", "{\"ids\":[\"1-1\"]}"))) {
                assertThat(answer.status()).as(name).isEqualTo(400);
                assertThat(answer.problemType()).isEqualTo("invalid-request");
            }
        });
    }

    @ParameterizedTest
    @CsvSource({
        "from=, from",
        "from=5, from",
        "from=-, from",
        "from=+, from",
        "from=1000-x, from",
        "from=1000-1, from",
    })
    void anOddBeginningIsRefused(String query, String parameter) {
        HttpAnswer answer = api.put("/groups/g?" + query);
        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.json().get("errors").get(0).get("parameter").asString())
                .isEqualTo(parameter);
    }

    @ParameterizedTest
    @CsvSource({
        "count=0, count",
        "count=1001, count",
        "count=-1, count",
        "count=x, count",
        "count=, count",
        "wait=20001ms, wait",
        "wait=-1s, wait",
        "wait=x, wait",
        "wait=, wait",
        "ack=maybe, ack",
        "ack=, ack",
        "ack=AUTO, ack",
        "own=yes, own",
        "claimAfter=301ms, claimAfter",
        "claimAfter=-1ms, claimAfter",
    })
    void anOddPullIsRefusedByItsParameterAndTakesNothing(String query, String parameter) {
        add(1);
        stream.createGroup("g", "0");
        HttpAnswer answer = api.post("/groups/g/consumers/one/pull?" + query);
        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.json().get("errors").get(0).get("parameter").asString())
                .isEqualTo(parameter);
        assertThat(stream.pending("g")).isZero();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{}                            | /ids",
                "{\"ids\":null}                | /ids",
                "{\"ids\":[]}                  | /ids",
                "{\"ids\":\"1-1\"}             | /ids",
                "{\"ids\":{}}                  | /ids",
                "{\"ids\":[\"1-1\",\"x\"]}     | /ids/1",
                "{\"ids\":[\"1-1\",null]}      | /ids/1",
                "{\"ids\":[5]}                 | /ids/0",
                "{\"ids\":[[]]}                | /ids/0",
                "{\"ids\":[\"1-1\"],\"a\":1}   | /a",
                "[]                            | ''",
                "null                          | ''",
                "{                             | ''",
                "5                             | ''",
            })
    void anOddAcknowledgementIsRefusedByAPointer(String body, String pointer) {
        HttpAnswer answer = api.post("/groups/g/ack", body);
        assertThat(answer.status()).as(answer.body()).isEqualTo(400);
        assertThat(answer.header("Content-Type")).isEqualTo("application/problem+json");
        assertThat(answer.json().get("errors").get(0).get("pointer").asString()).isEqualTo(pointer);
    }

    @Test
    void moreThanAThousandIdsAreRefused() {
        String thousandAndOne = String.join(",", Collections.nCopies(1_001, "\"1-1\""));
        HttpAnswer answer = api.post("/groups/g/ack", "{\"ids\":[" + thousandAndOne + "]}");
        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.json().get("errors").get(0).get("pointer").asString()).isEqualTo("/ids");
        assertThat(HttpAnswer.post(api.url("/groups/g/ack"), "text/plain", "x").status())
                .isEqualTo(415);
    }

    /** Not by much: before a rest of over 2 MB Tomcat closes the connection, and who still sends may never see the answer. */
    @Test
    void aBodyThatNoThousandIdsCanHaveIsTooLarge() {
        String many = String.join(",", Collections.nCopies(20_000, "\"1-1\""));
        HttpAnswer answer = api.post("/groups/g/ack", "{\"ids\":[" + many + "]}");
        assertThat(answer.status()).isEqualTo(413);
        assertThat(answer.problemType()).isEqualTo("content-too-large");
    }

    @Test
    void aThousandOfTheLongestIdsAreNotTooMany() {
        String longest = "18446744073709551615-18446744073709551615";
        assertThat(acknowledge("g", Collections.nCopies(1_000, longest))).isZero();
    }

    @Test
    void idsWithZerosInFrontAreThoseWithout() {
        add(1);
        stream.createGroup("g", "0");
        assertThat(pull("g", "one", "")).containsExactly("1000-1");
        assertThat(acknowledge("g", List.of("0".repeat(200) + "1000-0001"))).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"auto", "manual"})
    void entriesThatAreNoCheckinsArePassedOverAndDoNotStayPending(String ack) {
        stream.addAll(
                IntStream.rangeClosed(1, 50).mapToObj(i -> "1000-" + i).toList(),
                IntStream.rangeClosed(1, 50)
                        .mapToObj(i -> i == 20 || i == 50 ? "1" : "x")
                        .toList());
        stream.createGroup("g", "0");
        assertThat(pull("g", "one", "?count=5&ack=" + ack)).containsExactly("1000-20");
        assertThat(pull("g", "one", "?count=5&wait=20s&ack=" + ack)).containsExactly("1000-50");
        assertThat(pull("g", "one", "?ack=" + ack)).isEmpty();
        await().atMost(Duration.ofSeconds(15)).until(() -> stream.pending("g") == (ack.equals("auto") ? 0 : 2));
    }

    @ParameterizedTest
    @CsvSource({"auto, 10", "manual, 10", "manual, 1000"})
    void entriesThatWereTrimmedWhileTheyWerePendingDoNotStayPending(String ack, int count) {
        List<String> ids = add(100);
        stream.createGroup("g", "0");
        stream.deliver("g", "stops", 100);
        redis.commands().xtrim(KEYS.checkins(), XTrimArgs.Builder.minId("1000-91"));
        redis.commands().xdel(KEYS.checkins(), "1000-95");
        List<String> seen = new ArrayList<>();
        await().atMost(Duration.ofSeconds(10)).until(() -> {
            List<String> pulled = pull("g", "goes-on", "?count=" + count + "&ack=" + ack);
            if (ack.equals("manual") && !pulled.isEmpty()) {
                acknowledge("g", pulled);
            }
            seen.addAll(pulled);
            return seen.size() >= 9;
        });
        awaitAllTaken();
        List<String> left = new ArrayList<>(ids.subList(90, 100));
        left.remove("1000-95");
        assertThat(seen).containsExactlyElementsOf(left);
    }

    private static void awaitAllTaken() {
        await().atMost(Duration.ofSeconds(10)).until(() -> {
            assertThat(pull("g", "goes-on", "?ack=auto")).isEmpty();
            return stream.pending("g") == 0;
        });
    }

    /** As a client that is generated from the contract sends it: that names no other media type where an answer has no body. */
    @ParameterizedTest
    @CsvSource({
        "PUT, /groups/g, 201",
        "DELETE, /groups/g/consumers/one, 404",
        "DELETE, /groups/g, 404",
        "DELETE, /dead-letters/1-1, 404",
    })
    void whoAcceptsOnlyProblemsCanAskForWhatHasNoAnswer(String method, String path, int status) {
        HttpAnswer answer = HttpAnswer.send(
                api.request(path).method(method, BodyPublishers.noBody()).header("Accept", "application/problem+json"));
        assertThat(answer.status()).isEqualTo(status);
    }

    @Test
    void whoWaitsHearsThatRedisIsAway() {
        stream.createGroup("g", "$");
        List<CompletableFuture<HttpAnswer>> answers = beginToWait(20, "/groups/g/consumers/c%2$d/pull?wait=2s");
        redis.stop();
        for (CompletableFuture<HttpAnswer> answer : answers) {
            assertThat(answer.join().status()).isEqualTo(503);
            assertThat(answer.join().body()).contains("urn:checkins:problem:redis-unavailable");
        }
        redis.start();
        await().atMost(Duration.ofSeconds(10))
                .until(() -> api.post("/groups/g/consumers/c/pull").status() == 200);
    }

    @Test
    void anOutageThatIsOverIsNoAnswer() {
        stream.createGroup("g", "$");
        CompletableFuture<HttpAnswer> answer =
                beginToWait(1, "/groups/g/consumers/one/pull?wait=20s").get(0);
        redis.stop();
        assertThat(answer.join().status()).isEqualTo(503);
        redis.start();
        await().atMost(Duration.ofSeconds(10))
                .until(() -> api.post("/groups/g/consumers/one/pull").status() == 200);
        // so short that nothing is read meanwhile
        assertThat(pull("g", "one", "?wait=1ms")).isEmpty();
    }

    @Test
    void aPullThatGetsNoAnswerEndsItsConnection() {
        stream.createGroup("g", "0");
        List<String> before = stream.connectionIds();
        redis.pause();
        assertThat(api.post("/groups/g/consumers/one/pull").status()).isEqualTo(503);
        redis.resume();
        await().atMost(Duration.ofSeconds(10))
                .until(() -> !stream.connectionIds().containsAll(before));
        await().atMost(Duration.ofSeconds(10))
                .until(() -> api.post("/groups/g/consumers/one/pull").status() == 200);
    }

    @Test
    void withMemoryFullOneCanPullAndAcknowledgeButNotMakeAGroup() {
        List<String> ids = add(3);
        stream.createGroup("g", "0");
        redis.fillMemory();
        assertThat(pull("g", "one", "?ack=manual")).isEqualTo(ids);
        assertThat(acknowledge("g", ids)).isEqualTo(3);
        HttpAnswer answer = api.put("/groups/other");
        assertThat(answer.status()).isEqualTo(503);
        assertThat(answer.header("Retry-After")).isEqualTo("1");
    }
}
