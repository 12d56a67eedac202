package io.ncc.checkin.receiver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.awaitility.Awaitility.await;

import io.lettuce.core.AclSetuserArgs;
import io.lettuce.core.Range;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.XAddArgs;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.protocol.CommandType;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.testsupport.RealRedis;
import io.ncc.redis.LuaScript;
import io.ncc.redis.RedisCondition;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The contract of append.lua. A checkin is written {@code "<user> <location> <stars>"}, and a request {@code "<key>: <checkin>, <checkin>"},
 * with {@code -} for no key.
 */
@Timeout(60)
final class AppendScriptIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final LuaScript SCRIPT = LuaScript.of(CheckinAppender.class, "append");
    private static final Keys KEYS = Keys.unpartitioned();
    private static final String STREAM = KEYS.checkins();
    private static final String NO_KEY = "-";
    private static final long KEEP_MILLIS = 60_000;
    private static final long WINDOW = 60_000;
    private static final int ROOM = 1_000_000;
    private static final String WAITED_FOR = "1";
    private static final String NOT_WAITED_FOR = "0";

    /** Far in the future: what is appended after an entry of then has known ids. */
    private static final String THEN = "9000000000000";

    private static final String THEN_AND_1 = "9000000000001";
    private static final String TOP = THEN + "-0";
    private static final String MOST = "18446744073709551615";
    private static final String LAST_BUT_ONE = MOST + "-18446744073709551614";

    private final RedisClient client = RedisClient.create(redis.uri());
    private final StatefulRedisConnection<String, String> connection = client.connect();

    @AfterEach
    void close() {
        client.shutdown(0, 1, TimeUnit.SECONDS);
        redis.commands().aclDeluser("limited");
    }

    /**
     * A row of the contract.
     *
     * @param top the id of the only entry of the stream before
     * @param kept the values of idempotency keys before
     * @param most entries that the stream may have
     * @param appended each entry that comes after the first: id, colon, checkin
     * @param keptThen the values of idempotency keys after
     */
    record Row(
            String name,
            String top,
            Map<String, String> kept,
            int most,
            List<String> requests,
            List<String> replies,
            List<String> appended,
            Map<String, String> keptThen) {

        @Override
        public String toString() {
            return name;
        }
    }

    static Stream<Row> contract() {
        String kept785 = fingerprint("7 8 5") + " 5-0/1";
        String new785 = fingerprint("7 8 5") + " " + THEN + "-1/1";
        return Stream.of(
                new Row(
                        "a request without a key is appended and nothing is kept",
                        TOP,
                        Map.of(),
                        ROOM,
                        List.of("-: 7 8 5"),
                        List.of("+ " + THEN + "-1/1"),
                        List.of(THEN + "-1: 7 8 5"),
                        Map.of()),
                new Row(
                        "the ids of one millisecond are one run",
                        TOP,
                        Map.of(),
                        ROOM,
                        List.of("-: 7 8 5, 7 9 4, 1 1 0"),
                        List.of("+ " + THEN + "-1/3"),
                        List.of(THEN + "-1: 7 8 5", THEN + "-2: 7 9 4", THEN + "-3: 1 1 0"),
                        Map.of()),
                new Row(
                        "with a new key the result is kept",
                        TOP,
                        Map.of(),
                        ROOM,
                        List.of("a: 7 8 5"),
                        List.of("+ " + THEN + "-1/1"),
                        List.of(THEN + "-1: 7 8 5"),
                        Map.of("a", new785)),
                new Row(
                        "a repeat gets the ids of the first time",
                        TOP,
                        Map.of("a", kept785),
                        ROOM,
                        List.of("a: 7 8 5"),
                        List.of("= 5-0/1"),
                        List.of(),
                        Map.of("a", kept785)),
                new Row(
                        "a repeat gets all its runs",
                        TOP,
                        Map.of("a", fingerprint("7 8 5 7 9 4 1 1 0") + " 5-3/2 6-0/1"),
                        ROOM,
                        List.of("a: 7 8 5, 7 9 4, 1 1 0"),
                        List.of("= 5-3/2 6-0/1"),
                        List.of(),
                        Map.of("a", fingerprint("7 8 5 7 9 4 1 1 0") + " 5-3/2 6-0/1")),
                new Row(
                        "a repeat finds no fault with a full stream",
                        TOP,
                        Map.of("a", kept785),
                        1,
                        List.of("a: 7 8 5"),
                        List.of("= 5-0/1"),
                        List.of(),
                        Map.of("a", kept785)),
                new Row(
                        "a key with other stars is a mismatch",
                        TOP,
                        Map.of("a", kept785),
                        ROOM,
                        List.of("a: 7 8 4"),
                        List.of("!mismatch"),
                        List.of(),
                        Map.of("a", kept785)),
                new Row(
                        "a key with the same digits in other places is a mismatch",
                        TOP,
                        Map.of("a", fingerprint("7 78 5") + " 5-0/1"),
                        ROOM,
                        List.of("a: 77 8 5"),
                        List.of("!mismatch"),
                        List.of(),
                        Map.of("a", fingerprint("7 78 5") + " 5-0/1")),
                new Row(
                        "a key with one checkin more is a mismatch",
                        TOP,
                        Map.of("a", kept785),
                        ROOM,
                        List.of("a: 7 8 5, 7 8 5"),
                        List.of("!mismatch"),
                        List.of(),
                        Map.of("a", kept785)),
                new Row(
                        "the same key twice in a call is a repeat",
                        TOP,
                        Map.of(),
                        ROOM,
                        List.of("a: 7 8 5", "a: 7 8 5"),
                        List.of("+ " + THEN + "-1/1", "= " + THEN + "-1/1"),
                        List.of(THEN + "-1: 7 8 5"),
                        Map.of("a", new785)),
                new Row(
                        "the same key twice in a call with other values is a mismatch",
                        TOP,
                        Map.of(),
                        ROOM,
                        List.of("a: 7 8 5", "a: 7 8 4"),
                        List.of("+ " + THEN + "-1/1", "!mismatch"),
                        List.of(THEN + "-1: 7 8 5"),
                        Map.of("a", new785)),
                new Row(
                        "the last place is given away",
                        TOP,
                        Map.of(),
                        2,
                        List.of("-: 7 8 5", "-: 7 9 4"),
                        List.of("+ " + THEN + "-1/1", "!full"),
                        List.of(THEN + "-1: 7 8 5"),
                        Map.of()),
                new Row(
                        "a request that finds no room leaves it, and its key, to one that does",
                        TOP,
                        Map.of(),
                        3,
                        List.of("a: 7 8 5, 7 8 5, 7 8 5", "a: 7 8 5", "-: 7 9 4"),
                        List.of("!full", "+ " + THEN + "-1/1", "+ " + THEN + "-2/1"),
                        List.of(THEN + "-1: 7 8 5", THEN + "-2: 7 9 4"),
                        Map.of("a", new785)),
                new Row(
                        "with no id left nothing is appended, and nothing is kept",
                        MOST + "-" + MOST,
                        Map.of(),
                        ROOM,
                        List.of("a: 7 8 5", "-: 7 8 5"),
                        List.of("!exhausted", "!exhausted"),
                        List.of(),
                        Map.of()),
                new Row(
                        "the last id is given away",
                        LAST_BUT_ONE,
                        Map.of(),
                        ROOM,
                        List.of("-: 7 8 5", "-: 7 9 4"),
                        List.of("+ " + MOST + "-" + MOST + "/1", "!exhausted"),
                        List.of(MOST + "-" + MOST + ": 7 8 5"),
                        Map.of()),
                new Row(
                        "with one id left for two one is appended, so the outcome is called unknown",
                        LAST_BUT_ONE,
                        Map.of(),
                        ROOM,
                        List.of("a: 7 8 5, 7 9 4"),
                        List.of("!unknown"),
                        List.of(MOST + "-" + MOST + ": 7 8 5"),
                        Map.of()),
                new Row(
                        "what a key holds that is none of ours is damage, and stays; the others go on",
                        TOP,
                        Map.of("a", "nonsense", "b", "", "c", "1609602085397-0"),
                        ROOM,
                        List.of("a: 7 8 5", "b: 7 8 5", "c: 7 8 5", "-: 7 9 4"),
                        List.of("!damaged", "!damaged", "!damaged", "+ " + THEN + "-1/1"),
                        List.of(THEN + "-1: 7 9 4"),
                        Map.of("a", "nonsense", "b", "", "c", "1609602085397-0")),
                new Row(
                        "each request of a call has its own fate",
                        TOP,
                        Map.of("old", kept785, "bad", "nonsense"),
                        4,
                        List.of(
                                "new: 7 8 5",
                                "old: 7 8 5",
                                "old: 7 8 4",
                                "bad: 7 8 5",
                                "-: 1 1 1, 2 2 2, 3 3 3",
                                "-: 4 4 4, 5 5 5",
                                "new: 7 8 5",
                                "-: 6 6 0"),
                        List.of(
                                "+ " + THEN + "-1/1",
                                "= 5-0/1",
                                "!mismatch",
                                "!damaged",
                                "!full",
                                "+ " + THEN + "-2/2",
                                "= " + THEN + "-1/1",
                                "!full"),
                        List.of(THEN + "-1: 7 8 5", THEN + "-2: 4 4 4", THEN + "-3: 5 5 5"),
                        Map.of("old", kept785, "bad", "nonsense", "new", new785)),
                new Row(
                        "the ids of two milliseconds are two runs",
                        THEN + "-18446744073709551613",
                        Map.of(),
                        ROOM,
                        List.of("a: 1 1 1, 2 2 2, 3 3 3, 4 4 4"),
                        List.of("+ " + THEN + "-18446744073709551614/1 " + THEN + "-" + MOST + "/1 " + THEN_AND_1
                                + "-0/2"),
                        List.of(
                                THEN + "-18446744073709551614: 1 1 1",
                                THEN + "-" + MOST + ": 2 2 2",
                                THEN_AND_1 + "-0: 3 3 3",
                                THEN_AND_1 + "-1: 4 4 4"),
                        Map.of(
                                "a",
                                fingerprint("1 1 1 2 2 2 3 3 3 4 4 4") + " " + THEN + "-18446744073709551614/1 " + THEN
                                        + "-" + MOST + "/1 " + THEN_AND_1 + "-0/2")),
                new Row(
                        "sequence numbers that Lua can't count are runs of one",
                        THEN + "-9007199254740989",
                        Map.of(),
                        ROOM,
                        List.of("-: 1 1 1, 2 2 2, 3 3 3, 4 4 4, 5 5 5"),
                        List.of("+ " + THEN + "-9007199254740990/2 " + THEN + "-9007199254740992/1 " + THEN
                                + "-9007199254740993/1 " + THEN + "-9007199254740994/1"),
                        List.of(
                                THEN + "-9007199254740990: 1 1 1",
                                THEN + "-9007199254740991: 2 2 2",
                                THEN + "-9007199254740992: 3 3 3",
                                THEN + "-9007199254740993: 4 4 4",
                                THEN + "-9007199254740994: 5 5 5"),
                        Map.of()));
    }

    @ParameterizedTest
    @MethodSource("contract")
    void itDoesWhatItsContractSays(Row row) {
        top(row.top);
        row.kept.forEach((key, value) -> redis.commands().set(KEYS.idempotency(key), value));

        assertThat(append(row.most, row.requests.toArray(String[]::new))).isEqualTo(row.replies);

        List<String> entries = new ArrayList<>(List.of(row.top + ": 1 1 1"));
        entries.addAll(row.appended);
        assertThat(entries()).isEqualTo(entries);
        assertThat(kept()).isEqualTo(row.keptThen);
        assertThat(redis.commands().dbsize()).as("keys").isEqualTo(1 + row.keptThen.size());
        for (String reply : row.replies) {
            if (reply.startsWith("+")) {
                assertThat(IdRun.parse(reply.substring(2))).isNotEmpty();
            }
        }
    }

    @Test
    void aUserAtALocationAgainIsRefusedWithinTheWindow() {
        top(TOP);

        assertThat(appendWithin(WINDOW, ROOM, "-: 7 8 5", "-: 7 8 4", "-: 7 9 5", "-: 8 8 5"))
                .containsExactly("+ " + THEN + "-1/1", "!repeat", "+ " + THEN + "-2/1", "+ " + THEN + "-3/1");
        assertThat(appendWithin(WINDOW, ROOM, "-: 7 9 1, 7 7 1, 7 7 2, 8 8 3, 9 9 1"))
                .containsExactly("+ ~/1 " + THEN + "-4/1 ~/2 " + THEN + "-5/1");
        assertThat(appendWithin(WINDOW, ROOM, "-: 7 9 1, 9 9 1")).containsExactly("!repeat");

        assertThat(entries())
                .containsExactly(
                        TOP + ": 1 1 1",
                        THEN + "-1: 7 8 5",
                        THEN + "-2: 7 9 5",
                        THEN + "-3: 8 8 5",
                        THEN + "-4: 7 7 1",
                        THEN + "-5: 9 9 1");
        assertThat(redis.commands().pttl(KEYS.checkedIn(7, 8))).isBetween(WINDOW - 20_000, WINDOW);
    }

    @Test
    void aWindowEndsAndIsNotProlongedByWhatIsRefused() {
        appendWithin(500, ROOM, "-: 7 8 5");
        await().atMost(5, TimeUnit.SECONDS)
                .until(() -> appendWithin(60_000, ROOM, "-: 7 8 5").get(0).startsWith("+ "));
        assertThat(redis.commands().xlen(STREAM)).isEqualTo(2);
    }

    @Test
    void aRequestThatIsSentAgainWithItsKeyGetsWhatItGotTheFirstTime() {
        top(TOP);
        List<String> first = appendWithin(WINDOW, ROOM, "a: 7 8 5", "b: 7 8 5", "c: 7 8 5, 8 8 5, 8 8 5", "-: 9 9 9");
        assertThat(first)
                .containsExactly("+ " + THEN + "-1/1", "!repeat", "+ ~/1 " + THEN + "-2/1 ~/1", "+ " + THEN + "-3/1");
        assertThat(kept()).containsOnlyKeys("a", "c");

        assertThat(appendWithin(WINDOW, ROOM, "a: 7 8 5", "b: 7 8 5", "c: 7 8 5, 8 8 5, 8 8 5", "-: 9 9 9"))
                .containsExactly("= " + THEN + "-1/1", "!repeat", "= ~/1 " + THEN + "-2/1 ~/1", "!repeat");
        assertThat(redis.commands().xlen(STREAM)).isEqualTo(4);
    }

    @Test
    void whatIsNotAppendedLeavesNoMark() {
        top(TOP);
        assertThat(appendWithin(WINDOW, 2, "-: 7 8 5, 8 8 5", "-: 7 8 5"))
                .containsExactly("!full", "+ " + THEN + "-1/1");
        assertThat(redis.commands().keys(KEYS.checkedIn(7, 8).replace("7:8", "*")))
                .containsExactly(KEYS.checkedIn(7, 8));

        redis.commands().flushall();
        top(MOST + "-" + MOST);
        assertThat(appendWithin(WINDOW, ROOM, "a: 7 8 5", "-: 7 8 5")).containsExactly("!exhausted", "!exhausted");
        assertThat(redis.commands().keys("*")).containsExactly(STREAM);

        redis.commands().flushall();
        redis.commands().set(STREAM, "not a stream");
        assertRefused(RedisCondition.WRONG_TYPE, () -> appendWithin(WINDOW, ROOM, "-: 7 8 5"));

        redis.commands().flushall();
        top(TOP);
        redis.fillMemory();
        try {
            assertRefused(RedisCondition.OUT_OF_MEMORY, () -> appendWithin(WINDOW, ROOM, "a: 7 8 5"));
        } finally {
            redis.releaseMemory();
        }
    }

    @Test
    void aKeyOfAnotherTypeIsDamageAndStays() {
        redis.commands().rpush(KEYS.idempotency("a"), "x");

        assertThat(append(ROOM, "a: 7 8 5")).containsExactly("!damaged");

        assertThat(entries()).isEmpty();
        assertThat(redis.commands().lrange(KEYS.idempotency("a"), 0, -1)).containsExactly("x");
    }

    @Test
    void whenTheResultCanNotBeKeptTheOutcomeIsUnknownAndTheOthersGoOn() {
        top(TOP);
        List<String> replies = appendAsLimitedUser(CommandType.SET, "a: 7 8 5", "-: 7 9 4");

        assertThat(replies).containsExactly("!unknown", "+ " + THEN + "-2/1");
        assertThat(entries()).containsExactly(TOP + ": 1 1 1", THEN + "-1: 7 8 5", THEN + "-2: 7 9 4");
        assertThat(kept()).isEmpty();
    }

    @Test
    void aUserWhoMayNotAppendIsToldSo() {
        assertRefused(RedisCondition.FORBIDDEN, () -> appendAsLimitedUser(CommandType.XADD, "a: 7 8 5"));
    }

    @Test
    void theIdsOfALargeRequestAreThoseOfTheEntries() {
        String request = "a: " + String.join(", ", Collections.nCopies(500, "7 8 5"));

        List<String> ids = idsOf(append(ROOM, request).get(0));

        assertThat(ids).hasSize(500).isEqualTo(ids());
        assertThat(idsOf(append(ROOM, request).get(0).replace("= ", "+ "))).isEqualTo(ids);
        assertThat(redis.commands().xlen(STREAM)).isEqualTo(500);
    }

    @Test
    void withoutAStreamItMakesOne() {
        assertThat(append(1, "-: 7 8 5").get(0)).startsWith("+ ");
        assertThat(redis.commands().xlen(STREAM)).isEqualTo(1);
    }

    @Test
    void aResultIsKeptForSoLongAndARepeatDoesNotProlongIt() {
        append(ROOM, "a: 7 8 5");
        assertThat(redis.commands().pttl(KEYS.idempotency("a"))).isBetween(KEEP_MILLIS - 20_000, KEEP_MILLIS);

        redis.commands().pexpire(KEYS.idempotency("a"), 30_000);
        assertThat(append(ROOM, "a: 7 8 5").get(0)).startsWith("= ");
        assertThat(redis.commands().pttl(KEYS.idempotency("a"))).isBetween(1L, 30_000L);
    }

    /** Else WAIT would not wait for it on every server. */
    @Test
    void aRepeatThatIsWaitedForIsAWriteThatChangesNothing() {
        append(ROOM, "a: 7 8 5", "b: 7 8 5");
        redis.commands().pexpire(KEYS.idempotency("a"), 30_000);
        Map<String, String> before = contents();

        assertThat(writesBy(() -> append(connection, ROOM, WAITED_FOR, "b: 7 8 5", "a: 7 8 5")))
                .isEqualTo(1);
        assertThat(redis.commands().pttl(KEYS.idempotency("a"))).isBetween(1L, 30_000L);
        assertThat(writesBy(() -> append(connection, ROOM, NOT_WAITED_FOR, "b: 7 8 5", "a: 7 8 5")))
                .isZero();
        assertThat(contents()).isEqualTo(before);

        assertThat(writesBy(() -> append(connection, ROOM, WAITED_FOR, "a: 7 8 5", "-: 7 8 5")))
                .isEqualTo(1); // the entry: that is enough
        redis.commands().persist(KEYS.idempotency("a")); // by someone else
        assertThat(append(ROOM, "a: 7 8 5").get(0)).startsWith("= ");
        assertThat(redis.commands().pttl(KEYS.idempotency("a"))).isBetween(KEEP_MILLIS - 20_000, KEEP_MILLIS);
    }

    private static long writesBy(Runnable call) {
        long before = writes();
        call.run();
        return writes() - before;
    }

    private static long writes() {
        return Long.parseLong(redis.commands()
                .info("persistence")
                .lines()
                .filter(line -> line.startsWith("rdb_changes_since_last_save:"))
                .findFirst()
                .orElseThrow()
                .split(":")[1]);
    }

    @Test
    void whenMemoryIsFullItFailsAndAppendsNothing() {
        top(TOP);
        append(ROOM, "a: 7 8 5");
        redis.fillMemory();
        try {
            assertRefused(RedisCondition.OUT_OF_MEMORY, () -> append(ROOM, "b: 7 8 5", "-: 7 9 4"));
            assertRefused(RedisCondition.OUT_OF_MEMORY, () -> append(ROOM, "a: 7 8 5", "-: 7 9 4"));
            // needs no memory
            assertThat(append(ROOM, "a: 7 8 5")).containsExactly("= " + THEN + "-1/1");
        } finally {
            redis.releaseMemory();
        }
    }

    @Test
    void onAReplicaItFailsAndAppendsNothing() {
        redis.commands().replicaof("127.0.0.1", 1);
        try {
            assertRefused(RedisCondition.READ_ONLY, () -> append(ROOM, "a: 7 8 5", "-: 7 9 4"));
        } finally {
            redis.commands().replicaofNoOne();
        }
    }

    @Test
    void aStreamThatIsNoneIsToldAndStays() {
        redis.commands().set(STREAM, "not a stream");
        assertRefused(RedisCondition.WRONG_TYPE, () -> append(ROOM, "a: 7 8 5"));
    }

    @Test
    void aServerThatHasForgottenTheScriptIsGivenItAgain() {
        top(TOP);
        append(ROOM, "a: 7 8 5");
        redis.commands().scriptFlush();

        assertThat(append(ROOM, "a: 7 8 5", "-: 7 9 4")).containsExactly("= " + THEN + "-1/1", "+ " + THEN + "-2/1");

        assertThat(redis.commands().xlen(STREAM)).isEqualTo(3);
    }

    /** Expects a call to fail like this and to have changed nothing. */
    private static void assertRefused(RedisCondition condition, Runnable call) {
        Map<String, String> before = contents();
        Throwable failure = catchThrowable(call::run);
        assertThat(contents()).as("after a call that should fail").isEqualTo(before);
        assertThat(failure).as("the failure").isNotNull();
        assertThat(RedisCondition.of(failure)).isEqualTo(condition);
    }

    private static Map<String, String> contents() {
        Map<String, String> contents = new TreeMap<>();
        for (String key : redis.commands().keys("*")) {
            contents.put(key, HexFormat.of().formatHex(redis.commands().dump(key)));
        }
        return contents;
    }

    private static void top(String id) {
        redis.commands()
                .xadd(STREAM, new XAddArgs().id(id), Map.of("userId", "1", "locationId", "1", "starRating", "1"));
    }

    private List<String> append(int most, String... requests) {
        return append(connection, most, WAITED_FOR, requests);
    }

    private static List<String> append(
            StatefulRedisConnection<String, String> connection, int most, String waitedFor, String... requests) {
        return append(connection, most, waitedFor, 0, requests);
    }

    /** With a window in which no user can check in at the same location again. */
    private List<String> appendWithin(long windowMillis, int most, String... requests) {
        return append(connection, most, NOT_WAITED_FOR, windowMillis, requests);
    }

    private static List<String> append(
            StatefulRedisConnection<String, String> connection,
            int most,
            String waitedFor,
            long windowMillis,
            String... requests) {
        List<String> keys = new ArrayList<>(List.of(STREAM));
        List<String> marks = new ArrayList<>();
        long keyed = Stream.of(requests)
                .filter(request -> !request.startsWith(NO_KEY))
                .count();
        List<String> args = new ArrayList<>(List.of(
                Integer.toString(most),
                Long.toString(KEEP_MILLIS),
                waitedFor,
                Long.toString(windowMillis),
                Long.toString(keyed)));
        for (String request : requests) {
            String[] keyAndCheckins = request.split(": ");
            if (keyAndCheckins[0].equals(NO_KEY)) {
                args.add("0");
            } else {
                args.add(Integer.toString(keys.size()));
                keys.add(KEYS.idempotency(keyAndCheckins[0]));
            }
            String[] checkins = keyAndCheckins[1].split(", ");
            args.add(Integer.toString(checkins.length));
            for (String checkin : checkins) {
                String[] values = checkin.split(" ");
                args.addAll(Arrays.asList(values));
                marks.add(KEYS.checkedIn(Long.parseLong(values[0]), Long.parseLong(values[1])));
            }
        }
        if (windowMillis > 0) {
            keys.addAll(marks);
        }
        return SCRIPT
                .<List<Object>>run(
                        connection.async(),
                        ScriptOutputType.MULTI,
                        keys.toArray(String[]::new),
                        args.toArray(String[]::new))
                .toCompletableFuture()
                .orTimeout(10, TimeUnit.SECONDS)
                .join()
                .stream()
                .map(String.class::cast)
                .toList();
    }

    /** As one who may do everything but one thing. */
    private List<String> appendAsLimitedUser(CommandType forbidden, String... requests) {
        redis.commands()
                .aclSetuser(
                        "limited",
                        AclSetuserArgs.Builder.on()
                                .addPassword("secret")
                                .allKeys()
                                .allCommands()
                                .removeCommand(forbidden));
        RedisURI uri = RedisURI.builder()
                .withHost(redis.host())
                .withPort(redis.port())
                .withAuthentication("limited", "secret")
                .build();
        try (StatefulRedisConnection<String, String> limited = client.connect(uri)) {
            return append(limited, ROOM, WAITED_FOR, requests);
        }
    }

    /** Each id, colon, checkin. */
    private static List<String> entries() {
        return redis.commands().xrange(STREAM, Range.<String>unbounded()).stream()
                .map(entry -> {
                    assertThat(entry.getBody()).containsOnlyKeys("userId", "locationId", "starRating");
                    return entry.getId() + ": " + entry.getBody().get("userId") + ' '
                            + entry.getBody().get("locationId") + ' '
                            + entry.getBody().get("starRating");
                })
                .toList();
    }

    private static List<String> ids() {
        return entries().stream().map(entry -> entry.split(":")[0]).toList();
    }

    private static List<String> idsOf(String reply) {
        assertThat(reply).startsWith("+ ");
        List<String> ids = new ArrayList<>();
        for (IdRun run : IdRun.parse(reply.substring(2))) {
            for (int i = 0; i < run.count(); i++) {
                ids.add(run.get(i).toString());
            }
        }
        return ids;
    }

    /** The values of all idempotency keys. */
    private static Map<String, String> kept() {
        Map<String, String> kept = new TreeMap<>();
        for (String key : redis.commands().keys(KEYS.idempotency("*"))) {
            kept.put(
                    key.substring(KEYS.idempotency("").length()),
                    redis.commands().get(key));
        }
        return kept;
    }

    private static String fingerprint(String values) {
        try {
            byte[] sha1 = MessageDigest.getInstance("SHA-1").digest(values.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(sha1).substring(0, 16);
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }
}
