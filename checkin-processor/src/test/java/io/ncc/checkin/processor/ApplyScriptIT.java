package io.ncc.checkin.processor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lettuce.core.Consumer;
import io.lettuce.core.RedisClient;
import io.lettuce.core.StreamMessage;
import io.lettuce.core.XAddArgs;
import io.lettuce.core.XGroupCreateArgs;
import io.lettuce.core.XReadArgs.StreamOffset;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.sync.RedisCommands;
import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.CheckinCodec;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.testsupport.RealRedis;
import io.ncc.checkin.testsupport.ScriptCommands;
import io.ncc.engine.Batch;
import io.ncc.engine.Entry;
import io.ncc.engine.Mode;
import io.ncc.engine.Projection.Outcome;
import io.ncc.engine.Projection.Rejected;
import io.ncc.redis.RedisCondition;
import io.ncc.redis.StreamId;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The contract of settle.lua and apply.lua as a table: the state before, the entries, what the script answers, the state after. */
@Timeout(60)
final class ApplyScriptIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final Keys KEYS = Keys.unpartitioned();
    private static final String USER = KEYS.user(7);
    private static final String LOCATION = KEYS.location(8);

    private final CheckinProjection projection = new CheckinProjection(Partitions.none(), 0, Mode.GROUP);
    private final RedisClient client = RedisClient.create(redis.uri());
    private final StatefulRedisConnection<String, String> connection = client.connect();

    @AfterEach
    void close() {
        client.shutdown(0, 1, TimeUnit.SECONDS);
    }

    static Stream<Case> cases() {
        return Stream.of(
                new Case("a checkin for a user and a location that were never loaded creates both")
                        .entry("1000-0", 7, 8, 3)
                        .applied(1)
                        .after(USER, "id 7 numCheckins 1 lastCheckin 1000 lastCheckinId 1000-0 lastSeenAt 8")
                        .after(LOCATION, "id 8 numCheckins 1 numStars 3 averageStars 3"),
                new Case("what was loaded is kept and counted on")
                        .before(USER, "id 7 firstName Ada numCheckins 4 lastCheckin 900 lastSeenAt 5")
                        .before(LOCATION, "id 8 name Bar numCheckins 3 numStars 10 averageStars 3")
                        .entry("1000-0", 7, 8, 5)
                        .applied(1)
                        .after(
                                USER,
                                "id 7 firstName Ada numCheckins 5 lastCheckin 1000 lastCheckinId 1000-0 lastSeenAt 8")
                        .after(LOCATION, "id 8 name Bar numCheckins 4 numStars 15 averageStars 4"),
                new Case("several checkins of a user and at a location are summed, and the highest id is the last")
                        .entry("1000-0", 7, 8, 5)
                        .entry("1000-1", 7, 9, 0)
                        .entry("1001-0", 6, 8, 2)
                        .applied(3)
                        .after(USER, "id 7 numCheckins 2 lastCheckin 1000 lastCheckinId 1000-1 lastSeenAt 9")
                        .after(KEYS.user(6), "id 6 numCheckins 1 lastCheckin 1001 lastCheckinId 1001-0 lastSeenAt 8")
                        .after(LOCATION, "id 8 numCheckins 2 numStars 7 averageStars 4")
                        .after(KEYS.location(9), "id 9 numCheckins 1 numStars 0 averageStars 0"),
                new Case("an average of x.5 is rounded up")
                        .before(LOCATION, "numCheckins 1 numStars 2")
                        .entry("1000-0", 7, 8, 3)
                        .applied(1)
                        .after(USER, "id 7 numCheckins 1 lastCheckin 1000 lastCheckinId 1000-0 lastSeenAt 8")
                        .after(LOCATION, "numCheckins 2 numStars 5 averageStars 3"),
                new Case("an older checkin is counted and doesn't become the last one")
                        .before(USER, "numCheckins 1 lastCheckin 2000 lastCheckinId 2000-0 lastSeenAt 9")
                        .entry("1000-5", 7, 8, 1)
                        .applied(1)
                        .after(USER, "numCheckins 2 lastCheckin 2000 lastCheckinId 2000-0 lastSeenAt 9")
                        .after(LOCATION, "id 8 numCheckins 1 numStars 1 averageStars 1"),
                new Case("times are compared as numbers, not as text")
                        .before(USER, "numCheckins 1 lastCheckin 999 lastCheckinId 999-9 lastSeenAt 9")
                        .entry("1000-0", 7, 8, 1)
                        .applied(1)
                        .after(USER, "numCheckins 2 lastCheckin 1000 lastCheckinId 1000-0 lastSeenAt 8")
                        .after(LOCATION, "id 8 numCheckins 1 numStars 1 averageStars 1"),
                new Case("the replay of a dead letter took place when its original did")
                        .before(USER, "numCheckins 1 lastCheckin 2000 lastCheckinId 2000-3 lastSeenAt 9")
                        .replay("5000-0", "2000-2", 7, 8, 1)
                        .replay("5000-1", "2000-3", 6, 8, 2)
                        .applied(2)
                        .after(USER, "numCheckins 2 lastCheckin 2000 lastCheckinId 2000-3 lastSeenAt 9")
                        .after(KEYS.user(6), "id 6 numCheckins 1 lastCheckin 2000 lastCheckinId 2000-3 lastSeenAt 8")
                        .after(LOCATION, "id 8 numCheckins 2 numStars 3 averageStars 2"),
                new Case(
                                "of several checkins in a batch the last is the one that took place last, whatever is a replay")
                        .replay("5000-0", "4000-7", 7, 8, 1)
                        .replay("5000-1", "999-9", 7, 9, 1)
                        .entry("5000-2", 6, 8, 1)
                        .replay("5000-3", "4000-7", 6, 9, 1)
                        .applied(4)
                        .after(USER, "id 7 numCheckins 2 lastCheckin 4000 lastCheckinId 4000-7 lastSeenAt 8")
                        .after(KEYS.user(6), "id 6 numCheckins 2 lastCheckin 5000 lastCheckinId 5000-2 lastSeenAt 8")
                        .after(LOCATION, "id 8 numCheckins 2 numStars 2 averageStars 1")
                        .after(KEYS.location(9), "id 9 numCheckins 2 numStars 2 averageStars 1"),
                new Case("a replay of something impossible took place by itself")
                        .replay("5000-0", "6000-0", 7, 8, 1)
                        .replay("5000-1", "yesterday", 6, 8, 1)
                        .applied(2)
                        .after(USER, "id 7 numCheckins 1 lastCheckin 5000 lastCheckinId 5000-0 lastSeenAt 8")
                        .after(KEYS.user(6), "id 6 numCheckins 1 lastCheckin 5000 lastCheckinId 5000-1 lastSeenAt 8")
                        .after(LOCATION, "id 8 numCheckins 2 numStars 2 averageStars 1"),
                new Case("within a millisecond the sequence number decides, also beyond 2^53")
                        .before(USER, "numCheckins 1 lastCheckin 1000 lastCheckinId 1000-9007199254740993 lastSeenAt 9")
                        .entry("1000-9007199254740992", 7, 8, 1)
                        .applied(1)
                        .after(USER, "numCheckins 2 lastCheckin 1000 lastCheckinId 1000-9007199254740993 lastSeenAt 9")
                        .after(LOCATION, "id 8 numCheckins 1 numStars 1 averageStars 1"),
                new Case("lastCheckinId counts only while its milliseconds are those of lastCheckin")
                        .before(USER, "numCheckins 1 lastCheckin 1000 lastCheckinId 900-7 lastSeenAt 9")
                        .entry("1000-0", 7, 8, 1)
                        .applied(1)
                        .after(USER, "numCheckins 2 lastCheckin 1000 lastCheckinId 1000-0 lastSeenAt 8")
                        .after(LOCATION, "id 8 numCheckins 1 numStars 1 averageStars 1"),
                new Case("an entry that isn't pending changes nothing, and the others are applied")
                        .settledBefore("1000-0", 7, 8, 5)
                        .entry("1000-1", 7, 8, 1)
                        .applied(1)
                        .after(USER, "id 7 numCheckins 1 lastCheckin 1000 lastCheckinId 1000-1 lastSeenAt 8")
                        .after(LOCATION, "id 8 numCheckins 1 numStars 1 averageStars 1"),
                new Case("an entry whose user is not a hash stays pending, and the others are applied")
                        .before(LOCATION, "numCheckins 1 numStars 2")
                        .beforeString(USER)
                        .entry("1000-0", 7, 8, 5)
                        .entry("1000-1", 6, 8, 4)
                        .applied(1)
                        .rejected("1000-0", "ncc:users:7 is not a hash")
                        .after(KEYS.user(6), "id 6 numCheckins 1 lastCheckin 1000 lastCheckinId 1000-1 lastSeenAt 8")
                        .after(LOCATION, "numCheckins 2 numStars 6 averageStars 3"),
                unusable("nan", "numCheckins nan", "numCheckins is not an integer below 2^53"),
                unusable("inf", "numCheckins inf", "numCheckins is not an integer below 2^53"),
                unusable("hexadecimal", "numCheckins 0x10", "numCheckins is not an integer below 2^53"),
                unusable("an exponent", "numCheckins 1e3", "numCheckins is not an integer below 2^53"),
                unusable("a fraction", "numCheckins 5.5", "numCheckins is not an integer below 2^53"),
                unusable("2^53", "numCheckins 9007199254740992", "numCheckins is not an integer below 2^53"),
                unusable("no time", "numCheckins 1 lastCheckin yesterday", "lastCheckin is not a time in milliseconds"),
                new Case("an entry whose location has a counter that is none stays pending")
                        .before(LOCATION, "numCheckins 1 numStars nan")
                        .entry("1000-0", 7, 8, 5)
                        .rejected("1000-0", "ncc:locations:8: numStars is not an integer below 2^53")
                        .after(LOCATION, "numCheckins 1 numStars nan"),
                new Case("counters are exact up to 2^53")
                        .before(USER, "numCheckins 9007199254740989")
                        .before(LOCATION, "numCheckins 9007199254740989 numStars 9007199254740980")
                        .entry("1000-0", 7, 8, 5)
                        .applied(1)
                        .after(USER, "numCheckins 9007199254740990 lastCheckin 1000 lastCheckinId 1000-0 lastSeenAt 8")
                        .after(LOCATION, "numCheckins 9007199254740990 numStars 9007199254740985 averageStars 1"),
                new Case("entries that would bring the stars of their location to 2^53 stay pending, all of the batch")
                        .before(LOCATION, "numCheckins 4 numStars 9007199254740983")
                        .entry("1000-0", 7, 8, 5)
                        .entry("1000-1", 7, 9, 5)
                        .entry("1000-2", 6, 8, 4)
                        .applied(1)
                        .rejected("1000-0", "ncc:locations:8: numStars would not be an integer below 2^53")
                        .rejected("1000-2", "ncc:locations:8: numStars would not be an integer below 2^53")
                        .after(USER, "id 7 numCheckins 1 lastCheckin 1000 lastCheckinId 1000-1 lastSeenAt 9")
                        .after(LOCATION, "numCheckins 4 numStars 9007199254740983")
                        .after(KEYS.location(9), "id 9 numCheckins 1 numStars 5 averageStars 5"),
                new Case("an entry that would bring the checkins of its user to 2^53 stays pending")
                        .before(USER, "numCheckins 9007199254740991")
                        .entry("1000-0", 7, 8, 5)
                        .rejected("1000-0", "ncc:users:7: numCheckins would not be an integer below 2^53")
                        .after(USER, "numCheckins 9007199254740991"),
                new Case("an entry that is no checkin stays pending")
                        .undecodable("1000-0", Map.of("userId", "7", "starRating", "5"))
                        .entry("1000-1", 7, 8, 1)
                        .applied(1)
                        .rejected("1000-0", "locationId is missing")
                        .after(USER, "id 7 numCheckins 1 lastCheckin 1000 lastCheckinId 1000-1 lastSeenAt 8")
                        .after(LOCATION, "id 8 numCheckins 1 numStars 1 averageStars 1"));
    }

    private static Case unusable(String what, String userHash, String reason) {
        return new Case("an entry whose user's hash has " + what + " stays pending")
                .before(USER, userHash)
                .entry("1000-0", 7, 8, 5)
                .rejected("1000-0", "ncc:users:7: " + reason)
                .after(USER, userHash);
    }

    @ParameterizedTest
    @MethodSource("cases")
    void theScriptDoesWhatItsContractSays(Case theCase) {
        Batch entries = theCase.prepare(redis.commands());

        Outcome first = apply(entries);

        assertThat(first.applied()).isEqualTo(theCase.applied);
        assertThat(first.rejected()).containsExactlyInAnyOrderElementsOf(theCase.rejected);
        assertThat(hashes()).isEqualTo(theCase.after);
        assertThat(pending()).isEqualTo(theCase.rejected.size());

        Outcome second = apply(entries);

        assertThat(second.applied()).as("applied by a second run").isZero();
        assertThat(second.rejected()).containsExactlyInAnyOrderElementsOf(theCase.rejected);
        assertThat(hashes()).as("after a second run").isEqualTo(theCase.after);
    }

    @Test
    void whatIsSettledAlreadyIsOnlyAcknowledged() {
        Batch batch = new Case("")
                .entry("1000-0", 7, 8, 1)
                .entry("1000-1", 7, 8, 2)
                .entry("1000-2", 7, 8, 3)
                .entry("1000-3", 7, 8, 4)
                .prepare(redis.commands());
        redis.commands().set(KEYS.checkpoint(), "1000-0");
        redis.commands().zadd(KEYS.settledRanges(), 0, range("1000-2", "1000-2"));

        Outcome outcome = apply(batch);

        assertThat(outcome).isEqualTo(new Outcome(2, 2, 0, List.of()));
        assertThat(pending()).isZero();
        assertThat(hashes().get(LOCATION)).containsEntry("numCheckins", "2").containsEntry("numStars", "6");
        assertThat(redis.commands().hgetall(KEYS.totals())).isEqualTo(Map.of("applied", "2", "skipped", "2"));
        assertThat(ranges())
                .containsExactly(range("1000-1", "1000-1"), range("1000-2", "1000-2"), range("1000-3", "1000-3"));
    }

    @Test
    void aRunOfTheStreamIsOneRangeAndWhatIsLeftAloneDividesIt() {
        Batch batch = new Case("")
                .entry("1000-0", 7, 8, 1)
                .entry("1000-1", 7, 8, 2)
                .undecodable("1000-2", Map.of("x", "y"))
                .entry("1000-3", 7, 8, 4)
                .entry("1000-10", 7, 8, 5)
                .prepare(redis.commands());

        assertThat(apply(batch).applied()).isEqualTo(4);

        assertThat(ranges()).containsExactly(range("1000-0", "1000-1"), range("1000-3", "1000-10"));
    }

    @Test
    void entriesThatMayHaveOthersBetweenThemAreARangeEach() {
        Batch batch =
                new Case("").entry("1000-0", 7, 8, 1).entry("1000-1", 7, 8, 2).prepare(redis.commands());

        apply(new Batch(batch.entries(), false));

        assertThat(ranges()).containsExactly(range("1000-0", "1000-0"), range("1000-1", "1000-1"));
    }

    @Test
    void sequentialModeCountsWithoutAGroupAndOnce() {
        var sequential = new CheckinProjection(Partitions.none(), 0, Mode.SEQUENTIAL);
        Batch batch =
                new Case("").entry("1000-0", 7, 8, 1).entry("1000-1", 7, 8, 2).prepare(redis.commands());
        redis.commands().xgroupDestroy(KEYS.checkins(), Keys.GROUP);

        assertThat(sequential
                        .apply(connection.async(), batch)
                        .toCompletableFuture()
                        .join())
                .isEqualTo(new Outcome(2, 0, 0, List.of()));
        assertThat(sequential
                        .apply(connection.async(), batch)
                        .toCompletableFuture()
                        .join())
                .isEqualTo(new Outcome(0, 0, 0, List.of()));
        assertThat(hashes().get(LOCATION)).containsEntry("numCheckins", "2");
    }

    @Test
    void sequentialModeDoesNotCountABatchAgainWhoseStreamIsGone() {
        var sequential = new CheckinProjection(Partitions.none(), 0, Mode.SEQUENTIAL);
        Batch batch = new Case("").entry("1000-0", 7, 8, 1).prepare(redis.commands());
        sequential.apply(connection.async(), batch).toCompletableFuture().join();
        redis.commands().del(KEYS.checkins());

        assertThat(sequential
                        .apply(connection.async(), batch)
                        .toCompletableFuture()
                        .join())
                .isEqualTo(new Outcome(0, 0, 0, List.of()));
        assertThat(hashes().get(LOCATION)).containsEntry("numCheckins", "1");
    }

    @Test
    void aCheckpointOfAStreamThatIsGoneDoesNotHideTheEntriesOfTheNewOne() {
        Batch batch = new Case("").entry("1000-0", 7, 8, 1).prepare(redis.commands());
        redis.commands().set(KEYS.checkpoint(), "5000-0");

        assertThat(apply(batch).applied()).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"checkpoint", "checkpoint of another kind", "checkpoint too long", "ranges", "range"})
    void aDamagedKeyOfOurOwnIsSaidAndNothingIsChanged(String what) {
        Batch batch = new Case("").entry("1000-0", 7, 8, 1).prepare(redis.commands());
        switch (what) {
            case "checkpoint" -> redis.commands().set(KEYS.checkpoint(), "yesterday");
            case "checkpoint of another kind" -> redis.commands().rpush(KEYS.checkpoint(), "x");
            case "checkpoint too long" -> redis.commands().set(KEYS.checkpoint(), "1".repeat(21));
            case "range" -> redis.commands().zadd(KEYS.settledRanges(), 0, "foo");
            default -> redis.commands().set(KEYS.settledRanges(), "x");
        }

        assertThatThrownBy(() -> apply(batch))
                .satisfies(e -> assertThat(RedisCondition.of(e)).isEqualTo(RedisCondition.WRONG_TYPE));
        assertThat(pending()).isEqualTo(1);
        assertThat(hashes()).isEmpty();
    }

    @Test
    void totalsThatCanNotBeCountedStopNothing() {
        Batch batch = new Case("").entry("1000-0", 7, 8, 1).prepare(redis.commands());
        redis.commands().set(KEYS.totals(), "not a hash");

        assertThat(apply(batch).applied()).isEqualTo(1);
        assertThat(hashes()).hasSize(2);
    }

    private static List<String> ranges() {
        return redis.commands().zrange(KEYS.settledRanges(), 0, -1);
    }

    /** As settled.lua has it. */
    private static String range(String first, String last) {
        return padded(last) + '|' + padded(first);
    }

    private static String padded(String id) {
        StreamId parsed = StreamId.parse(id);
        return String.format("%020d-%020d", parsed.millis(), parsed.sequence());
    }

    @Test
    void aCallWithoutItsGroupSaysSoAndChangesNothing() {
        var entries = new Case("").entry("1000-0", 7, 8, 5).prepare(redis.commands());
        redis.commands().xgroupDestroy(KEYS.checkins(), Keys.GROUP);

        assertThatThrownBy(() -> apply(entries))
                .satisfies(e -> assertThat(RedisCondition.of(e)).isEqualTo(RedisCondition.NO_GROUP));
        assertThat(hashes()).isEmpty();
    }

    static Stream<String> commands() {
        return Stream.concat(
                ScriptCommands.deniable(redis, "settled", "settle", "apply").stream(), Stream.of("evalsha"));
    }

    @ParameterizedTest
    @MethodSource("commands")
    void withoutOneOfItsCommandsItChangesNothingOrDoesAll(String command) {
        Batch batch = new Case("")
                .entry("1000-0", 7, 8, 5)
                .entry("1000-1", 7, 8, 5)
                .entry("1000-2", 7, 8, 5)
                .prepare(redis.commands());
        apply(Batch.of(batch.entries().get(0))); // so that there is something settled, and the script known
        redis.commands().xack(KEYS.checkins(), Keys.GROUP, "1000-1");
        Map<String, Map<String, String>> before = hashes();
        redis.permit("-" + command);
        try {
            apply(batch);
            assertThat(redis.commands().hget(USER, "numCheckins")).isEqualTo("2");
            assertThat(pending()).isZero();
        } catch (CompletionException e) {
            assertThat(RedisCondition.of(e)).isEqualTo(RedisCondition.FORBIDDEN);
            redis.permit("+@all"); // to look
            assertThat(hashes()).isEqualTo(before);
            assertThat(pending()).isEqualTo(1);
        } finally {
            redis.permit("+@all");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"~ncc:users:*", "~ncc:locations:*"})
    void aCommandThatIsPermittedWithSomeKeysOnlyIsNoticedBeforeAnythingIsAcknowledged(String keys) {
        Batch batch = new Case("").entry("1000-0", 7, 8, 5).prepare(redis.commands());
        redis.forbidExceptWith(keys + " ~" + KEYS.probe(), "hset");
        try {
            assertThatThrownBy(() -> apply(batch))
                    .satisfies(e -> assertThat(RedisCondition.of(e)).isEqualTo(RedisCondition.FORBIDDEN));
        } finally {
            redis.permitEverything();
        }
        assertThat(pending()).isEqualTo(1);
        assertThat(redis.commands().exists(USER, LOCATION, KEYS.totals(), KEYS.settledRanges()))
                .isZero();

        assertThat(apply(batch).applied()).isEqualTo(1);
        assertThat(hashes()).hasSize(2);
    }

    @Test
    void aFullMemoryDoesNotStopIt() {
        var entries = new Case("").entry("1000-0", 7, 8, 5).prepare(redis.commands());
        redis.fillMemory();
        try {
            assertThatThrownBy(() -> redis.commands().set("more", "x"))
                    .satisfies(e -> assertThat(RedisCondition.of(e)).isEqualTo(RedisCondition.OUT_OF_MEMORY));

            assertThat(apply(entries).applied()).isEqualTo(1);
            assertThat(redis.commands().hget(USER, "numCheckins")).isEqualTo("1");
        } finally {
            redis.releaseMemory();
        }
    }

    @Test
    void aFlushedScriptIsLoadedAgain() {
        var entries =
                new Case("").entry("1000-0", 7, 8, 5).entry("1000-1", 7, 8, 5).prepare(redis.commands());
        assertThat(apply(Batch.of(entries.entries().get(0))).applied()).isEqualTo(1);
        redis.commands().scriptFlush();

        assertThat(apply(Batch.of(entries.entries().get(1))).applied()).isEqualTo(1);
    }

    private Outcome apply(Batch entries) {
        return projection
                .apply(connection.async(), entries)
                .toCompletableFuture()
                .orTimeout(10, TimeUnit.SECONDS)
                .join();
    }

    private static long pending() {
        return redis.commands().xpending(KEYS.checkins(), Keys.GROUP).getCount();
    }

    private static Map<String, Map<String, String>> hashes() {
        Map<String, Map<String, String>> hashes = new HashMap<>();
        for (String key : redis.commands().keys("ncc:[ul]*")) {
            if (redis.commands().type(key).equals("hash")) {
                hashes.put(key, redis.commands().hgetall(key));
            }
        }
        return hashes;
    }

    static final class Case {

        private final String name;
        private final Map<String, Map<String, String>> before = new HashMap<>();
        private final List<String> strings = new ArrayList<>();
        private final Map<String, Map<String, String>> entries = new LinkedHashMap<>();
        private final Set<String> settled = new HashSet<>();
        private long applied;
        private final List<Rejected> rejected = new ArrayList<>();
        private final Map<String, Map<String, String>> after = new HashMap<>();

        Case(String name) {
            this.name = name;
        }

        Case before(String key, String hash) {
            before.put(key, fields(hash));
            return this;
        }

        Case beforeString(String key) {
            strings.add(key);
            return this;
        }

        Case entry(String id, long user, long location, int stars) {
            entries.put(id, CheckinCodec.encode(new Checkin(user, location, stars)));
            return this;
        }

        Case settledBefore(String id, long user, long location, int stars) {
            settled.add(id);
            return entry(id, user, location, stars);
        }

        Case replay(String id, String original, long user, long location, int stars) {
            Map<String, String> fields = CheckinCodec.encode(new Checkin(user, location, stars));
            fields.put(Entry.REPLAY_OF, original);
            entries.put(id, fields);
            return this;
        }

        Case undecodable(String id, Map<String, String> fields) {
            entries.put(id, fields);
            return this;
        }

        Case applied(long count) {
            applied = count;
            return this;
        }

        Case rejected(String id, String reason) {
            rejected.add(new Rejected(id, reason));
            return this;
        }

        Case after(String key, String hash) {
            after.put(key, fields(hash));
            return this;
        }

        @SuppressWarnings("unchecked") // of Lettuce's generic varargs
        Batch prepare(RedisCommands<String, String> commands) {
            before.forEach(commands::hset);
            strings.forEach(key -> commands.set(key, "not a hash"));
            commands.xgroupCreate(
                    StreamOffset.from(KEYS.checkins(), "0"), Keys.GROUP, XGroupCreateArgs.Builder.mkstream());
            entries.forEach((id, fields) -> commands.xadd(KEYS.checkins(), new XAddArgs().id(id), fields));
            List<StreamMessage<String, String>> read =
                    commands.xreadgroup(Consumer.from(Keys.GROUP, "test"), StreamOffset.lastConsumed(KEYS.checkins()));
            settled.forEach(id -> commands.xack(KEYS.checkins(), Keys.GROUP, id));
            return new Batch(
                    read.stream()
                            .map(message -> new Entry(message.getId(), message.getBody(), 1))
                            .toList(),
                    true);
        }

        private static Map<String, String> fields(String text) {
            Map<String, String> fields = new HashMap<>();
            String[] words = text.split(" ");
            for (int i = 0; i < words.length; i += 2) {
                fields.put(words[i], words[i + 1]);
            }
            return fields;
        }

        @Override
        public String toString() {
            return name;
        }
    }
}
