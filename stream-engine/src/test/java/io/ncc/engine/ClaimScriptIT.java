package io.ncc.engine;

import static io.ncc.checkin.testsupport.GroupBench.GROUP;
import static io.ncc.checkin.testsupport.GroupBench.STREAM;
import static io.ncc.checkin.testsupport.GroupBench.texts;
import static io.ncc.engine.TestGroup.GROUP_KEYS;
import static org.assertj.core.api.Assertions.assertThat;

import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.lettuce.core.XAddArgs;
import io.lettuce.core.XTrimArgs;
import io.lettuce.core.models.stream.PendingMessage;
import io.ncc.checkin.testsupport.GroupBench;
import io.ncc.checkin.testsupport.RealRedis;
import io.ncc.checkin.testsupport.ScriptCommands;
import io.ncc.redis.LuaScript;
import io.ncc.redis.RedisCondition;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The contract of claim.lua: what a walk through the pending entries takes over, and what it finds gone. Where the server doesn't find that out by itself,
 * which is so before 7.0, the reader of what was claimed does; so here, too, what was claimed is looked at, and set aside if it is gone.
 */
@Timeout(60)
final class ClaimScriptIT {

    /** Nothing here is about surviving a crash, and much of it writes a lot. */
    @RegisterExtension
    static final RealRedis redis = RealRedis.server().setting("appendonly", "no");

    private static final LuaScript SCRIPT = LuaScript.of(Reclaimer.class, "settled", "claim");
    private static final String BEGINNING = "0-0";
    private static final String CLAIMER = "claimer";
    private static final String GONE = "gone";
    private static final long IDLE = 60_000;
    private static final int MANY = 1_000_000;

    private final GroupBench bench = new GroupBench(redis);

    @AfterEach
    void close() {
        bench.close();
    }

    @Test
    void idleEntriesComeByAscendingIdAndAreNotDeliveredYet() {
        held(5);
        bench.age(GONE, IDLE, 4, "4-0");
        bench.age("another", IDLE, 1, "2-0");
        bench.age(GONE, IDLE, 2, "1-0");

        Reply reply = claim(IDLE, BEGINNING, MANY);

        assertThat(reply).isEqualTo(new Reply(BEGINNING, List.of("1-0", "2-0", "4-0"), List.of()));
        assertThat(bench.pending()).containsExactly("1-0", "2-0", "3-0", "4-0", "5-0");
        assertThat(deliveries()).isEqualTo(Map.of("1-0", 2L, "2-0", 1L, "4-0", 4L));
        assertThat(bench.totals()).isEmpty();

        assertThat(claim(IDLE, BEGINNING, MANY)).as("a second run").isEqualTo(Reply.NOTHING);
    }

    /** 40 entries of 5 MB: to copy them into Lua takes a second or more. */
    @Test
    void redisDoesNotTouchTheEntries() {
        bench.createGroup("0");
        String value = "v".repeat(5_000_000);
        for (int i = 1; i <= 10; i++) {
            redis.commands().xadd(STREAM, new XAddArgs().id(i + "-0"), "a", value);
            bench.deliver(GONE, 1);
        }
        redis.commands().configSet("slowlog-log-slower-than", "50000"); // microseconds
        redis.commands().slowlogReset();

        Reply reply = Reply.of(run(0, BEGINNING, MANY));

        assertThat(redis.commands().slowlogGet()).isEmpty();
        assertThat(reply.claimed).hasSize(10);
    }

    @Test
    void aWalkGoesOnAtItsCursor() {
        held(25);

        Reply first = claim(0, BEGINNING, 10);
        Reply second = claim(0, first.cursor, 10);
        Reply third = claim(0, second.cursor, 10);

        assertThat(ids(first, second, third)).containsExactly(numbered(1, 25));
        assertThat(List.of(first.claimed.size(), second.claimed.size(), third.claimed.size()))
                .isEqualTo(List.of(10, 10, 5));
        assertThat(third.cursor).isEqualTo(BEGINNING);
    }

    /** Redis looks at ten times as many entries as it may hand out, and then stops, whatever it has found. */
    @Test
    void entriesThatAreNotIdleDoNotEndAWalk() {
        held(150);
        bench.age(GONE, IDLE, 1, "150-0");

        Reply first = claim(IDLE, BEGINNING, 10);
        assertThat(first.claimed).isEmpty();
        assertThat(first.cursor).isNotEqualTo(BEGINNING);

        assertThat(ids(walk(CLAIMER, IDLE, first.cursor, 10))).containsExactly("150-0");
    }

    static Stream<Ghosts> ghosts() {
        return Stream.of(
                new Ghosts("one").among(1).deleted(1),
                new Ghosts("one among live ones").among(5).deleted(3),
                new Ghosts("several among live ones").among(20).deleted(1, 2, 3, 7, 11, 12, 20),
                new Ghosts("all").among(10).deleted(1, 2, 3, 4, 5, 6, 7, 8, 9, 10),
                new Ghosts("more than are claimed at once")
                        .among(30)
                        .deleted(IntStream.rangeClosed(3, 27))
                        .most(4),
                new Ghosts("trimmed by someone").among(20).trimmedTo(13),
                new Ghosts("the whole stream trimmed by someone").among(20).trimmedTo(21),
                new Ghosts("the claimer holds others")
                        .ownLive(50)
                        .among(20)
                        .deleted(51, 60, 70)
                        .most(5),
                new Ghosts("the claimer holds many others")
                        .ownLive(2_500)
                        .among(20)
                        .deleted(2_501, 2_510, 2_520)
                        .most(5),
                new Ghosts("the claimer holds some itself, which aren't idle")
                        .ownLive(5)
                        .among(5)
                        .deleted(1, 3, 6, 9),
                new Ghosts("the claimer holds some itself, far apart")
                        .ownLive(2_500)
                        .among(20)
                        .deleted(1, 2_000, 2_501, 2_520));
    }

    @ParameterizedTest
    @MethodSource("ghosts")
    void entriesThatWereDeletedWhilePendingAreCountedAsLostOnce(Ghosts ghosts) {
        ghosts.prepare(bench);

        Reply[] first = walk(CLAIMER, IDLE, BEGINNING, ghosts.most);
        assertThat(ids(first)).containsExactly(ghosts.claimable());
        assertThat(lost(first)).as("lost").containsAll(ghosts.lostToOthers());

        // what the claimer held itself is found at the latest when another one looks
        Reply[] second = walk("another", 0, BEGINNING, ghosts.most);
        List<String> lost = new ArrayList<>(lost(first));
        lost.addAll(lost(second));
        assertThat(lost).containsExactlyInAnyOrderElementsOf(ghosts.lost());
        assertThat(bench.totals()).isEqualTo(Map.of("lost", Integer.toString(lost.size())));
        assertThat(bench.pending()).as("only what is in the stream is pending").isEqualTo(bench.entries());

        assertThat(lost(walk(CLAIMER, 0, BEGINNING, ghosts.most)))
                .as("a third walk")
                .isEmpty();
        assertThat(bench.totals()).isEqualTo(Map.of("lost", Integer.toString(lost.size())));
    }

    @Test
    void whatWasSettledBeforeItWasDeletedIsNotLost() {
        held(9);
        bench.checkpoint("2-0");
        bench.range("4-0..6-0");
        bench.range("8-0..8-0");
        redis.commands().xdel(STREAM, numbered(1, 9));

        assertThat(lost(walk(CLAIMER, 0, BEGINNING, 2))).containsExactly("3-0", "7-0", "9-0");

        assertThat(bench.pending()).isEmpty();
        assertThat(bench.totals()).isEqualTo(Map.of("lost", "3"));
    }

    static Stream<Case> deletions() {
        return Stream.of(
                new Case("deleted from the middle", bench -> bench.commands().xdel(STREAM, "2-0", "3-0")),
                new Case("deleted one by one", bench -> {
                    bench.commands().xdel(STREAM, "2-0");
                    bench.commands().xdel(STREAM, "3-0");
                }),
                new Case("trimmed", bench -> bench.commands().xtrim(STREAM, XTrimArgs.Builder.minId("4-0"))));
    }

    /** As of a group that was rewound: what was settled is pending again, below what was not. */
    @ParameterizedTest
    @ValueSource(strings = {"checkpoint", "range"})
    void theJanitorDoesNotHideALossAboveWhatIsPendingAgain(String settledBy) {
        held(5);
        bench.acknowledge("2-0", "4-0", "5-0");
        if (settledBy.equals("checkpoint")) {
            bench.checkpoint("2-0");
        } else {
            bench.range("1-0..2-0");
        }
        bench.range("4-0..5-0");
        bench.commands().xdel(STREAM, "3-0");

        runJanitor();

        assertThat(lost(walk(CLAIMER, 0, BEGINNING, MANY))).containsExactly("3-0");
        assertThat(bench.totals()).isEqualTo(Map.of("lost", "1"));
    }

    @ParameterizedTest
    @MethodSource("deletions")
    void theJanitorDoesNotHideALoss(Case deletion) {
        held(5);
        bench.acknowledge("1-0", "4-0", "5-0");
        bench.range("1-0..1-0");
        bench.range("4-0..5-0");
        deletion.given.accept(bench);

        runJanitor();

        assertThat(lost(walk(CLAIMER, 0, BEGINNING, MANY))).containsExactly("2-0", "3-0");
        assertThat(bench.totals()).isEqualTo(Map.of("lost", "2"));
        runJanitor();
        assertThat(bench.checkpoint()).isEqualTo("5-0");
    }

    /** One who has read it before it was deleted must not come and apply it. */
    @Test
    void whatWasCountedAsLostIsSettled() {
        held(1);
        redis.commands().xdel(STREAM, "1-0");
        assertThat(lost(walk(CLAIMER, 0, BEGINNING, MANY))).containsExactly("1-0");

        var sequential = new OrderProjection(GROUP_KEYS, Mode.SEQUENTIAL);
        Batch readBefore = Batch.of(new Entry("1-0", Map.of("customer", "7", "cents", "5"), 1));

        assertThat(sequential
                        .apply(bench.async(), readBefore)
                        .toCompletableFuture()
                        .join()
                        .applied())
                .isZero();
        assertThat(bench.totals()).isEqualTo(Map.of("lost", "1"));
    }

    private void runJanitor() {
        bench.run(
                LuaScript.of(Janitor.class, "settled", "janitor")::run,
                GROUP_KEYS.housekeeping(),
                GROUP,
                "1000",
                "0",
                "1000",
                "1000",
                "me",
                "0",
                Long.toString(System.currentTimeMillis()));
    }

    @Test
    void withoutTheGroupItSaysSoAndChangesNothing() {
        held(3);
        redis.commands().xgroupDestroy(STREAM, GROUP);
        assertRefused(RedisCondition.NO_GROUP, () -> claim(0, BEGINNING, MANY));
    }

    @Test
    void withoutTheStreamItSaysSoAndChangesNothing() {
        assertRefused(RedisCondition.NO_GROUP, () -> claim(0, BEGINNING, MANY));
    }

    static Stream<Case> damages() {
        return Stream.of(
                new Case("the checkpoint is no id", bench -> bench.checkpoint("yesterday")),
                new Case("the checkpoint is too long", bench -> bench.checkpoint("1".repeat(21))),
                new Case(
                        "the ranges have a member that is none",
                        bench -> bench.commands().zadd(GROUP_KEYS.settledRanges(), 0, "foo")),
                new Case(
                        "the checkpoint is no string", bench -> bench.commands().rpush(GROUP_KEYS.checkpoint(), "x")),
                new Case(
                        "the ranges are no sorted set",
                        bench -> bench.commands().set(GROUP_KEYS.settledRanges(), "x")));
    }

    /** From 7.0 on claiming takes what was deleted out of the pending entries: a failure after it would hide the loss. */
    @ParameterizedTest
    @MethodSource("damages")
    void aDamagedKeyIsSaidAndNothingIsChanged(Case damage) {
        held(3);
        redis.commands().xdel(STREAM, "2-0");
        damage.given.accept(bench);

        assertRefused(RedisCondition.WRONG_TYPE, () -> claim(0, BEGINNING, MANY));
    }

    @Test
    void totalsThatCanNotBeCountedStopNothing() {
        held(3);
        redis.commands().xdel(STREAM, "2-0");
        redis.commands().set(GROUP_KEYS.totals(), "not a hash");

        Reply reply = claim(0, BEGINNING, MANY);

        assertThat(ids(reply)).containsExactly("1-0", "3-0");
        assertThat(reply.lost).isEqualTo(List.of("2-0"));
    }

    static Set<String> commands() {
        return ScriptCommands.deniable(redis, "settled", "claim");
    }

    @ParameterizedTest
    @MethodSource("commands")
    void withoutOneOfItsCommandsItCountsTheLossWhenItHasThemAgain(String command) {
        held(3);
        bench.age(GONE, IDLE, 1, "1-0", "2-0", "3-0");
        redis.commands().xdel(STREAM, "2-0");
        redis.permit("-" + command);
        List<String> before;
        try {
            before = lostOrNone();
        } finally {
            redis.permit("+@all");
        }
        List<String> all = new ArrayList<>(before);
        all.addAll(lost(claim(0, BEGINNING, MANY)));
        assertThat(all).containsExactly("2-0");
    }

    private List<String> lostOrNone() {
        try {
            return lost(claim(IDLE, BEGINNING, MANY));
        } catch (RuntimeException e) {
            assertThat(RedisCondition.of(e)).isEqualTo(RedisCondition.FORBIDDEN);
            return List.of();
        }
    }

    @Test
    void aFullMemoryDoesNotStopIt() {
        held(3);
        redis.commands().xdel(STREAM, "2-0");
        redis.fillMemory();
        try {
            Reply reply = claim(0, BEGINNING, MANY);

            assertThat(ids(reply)).containsExactly("1-0", "3-0");
            assertThat(reply.lost).isEqualTo(List.of("2-0"));
            assertThat(bench.totals()).isEqualTo(Map.of("lost", "1"));
        } finally {
            redis.releaseMemory();
        }
    }

    /** Entries 1-0 to n-0, delivered to a consumer that is no more. */
    private void held(int n) {
        bench.createGroup("0");
        bench.appendNumbered(n);
        bench.deliverAll(GONE);
    }

    private Reply claim(long idle, String cursor, int most) {
        return claim(CLAIMER, idle, cursor, most);
    }

    private Reply claim(String consumer, long idle, String cursor, int most) {
        Reply reply = Reply.of(run(consumer, idle, cursor, most));
        List<String> gone = reply.claimed.stream()
                .filter(id ->
                        redis.commands().xrange(STREAM, Range.create(id, id)).isEmpty())
                .toList();
        if (gone.isEmpty()) {
            return reply;
        }
        assertThat(redis.version().major()).as("7.0 finds them by itself").isLessThan(7);
        List<String> lost = new ArrayList<>(reply.lost);
        lost.addAll(setAside(gone));
        return new Reply(
                reply.cursor,
                reply.claimed.stream().filter(id -> !gone.contains(id)).toList(),
                lost);
    }

    /** As the applier does with what the reader found gone. Returns those that are counted as lost. */
    private List<String> setAside(List<String> gone) {
        List<String> keys = new ArrayList<>(List.of(GROUP_KEYS.state()));
        keys.add(GROUP_KEYS.deadLetters());
        keys.add(GROUP_KEYS.deadLetterIds());
        List<String> args = new ArrayList<>(List.of(GROUP, "1", CLAIMER));
        gone.forEach(id -> args.addAll(List.of(id, "gone", "")));
        List<Object> reply = bench.run(
                LuaScript.of(DeadLetters.class, "settled", "set-aside")::run,
                keys.toArray(String[]::new),
                args.toArray(String[]::new));
        return texts(reply.get(1));
    }

    private Map<String, Long> deliveries() {
        return redis
                .commands()
                .xpending(STREAM, io.lettuce.core.Consumer.from(GROUP, CLAIMER), Range.unbounded(), Limit.from(100))
                .stream()
                .collect(Collectors.toMap(PendingMessage::getId, PendingMessage::getRedeliveryCount));
    }

    private List<Object> run(long idle, String cursor, int most) {
        return run(CLAIMER, idle, cursor, most);
    }

    private List<Object> run(String consumer, long idle, String cursor, int most) {
        return bench.run(
                SCRIPT::run,
                GROUP_KEYS.state(),
                GROUP,
                consumer,
                Long.toString(idle),
                cursor,
                Integer.toString(Math.min(most, 500)));
    }

    private Reply[] walk(String consumer, long idle, String from, int most) {
        List<Reply> replies = new ArrayList<>();
        String cursor = from;
        do {
            Reply reply = claim(consumer, idle, cursor, most);
            replies.add(reply);
            cursor = reply.cursor;
        } while (!cursor.equals(BEGINNING));
        return replies.toArray(Reply[]::new);
    }

    private static List<String> ids(Reply... replies) {
        return Stream.of(replies).flatMap(reply -> reply.claimed.stream()).toList();
    }

    private static List<String> lost(Reply... replies) {
        return Stream.of(replies).flatMap(reply -> reply.lost.stream()).toList();
    }

    private static String[] numbered(int first, int last) {
        return IntStream.rangeClosed(first, last).mapToObj(i -> i + "-0").toArray(String[]::new);
    }

    private record Reply(String cursor, List<String> claimed, List<String> lost) {

        static final Reply NOTHING = new Reply(BEGINNING, List.of(), List.of());

        static Reply of(List<Object> reply) {
            return new Reply((String) reply.get(0), texts(reply.get(1)), texts(reply.get(2)));
        }
    }

    record Case(String name, Consumer<GroupBench> given) {

        @Override
        public String toString() {
            return name;
        }
    }

    /** Entries 1-0 to n-0, the first ones held by the claimer, the others by one that is no more, and some of both deleted. */
    static final class Ghosts {

        private final String name;
        private int own;
        private int others;
        private List<Integer> deleted = List.of();
        private int trimmedTo;
        private int most = MANY;

        Ghosts(String name) {
            this.name = name;
        }

        Ghosts ownLive(int count) {
            own = count;
            return this;
        }

        Ghosts among(int count) {
            others = count;
            return this;
        }

        Ghosts deleted(int... numbers) {
            return deleted(IntStream.of(numbers));
        }

        Ghosts deleted(IntStream numbers) {
            deleted = numbers.boxed().toList();
            return this;
        }

        Ghosts trimmedTo(int number) {
            trimmedTo = number;
            deleted = IntStream.range(1, number).boxed().toList();
            return this;
        }

        Ghosts most(int count) {
            most = count;
            return this;
        }

        void prepare(GroupBench bench) {
            bench.createGroup("0");
            bench.appendNumbered(own + others);
            if (own > 0) {
                bench.deliver(CLAIMER, own);
            }
            bench.deliverAll(GONE);
            bench.age(GONE, IDLE, 1, numbered(own + 1, own + others));
            if (trimmedTo > 0) {
                bench.commands().xtrim(STREAM, XTrimArgs.Builder.minId(trimmedTo + "-0"));
            } else {
                deleted.forEach(number -> bench.commands().xdel(STREAM, number + "-0"));
            }
        }

        String[] claimable() {
            return IntStream.rangeClosed(own + 1, own + others)
                    .filter(number -> !deleted.contains(number))
                    .mapToObj(number -> number + "-0")
                    .toArray(String[]::new);
        }

        List<String> lost() {
            return deleted.stream().map(number -> number + "-0").toList();
        }

        /** As long as the claimer holds no ghosts itself, the walk that claims the others' finds all of them. */
        List<String> lostToOthers() {
            return deleted.stream().anyMatch(number -> number <= own) ? List.of() : lost();
        }

        @Override
        public String toString() {
            return name;
        }
    }

    private void assertRefused(RedisCondition condition, Runnable call) {
        assertThat(RedisCondition.of(bench.refused(call))).isEqualTo(condition);
    }
}
