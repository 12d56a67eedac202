package io.ncc.checkin.api;

import static io.ncc.checkin.api.StreamFixture.KEYS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lettuce.core.AclSetuserArgs;
import io.lettuce.core.Range;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.StreamMessage;
import io.lettuce.core.protocol.CommandType;
import io.ncc.checkin.api.projection.ProjectionGroup;
import io.ncc.checkin.testsupport.HttpAnswer;
import io.ncc.checkin.testsupport.RealRedis;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import tools.jackson.databind.JsonNode;

@Timeout(60)
final class DeadLettersIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final StreamFixture stream = new StreamFixture(redis);
    private static final String HIGHEST = "18446744073709551615-18446744073709551615";

    private static ApiServer api;

    @BeforeAll
    static void start() {
        api = ApiServer.start(redis);
    }

    @AfterAll
    static void stop() {
        api.close();
    }

    private static List<String> letters() {
        return redis.commands().xrange(KEYS.deadLetters(), Range.unbounded()).stream()
                .map(StreamMessage::getId)
                .toList();
    }

    private static List<String> ids(JsonNode page) {
        return page.get("items")
                .valueStream()
                .map(item -> item.get("id").asString())
                .toList();
    }

    /** Makes dead letters of as many checkins, and returns the ids of the entries. */
    private static List<String> setAside(int count, String reason) {
        int millis = 1000 + stream.ids().size();
        List<String> ids =
                IntStream.range(0, count).mapToObj(i -> millis + "-" + i).toList();
        stream.addAll(ids, Collections.nCopies(count, "1"));
        for (int from = 0; from < count; from += 100) {
            stream.setAside(ids.subList(from, Math.min(from + 100, count)), reason);
        }
        return ids;
    }

    private static Map<String, String> entry(String id) {
        return redis.commands()
                .xrange(KEYS.checkins(), Range.create(id, id))
                .get(0)
                .getBody();
    }

    private static String replay(String letter) {
        HttpAnswer answer = api.post("/dead-letters/" + letter + "/replay");
        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        assertThat(answer.json().get("id").asString()).isEqualTo(letter);
        return answer.json().get("replayedAs").asString();
    }

    @Test
    void aDeadLetterHasTheFieldsOfItsEntryAsTheyWere() {
        stream.createGroup();
        redis.commands()
                .xadd(
                        KEYS.checkins(),
                        new io.lettuce.core.XAddArgs().id("1000-0"),
                        "userId",
                        "x",
                        "reason",
                        "of the sender",
                        "userId",
                        "1");
        stream.deliver("one", 1);
        String letter = stream.setAsidePending("1000-0", "userId is not an id from 1 to 2^63-1");
        String expected = "{\"id\":\"" + letter + "\",\"originalId\":\"1000-0\","
                + "\"reason\":\"userId is not an id from 1 to 2^63-1\",\"deliveries\":1,\"consumer\":\"one\",\"truncated\":false,"
                + "\"fields\":[{\"name\":\"userId\",\"value\":\"x\"},{\"name\":\"reason\",\"value\":\"of the sender\"},"
                + "{\"name\":\"userId\",\"value\":\"1\"}]}";
        assertThat(api.get("/dead-letters/" + letter).body()).isEqualTo(expected);
        assertThat(api.get("/dead-letters").body()).isEqualTo("{\"items\":[" + expected + "],\"next\":null}");
    }

    @Test
    void aPageOfLargeOnesEndsEarly() {
        for (int i = 0; i < 200; i++) {
            redis.commands()
                    .xadd(
                            KEYS.deadLetters(),
                            "originalId",
                            "1000-0",
                            "reason",
                            "too large",
                            "deliveries",
                            "1",
                            "consumer",
                            "one",
                            "fields",
                            "1",
                            "a",
                            "x".repeat(i == 100 ? 2_000_000 : 16_000));
        }
        List<String> seen = new ArrayList<>();
        String next = "/dead-letters?limit=1000";
        while (next != null) {
            HttpAnswer answer = api.get(next);
            assertThat(answer.body()).hasSizeLessThan(3_200_000);
            List<String> ids = ids(answer.json());
            assertThat(ids).hasSizeBetween(1, 70);
            seen.addAll(ids);
            next = answer.json().get("next").asString(null);
        }
        assertThat(seen).isEqualTo(letters());
    }

    @Test
    void theListIsPagedByTheLastIdThatWasSeen() {
        assertThat(api.get("/dead-letters").body()).isEqualTo("{\"items\":[],\"next\":null}");
        setAside(250, "a reason");
        List<String> seen = new ArrayList<>();
        String next = "/dead-letters";
        int pages = 0;
        while (next != null) {
            JsonNode page = api.get(next).json();
            seen.addAll(ids(page));
            next = page.get("next").asString(null);
            pages++;
        }
        assertThat(pages).isEqualTo(3);
        assertThat(seen).hasSize(250).isEqualTo(letters());
        JsonNode whole = api.get("/dead-letters?limit=250").json();
        assertThat(ids(whole)).isEqualTo(seen);
        assertThat(whole.get("next").isNull()).isTrue();
        assertThat(ids(api.get("/dead-letters?limit=5&after=" + seen.get(9)).json()))
                .isEqualTo(seen.subList(10, 15));
        assertThat(ids(api.get("/dead-letters?after=" + HIGHEST).json())).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "GET, /dead-letters/1000-0, 404",
        "GET, /dead-letters/x, 400",
        "GET, /dead-letters?after=5, 400",
        "GET, /dead-letters?limit=0, 400",
        "GET, /dead-letters?limit=1001, 400",
        "POST, /dead-letters/1000-0/replay, 404",
        "POST, /dead-letters/x/replay, 400",
        "DELETE, /dead-letters/1000-0, 404",
        "DELETE, /dead-letters/x, 400",
        "GET, /dead-letters/replay, 400",
        "PUT, /dead-letters/1000-0, 405",
    })
    void whatIsNotThereOrNotValidIsAProblem(String method, String path, int status) {
        HttpAnswer answer = api.send(method, path);
        assertThat(answer.status()).isEqualTo(status);
        assertThat(answer.header("Content-Type")).isEqualTo("application/problem+json");
    }

    @Test
    void aReplayIsANewEntryWithTheFieldsOfTheOriginal() {
        redis.commands()
                .xadd(
                        KEYS.checkins(),
                        new io.lettuce.core.XAddArgs().id("1000-0"),
                        "userId",
                        "1",
                        "locationId",
                        "2",
                        "starRating",
                        "3",
                        "traceparent",
                        "00-abc");
        String replay = replay(stream.setAside("1000-0", "a reason"));
        assertThat(entry(replay))
                .isEqualTo(Map.of(
                        "userId",
                        "1",
                        "locationId",
                        "2",
                        "starRating",
                        "3",
                        "traceparent",
                        "00-abc",
                        "replayOf",
                        "1000-0",
                        "replayFor",
                        "checkinConsumers"));
        assertThat(letters()).isEmpty();
        assertThat(stream.ids()).containsExactly("1000-0", replay);
    }

    @Test
    void ofEightWhoReplayTheSameLetterOneDoes() throws Exception {
        String id = stream.add(1, 2, 3);
        String letter = stream.setAside(id, "a reason");
        ExecutorService eight = Executors.newFixedThreadPool(8);
        try {
            Callable<HttpAnswer> replay = () -> api.post("/dead-letters/" + letter + "/replay");
            List<Integer> statuses = new ArrayList<>();
            for (Future<HttpAnswer> answer : eight.invokeAll(Collections.nCopies(8, replay))) {
                statuses.add(answer.get().status());
            }
            assertThat(statuses).containsExactlyInAnyOrder(200, 404, 404, 404, 404, 404, 404, 404);
        } finally {
            eight.shutdownNow();
        }
        assertThat(stream.ids()).hasSize(2);
    }

    @Test
    void aReplayThatDiesAndIsReplayedAgainKeepsTheIdOfTheFirst() {
        stream.createGroup();
        String original = stream.add(1, 2, 3);
        String first = replay(stream.setAside(original, "a reason"));
        stream.deliver("one", 2);
        String second = replay(stream.setAsidePending(first, "another reason"));
        assertThat(entry(first)).containsEntry("replayOf", original);
        assertThat(entry(second)).isEqualTo(entry(first));
        assertThat(letters()).isEmpty();
    }

    @Test
    void eachProjectionHasItsOwnDeadLetters() {
        List<String> ids = setAside(3, "of the totals");
        List<String> ofBoards = ids.stream()
                .map(id -> stream.setAside(ProjectionGroup.BOARDS, id, "of the boards"))
                .toList();
        List<String> ofTotals = letters();
        assertThat(ids(api.get("/dead-letters?group=checkinConsumers").json())).isEqualTo(ofTotals);
        JsonNode page = api.get("/dead-letters?group=checkinBoards&limit=2").json();
        assertThat(ids(page)).isEqualTo(ofBoards.subList(0, 2));
        assertThat(ids(api.get(page.get("next").asString()).json())).isEqualTo(ofBoards.subList(2, 3));
        String letter = "/dead-letters/" + ofBoards.get(0);
        assertThat(api.get(letter + "?group=checkinBoards").json().get("reason").asString())
                .isEqualTo("of the boards");

        await().atMost(Duration.ofSeconds(5)) // the answer of a second ago may be that of another test
                .untilAsserted(() -> assertThat(api.get("/dead-letters/reasons?group=checkinBoards")
                                .body())
                        .isEqualTo("{\"items\":[{\"reason\":\"of the boards\",\"count\":3,\"newest\":\""
                                + ofBoards.get(2) + "\"}],\"more\":false}"));

        HttpAnswer replay = api.post(letter + "/replay?group=checkinBoards");
        assertThat(replay.status()).isEqualTo(200);
        assertThat(entry(replay.json().get("replayedAs").asString()))
                .containsEntry("replayOf", ids.get(0))
                .containsEntry("replayFor", "checkinBoards");
        assertThat(api.delete("/dead-letters/" + ofBoards.get(1) + "?group=checkinBoards")
                        .status())
                .isEqualTo(204);
        assertThat(api.post("/dead-letters/replay?reason=of%20the%20totals&group=checkinBoards")
                        .json()
                        .get("replayed"))
                .isEmpty();
        assertThat(letters()).as("those of the totals are still there").isEqualTo(ofTotals);
        assertThat(api.post("/dead-letters/replay?group=checkinBoards").json().get("replayed"))
                .hasSize(1);
        assertThat(api.get("/dead-letters?group=checkinBoards").body()).isEqualTo("{\"items\":[],\"next\":null}");
    }

    @Test
    void aGroupThatIsNoProjectionHasNoDeadLetters() {
        for (String path : List.of("/dead-letters", "/dead-letters/reasons", "/dead-letters/1000-0")) {
            HttpAnswer answer = api.get(path + "?group=other");
            assertThat(answer.status()).isEqualTo(400);
            assertThat(answer.json().get("errors").get(0).get("message").asString())
                    .isEqualTo("must be checkinConsumers or checkinBoards");
        }
        assertThat(api.post("/dead-letters/1000-0/replay?group=other").status()).isEqualTo(400);
        assertThat(api.post("/dead-letters/replay?group=other").status()).isEqualTo(400);
        assertThat(api.delete("/dead-letters/1000-0?group=other").status()).isEqualTo(400);
    }

    @Test
    void aFieldOfASenderDoesNotSayForWhomAReplayIs() {
        redis.commands()
                .xadd(KEYS.checkins(), new io.lettuce.core.XAddArgs().id("1000-0"), "userId", "x", "replayFor", "me");
        String replay = replay(stream.setAside("1000-0", "a reason"));
        assertThat(entry(replay)).containsEntry("replayFor", "checkinConsumers");
    }

    /** Where a processor doesn't count them. */
    @Test
    void whatMakesAReplayComesBeforeTheFieldsOfTheOriginal() {
        stream.createGroup();
        redis.commands().xadd(KEYS.checkins(), new io.lettuce.core.XAddArgs().id("1000-0"), "b", "1", "a", "2");
        String first = replay(stream.setAside("1000-0", "a reason"));
        stream.deliver("one", 2);
        String second = replay(stream.setAsidePending(first, "another reason"));
        for (String id : List.of(first, second)) {
            assertThat(entry(id).toString()).isEqualTo("{replayOf=1000-0, replayFor=checkinConsumers, b=1, a=2}");
        }
    }

    @Test
    void aReplayByReasonTakesThoseOfExactlyThatReason() {
        List<String> ours = setAside(3, "a reason");
        setAside(2, "a reason of another kind");
        List<String> more = setAside(2, "a reason");
        List<String> kept = letters().subList(3, 5);
        JsonNode answer = api.post("/dead-letters/replay?reason=a%20reason").json();
        assertThat(answer.get("more").asBoolean()).isFalse();
        assertThat(answer.get("replayed")
                        .valueStream()
                        .map(one -> entry(one.get("replayedAs").asString()).get("replayOf")))
                .containsExactly(ours.get(0), ours.get(1), ours.get(2), more.get(0), more.get(1));
        assertThat(letters()).isEqualTo(kept);
        assertThat(api.post("/dead-letters/replay?reason=a%20reason").body())
                .isEqualTo("{\"replayed\":[],\"more\":false}");
        assertThat(api.post("/dead-letters/replay?reason=").body()).isEqualTo("{\"replayed\":[],\"more\":false}");
    }

    @Test
    void aReplayOfAllTakesAThousandAndSaysThatThereAreMore() {
        List<String> originals = setAside(1_200, "a reason");
        JsonNode first = api.post("/dead-letters/replay").json();
        assertThat(first.get("replayed")).hasSize(1_000);
        assertThat(first.get("more").asBoolean()).isTrue();
        assertThat(letters()).hasSize(200);
        JsonNode second = api.post(
                        "/dead-letters/replay?after=" + first.get("after").asString())
                .json();
        assertThat(second.get("replayed")).hasSize(200);
        assertThat(second.get("more").asBoolean()).isFalse();
        assertThat(letters()).isEmpty();
        List<String> replays = stream.ids().subList(1_200, 2_400);
        assertThat(replays).map(id -> entry(id).get("replayOf")).isEqualTo(originals);
    }

    @Test
    void aReplayByReasonLooksAtSomeThousandsAndGoesOnWhereItStopped() {
        redis.commands()
                .eval(
                        "for i = 1, ARGV[1] do redis.call('XADD', KEYS[1], '1000-' .. i, 'reason', 'another') end",
                        ScriptOutputType.STATUS,
                        new String[] {KEYS.deadLetters()},
                        "10500");
        setAside(1, "a reason");
        JsonNode first = api.post("/dead-letters/replay?reason=a%20reason").json();
        assertThat(first.get("replayed")).isEmpty();
        assertThat(first.get("more").asBoolean()).isTrue();
        JsonNode second = api.post("/dead-letters/replay?reason=a%20reason&after="
                        + first.get("after").asString())
                .json();
        assertThat(second.get("replayed")).hasSize(1);
        assertThat(second.get("more").asBoolean()).isFalse();
    }

    @Test
    void aLetterWithoutAllFieldsOfItsEntryCanOnlyBeDiscarded() {
        redis.commands()
                .eval(
                        "local fields = {} for i = 1, 2400 do fields[i] = 'f' .. i end"
                                + " return redis.call('XADD', KEYS[1], '1000-0', unpack(fields))",
                        ScriptOutputType.VALUE,
                        KEYS.checkins());
        String letter = stream.setAside("1000-0", "userId is missing");
        JsonNode shown = api.get("/dead-letters/" + letter).json();
        assertThat(shown.get("truncated").asBoolean()).isTrue();
        assertThat(shown.get("fields")).hasSize(1_000);
        HttpAnswer answer = api.post("/dead-letters/" + letter + "/replay");
        assertThat(answer.status()).isEqualTo(409);
        assertThat(answer.problemType()).isEqualTo("conflict");
        assertThat(api.post("/dead-letters/replay").body()).isEqualTo("{\"replayed\":[],\"more\":false}");
        assertThat(stream.ids()).containsExactly("1000-0");
        assertThat(api.delete("/dead-letters/" + letter).status()).isEqualTo(204);
    }

    @Test
    void aLetterThatIsDiscardedIsGoneAndItsEntryIsNotPassedOffAsApplied() {
        String id = stream.add(1, 2, 3);
        String letter = stream.setAside(id, "a reason");
        assertThat(api.delete("/dead-letters/" + letter).status()).isEqualTo(204);
        assertThat(letters()).isEmpty();
        assertThat(api.delete("/dead-letters/" + letter).status()).isEqualTo(404);
        assertThat(api.get("/dead-letters/" + letter).status()).isEqualTo(404);
        assertThat(api.post("/dead-letters/" + letter + "/replay").status()).isEqualTo(404);
        JsonNode status = api.get("/checkins/" + id).json();
        assertThat(status.get("status").asString()).isEqualTo("dead");
        assertThat(status.get("reason").asString()).isEqualTo("discarded");
        assertThat(api.get("/users/1?after=" + id).status()).isEqualTo(409);
    }

    @Test
    void withMemoryFullAReplayIsRefusedAndNothingHasChanged() {
        String id = stream.add(1, 2, 3);
        String letter = stream.setAside(id, "a reason");
        Map<String, String> index = redis.commands().hgetall(KEYS.deadLetterIds());
        redis.fillMemory();
        for (String path : List.of("/dead-letters/" + letter + "/replay", "/dead-letters/replay")) {
            HttpAnswer answer = api.post(path);
            assertThat(answer.status()).isEqualTo(503);
            assertThat(answer.header("Retry-After")).isEqualTo("1");
        }
        assertThat(letters()).containsExactly(letter);
        assertThat(stream.ids()).containsExactly(id);
        assertThat(redis.commands().hgetall(KEYS.deadLetterIds())).isEqualTo(index);
        assertThat(api.get("/dead-letters/" + letter).status()).isEqualTo(200);
        redis.releaseMemory();
        replay(letter);
    }

    @Test
    void withMemoryFullALetterCanBeDiscarded() {
        String id = stream.add(1, 2, 3);
        String letter = stream.setAside(id, "a reason");
        redis.fillMemory();
        assertThat(api.delete("/dead-letters/" + letter).status()).isEqualTo(204);
        assertThat(api.get("/checkins/" + id).json().get("reason").asString()).isEqualTo("discarded");
    }

    @ParameterizedTest
    @EnumSource(
            value = CommandType.class,
            names = {"XADD", "HSET", "XDEL"})
    void withoutAPermissionNothingIsReplayedOrDiscarded(CommandType forbidden) {
        String id = stream.add(1, 2, 3);
        String letter = stream.setAside(id, "a reason");
        Map<String, String> index = redis.commands().hgetall(KEYS.deadLetterIds());
        redis.commands()
                .aclSetuser(
                        "limited",
                        AclSetuserArgs.Builder.on()
                                .addPassword("secret")
                                .allKeys()
                                .allCommands()
                                .removeCommand(forbidden));
        try (ApiServer limited =
                ApiServer.start(redis, "--spring.data.redis.username=limited", "--spring.data.redis.password=secret")) {
            assertThat(limited.post("/dead-letters/" + letter + "/replay").status())
                    .isEqualTo(503);
            assertThat(limited.post("/dead-letters/replay").status()).isEqualTo(503);
            if (forbidden != CommandType.XADD) {
                assertThat(limited.delete("/dead-letters/" + letter).status()).isEqualTo(503);
            }
        } finally {
            redis.commands().aclDeluser("limited");
        }
        assertThat(letters()).containsExactly(letter);
        assertThat(stream.ids()).containsExactly(id);
        assertThat(redis.commands().hgetall(KEYS.deadLetterIds())).isEqualTo(index);
    }

    private static String addOdd(String... fieldsAndValues) {
        return redis.commands().xadd(KEYS.deadLetters(), (Object[]) fieldsAndValues);
    }

    @Test
    void whatOthersWroteIntoTheStreamOfDeadLettersIsShownAndCanOnlyBeDiscarded() {
        List<String> odd = List.of(
                addOdd("a", "b"),
                addOdd("originalId", "x"),
                addOdd("originalId", "1000-0", "reason", "r", "deliveries", "nan", "consumer", "", "fields", "nan"),
                addOdd("originalId", "1000-0", "reason", "r", "deliveries", "1", "consumer", "c", "fields", "0"),
                addOdd(
                        "originalId",
                        "1000-0",
                        "reason",
                        "r",
                        "deliveries",
                        "1",
                        "consumer",
                        "c",
                        "fields",
                        "-1",
                        "a",
                        "b"),
                addOdd(
                        "originalId",
                        "1000-0",
                        "reason",
                        "r",
                        "deliveries",
                        "1",
                        "consumer",
                        "c",
                        "fields",
                        "inf",
                        "a",
                        "b"),
                addOdd(
                        "originalId",
                        "1000-0",
                        "reason",
                        "r",
                        "deliveries",
                        "1",
                        "consumer",
                        "c",
                        "fields",
                        "2",
                        "a",
                        "b"),
                addOdd("a", "1000-0", "reason", "r", "deliveries", "1", "consumer", "c", "fields", "1", "a", "b"),
                addOdd(
                        "originalId",
                        "1000-0",
                        "reason",
                        "r",
                        "deliveries",
                        "1",
                        "consumer",
                        "c",
                        "fields",
                        "1",
                        "a",
                        "b",
                        "c",
                        "d"),
                redis.commands()
                        .eval(
                                "local values = {'originalId', '1000-0', 'reason', 'r', 'deliveries', '1', 'consumer', 'c',"
                                        + " 'fields', '3900'} for i = 1, 7800 do values[#values + 1] = 'f' .. i end"
                                        + " return redis.call('XADD', KEYS[1], '*', unpack(values))",
                                ScriptOutputType.VALUE,
                                KEYS.deadLetters()));
        JsonNode list = api.get("/dead-letters").json();
        assertThat(ids(list)).isEqualTo(odd);
        assertThat(list.get("items")
                        .valueStream()
                        .map(item -> item.get("truncated").asBoolean()))
                .containsOnly(true);
        for (String letter : odd) {
            assertThat(api.get("/dead-letters/" + letter).status()).isEqualTo(200);
            assertThat(api.post("/dead-letters/" + letter + "/replay").status()).isEqualTo(409);
        }
        assertThat(api.post("/dead-letters/replay").body()).isEqualTo("{\"replayed\":[],\"more\":false}");
        assertThat(letters()).isEqualTo(odd);
        assertThat(stream.ids()).isEmpty();
        for (String letter : odd) {
            assertThat(api.delete("/dead-letters/" + letter).status()).isEqualTo(204);
        }
        assertThat(letters()).isEmpty();
    }

    @Test
    void lettersThatCanNotBeReplayedDoNotHideThoseThatCan() {
        redis.commands()
                .eval(
                        "for i = 1, 1500 do redis.call('XADD', KEYS[1], '*', 'a', 'b') end",
                        ScriptOutputType.STATUS,
                        KEYS.deadLetters());
        stream.setAside(stream.add(1, 2, 3), "a reason");
        JsonNode answer = api.post("/dead-letters/replay").json();
        assertThat(answer.get("replayed")).hasSize(1);
        assertThat(answer.get("more").asBoolean()).isFalse();
    }

    @Test
    void aKeyOfAnotherTypeIsSaidWithoutHalfOfItDone() {
        String id = stream.add(1, 2, 3);
        String letter = stream.setAside(id, "a reason");
        redis.commands().set(KEYS.deadLetterIds(), "not a hash");
        assertThat(api.post("/dead-letters/" + letter + "/replay").status()).isEqualTo(500);
        assertThat(api.delete("/dead-letters/" + letter).status()).isEqualTo(500);
        assertThat(letters()).containsExactly(letter);
        assertThat(stream.ids()).containsExactly(id);
    }

    @Test
    void intoAFullStreamNothingIsReplayed() {
        int most = 1_000;
        setAside(4, "a reason");
        List<String> others =
                IntStream.rangeClosed(1, most - 6).mapToObj(i -> "5000-" + i).toList();
        stream.addAll(others, Collections.nCopies(others.size(), "1"));
        try (ApiServer bounded = ApiServer.start(redis, "--checkin.api.max-length=" + most)) {
            JsonNode first = bounded.post("/dead-letters/replay").json();
            assertThat(first.get("replayed")).hasSize(2);
            assertThat(first.get("more").asBoolean()).isTrue();
            String left = letters().get(0);
            for (String path : List.of("/dead-letters/replay", "/dead-letters/" + left + "/replay")) {
                HttpAnswer refused = bounded.post(path);
                assertThat(refused.status()).isEqualTo(503);
                assertThat(refused.problemType()).isEqualTo("stream-full");
                assertThat(refused.header("Retry-After")).isEqualTo("1");
            }
            assertThat(stream.ids()).hasSize(most);
            assertThat(letters()).hasSize(2).startsWith(left);

            redis.commands().xdel(KEYS.checkins(), others.get(0));
            assertThat(bounded.post("/dead-letters/" + left + "/replay").status())
                    .isEqualTo(200);
            assertThat(bounded.post("/dead-letters/1-1/replay").status()).isEqualTo(404);
        }
    }

    @Test
    void theNewestCanComeFirstPageByPage() {
        stream.createGroup();
        setAside(25, "broken");
        List<String> expected = new ArrayList<>(letters());
        Collections.reverse(expected);
        List<String> seen = new ArrayList<>();
        String path = "/dead-letters?limit=10&order=desc";
        while (path != null) {
            JsonNode page = api.get(path).json();
            seen.addAll(ids(page));
            path = page.get("next").asString(null);
            if (seen.size() == 10) {
                setAside(2, "newer"); // they don't shift the pages that follow
            }
        }
        assertThat(seen).isEqualTo(expected);
        assertThat(ids(api.get("/dead-letters?limit=1&order=desc").json()))
                .isEqualTo(letters().subList(26, 27));
        assertThat(api.get("/dead-letters?order=desc&after=0-0").json().get("items"))
                .isEmpty();
    }

    @Test
    void theReasonsAreCountedWithTheNewestLetterOfEach() {
        stream.createGroup();
        setAside(120, "broken");
        setAside(3, "<img onerror>");
        String newestBroken = letters().get(119);
        String newestOther = letters().get(122);
        await().atMost(Duration.ofSeconds(5)) // the answer of a second ago may be that of another test
                .untilAsserted(() -> assertThat(api.get("/dead-letters/reasons").body())
                        .isEqualTo("{\"items\":[{\"reason\":\"broken\",\"count\":120,\"newest\":\"" + newestBroken
                                + "\"},{\"reason\":\"<img onerror>\",\"count\":3,\"newest\":\"" + newestOther
                                + "\"}],\"more\":false}"));
    }

    @Test
    void ofVeryManyOnlyTheNewestAreCounted() {
        stream.createGroup();
        redis.commands()
                .eval(
                        "for i = 1, 10500 do redis.call('XADD', KEYS[1], '*', 'originalId', '1-1', 'reason', 'r' .. i % 150) end",
                        ScriptOutputType.STATUS, KEYS.deadLetters());
        await().atMost(Duration.ofSeconds(5))
                .untilAsserted(
                        () -> assertThat(api.get("/dead-letters/reasons").json().get("items"))
                                .hasSize(100));
        JsonNode reasons = api.get("/dead-letters/reasons").json();
        assertThat(reasons.get("more").asBoolean()).isTrue();
        assertThat(reasons.at("/items/0/count").asLong()).isEqualTo(67);
    }

    @Test
    void manyWhoAskForTheReasonsCostNoMoreThanOne() {
        stream.createGroup();
        setAside(1, "broken");
        long before = redis.calls("evalsha");
        for (int i = 0; i < 20; i++) {
            assertThat(api.get("/dead-letters/reasons").status()).isEqualTo(200);
        }
        assertThat(redis.calls("evalsha") - before).isLessThan(10); // among these are those of the console
    }

    @Test
    void aFailureToCountTheReasonsIsNotGivenAgain() {
        stream.createGroup();
        setAside(1, "broken");
        redis.permit("-xrevrange");
        try {
            await().atMost(Duration.ofSeconds(5))
                    .until(() -> api.get("/dead-letters/reasons").status() == 503);
        } finally {
            redis.permit("+@all");
        }
        assertThat(api.get("/dead-letters/reasons").status()).isEqualTo(200);
    }

    @Test
    @ExtendWith(OutputCaptureExtension.class)
    void theLogSaysWhoChangedSomething(CapturedOutput log) {
        stream.createGroup();
        setAside(3, "broken");
        List<String> letters = letters();
        String replayed = api.post("/dead-letters/" + letters.get(0) + "/replay")
                .json()
                .get("replayedAs")
                .asString();
        api.delete("/dead-letters/" + letters.get(1));
        api.post("/dead-letters/replay");
        assertThat(log.getOut())
                .containsPattern("The dead letter " + letters.get(0) + " was replayed as " + replayed
                        + ", by someone at (127.0.0.1|0:0:0:0:0:0:0:1)")
                .containsPattern("The dead letter " + letters.get(1) + " was discarded, by someone at ")
                .containsPattern("Dead letters were replayed: 1, by someone at ");
    }
}
