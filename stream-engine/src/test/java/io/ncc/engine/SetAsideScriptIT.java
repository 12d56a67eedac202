package io.ncc.engine;

import static io.ncc.checkin.testsupport.GroupBench.GROUP;
import static io.ncc.checkin.testsupport.GroupBench.STREAM;
import static io.ncc.checkin.testsupport.GroupBench.texts;
import static io.ncc.engine.TestGroup.GROUP_KEYS;
import static org.assertj.core.api.Assertions.assertThat;

import io.lettuce.core.RedisClient;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.XAddArgs;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.codec.StringCodec;
import io.ncc.checkin.testsupport.GroupBench;
import io.ncc.checkin.testsupport.RealRedis;
import io.ncc.engine.Projection.Rejected;
import io.ncc.redis.LuaScript;
import io.ncc.redis.RedisCondition;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The contract of set-aside.lua: what becomes of entries that can't be applied. */
@Timeout(60)
final class SetAsideScriptIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final LuaScript SCRIPT = LuaScript.of(DeadLetters.class, "settled", "set-aside");
    private static final String[] SCRIPT_KEYS = {
        STREAM,
        GROUP_KEYS.checkpoint(),
        GROUP_KEYS.settledRanges(),
        GROUP_KEYS.totals(),
        GROUP_KEYS.probe(),
        GROUP_KEYS.deadLetters(),
        GROUP_KEYS.deadLetterIds()
    };
    private static final String ASKING = "asking";
    private static final String HOLDER = "holder";
    private static final String ID = "1000-0";
    private static final String REASON = "starRating is not a digit from 0 to 5";

    private final GroupBench bench = new GroupBench(redis);
    private final RedisClient client = RedisClient.create(redis.uri());
    /** One char for each byte, so that what is no UTF-8 comes back as it went in. */
    private final RedisCommands<String, String> bytes =
            client.connect(new StringCodec(StandardCharsets.ISO_8859_1)).sync();

    @AfterEach
    void close() {
        bench.close();
        client.shutdown(0, 1, TimeUnit.SECONDS);
    }

    static Stream<Body> bodies() {
        return Stream.of(
                new Body("an entry that is no checkin", List.of("userId", "7", "locationId", "8", "starRating", "9")),
                new Body("repeated fields", List.of("userId", "7", "userId", "8", "x", "1", "userId", "7")),
                new Body("empty names and values", List.of("", "", "x", "", "", "y")),
                new Body(
                        "names and values that are no text",
                        List.of(allBytes(), "\0", "\u00ff\u00fe\0\r\n", allBytes())),
                new Body(
                        "the names of what is said about it",
                        List.of("reason", "mine", "originalId", "1-1", "fields", "0", "consumer", "me")),
                new Body("as many fields as are kept", fields(1_000)),
                new Body("one field more than are kept", fields(1_001)),
                new Body("5,000 fields, more than a Lua call can take", fields(5_000)));
    }

    private static String allBytes() {
        return IntStream.range(0, 256).mapToObj(Character::toString).reduce("", String::concat);
    }

    private static List<String> fields(int count) {
        List<String> fields = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            fields.add("name" + i % 10);
            fields.add("value" + i);
        }
        return fields;
    }

    @ParameterizedTest
    @MethodSource("bodies")
    void aDeadLetterSaysWhereItComesFromAndKeepsTheFieldsAsTheyWere(Body body) {
        bench.createGroup("0");
        bytes.xadd(STREAM, new XAddArgs().id(ID), body.fields.toArray());
        bench.deliverAll(HOLDER);
        bench.age(HOLDER, 0, 3, ID);

        assertThat(setAside(Mode.GROUP, ID)).isEqualTo(new Reply(List.of(ID), List.of()));

        List<String> expected = new ArrayList<>(List.of("originalId", ID, "reason", REASON, "deliveries", "3"));
        expected.addAll(List.of("consumer", HOLDER, "fields", Integer.toString(body.fields.size() / 2)));
        expected.addAll(body.fields.subList(0, Math.min(body.fields.size(), 2_000)));
        List<Letter> letters = letters();
        assertThat(letters).hasSize(1);
        assertThat(letters.get(0).fields).isEqualTo(expected);
        assertThat(redis.commands().hgetall(GROUP_KEYS.deadLetterIds())).isEqualTo(Map.of(ID, letters.get(0).id));
        assertThat(bench.pending()).isEmpty();
        assertThat(bench.ranges()).containsExactly(ID + ".." + ID);
        assertThat(bench.totals()).isEqualTo(Map.of("dead", "1"));

        assertASecondRunChangesNothing(Mode.GROUP, ID);
    }

    @Test
    void aDeadLetterKeepsTheFirstFieldsThatFitInto64KiB() {
        bench.createGroup("0");
        String value = "v".repeat(30_000);
        bytes.xadd(STREAM, new XAddArgs().id(ID), "a", value, "b", value, "c", value, "d", "1");
        bench.deliverAll(HOLDER);

        assertThat(setAside(Mode.GROUP, ID).dead).containsExactly(ID);

        assertThat(letters().get(0).fields.subList(8, 14)).containsExactly("fields", "4", "a", value, "b", value);
        assertThat(letters().get(0).fields).hasSize(14);
    }

    @ParameterizedTest
    @EnumSource(Mode.class)
    void ofAnEntryThatIsTooLargeADeadLetterHasWhatWasKeptOfIt(Mode mode) {
        pending("1-0", "2-0", "3-0", "4-0");
        bench.range("4-0..4-0");
        Entry large = new Entry("2-0", Map.of("a", "kept"), 1, 100_000);
        Entry unread = Entry.unread("3-0", 15);
        Entry settled = new Entry("4-0", Map.of("a", "kept"), 1, 100_000);
        var batch = new Batch(List.of(large, unread, settled), false);
        List<Rejected> rejected = Stream.of("1-0", "2-0", "3-0", "4-0")
                .map(id -> new Rejected(id, REASON))
                .toList();

        var deadLetters = new DeadLetters(GROUP_KEYS, mode, ASKING);
        deadLetters
                .setAside(bench.async(), rejected, batch)
                .toCompletableFuture()
                .join();

        assertThat(letters())
                .extracting(letter -> letter.fields.subList(8, letter.fields.size()))
                .containsExactly(
                        List.of("fields", "3", "userId", "7", "locationId", "8", "starRating", "5"),
                        List.of("fields", "100000", "a", "kept"),
                        List.of("fields", "0"));
        assertThat(bench.pending()).isEmpty();
        assertThat(bench.totals()).isEqualTo(Map.of("dead", "3"));
    }

    /** 20 entries of 5 MB: to copy them into Lua takes a second or more. */
    @Test
    void redisDoesNotTouchWhatIsTooLarge() {
        bench.createGroup("0");
        String value = "v".repeat(5_000_000);
        List<Rejected> rejected = new ArrayList<>();
        List<Entry> entries = new ArrayList<>();
        for (int i = 2; i <= 21; i++) {
            redis.commands().xadd(STREAM, new XAddArgs().id(i + "-0"), "a", value);
            rejected.add(new Rejected(i + "-0", REASON));
            entries.add(new Entry(i + "-0", Map.of(), 1, 1));
        }
        bench.deliver(HOLDER, 5);
        bench.deliver(HOLDER, 5);
        bench.deliver(HOLDER, 5);
        bench.deliver(HOLDER, 5);
        redis.commands().configSet("slowlog-log-slower-than", "50000"); // microseconds
        redis.commands().slowlogReset();

        var deadLetters = new DeadLetters(GROUP_KEYS, Mode.GROUP, ASKING);
        deadLetters
                .setAside(bench.async(), rejected, new Batch(entries, false))
                .toCompletableFuture()
                .join();

        assertThat(redis.commands().slowlogGet()).isEmpty();
        assertThat(letters()).hasSize(20);
    }

    @ParameterizedTest
    @EnumSource(Mode.class)
    void anEntryThatIsNoLongerInTheStreamIsLostAndNotDead(Mode mode) {
        pending(ID);
        redis.commands().xdel(STREAM, ID);

        assertThat(setAside(mode, ID)).isEqualTo(new Reply(List.of(), List.of(ID)));

        assertThat(redis.commands().exists(GROUP_KEYS.deadLetters(), GROUP_KEYS.deadLetterIds()))
                .isZero();
        assertThat(bench.pending()).isEmpty();
        assertThat(bench.ranges()).containsExactly(ID + ".." + ID);
        assertThat(bench.totals()).isEqualTo(Map.of("lost", "1"));

        assertASecondRunChangesNothing(mode, ID);
    }

    static Stream<Given> nothingToDo() {
        return Stream.of(
                new Given("it was never delivered", bench -> {
                    bench.createGroup("0");
                    bench.append(ID);
                }),
                new Given("someone has acknowledged it", bench -> {
                    pending(bench, ID);
                    bench.acknowledge(ID);
                }),
                new Given("it is pending again, and at the checkpoint", bench -> {
                    pending(bench, ID);
                    bench.checkpoint(ID);
                }),
                new Given("it is pending again, and below the checkpoint", bench -> {
                    pending(bench, ID, "1000-1");
                    bench.checkpoint("1000-1");
                    bench.acknowledge("1000-1");
                }),
                new Given("it is pending again, and in a settled range", bench -> {
                    pending(bench, "999-0", ID, "1000-1");
                    bench.range("999-0..1000-1");
                    bench.acknowledge("999-0", "1000-1");
                }),
                new Given("it was settled, is pending again, and was trimmed", bench -> {
                    pending(bench, ID);
                    bench.checkpoint(ID);
                    bench.commands().xdel(STREAM, ID);
                }));
    }

    @ParameterizedTest
    @MethodSource("nothingToDo")
    void whatIsNotPendingOrWasSettledBeforeIsNotSetAside(Given given) {
        given.prepare.accept(bench);
        List<String> ranges = bench.ranges();

        assertThat(setAside(Mode.GROUP, ID)).isEqualTo(Reply.NOTHING);

        assertThat(bench.pending()).isEmpty();
        assertThat(bench.ranges()).isEqualTo(ranges);
        assertThat(bench.totals()).isEmpty();
        assertThat(letters()).isEmpty();

        assertASecondRunChangesNothing(Mode.GROUP, ID);
    }

    @Test
    void eachOfSeveralEntriesHasItsOwnFate() {
        pending("1-0", "2-0", "3-0", "4-0", "5-0");
        redis.commands().xdel(STREAM, "2-0");
        bench.acknowledge("3-0");
        bench.range("4-0..4-0");
        String[] all = {"1-0", "2-0", "3-0", "4-0", "5-0"};

        assertThat(setAside(Mode.GROUP, all)).isEqualTo(new Reply(List.of("1-0", "5-0"), List.of("2-0")));

        assertThat(letters()).extracting(letter -> letter.fields.get(1)).containsExactly("1-0", "5-0");
        assertThat(bench.pending()).isEmpty();
        assertThat(bench.ranges()).containsExactly("1-0..1-0", "2-0..2-0", "4-0..4-0", "5-0..5-0");
        assertThat(bench.totals()).isEqualTo(Map.of("dead", "2", "lost", "1"));

        assertASecondRunChangesNothing(Mode.GROUP, all);
    }

    @Test
    void anEntryThatIsNamedTwiceIsSetAsideOnce() {
        pending(ID);

        assertThat(setAside(Mode.GROUP, ID, ID)).isEqualTo(new Reply(List.of(ID), List.of()));

        assertThat(letters()).hasSize(1);
        assertThat(bench.totals()).isEqualTo(Map.of("dead", "1"));
    }

    @Test
    void sequentialModeNeedsNoGroup() {
        bench.append(ID);

        assertThat(setAside(Mode.SEQUENTIAL, ID)).isEqualTo(new Reply(List.of(ID), List.of()));

        assertThat(letters().get(0).fields.subList(4, 8)).containsExactly("deliveries", "0", "consumer", ASKING);
        assertThat(bench.checkpoint()).isEqualTo(ID);
        assertThat(bench.ranges()).isEmpty();
        assertThat(bench.totals()).isEqualTo(Map.of("dead", "1"));

        assertASecondRunChangesNothing(Mode.SEQUENTIAL, ID);
    }

    @Test
    void sequentialModeTakesAnEntryFromTheGroup() {
        pending(ID);

        assertThat(setAside(Mode.SEQUENTIAL, ID).dead).containsExactly(ID);

        assertThat(bench.pending()).isEmpty();
        assertASecondRunChangesNothing(Mode.SEQUENTIAL, ID);
        assertASecondRunChangesNothing(Mode.GROUP, ID);
    }

    @Test
    void withoutTheGroupItSaysSoAndChangesNothing() {
        pending(ID);
        redis.commands().xgroupDestroy(STREAM, GROUP);

        assertRefused(RedisCondition.NO_GROUP, () -> setAside(Mode.GROUP, ID));
    }

    @Test
    void withoutTheStreamItSaysSoAndChangesNothing() {
        assertRefused(RedisCondition.NO_GROUP, () -> setAside(Mode.GROUP, ID));
    }

    static Stream<Given> damages() {
        return Stream.of(
                new Given(
                        "the stream of dead letters is none",
                        bench -> bench.commands().set(GROUP_KEYS.deadLetters(), "x")),
                new Given(
                        "the index of dead letters is no hash",
                        bench -> bench.commands().set(GROUP_KEYS.deadLetterIds(), "x")),
                new Given("the checkpoint is no id", bench -> bench.checkpoint("yesterday")),
                new Given("the checkpoint is too long", bench -> bench.checkpoint("1".repeat(21))),
                new Given(
                        "the ranges have a member that is none",
                        bench -> bench.commands().zadd(GROUP_KEYS.settledRanges(), 0, "foo")),
                new Given(
                        "the checkpoint is no string", bench -> bench.commands().rpush(GROUP_KEYS.checkpoint(), "x")),
                new Given(
                        "the ranges are no sorted set",
                        bench -> bench.commands().set(GROUP_KEYS.settledRanges(), "x")),
                new Given(
                        "the stream of dead letters has no id left",
                        bench -> letterAt(bench, "18446744073709551615-18446744073709551615")),
                new Given(
                        "the stream of dead letters has one id left for two",
                        bench -> letterAt(bench, "18446744073709551615-18446744073709551614")));
    }

    private static void letterAt(GroupBench bench, String id) {
        bench.commands().xadd(GROUP_KEYS.deadLetters(), new XAddArgs().id(id), Map.of("x", "y"));
    }

    @ParameterizedTest
    @MethodSource("damages")
    void aDamagedKeyIsSaidAndNothingIsChanged(Given given) {
        pending("1-0", "2-0");
        given.prepare.accept(bench);

        assertRefused(RedisCondition.WRONG_TYPE, () -> setAside(Mode.GROUP, "1-0", "2-0"));

        assertThat(bench.pending()).containsExactly("1-0", "2-0");
    }

    @ParameterizedTest
    @ValueSource(strings = {"hset", "xadd"})
    void aCommandThatIsNotPermittedWithTheDeadLettersIsNoticedBeforeAnythingIsAcknowledged(String command) {
        pending(ID);
        redis.forbidExceptWith("~" + GROUP_KEYS.probe(), command);
        try {
            assertRefused(RedisCondition.FORBIDDEN, () -> setAside(Mode.GROUP, ID));
        } finally {
            redis.permitEverything();
        }
        assertThat(bench.pending()).containsExactly(ID);
        assertThat(setAside(Mode.GROUP, ID).dead).containsExactly(ID);
    }

    @Test
    void inSequentialModeTheCheckpointMovesOnOverWhatIsSettledAboveADeadLetter() {
        bench.append("1-0", "2-0", "3-0", "4-0", "5-0");
        bench.checkpoint("1-0");
        bench.range("3-0..4-0");

        assertThat(setAside(Mode.SEQUENTIAL, "2-0").dead).containsExactly("2-0");

        assertThat(bench.checkpoint()).isEqualTo("4-0");
        assertThat(bench.ranges()).isEmpty();
        assertASecondRunChangesNothing(Mode.SEQUENTIAL, "2-0");
    }

    @Test
    void totalsThatCanNotBeCountedStopNothing() {
        pending(ID);
        redis.commands().set(GROUP_KEYS.totals(), "not a hash");

        assertThat(setAside(Mode.GROUP, ID).dead).containsExactly(ID);

        assertThat(letters()).hasSize(1);
        assertASecondRunChangesNothing(Mode.GROUP, ID);
    }

    @ParameterizedTest
    @EnumSource(Mode.class)
    void aFullMemoryDoesNotStopIt(Mode mode) {
        pending("1-0", "2-0");
        redis.commands().xdel(STREAM, "2-0");
        redis.fillMemory();
        try {
            assertThat(setAside(mode, "1-0", "2-0")).isEqualTo(new Reply(List.of("1-0"), List.of("2-0")));

            assertThat(letters()).hasSize(1);
            assertThat(bench.totals()).isEqualTo(Map.of("dead", "1", "lost", "1"));
            assertASecondRunChangesNothing(mode, "1-0", "2-0");
        } finally {
            redis.releaseMemory();
        }
    }

    @Test
    void moreEntriesThanOneCallTakesAreAllSetAside() {
        String[] ids = IntStream.rangeClosed(1, 101).mapToObj(i -> i + "-0").toArray(String[]::new);
        pending(ids);
        List<Rejected> rejected =
                Stream.of(ids).map(id -> new Rejected(id, REASON)).toList();
        var deadLetters = new DeadLetters(GROUP_KEYS, Mode.GROUP, ASKING);

        deadLetters
                .setAside(bench.async(), rejected, Batch.EMPTY)
                .toCompletableFuture()
                .join();

        assertThat(letters()).extracting(letter -> letter.fields.get(1)).containsExactly(ids);
        assertThat(bench.pending()).isEmpty();
        assertThat(bench.totals()).isEqualTo(Map.of("dead", "101"));
    }

    private void pending(String... ids) {
        pending(bench, ids);
    }

    private static void pending(GroupBench bench, String... ids) {
        bench.createGroup("0");
        bench.append(ids);
        bench.deliverAll(HOLDER);
    }

    private Reply setAside(Mode mode, String... ids) {
        List<String> args = new ArrayList<>(List.of(GROUP, mode.mustBePending(), ASKING));
        for (String id : ids) {
            args.add(id);
            args.add(REASON);
            args.add(""); // to be taken from the stream
        }
        List<Object> reply = bench.run(SCRIPT::run, SCRIPT_KEYS, args.toArray(String[]::new));
        return new Reply(texts(reply.get(0)), texts(reply.get(1)));
    }

    private void assertASecondRunChangesNothing(Mode mode, String... ids) {
        Map<String, String> before = bench.contents();
        assertThat(setAside(mode, ids)).as("answer of a second run").isEqualTo(Reply.NOTHING);
        assertThat(bench.contents()).as("after a second run").isEqualTo(before);
    }

    /** With repeated fields, which a map would lose. */
    private List<Letter> letters() {
        List<?> entries = bytes.eval(
                "return redis.call('XRANGE', KEYS[1], '-', '+')", ScriptOutputType.MULTI, GROUP_KEYS.deadLetters());
        return entries.stream()
                .map(entry -> (List<?>) entry)
                .map(entry -> new Letter(
                        (String) entry.get(0),
                        ((List<?>) entry.get(1))
                                .stream().map(String.class::cast).toList()))
                .toList();
    }

    private record Letter(String id, List<String> fields) {}

    /** What the script answers. */
    private record Reply(List<String> dead, List<String> lost) {

        static final Reply NOTHING = new Reply(List.of(), List.of());
    }

    /** Fields and values in turn. */
    record Body(String name, List<String> fields) {

        @Override
        public String toString() {
            return name;
        }
    }

    record Given(String name, Consumer<GroupBench> prepare) {

        @Override
        public String toString() {
            return name;
        }
    }

    private void assertRefused(RedisCondition condition, Runnable call) {
        assertThat(RedisCondition.of(bench.refused(call))).isEqualTo(condition);
    }
}
