package io.ncc.checkin.api;

import static io.ncc.checkin.api.StreamFixture.KEYS;
import static org.assertj.core.api.Assertions.assertThat;

import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.XTrimArgs;
import io.ncc.checkin.api.projection.ProjectionGroup;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.testsupport.HttpAnswer;
import io.ncc.checkin.testsupport.RealRedis;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
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
final class CheckinsIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final StreamFixture stream = new StreamFixture(redis);
    private static final String HIGHEST = "18446744073709551615";

    private static ApiServer api;

    @BeforeAll
    static void start() {
        api = ApiServer.start(redis);
    }

    @AfterAll
    static void stop() {
        api.close();
    }

    private static List<String> ids(JsonNode page) {
        return page.get("items")
                .valueStream()
                .map(item -> item.get("id").asString())
                .toList();
    }

    private static List<String> list(String query) {
        HttpAnswer answer = api.get("/checkins" + query);
        assertThat(answer.status()).as(query).isEqualTo(200);
        return ids(answer.json());
    }

    /** Follows next to its end; between is run after each page. */
    private static List<String> walk(String first, Runnable between) {
        List<String> seen = new ArrayList<>();
        String next = first;
        while (next != null) {
            JsonNode page = api.get(next).json();
            seen.addAll(ids(page));
            next = page.get("next").isNull() ? null : page.get("next").asString();
            assertThat(seen).doesNotHaveDuplicates();
            between.run();
        }
        return seen;
    }

    private static List<String> walk(String first) {
        return walk(first, () -> {});
    }

    private static List<String> reversed(List<String> list) {
        List<String> reversed = new ArrayList<>(list);
        Collections.reverse(reversed);
        return reversed;
    }

    @ParameterizedTest
    @CsvSource({
        "'', 1000-0 1609602085397-0 1609602085397-7 1609602085398-0",
        "?from=1609602085397, 1609602085397-0 1609602085397-7 1609602085398-0",
        "?to=1609602085397, 1000-0 1609602085397-0 1609602085397-7",
        "?from=1609602085397&to=1609602085397, 1609602085397-0 1609602085397-7",
        "?from=2021-01-02T15:41:25.397Z&to=2021-01-02T15:41:25.397Z, 1609602085397-0 1609602085397-7",
        "?from=2021-01-02T17:41:25.397%2B02:00&to=2021-01-02T10:11:25.397-05:30, 1609602085397-0 1609602085397-7",
        "?from=2021-01-02T15:41:25.3971Z&to=2021-01-02T15:41:25.398Z, 1609602085397-0 1609602085397-7 1609602085398-0",
        "?from=0&to=9223372036854775807&order=asc, 1000-0 1609602085397-0 1609602085397-7 1609602085398-0",
        "?order=desc, 1609602085398-0 1609602085397-7 1609602085397-0 1000-0",
        "?order=desc&to=1609602085397&limit=2, 1609602085397-7 1609602085397-0",
        "?limit=1, 1000-0",
        "?from=2000&to=3000, ''",
    })
    void aTimeRangeIncludesBothOfItsEnds(String query, String expected) {
        stream.addAll(
                List.of("1000-0", "1609602085397-0", "1609602085397-7", "1609602085398-0"),
                List.of("1", "2", "3", "4"));
        assertThat(String.join(" ", list(query))).isEqualTo(expected);
    }

    @Test
    void aCheckinIsItsListedFieldsAndNumbersAreNumbers() {
        redis.commands()
                .xadd(
                        KEYS.checkins(),
                        new io.lettuce.core.XAddArgs().id("1609602085397-5"),
                        Map.of(
                                "userId",
                                "789",
                                "locationId",
                                "171",
                                "starRating",
                                "5",
                                "replayOf",
                                "1000-0",
                                "traceparent",
                                "x"));
        assertThat(api.get("/checkins").body())
                .isEqualTo("{\"items\":[{\"id\":\"1609602085397-5\",\"timestamp\":1609602085397,\"userId\":789,"
                        + "\"locationId\":171,\"starRating\":5,\"replayOf\":\"1000-0\"}],\"next\":null}");
    }

    @Test
    void withoutAStreamThereIsAnEmptyPage() {
        assertThat(api.get("/checkins").body()).isEqualTo("{\"items\":[],\"next\":null}");
    }

    @ParameterizedTest
    @CsvSource({"asc, 100", "desc, 100", "asc, 7", "desc, 1000", "asc, 999"})
    void aWalkThroughPagesSeesEachCheckinOnceInOrder(String order, int limit) {
        List<String> ids = new ArrayList<>();
        List<String> users = new ArrayList<>();
        List<String> checkins = new ArrayList<>();
        for (int i = 0; i < 2_500; i++) {
            boolean other = i % 10 == 3 || (i >= 1000 && i < 1400); // also longer than a page, and at its edges
            ids.add((1000 + i / 7) + "-" + i % 7);
            users.add(other ? "x" : "1");
            if (!other) {
                checkins.add(ids.get(i));
            }
        }
        stream.addAll(ids, users);
        assertThat(walk("/checkins?order=" + order + "&limit=" + limit))
                .isEqualTo(order.equals("asc") ? checkins : reversed(checkins));
    }

    @Test
    void aWalkThroughARangeStaysInIt() {
        stream.addAll(IntStream.range(0, 300).mapToObj(i -> (1000 + i) + "-0").toList(), Collections.nCopies(300, "1"));
        List<String> expected =
                IntStream.rangeClosed(50, 250).mapToObj(i -> (1000 + i) + "-0").toList();
        assertThat(walk("/checkins?from=1050&to=1250&limit=20")).isEqualTo(expected);
        assertThat(walk("/checkins?from=1050&to=1250&limit=20&order=desc")).isEqualTo(reversed(expected));
    }

    @Test
    void aWalkForwardIsStableWhileEntriesAreAppendedAndTrimmed() {
        List<String> ids = IntStream.range(0, 500).mapToObj(i -> "1000-" + i).toList();
        stream.addAll(ids, Collections.nCopies(500, "1"));
        int[] pages = {0};
        List<String> seen = walk("/checkins?limit=50", () -> {
            int page = ++pages[0];
            if (page <= 5) {
                stream.add("2000-" + page, 1, 1, 1);
                // what this walk has just seen, and a little of what it hasn't
                redis.commands().xtrim(KEYS.checkins(), XTrimArgs.Builder.minId("1000-" + (60 * page)));
            }
        });
        List<String> expected = new ArrayList<>();
        for (int i = 0; i < 500; i++) {
            boolean unseen = wasTrimmedUnseen(i);
            if (!unseen) {
                expected.add("1000-" + i);
            }
        }
        IntStream.rangeClosed(1, 5).forEach(i -> expected.add("2000-" + i));
        assertThat(seen).isEqualTo(expected);
    }

    /** After page p the walk goes on at 1000-(60p), where the stream then begins; the fifth page ends with 1000-289. */
    private static boolean wasTrimmedUnseen(int i) {
        return i < 300 && i % 60 >= 50;
    }

    @Test
    void aWalkBackwardIsStableWhileEntriesAreAppendedAndTrimmed() {
        List<String> ids = IntStream.range(0, 500).mapToObj(i -> "1000-" + i).toList();
        stream.addAll(ids, Collections.nCopies(500, "1"));
        int[] pages = {0};
        List<String> seen = walk("/checkins?limit=50&order=desc", () -> {
            pages[0]++;
            stream.add("2000-" + pages[0], 1, 1, 1);
            if (pages[0] == 5) {
                redis.commands().xtrim(KEYS.checkins(), XTrimArgs.Builder.minId("1000-100"));
            }
        });
        assertThat(seen).isEqualTo(reversed(ids.subList(100, 500)));
    }

    @ParameterizedTest
    @CsvSource({"100, 1", "50, 2", "10, 10", "34, 3"})
    void nextIsNullOnTheLastPageAlsoWhenThatIsFull(int limit, int pages) {
        stream.addAll(IntStream.range(0, 100).mapToObj(i -> "1000-" + i).toList(), Collections.nCopies(100, "1"));
        int[] count = {0};
        assertThat(walk("/checkins?limit=" + limit, () -> count[0]++)).hasSize(100);
        assertThat(count[0]).isEqualTo(pages);
    }

    @Test
    void idsAtTheEdgesAreSeenOnceInBothOrders() {
        List<String> ids = List.of(
                "0-1",
                "0-" + HIGHEST,
                "1-0",
                "1-9223372036854775807",
                "1-9223372036854775808",
                "1-" + HIGHEST,
                "2-0",
                "9223372036854775807-" + HIGHEST,
                "9223372036854775808-0",
                HIGHEST + "-18446744073709551614",
                HIGHEST + "-" + HIGHEST);
        stream.addAll(ids, Collections.nCopies(ids.size(), "1"));
        for (int limit = 1; limit <= ids.size() + 1; limit++) {
            assertThat(walk("/checkins?limit=" + limit)).isEqualTo(ids);
            assertThat(walk("/checkins?order=desc&limit=" + limit)).isEqualTo(reversed(ids));
        }
        assertThat(list("?from=1&to=1"))
                .containsExactly("1-0", "1-9223372036854775807", "1-9223372036854775808", "1-" + HIGHEST);
    }

    @Test
    void manyEntriesThatAreNoCheckinsHideNoneBehindThemAndCostFewReads() {
        for (int i = 1; i <= 3_000; i++) {
            stream.addOther("1-" + i);
        }
        stream.add("2-1", 1, 1, 1);
        assertThat(api.get("/checkins/0/5").json().valueStream())
                .singleElement()
                .satisfies(item -> assertThat(item.get("id").asString()).isEqualTo("2-1"));
        long before = redis.calls("xrange");
        assertThat(list("?limit=1")).containsExactly("2-1");
        assertThat(redis.calls("xrange") - before).isLessThan(10);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4})
    void aWalkEndsBehindTheHighestIdAlsoAfterEntriesThatAreNoCheckins(int others) {
        String highest = HIGHEST + "-" + HIGHEST;
        for (int i = 1; i <= others; i++) {
            stream.addOther("1-" + i);
        }
        stream.add(highest, 1, 1, 1);
        for (int limit = 1; limit <= others + 1; limit++) {
            assertThat(walk("/checkins?limit=" + limit)).containsExactly(highest);
            assertThat(walk("/checkins?order=desc&limit=" + limit)).containsExactly(highest);
        }
    }

    @Test
    void aCursorThatWasTamperedWithIsRefused() {
        stream.addAll(List.of("1000-0", "1000-1", "1000-2"), List.of("1", "1", "1"));
        String next = api.get("/checkins?limit=1").json().get("next").asString();
        String cursor = next.substring(next.indexOf('=') + 1);
        List<String> tampered = new ArrayList<>(List.of("x", "", "AAAA", "%00", "a_1_0-0_1-1", cursor + cursor));
        String text = new String(Base64.getUrlDecoder().decode(cursor), StandardCharsets.US_ASCII);
        for (String other : List.of(
                text.replace("a_1_", "a_0_"),
                text.replace("a_1_", "a_1001_"),
                text.replace("a_1_", "a_-1_"),
                text.replace("a_1_", "b_1_"),
                text.replace("a_1_", "a_"),
                text.replace("1000-1", "1000"),
                text.replace("1000-1", "1000-x"),
                text + "_",
                text + "_1-1",
                text + "6")) {
            assertThat(other).isNotEqualTo(text);
            tampered.add(
                    Base64.getUrlEncoder().withoutPadding().encodeToString(other.getBytes(StandardCharsets.US_ASCII)));
        }
        for (String wrong : tampered) {
            HttpAnswer answer = api.get("/checkins?cursor=" + wrong);
            assertThat(answer.status()).as(wrong).isEqualTo(400);
            assertThat(answer.problemType()).isEqualTo("invalid-request");
            assertThat(answer.json().get("errors").get(0).get("parameter").asString())
                    .isEqualTo("cursor");
        }
        assertThat(ids(api.get("/checkins?cursor=" + cursor).json())).containsExactly("1000-1");
    }

    @ParameterizedTest
    @ValueSource(strings = {"from=0", "to=5", "limit=1", "order=asc"})
    void aCursorStandsForAllOtherParameters(String other) {
        stream.addAll(List.of("1000-0", "1000-1"), List.of("1", "1"));
        String next = api.get("/checkins?limit=1").json().get("next").asString();
        assertThat(api.get(next).status()).isEqualTo(200);
        assertThat(api.get(next + "&" + other).status()).isEqualTo(400);
    }

    @ParameterizedTest
    @CsvSource({
        "from=x, from",
        "from=-1, from",
        "from=, from",
        "from=1969-12-31T23:59:59Z, from",
        "from=2021-01-02T15:41:25, from",
        "from=2021-01-02T15:41, from",
        "from=2021-13-02T15:41:25Z, from",
        "to=9223372036854775808, to",
        "from=5&to=4, to",
        "limit=0, limit",
        "limit=1001, limit",
        "limit=x, limit",
        "limit=1&limit=2, limit",
        "order=up, order",
        "order=, order",
    })
    void aParameterThatIsWrongIsNamed(String query, String parameter) {
        HttpAnswer answer = api.get("/checkins?" + query);
        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.json().get("errors").get(0).get("parameter").asString())
                .isEqualTo(parameter);
    }

    private static JsonNode status(String id) {
        HttpAnswer answer = api.get("/checkins/" + id);
        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        return answer.json();
    }

    @Test
    void anEntryThatNobodyHasTakenIsQueued() {
        stream.createGroup();
        stream.add("1000-0", 789, 171, 5);
        assertThat(api.get("/checkins/1000-0").body())
                .isEqualTo("{\"id\":\"1000-0\",\"status\":\"queued\",\"checkin\":{\"id\":\"1000-0\",\"timestamp\":1000,"
                        + "\"userId\":789,\"locationId\":171,\"starRating\":5}}");
    }

    @Test
    void anEntryThatAConsumerHasIsProcessing() {
        stream.createGroup();
        stream.add("1000-0", 789, 171, 5);
        stream.deliver("one", 1);
        redis.commands().xclaim(KEYS.checkins(), io.lettuce.core.Consumer.from("checkinConsumers", "two"), 0, "1000-0");
        assertThat(api.get("/checkins/1000-0").body())
                .isEqualTo(
                        "{\"id\":\"1000-0\",\"status\":\"processing\",\"consumer\":\"two\",\"deliveries\":2,"
                                + "\"checkin\":{\"id\":\"1000-0\",\"timestamp\":1000,\"userId\":789,\"locationId\":171,\"starRating\":5}}");
    }

    @Test
    void anEntryUpToTheCheckpointIsApplied() {
        stream.addAll(List.of("999-7", "1000-5", "1000-10"), List.of("1", "1", "1"));
        redis.commands().set(KEYS.checkpoint(), "1000-5");
        redis.commands().hset(KEYS.user(1), StreamFixture.userTotals("1000-5", 2));
        assertThat(status("999-7").get("status").asString()).isEqualTo("applied");
        assertThat(status("1000-5").get("status").asString()).isEqualTo("applied");
        assertThat(status("1000-10").get("status").asString()).isEqualTo("queued");
    }

    @Test
    void anEntryInASettledRangeIsApplied() {
        stream.addAll(List.of("1000-1", "1000-2", "1000-3", "1000-4", "1000-5"), Collections.nCopies(5, "1"));
        stream.createGroup();
        stream.settleRange("1000-2", "1000-4");
        assertThat(status("1000-1").get("status").asString()).isEqualTo("queued");
        assertThat(status("1000-2").get("status").asString()).isEqualTo("applied");
        assertThat(status("1000-3").get("status").asString()).isEqualTo("applied");
        assertThat(status("1000-4").get("status").asString()).isEqualTo("applied");
        assertThat(status("1000-5").get("status").asString()).isEqualTo("queued");
    }

    @Test
    void anEntryThatAnotherProgramAcknowledgedIsSettledElsewhere() {
        stream.addAll(List.of("1000-1", "1000-2", "1000-3"), Collections.nCopies(3, "789"));
        stream.createGroup();
        stream.deliver("another", 2);
        redis.commands().xack(KEYS.checkins(), "checkinConsumers", "1000-1");
        assertThat(status("1000-1").get("status").asString()).isEqualTo("settled-elsewhere");
        assertThat(status("1000-2").get("status").asString()).isEqualTo("processing");
        assertThat(status("1000-3").get("status").asString()).isEqualTo("queued");
        assertThat(api.get("/users/789?after=1000-1").problemType()).isEqualTo("conflict");
    }

    @ParameterizedTest
    @CsvSource({
        "1000, 1000-1, settled-elsewhere",
        "1000, 1000-2, applied",
        "1000, x, applied",
        "999, 999-5, settled-elsewhere",
        "999,, settled-elsewhere",
        "1000,, applied",
        "x,, applied",
        ",, settled-elsewhere",
        // another program wrote the time alone
        "1000, 999-0, applied",
        "1001, 999-0, applied",
        "999, 1000-2, settled-elsewhere",
        // no program does
        ", 1000-1, applied",
    })
    void belowTheCheckpointTheLastCheckinOfTheUserTells(
            @Nullable String lastCheckin, @Nullable String lastCheckinId, String expected) {
        stream.addAll(List.of("1000-1", "1000-2"), Collections.nCopies(2, "789"));
        redis.commands().set(KEYS.checkpoint(), "1000-2");
        redis.commands().hset(KEYS.user(789), "id", "789");
        if (lastCheckin != null) {
            redis.commands().hset(KEYS.user(789), "lastCheckin", lastCheckin);
        }
        if (lastCheckinId != null) {
            redis.commands().hset(KEYS.user(789), "lastCheckinId", lastCheckinId);
        }
        assertThat(status("1000-2").get("status").asString()).isEqualTo(expected);
    }

    @Test
    void theNextPageIsBelowTheContextPathOrThePrefixThatAProxyTookAway() {
        stream.addAll(List.of("1000-1", "1000-2"), List.of("1", "1"));
        stream.createGroup();
        stream.addOther("1000-3");
        stream.addOther("1000-4");
        stream.setAside(List.of("1000-3", "1000-4"), "a reason");
        for (String path : List.of("/checkins", "/dead-letters")) {
            assertThat(next(api, path, "/proxy/")).startsWith("/proxy" + path + "?");
            assertThat(next(api, path, "/a:b%20c, /d")).startsWith("/a:b%20c/d" + path + "?");
            assertThat(next(api, path, "//evil.example")).startsWith(path + "?");
            assertThat(next(api, path, "/" + "a".repeat(199))).startsWith("/aaa");
            assertThat(next(api, path, "/" + "a".repeat(7_000))).startsWith(path + "?");
        }
        try (ApiServer below = ApiServer.start(redis, "--server.servlet.context-path=/ncc")) {
            for (String path : List.of("/checkins", "/dead-letters")) {
                String next =
                        below.get("/ncc" + path + "?limit=1").json().get("next").asString();
                assertThat(next).startsWith("/ncc" + path + "?");
                assertThat(below.get(next).status()).isEqualTo(200);
                assertThat(next(below, "/ncc" + path, "/"))
                        .as("the proxy's root is the context path")
                        .startsWith(path + "?");
            }
        }
    }

    /** The path of the next page, for a client behind a proxy that took the prefix away. */
    private static String next(ApiServer server, String path, String prefix) {
        return HttpAnswer.send(server.request(path + "?limit=1").header("X-Forwarded-Prefix", prefix))
                .json()
                .get("next")
                .asString();
    }

    @Test
    void idsWithTheHighestSequenceNumbersHaveAStatus() {
        stream.addAll(List.of("1000-" + HIGHEST, HIGHEST + "-" + HIGHEST), List.of("1", "1"));
        redis.commands().set(KEYS.checkpoint(), "1000-" + HIGHEST);
        redis.commands().hset(KEYS.user(1), StreamFixture.userTotals("1000-" + HIGHEST, 1));
        assertThat(status("1000-" + HIGHEST).get("status").asString()).isEqualTo("applied");
        assertThat(status(HIGHEST + "-" + HIGHEST).get("status").asString()).isEqualTo("queued");
        assertThat(status("01000-" + HIGHEST).get("id").asString()).isEqualTo("1000-" + HIGHEST);
    }

    @Test
    void anEntryThatWasSetAsideIsDeadWithItsReasonAlsoWhenTheCheckpointHasPassedIt() {
        stream.createGroup();
        stream.addOther("1000-0");
        stream.deliver("one", 1);
        String letter = stream.setAsidePending("1000-0", "userId is missing");
        String expected = "{\"id\":\"1000-0\",\"status\":\"dead\",\"reason\":\"userId is missing\",\"deadLetter\":\""
                + letter + "\",\"checkin\":null}";
        assertThat(api.get("/checkins/1000-0").body()).isEqualTo(expected);
        redis.commands().set(KEYS.checkpoint(), "1000-0");
        assertThat(api.get("/checkins/1000-0").body()).isEqualTo(expected);
        redis.commands().xtrim(KEYS.checkins(), XTrimArgs.Builder.minId("1001-0"));
        assertThat(api.get("/checkins/1000-0").body()).isEqualTo(expected);
    }

    @Test
    void aDeadLetterThatWasDiscardedLeavesItsEntryDead() {
        stream.add("1000-0", 1, 1, 1);
        String letter = stream.setAside("1000-0", "a reason");
        assertThat(api.delete("/dead-letters/" + letter).status()).isEqualTo(204);
        assertThat(api.get("/checkins/1000-0").body())
                .isEqualTo(
                        "{\"id\":\"1000-0\",\"status\":\"dead\",\"reason\":\"discarded\",\"checkin\":{\"id\":\"1000-0\","
                                + "\"timestamp\":1000,\"userId\":1,\"locationId\":1,\"starRating\":1}}");
    }

    @Test
    void theStatusOfADeadLetterThatWasReplayedIsThatOfTheReplay() {
        stream.add("1000-0", 1, 1, 1);
        stream.createGroup();
        String letter = stream.setAside("1000-0", "a reason");
        String replay = api.post("/dead-letters/" + letter + "/replay")
                .json()
                .get("replayedAs")
                .asString();

        assertStatus("1000-0", "queued", replay);
        stream.deliver("one", 2);
        assertStatus("1000-0", "processing", replay);
        assertThat(status("1000-0").get("consumer").asString()).isEqualTo("one");

        String again = stream.setAsidePending(replay, "another reason");
        assertStatus("1000-0", "dead", replay);
        assertThat(status("1000-0").get("reason").asString()).isEqualTo("another reason");
        assertThat(status("1000-0").get("deadLetter").asString()).isEqualTo(again);

        String second = api.post("/dead-letters/" + again + "/replay")
                .json()
                .get("replayedAs")
                .asString();
        assertStatus("1000-0", "queued", second);
        assertStatus(replay, "queued", second);
        redis.commands().set(KEYS.checkpoint(), second);
        assertStatus("1000-0", "applied", second);
        assertThat(status(second).has("replayedAs")).isFalse();
        assertThat(status(second).get("checkin").get("replayOf").asString()).isEqualTo("1000-0");
    }

    private static void assertStatus(String id, String status, String replayedAs) {
        JsonNode answer = status(id);
        assertThat(answer.get("id").asString()).isEqualTo(id);
        assertThat(answer.get("status").asString()).isEqualTo(status);
        assertThat(answer.get("replayedAs").asString()).isEqualTo(replayedAs);
    }

    private static String groupsOf(String id) {
        return String.valueOf(api.get("/checkins/" + id).json().get("groups"));
    }

    @Test
    void withBoardsThereIsAStatusInEachProjection() {
        stream.add("1000-0", 1, 2, 3);
        stream.createGroup();
        assertThat(api.get("/checkins/1000-0").json().has("groups")).isFalse();
        stream.createGroup(Keys.BOARDS_GROUP, "0");
        redis.commands().hset(KEYS.user(1), StreamFixture.userTotals("1000-0", 1));
        stream.settleUpTo("1000-0");
        assertThat(groupsOf("1000-0")).isEqualTo("{\"checkinConsumers\":\"applied\",\"checkinBoards\":\"queued\"}");
        String letter = stream.setAside(ProjectionGroup.BOARDS, "1000-0", "a reason");
        assertThat(api.get("/checkins/1000-0").json().get("status").asString()).isEqualTo("applied");
        assertThat(groupsOf("1000-0")).isEqualTo("{\"checkinConsumers\":\"applied\",\"checkinBoards\":\"dead\"}");

        String replay = api.post("/dead-letters/" + letter + "/replay?group=checkinBoards")
                .json()
                .get("replayedAs")
                .asString();
        stream.settleUpTo(replay); // the totals pass over it
        assertThat(groupsOf("1000-0")).isEqualTo("{\"checkinConsumers\":\"applied\",\"checkinBoards\":\"queued\"}");
        JsonNode status = api.get("/checkins/" + replay).json();
        assertThat(status.get("status").asString())
                .as("that of the boards, for which it is")
                .isEqualTo("queued");
        assertThat(status.get("checkin").get("replayFor").asString()).isEqualTo(Keys.BOARDS_GROUP);
        redis.commands().set(KEYS.boardsCheckpoint(), replay);
        assertThat(api.get("/checkins/" + replay).json().get("status").asString())
                .isEqualTo("applied");
    }

    @Test
    void anEntryThatWasSettledAndTrimmedIsGone() {
        stream.addAll(List.of("1000-0", "1000-1"), List.of("1", "1"));
        redis.commands().set(KEYS.checkpoint(), "1000-1");
        redis.commands().xtrim(KEYS.checkins(), XTrimArgs.Builder.minId("1000-1"));
        HttpAnswer answer = api.get("/checkins/1000-0");
        assertThat(answer.status()).isEqualTo(410);
        assertThat(answer.problemType()).isEqualTo("gone");
        assertThat(api.get("/checkins/1000-1").status()).isEqualTo(200);
    }

    @Test
    void anEntryThatWasNeverThereIsNotFound() {
        assertThat(api.get("/checkins/1000-0").status()).isEqualTo(404);
        stream.addAll(List.of("1000-0", "1000-2"), List.of("1", "1"));
        stream.createGroup();
        for (String id : List.of("1000-1", "1000-3", "0-0", HIGHEST + "-" + HIGHEST)) {
            HttpAnswer answer = api.get("/checkins/" + id);
            assertThat(answer.status()).isEqualTo(404);
            assertThat(answer.problemType()).isEqualTo("not-found");
        }
    }

    @Test
    void anEntryThatWasDeletedWhileItWasPendingIsStillProcessing() {
        stream.add("1000-0", 1, 1, 1);
        stream.createGroup();
        stream.deliver("one", 1);
        redis.commands().xdel(KEYS.checkins(), "1000-0");
        assertThat(status("1000-0").get("status").asString()).isEqualTo("processing");
        assertThat(status("1000-0").get("checkin").isNull()).isTrue();
    }

    @Test
    void withoutAGroupAndACheckpointTheStatusIsNotKnown() {
        stream.add("1000-0", 1, 1, 1);
        assertThat(status("1000-0").get("status").isNull()).isTrue();
        redis.commands().set(KEYS.checkpoint(), "999-0"); // a sequential processor's
        assertThat(status("1000-0").get("status").asString()).isEqualTo("queued");
    }

    @Test
    void anEntryThatIsNoCheckinHasAStatusAndNoCheckin() {
        stream.createGroup();
        stream.addOther("1000-0");
        assertThat(api.get("/checkins/1000-0").body())
                .isEqualTo("{\"id\":\"1000-0\",\"status\":\"queued\",\"checkin\":null}");
    }

    @ParameterizedTest
    @ValueSource(strings = {"x", "1000", "-", "+", "$", "1000-", "-1", "1000-0-0", HIGHEST + "0-0", "1000-+1"})
    void whatIsNoIdIsRefused(String id) {
        HttpAnswer answer = api.get("/checkins/" + id);
        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.json().get("errors").get(0).get("parameter").asString())
                .isEqualTo("id");
    }

    @Test
    void whatIsFlushedWhileItIsReadIsNotTakenAsSettledElsewhere() throws InterruptedException {
        AtomicBoolean done = new AtomicBoolean();
        AtomicInteger current = new AtomicInteger();
        Thread writer = new Thread(() -> {
            while (!done.get()) {
                redis.commands()
                        .eval(
                                "redis.call('XADD', KEYS[1], ARGV[1], 'userId', 1, 'locationId', 1, 'starRating', 1)"
                                        + " redis.call('SET', KEYS[2], ARGV[1])"
                                        + " redis.call('HSET', KEYS[3], 'lastCheckin', '1000', 'lastCheckinId', ARGV[1])",
                                ScriptOutputType.STATUS,
                                new String[] {KEYS.checkins(), KEYS.checkpoint(), KEYS.user(1)},
                                "1000-" + current.incrementAndGet());
                redis.commands().flushall();
            }
        });
        writer.start();
        try {
            for (int i = 0; i < 1_000; i++) {
                assertThat(api.get("/checkins/1000-" + current).body()).doesNotContain("settled-elsewhere");
            }
        } finally {
            done.set(true);
            writer.join();
        }
    }
}
