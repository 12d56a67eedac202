package io.ncc.checkin.api;

import static io.ncc.checkin.api.StreamFixture.KEYS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lettuce.core.AclSetuserArgs;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.XTrimArgs;
import io.lettuce.core.protocol.CommandType;
import io.ncc.checkin.testsupport.HttpAnswer;
import io.ncc.checkin.testsupport.LiveFollower;
import io.ncc.checkin.testsupport.RandomCheckins;
import io.ncc.checkin.testsupport.RealRedis;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
final class LiveIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final StreamFixture stream = new StreamFixture(redis);
    private static final int MOST = 2;

    private static ApiServer api;

    /** With little room. */
    private static ApiServer small;

    private String first = "";

    @BeforeAll
    static void start() {
        api = ApiServer.start(redis, "--checkin.api.heartbeat=200ms");
        small = ApiServer.start(
                redis,
                "--checkin.api.heartbeat=200ms",
                "--checkin.api.listener-buffer=100000",
                "--checkin.api.max-listeners=" + MOST);
    }

    @AfterAll
    static void stop() {
        api.close();
        small.close();
    }

    /** The stream of the test before is gone: goes on when both servers have seen the first entry of this one. */
    @BeforeEach
    void addTheFirstEntry() {
        eventually(() -> listeners(api) == 0 && listeners(small) == 0);
        try (LiveFollower one = api.follow();
                LiveFollower other = small.follow()) {
            first = stream.add(1, 1, 1);
            eventually(() -> one.seen().contains(first) && other.seen().contains(first));
        }
        eventually(() -> listeners(api) == 0 && listeners(small) == 0);
    }

    private static double listeners(ApiServer server) {
        return server.metric("checkin_api_listeners");
    }

    private static ConditionFactory await20() {
        return await().atMost(Duration.ofSeconds(20)).pollInterval(Duration.ofMillis(5));
    }

    private static void eventually(Callable<Boolean> condition) {
        await20().until(condition);
    }

    private static void append(long seed, int count) {
        new RandomCheckins(seed, 50, 20).append(redis.commands(), count);
    }

    private static List<String> idsAfter(String id) {
        List<String> ids = stream.ids();
        return ids.subList(ids.indexOf(id) + 1, ids.size());
    }

    @Test
    void newEntriesComeInOrderWithTheirIdsAndTheirJson() {
        try (LiveFollower follower = api.follow()) {
            assertThat(follower.header("Content-Type")).startsWith("text/event-stream");
            assertThat(follower.header("Cache-Control")).isEqualTo("no-cache");
            String one = stream.add(789, 171, 5);
            stream.addOther();
            String two = stream.add(790, 172, 0);
            eventually(() -> follower.count() == 2);
            assertThat(follower.events())
                    .containsExactly(
                            new LiveFollower.Event("message", one, json(one, 789, 171, 5)),
                            new LiveFollower.Event("message", two, json(two, 790, 172, 0)));
        }
    }

    private static String json(String id, long user, long location, int stars) {
        return "{\"id\":\"%s\",\"timestamp\":%s,\"userId\":%d,\"locationId\":%d,\"starRating\":%d}"
                .formatted(id, id.substring(0, id.indexOf('-')), user, location, stars);
    }

    @Test
    void anEntryThatComesRightAfterTheAnswerIsNotMissed() {
        for (int i = 0; i < 20; i++) {
            try (LiveFollower follower = api.follow()) {
                String id = stream.add(1, 1, 1);
                eventually(() -> follower.seen().contains(id));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whoConnectsBeforeTheEndOfTheStreamIsKnownMissesNothing(boolean trimmed) {
        redis.permit("-xinfo");
        try (ApiServer blind = ApiServer.start(redis);
                LiveFollower follower = blind.follow()) {
            eventually(() -> listeners(blind) == 1);
            String one = stream.add(1, 1, 1);
            String two = stream.add(1, 1, 1);
            if (trimmed) {
                redis.commands().xtrim(KEYS.checkins(), XTrimArgs.Builder.minId(two));
            }
            redis.permit("+xinfo");
            eventually(() -> two.equals(follower.lastId()));
            String three = stream.add(1, 1, 1);
            eventually(() -> three.equals(follower.lastId()));
            assertThat(follower.seen()).containsExactly(trimmed ? "gap" : one, two, three);
        }
    }

    @Test
    void aFilterLeavesOutTheOthers() {
        try (LiveFollower ofUser = api.follow("?userId=5", null);
                LiveFollower ofLocation = api.follow("?locationId=7", null);
                LiveFollower ofBoth = api.follow("?userId=5&locationId=7", first)) {
            stream.add(1, 1, 1);
            String userOnly = stream.add(5, 1, 1);
            String locationOnly = stream.add(1, 7, 1);
            String both = stream.add(5, 7, 1);
            eventually(() -> ofUser.count() == 2 && ofLocation.count() == 2 && ofBoth.count() == 1);
            assertThat(ofUser.seen()).containsExactly(userOnly, both);
            assertThat(ofLocation.seen()).containsExactly(locationOnly, both);
            assertThat(ofBoth.seen()).containsExactly(both);
        }
    }

    @Test
    void whenNothingHappensThereIsAHeartbeat() {
        try (LiveFollower follower = api.follow()) {
            // there would be 25, if nothing else kept this machine busy
            await().atMost(Duration.ofSeconds(5)).until(() -> follower.heartbeats() >= 15);
            assertThat(follower.events()).isEmpty();
        }
    }

    @Test
    void whoComesBackMissesNothingAndSeesNothingTwice() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        int count = 3_000;
        CompletableFuture<Void> appending = CompletableFuture.runAsync(() -> {
            var checkins = new RandomCheckins(seed, 50, 20);
            for (int i = 0; i < count; i += 10) {
                checkins.append(redis.commands(), 10);
            }
        });
        List<String> seen = new ArrayList<>();
        String last = first;
        for (int i = 0; i < 20; i++) {
            LiveFollower follower = api.follow("", last);
            int enough = random.nextInt(150);
            eventually(() -> follower.count() >= enough || appending.isDone());
            follower.close();
            seen.addAll(follower.seen());
            last = seen.isEmpty() ? first : seen.get(seen.size() - 1);
        }
        appending.join();
        try (LiveFollower follower = api.follow("", last)) {
            int rest = count - seen.size();
            eventually(() -> follower.count() >= rest);
            seen.addAll(follower.seen());
        }
        assertThat(seen).as("seed " + seed).isEqualTo(idsAfter(first));
    }

    @Test
    void fromZeroThereIsAllOfTheStream() {
        append(1, 2_500);
        try (LiveFollower follower = api.follow("", "0-0")) {
            eventually(() -> follower.count() >= 2_501);
            String last = stream.add(1, 1, 1);
            eventually(() -> follower.seen().contains(last));
            assertThat(follower.seen()).isEqualTo(stream.ids());
        }
    }

    @Test
    void whoeverSawAnEntrySomewhereElseGoesOnAfterIt() {
        for (int i = 0; i < 20; i++) {
            String id = stream.add(1, 1, 1); // this server may not have read it yet
            try (LiveFollower follower = api.follow("", id)) {
                String next = stream.add(1, 1, 1);
                eventually(() -> follower.seen().contains(next));
                assertThat(follower.seen()).containsExactly(next);
            }
        }
    }

    @Test
    void whatWasTrimmedIsAGapBeforeWhatIsThere() {
        List<String> trimmed = List.of(stream.add(1, 1, 1), stream.add(1, 1, 1));
        String there;
        try (LiveFollower one = api.follow()) {
            there = stream.add(1, 1, 1);
            eventually(() ->
                    one.seen().contains(there)); // who is right before it misses nothing as long as it is not published
        }
        redis.commands().xtrim(KEYS.checkins(), XTrimArgs.Builder.minId(there));
        for (String last : List.of(first, trimmed.get(0), "1000-0")) {
            try (LiveFollower follower = api.follow("", last)) {
                eventually(() -> follower.count() >= 2);
                assertThat(follower.seen()).containsExactly("gap", there);
                assertThat(follower.events().get(0)).isEqualTo(new LiveFollower.Event("gap", last, "{}"));
            }
        }
    }

    @Test
    void whoMissedNothingIsToldOfNoGap() {
        String last = stream.add(1, 1, 1);
        String next;
        try (LiveFollower one = api.follow()) {
            eventually(() -> last.equals(one.lastId()));
            next = stream.add(1, 1, 1);
            eventually(() -> one.seen().contains(next));
        }
        redis.commands().xdel(KEYS.checkins(), last); // there are entries before it, so it alone is gone
        try (LiveFollower follower = api.follow("", last)) {
            eventually(() -> follower.count() >= 1);
            assertThat(follower.seen()).containsExactly(next);
        }
        redis.commands().xtrim(KEYS.checkins(), XTrimArgs.Builder.minId(next)); // and what follows it is known
        try (LiveFollower follower = api.follow("", last)) {
            eventually(() -> follower.count() >= 1);
            assertThat(follower.seen()).containsExactly(next);
        }
    }

    @Test
    void whatIsTrimmedWhileTheStreamCanNotBeReadIsAGapAlsoForWhoFollows() {
        try (LiveFollower follower = api.follow("", first)) {
            String last = stream.add(1, 1, 1);
            eventually(() -> last.equals(follower.lastId()));
            redis.permit("-xread");
            eventually(() -> api.get("/actuator/health/readiness").status() == 503);
            stream.add(1, 1, 1);
            String there = stream.add(1, 1, 1);
            redis.commands().xtrim(KEYS.checkins(), XTrimArgs.Builder.minId(there));
            redis.permit("+xread");
            eventually(() -> follower.count() >= 3);
            assertThat(follower.seen()).containsExactly(last, "gap", there);
            assertThat(follower.events().get(1)).isEqualTo(new LiveFollower.Event("gap", last, "{}"));
            try (LiveFollower again = api.follow("", last)) {
                eventually(() -> again.count() >= 2);
                assertThat(again.seen()).containsExactly("gap", there);
            }
        }
    }

    @Test
    void whatIsTrimmedAfterItWasReadIsNoGapForWhoFollows() {
        try (LiveFollower follower = api.follow("", first)) {
            String last = first;
            for (int i = 1; i <= 5; i++) {
                redis.commands().xtrim(KEYS.checkins(), false, 0);
                String next = stream.add(1, 1, 1);
                eventually(() -> next.equals(follower.lastId()));
                try (LiveFollower again = api.follow("", last)) {
                    eventually(() -> again.count() >= 1);
                    assertThat(again.seen()).containsExactly(next);
                }
                last = next;
            }
            assertThat(follower.seen()).hasSize(5).doesNotContain("gap");
        }
    }

    /**
     * With a stream that keeps only a few entries, so that some are never read.
     *
     * @param rounds how often some are appended at once
     * @param waits whether what is there of them is read before the next round; else a gap may be told twice, before what was read and after it
     */
    @ParameterizedTest
    @CsvSource({"50, true", "500, false"})
    void thereIsAGapWhereSomethingWasMissed(int rounds, boolean waits) {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        List<String> ids = new ArrayList<>(List.of(first));
        try (LiveFollower follower = api.follow("", first)) {
            for (int i = 0; i < rounds; i++) {
                List<?> added = redis.commands()
                        .eval(
                                "local ids = {} for i = 1, ARGV[1] do ids[i] = redis.call('XADD', KEYS[1], 'MAXLEN', ARGV[2], '*',"
                                        + " 'userId', 1, 'locationId', 1, 'starRating', 1) end return ids",
                                ScriptOutputType.MULTI,
                                new String[] {KEYS.checkins()},
                                Integer.toString(1 + random.nextInt(5)),
                                Integer.toString(1 + random.nextInt(5)));
                added.forEach(id -> ids.add((String) id));
                String last = ids.get(ids.size() - 1);
                eventually(() -> !waits || last.equals(follower.lastId()));
            }
            eventually(() -> ids.get(ids.size() - 1).equals(follower.lastId()));
            List<String> seen = new ArrayList<>(List.of(first));
            seen.addAll(follower.seen());
            List<String> expected = new ArrayList<>();
            for (int i = 0; i < seen.size(); i++) {
                String id = seen.get(i);
                if (!id.equals("gap")) {
                    int before = ids.indexOf(id) - 1;
                    boolean hasGap = i > 0 && seen.get(i - 1).equals("gap");
                    boolean hasMissed =
                            before >= 0 && !expected.get(expected.size() - 1).equals(ids.get(before));
                    if (hasMissed || (hasGap && !waits)) {
                        expected.add("gap");
                    }
                    expected.add(id);
                }
            }
            if (redis.version().isAtLeast(7, 0)) {
                assertThat(seen).as("seed " + seed).isEqualTo(expected).contains("gap");
            } else { // 6.2 doesn't count the entries that were ever added, so a gap may be told too much or not at all
                seen.removeIf("gap"::equals);
                assertThat(ids).as("seed " + seed).containsSubsequence(seen);
            }
        }
    }

    @Test
    void theLastIdIsAlsoTakenFromTheQueryAndTheHeaderGoesBeforeIt() {
        String one = stream.add(1, 1, 1);
        String two = stream.add(1, 1, 1);
        try (LiveFollower byQuery = api.follow("?lastEventId=" + first, null);
                LiveFollower byHeader = api.follow("?lastEventId=" + first, one)) {
            eventually(() -> byQuery.count() >= 2 && byHeader.count() >= 1);
            assertThat(byQuery.seen()).containsExactly(one, two);
            assertThat(byHeader.seen()).containsExactly(two);
        }
    }

    @Test
    void whoComesBackWithTheIdOfAHeartbeatMissesNothing() {
        LiveFollower follower = api.follow("?userId=5", null);
        stream.add(1, 1, 1);
        String ofOthers = stream.add(1, 1, 1);
        eventually(() -> ofOthers.equals(follower.lastId()));
        follower.close();
        assertThat(follower.events()).isEmpty();
        String wanted = stream.add(5, 1, 1);
        try (LiveFollower again = api.follow("?userId=5", follower.lastId())) {
            eventually(() -> again.count() == 1);
            assertThat(again.seen()).containsExactly(wanted);
        }
    }

    @Test
    void whoIsBehindKeepsItsPlaceAmongTheEntriesOfOthers() {
        append(1, 2_500);
        List<String> ids = stream.ids();
        try (LiveFollower follower = api.follow("?userId=777", first)) {
            eventually(() -> ids.get(ids.size() - 1).equals(follower.lastId()));
            assertThat(follower.events()).isEmpty();
        }
    }

    @Test
    void aClientThatTheContainerGivesUpIsCounted() throws IOException {
        try (ApiServer server = ApiServer.start(
                        redis, "--server.tomcat.connection-timeout=500ms", "--checkin.api.listener-buffer=100000000");
                Socket slow = new Socket()) {
            slow.setReceiveBufferSize(4_096);
            slow.connect(new InetSocketAddress("localhost", server.port()));
            slow.getOutputStream()
                    .write("GET /checkins/stream HTTP/1.1\r\nHost: localhost\r\n\r\n"
                            .getBytes(StandardCharsets.US_ASCII));
            eventually(() -> listeners(server) == 1);
            append(1, 45_000); // more than what the connection itself holds
            eventually(() -> listeners(server) == 0);
            assertThat(server.metric("checkin_api_listeners_dropped_total")).isEqualTo(1);
        }
    }

    @Test
    void anIdAboveTheEndIsAGapBeforeWhatIsNew() {
        try (LiveFollower follower = api.follow("", "9999999999999-0")) {
            eventually(() -> follower.count() >= 1);
            String next = stream.add(1, 1, 1);
            eventually(() -> follower.count() >= 2);
            assertThat(follower.seen()).containsExactly("gap", next);
        }
    }

    @Test
    void whatIsWrongIsAProblemAlsoForWhoAcceptsEventsOnly() {
        for (String wrong :
                List.of("x", "1000", "$", "0-0?userId=0", "0-0?userid=1", "0-0?userId=x", "0-0?locationId=-1")) {
            int question = wrong.indexOf('?') < 0 ? wrong.length() : wrong.indexOf('?');
            HttpAnswer answer = HttpAnswer.send(api.request("/checkins/stream" + wrong.substring(question))
                    .header("Accept", "text/event-stream")
                    .header("Last-Event-ID", wrong.substring(0, question)));
            assertThat(answer.status()).as(wrong).isEqualTo(400);
            assertThat(answer.header("Content-Type")).isEqualTo("application/problem+json");
            assertThat(answer.problemType()).isEqualTo("invalid-request");
        }
        assertThat(listeners(api)).isZero();
    }

    @Test
    void askingForTheHeadersAloneLeavesNoListenerBehind() {
        HttpAnswer answer = HttpAnswer.send(api.request("/checkins/stream").method("HEAD", BodyPublishers.noBody()));
        assertThat(answer.status()).isLessThan(500);
        eventually(() -> listeners(api) == 0);
    }

    @Test
    void aClientThatStopsReadingIsDroppedAndTheOthersGoOn() throws IOException {
        double dropped = small.metric("checkin_api_listeners_dropped_total");
        try (LiveFollower healthy = small.follow();
                Socket slow = new Socket()) {
            slow.setReceiveBufferSize(4_096);
            slow.connect(new InetSocketAddress("localhost", small.port()));
            slow.getOutputStream()
                    .write("GET /checkins/stream HTTP/1.1\r\nHost: localhost\r\n\r\n"
                            .getBytes(StandardCharsets.US_ASCII));
            eventually(() -> listeners(small) == 2);
            int appended = 0;
            while (small.metric("checkin_api_listeners_dropped_total") == dropped) {
                append(appended, 500);
                appended += 500;
                assertThat(appended).isLessThan(200_000);
                int all = appended;
                eventually(() -> healthy.count() >= all);
            }
            assertThat(small.metric("checkin_api_listeners_dropped_total")).isEqualTo(dropped + 1);
            assertThat(listeners(small)).isEqualTo(1);
            stream.add(1, 1, 1);
            List<String> expected = idsAfter(first);
            eventually(() -> healthy.count() >= expected.size());
            assertThat(healthy.seen()).isEqualTo(expected);
        }
    }

    @Test
    void moreThanTheMostAreRefusedUntilOneLeaves() {
        try (LiveFollower one = small.follow()) {
            LiveFollower two = small.follow();
            eventually(() -> listeners(small) == MOST);
            HttpAnswer answer =
                    HttpAnswer.send(small.request("/checkins/stream").header("Accept", "text/event-stream"));
            assertThat(answer.status()).isEqualTo(503);
            assertThat(answer.header("Retry-After")).isEqualTo("1");
            assertThat(answer.problemType()).isEqualTo("too-many-listeners");
            two.close();
            eventually(() -> listeners(small) == 1);
            try (LiveFollower three = small.follow()) {
                String id = stream.add(1, 1, 1);
                eventually(() -> one.seen().contains(id) && three.seen().contains(id));
            }
        }
    }

    @Test
    void whoLeavesIsForgotten() {
        List<LiveFollower> followers = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            followers.add(api.follow());
        }
        eventually(() -> listeners(api) == 10);
        followers.forEach(LiveFollower::close);
        eventually(() -> listeners(api) == 0);
    }

    @Test
    void aStreamThatIsDeletedIsAGapBeforeWhatIsNewInTheNextOne() {
        try (LiveFollower follower = api.follow()) {
            redis.commands().del(KEYS.checkins());
            eventually(() -> follower.count() >= 1);
            stream.add("1000-0", 1, 1, 1);
            stream.add("1000-1", 1, 1, 1);
            eventually(() -> follower.count() >= 3);
            assertThat(follower.seen()).containsExactly("gap", "1000-0", "1000-1");
        }
    }

    @Test
    void aStreamThatIsReplacedAtOnceIsAGapBeforeAllOfTheNewOne() {
        append(1, 100);
        try (LiveFollower follower = api.follow("", first)) {
            eventually(() -> follower.count() == 100);
            redis.commands()
                    .eval(
                            "redis.call('DEL', KEYS[1]) for i = 1, 3 do redis.call('XADD', KEYS[1], '1000-' .. i,"
                                    + " 'userId', 1, 'locationId', 1, 'starRating', 1) end",
                            ScriptOutputType.STATUS,
                            KEYS.checkins());
            eventually(() -> follower.count() >= 104);
            stream.add("1000-4", 1, 1, 1);
            eventually(() -> follower.count() >= 105);
            assertThat(follower.seen().subList(100, follower.count()))
                    .containsExactly("gap", "1000-1", "1000-2", "1000-3", "1000-4");
        }
    }

    @Test
    void whoComesBackAfterTheStreamWasReplacedIsToldOfAGap() {
        String seen = stream.add(1, 1, 1);
        String next;
        try (LiveFollower other = api.follow("", seen)) {
            String missed = stream.add(1, 1, 1);
            eventually(() -> other.seen().contains(missed));
            redis.commands().del(KEYS.checkins());
            eventually(() -> other.seen().contains("gap"));
            next = stream.add(1, 1, 1);
            eventually(() -> other.seen().contains(next));
        }
        try (LiveFollower back = api.follow("", seen)) {
            eventually(() -> back.seen().contains(next));
            assertThat(back.seen()).containsExactly("gap", next);
        }
    }

    @Test
    void aStreamThatLostItsNewestEntriesIsAGapAndNothingIsRepeated() {
        append(1, 100);
        try (LiveFollower follower = api.follow("", first)) {
            eventually(() -> follower.count() == 100);
            List<String> ids = stream.ids();
            // as after a failover to a replica that was behind: the last id goes back, too
            redis.commands()
                    .eval(
                            "local kept = redis.call('XRANGE', KEYS[1], '-', ARGV[1]) redis.call('DEL', KEYS[1])"
                                    + " for _, entry in ipairs(kept) do redis.call('XADD', KEYS[1], entry[1], unpack(entry[2])) end",
                            ScriptOutputType.STATUS,
                            new String[] {KEYS.checkins()},
                            ids.get(60));
            eventually(() -> follower.count() >= 101);
            String next = stream.add(1, 1, 1);
            eventually(() -> follower.count() >= 102);
            assertThat(follower.seen().subList(100, follower.count())).containsExactly("gap", next);
        }
    }

    @Test
    void whoFollowsMissesNothingWhileConnectionsAreCutAndRedisIsRestarted() {
        try (LiveFollower old = api.follow()) {
            append(1, 300);
            redis.killConnections();
            append(2, 300);
            try (LiveFollower young = api.follow("", first)) {
                redis.restart();
                append(3, 300);
                redis.kill();
                redis.start();
                append(4, 300);
                List<String> expected = idsAfter(first);
                eventually(() -> old.count() >= 1_200 && young.count() >= 1_200);
                assertThat(old.seen()).isEqualTo(expected);
                assertThat(young.seen()).isEqualTo(expected);
            }
        }
    }

    @Test
    void aHundredClientsAllSeeAllInOrder() {
        List<LiveFollower> followers = new ArrayList<>();
        try {
            for (int i = 0; i < 100; i++) {
                followers.add(api.follow());
            }
            for (int i = 0; i < 20; i++) {
                append(i, 100);
            }
            List<String> expected = idsAfter(first);
            assertThat(expected).hasSize(2_000);
            eventually(() -> followers.stream().allMatch(follower -> follower.count() >= 2_000));
            assertThat(followers)
                    .allSatisfy(follower -> assertThat(follower.seen()).isEqualTo(expected));
        } finally {
            followers.forEach(LiveFollower::close);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 20})
    void theServiceStopsPromptlyWithClientsConnected(int clients) throws IOException {
        ApiServer server = ApiServer.start(redis);
        List<LiveFollower> followers = new ArrayList<>();
        for (int i = 0; i < clients; i++) {
            followers.add(server.follow());
        }
        String queued = stream.add(1, 1, 1);
        stream.createGroup("others", "$");
        long pulls = stream.pulls();
        List<CompletableFuture<HttpAnswer>> waiting = new ArrayList<>();
        for (int i = 0; i < clients; i++) {
            waiting.add(HttpAnswer.begin(server.request("/users/1?after=" + queued + "&wait=30s")));
            waiting.add(HttpAnswer.begin(server.request("/groups/others/consumers/c" + i + "/pull?wait=30s")
                    .POST(BodyPublishers.noBody())));
        }
        if (clients > 0) {
            eventually(() -> server.metric("checkin_api_waiting") == clients);
            eventually(() -> stream.pulls() >= pulls + clients);
        }
        long start = System.nanoTime();
        server.close();
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(6));
        eventually(() -> followers.stream().allMatch(LiveFollower::hasEnded));
        assertThat(waiting)
                .allSatisfy(answer -> assertThat(answer.join().status()).isIn(200, 503));
    }

    @Test
    void whoMayNotReadTheStreamIsNotReady() {
        redis.commands().aclSetuser("limited", limited().removeCommand(CommandType.XREAD));
        try (ApiServer blind =
                ApiServer.start(redis, "--spring.data.redis.username=limited", "--spring.data.redis.password=secret")) {
            eventually(() -> blind.get("/actuator/health/readiness").status() == 503);
            assertThat(blind.get("/actuator/health/liveness").status()).isEqualTo(200);

            redis.commands().aclSetuser("limited", limited());
            eventually(() -> blind.get("/actuator/health/readiness").status() == 200);
        } finally {
            redis.commands().aclDeluser("limited");
        }
    }

    private static AclSetuserArgs limited() {
        return AclSetuserArgs.Builder.on().addPassword("secret").allKeys().allCommands();
    }
}
