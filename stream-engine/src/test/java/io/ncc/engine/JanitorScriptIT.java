package io.ncc.engine;

import static io.ncc.checkin.testsupport.GroupBench.GROUP;
import static io.ncc.checkin.testsupport.GroupBench.STREAM;
import static io.ncc.checkin.testsupport.GroupBench.texts;
import static io.ncc.engine.TestGroup.GROUP_KEYS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lettuce.core.Consumer;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.XAddArgs;
import io.lettuce.core.XReadArgs.StreamOffset;
import io.ncc.checkin.testsupport.GroupBench;
import io.ncc.checkin.testsupport.RealRedis;
import io.ncc.redis.LuaScript;
import io.ncc.redis.RedisCondition;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The contract of janitor.lua: where the checkpoint goes, what is trimmed, who is removed. */
@Timeout(60)
final class JanitorScriptIT {

    /** Nothing here is about surviving a crash, and much of it writes a lot. */
    @RegisterExtension
    static final RealRedis redis = RealRedis.server().setting("appendonly", "no");

    private static final LuaScript SCRIPT = LuaScript.of(Janitor.class, "settled", "janitor");
    private static final LuaScript OPEN = LuaScript.of(ConsumerGroup.class, "settled", "open");
    private static final String[] OPEN_KEYS = {
        STREAM,
        GROUP_KEYS.checkpoint(),
        GROUP_KEYS.settledRanges(),
        GROUP_KEYS.projections(),
        GROUP_KEYS.totals(),
        GROUP_KEYS.probe()
    };
    private static final String OTHER = "other";
    private static final String HIGHEST = "18446744073709551615";

    private final GroupBench bench = new GroupBench(redis);

    @AfterEach
    void close() {
        bench.close();
    }

    static Stream<Case> checkpoints() {
        return Stream.of(
                new Case("nothing was delivered").entries(3).delivered(0).oldest("1-0"),
                new Case("all that was delivered is acknowledged")
                        .entries(5)
                        .delivered(3)
                        .checkpoint("3-0")
                        .oldest("4-0"),
                new Case("all is acknowledged").entries(5).delivered(5).checkpoint("5-0"),
                new Case("it stops before the first pending entry")
                        .entries(5)
                        .delivered(5)
                        .pending(3, 5)
                        .checkpoint("2-0")
                        .oldest("3-0"),
                new Case("the first entry is pending")
                        .entries(5)
                        .delivered(5)
                        .pending(1)
                        .oldest("1-0"),
                new Case("the first entry is pending, and there was a checkpoint")
                        .before("0-7")
                        .entries(5)
                        .delivered(5)
                        .pending(1)
                        .checkpoint("0-7")
                        .oldest("1-0"),
                new Case("the group was made anew at 0")
                        .before("3-0")
                        .entries(5)
                        .delivered(0)
                        .checkpoint("3-0")
                        .oldest("4-0"),
                new Case("the group was rewound and reads again what is settled")
                        .before("4-0")
                        .entries(5)
                        .delivered(2)
                        .pending(1)
                        .checkpoint("4-0")
                        .oldest("5-0"),
                new Case("there is no group")
                        .before("2-0")
                        .entries(5)
                        .checkpoint("2-0")
                        .oldest("3-0"),
                new Case("there is neither a group nor a checkpoint").entries(5).oldest("1-0"),
                new Case("without a group it goes on through what is settled")
                        .before("2-0")
                        .entries(9)
                        .ranges("3-0..4-0", "5-0..5-0", "7-0..9-0")
                        .checkpoint("5-0")
                        .left("7-0..9-0")
                        .oldest("6-0"),
                new Case("without a group and a checkpoint, too")
                        .entries(5)
                        .ranges("1-0..3-0", "4-0..4-0")
                        .checkpoint("4-0")
                        .oldest("5-0"),
                new Case("with a group made anew at 0, too")
                        .entries(5)
                        .delivered(0)
                        .ranges("1-0..3-0", "5-0..5-0")
                        .checkpoint("3-0")
                        .left("5-0..5-0")
                        .oldest("4-0"),
                new Case("all is settled without a group")
                        .before("1-0")
                        .entries(5)
                        .ranges("2-0..5-0")
                        .checkpoint("5-0"),
                new Case("ranges above the first unsettled entry stay")
                        .entries(9)
                        .delivered(9)
                        .pending(3, 6)
                        .ranges("1-0..2-0", "4-0..5-0", "7-0..9-0")
                        .checkpoint("2-0")
                        .left("4-0..5-0", "7-0..9-0")
                        .oldest("3-0"),
                new Case("ranges below the checkpoint are dropped when it moves")
                        .before("3-0")
                        .entries(5)
                        .delivered(4)
                        .ranges("2-0..2-0")
                        .checkpoint("4-0")
                        .oldest("5-0"),
                new Case("an entry of an unsettled gap that nobody has read")
                        .before("1-0")
                        .entries(5)
                        .delivered(1)
                        .ranges("3-0..5-0")
                        .checkpoint("1-0")
                        .left("3-0..5-0")
                        .oldest("2-0"),
                new Case("ranges without an entry between them, as others were deleted")
                        .before("1-0")
                        .entries("1-0", "5-0", "9-0")
                        .ranges("2-0..3-0", "4-0..6-0", "8-0..9-0")
                        .checkpoint("9-0"),
                new Case("sequence numbers that a Lua number can't hold")
                        .entries("5-0", "5-9007199254740992", "5-9007199254740993", "5-" + HIGHEST, "6-0")
                        .delivered(5)
                        .pending(3, 5)
                        .ranges("5-" + HIGHEST + "..5-" + HIGHEST)
                        .checkpoint("5-9007199254740992")
                        .left("5-" + HIGHEST + "..5-" + HIGHEST)
                        .oldest("5-9007199254740993"),
                new Case("the first pending entry has the sequence number 0")
                        .entries("5-" + HIGHEST, "6-0")
                        .delivered(2)
                        .pending(2)
                        .checkpoint("5-" + HIGHEST)
                        .oldest("6-0"),
                new Case("the lowest id of all")
                        .entries("0-1", "0-2")
                        .delivered(1)
                        .checkpoint("0-1")
                        .oldest("0-2"),
                new Case("the lowest id of all is pending")
                        .entries("0-1", "0-2")
                        .delivered(1)
                        .pending(1)
                        .oldest("0-1"),
                new Case("the highest id of all")
                        .entries("5-0", HIGHEST + "-" + HIGHEST)
                        .delivered(2)
                        .checkpoint(HIGHEST + "-" + HIGHEST),
                new Case("milliseconds that another program wrote, beyond the last entry")
                        .before("9")
                        .entries(5)
                        .delivered(2)
                        .checkpoint("5-0"),
                new Case("milliseconds beyond the last entry, without a group")
                        .before(HIGHEST)
                        .entries(5)
                        .ranges("2-0..3-0")
                        .checkpoint("5-0"),
                new Case("more ranges than one run walks through")
                        .entries(1_500)
                        .ranges(IntStream.rangeClosed(1, 1_500)
                                .mapToObj(i -> i + "-0.." + i + "-0")
                                .toArray(String[]::new))
                        .runs(2)
                        .checkpoint("1500-0"));
    }

    @ParameterizedTest
    @MethodSource("checkpoints")
    void theCheckpointIsWhereAllBelowIsSettled(Case theCase) {
        theCase.prepare(bench);
        for (int run = 1; run < theCase.runs; run++) {
            new Turn().run();
        }

        Reply reply = new Turn().run();

        assertThat(bench.checkpoint()).as("checkpoint").isEqualTo(theCase.checkpoint);
        assertThat(bench.ranges()).as("ranges").isEqualTo(theCase.left);
        assertThat(reply.oldest).as("oldest unsettled").isEqualTo(theCase.oldest);
        assertThat(reply.last).as("last").isIn(theCase.lastEntry(), theCase.lastDelivered());
        assertThat(reply.length).as("length").isEqualTo(theCase.entries.size());
        assertThat(reply.pending).as("pending").isEqualTo(theCase.pending.size());
        assertThat(reply.stale || reply.more || reply.trimmed > 0).isFalse();

        assertASecondRunChangesNothing(new Turn());
    }

    static Stream<Case> stale() {
        return Stream.of(
                new Case("a checkpoint without a stream").before("5-0"),
                new Case("ranges without a stream").ranges("1-0..2-0", "5-0..7-0"),
                new Case("a checkpoint above the last id")
                        .before("5-1")
                        .entries(5)
                        .oldest("1-0"),
                new Case("a checkpoint above the last id, which is long in digits")
                        .before("10-0")
                        .entries(9)
                        .oldest("1-0"),
                new Case("a range that reaches above the last id")
                        .before("1-0")
                        .entries(5)
                        .ranges("3-0..6-0")
                        .oldest("1-0"),
                new Case("a checkpoint above the last id beside a new group")
                        .before("9-0")
                        .entries(5)
                        .delivered(2)
                        .checkpoint("2-0")
                        .oldest("3-0"));
    }

    @ParameterizedTest
    @MethodSource("stale")
    void whatIsLeftOfAStreamThatIsGoneIsDroppedAndReported(Case theCase) {
        theCase.prepare(bench);

        Reply reply = new Turn().run();

        assertThat(reply.stale).as("stale").isTrue();
        assertThat(bench.checkpoint()).isEqualTo(theCase.checkpoint);
        assertThat(bench.ranges()).isEmpty();
        assertThat(reply.oldest).isEqualTo(theCase.oldest);

        assertASecondRunChangesNothing(new Turn());
    }

    @Test
    void whatBelongsToTheStreamIsNotStale() {
        new Case("").before("5-0").entries(5).delivered(5).prepare(bench);
        redis.commands().xdel(STREAM, "4-0", "5-0");

        assertThat(new Turn().run().stale).isFalse();
        assertThat(bench.checkpoint()).isEqualTo("5-0");
    }

    @Test
    void aGroupThatIsAheadOfTheStreamDoesNotMakeTheCheckpointStale() {
        bench.append("1-0", "2-0");
        bench.createGroup("9-0");

        assertThat(new Turn().run().stale).isFalse();
        assertThat(new Turn().run().stale).as("in a second run").isFalse();
    }

    static Stream<Case> trims() {
        return Stream.of(
                new Case("there is less than is to be kept")
                        .entries(10)
                        .delivered(10)
                        .retain(10)
                        .trimmedTo(1),
                new Case("there is one too many")
                        .entries(10)
                        .delivered(10)
                        .retain(9)
                        .trimmedTo(2),
                new Case("there are many too many")
                        .entries(100)
                        .delivered(100)
                        .retain(10)
                        .trimmedTo(91),
                new Case("one is to be kept")
                        .entries(10)
                        .delivered(10)
                        .retain(1)
                        .trimmedTo(10),
                new Case("none is to be kept: the entry at the checkpoint stays")
                        .entries(10)
                        .delivered(10)
                        .retain(0)
                        .most(3)
                        .runs(4)
                        .trimmedTo(10),
                new Case("more than one call trims")
                        .entries(100)
                        .delivered(100)
                        .retain(10)
                        .most(40)
                        .runs(3)
                        .trimmedTo(91),
                new Case("as many as one call trims")
                        .entries(100)
                        .delivered(100)
                        .retain(10)
                        .most(90)
                        .trimmedTo(91),
                new Case("one more than one call trims")
                        .entries(100)
                        .delivered(100)
                        .retain(10)
                        .most(89)
                        .runs(2)
                        .trimmedTo(91),
                new Case("not beyond the checkpoint")
                        .entries(10)
                        .delivered(4)
                        .retain(1)
                        .most(3)
                        .runs(2)
                        .trimmedTo(4),
                new Case("not beyond the checkpoint, in several calls")
                        .entries(20)
                        .delivered(10)
                        .retain(1)
                        .most(3)
                        .runs(4)
                        .trimmedTo(10),
                new Case("not a pending entry")
                        .entries(10)
                        .delivered(10)
                        .pending(4, 7)
                        .retain(1)
                        .trimmedTo(3),
                new Case("not the first entry, which is pending")
                        .entries(10)
                        .delivered(10)
                        .pending(1)
                        .retain(1)
                        .trimmedTo(1),
                new Case("nothing before anything is settled")
                        .entries(10)
                        .delivered(0)
                        .retain(1)
                        .trimmedTo(1),
                new Case("what is settled without a group")
                        .entries(10)
                        .ranges("1-0..6-0", "8-0..9-0")
                        .retain(1)
                        .trimmedTo(6),
                new Case("a group made anew at 0 doesn't hold what is settled")
                        .before("8-0")
                        .entries(10)
                        .delivered(0)
                        .retain(1)
                        .trimmedTo(8),
                new Case("another group that has read it all")
                        .entries(10)
                        .delivered(10)
                        .other(10)
                        .retain(3)
                        .trimmedTo(8),
                new Case("another group that has not read it")
                        .entries(10)
                        .delivered(10)
                        .other(4)
                        .retain(3)
                        .trimmedTo(4),
                new Case("another group that has read nothing")
                        .entries(10)
                        .delivered(10)
                        .other(0)
                        .retain(3)
                        .trimmedTo(1),
                new Case("another group with a pending entry")
                        .entries(10)
                        .delivered(10)
                        .other(10, 5, 6)
                        .retain(3)
                        .trimmedTo(5),
                new Case("another group whose pending entry would be kept anyway")
                        .entries(10)
                        .delivered(10)
                        .other(10, 9)
                        .retain(3)
                        .trimmedTo(8),
                new Case("another group that is behind ours")
                        .entries(10)
                        .delivered(6)
                        .other(3)
                        .retain(1)
                        .trimmedTo(3),
                new Case("another group while the stream is just shorter than it may be")
                        .entries(10)
                        .delivered(10)
                        .other(4)
                        .retain(3)
                        .hold(11)
                        .trimmedTo(4),
                new Case("another group beyond the length up to which it is waited for")
                        .entries(10)
                        .delivered(10)
                        .other(4)
                        .retain(3)
                        .hold(10)
                        .trimmedTo(8)
                        .passedOver(),
                new Case("another group with pending entries beyond that length")
                        .entries(10)
                        .delivered(10)
                        .other(10, 2)
                        .retain(3)
                        .hold(10)
                        .trimmedTo(8)
                        .passedOver(),
                new Case("our own pending entry beyond that length")
                        .entries(10)
                        .delivered(10)
                        .pending(6)
                        .other(4)
                        .retain(3)
                        .hold(10)
                        .trimmedTo(5)
                        .passedOver());
    }

    @ParameterizedTest
    @MethodSource("trims")
    void itTrimsWhatIsNotToBeKeptAndNothingThatIsNeeded(Case theCase) {
        theCase.prepare(bench);
        Turn turn = new Turn().retain(theCase.retain).hold(theCase.hold).most(theCase.most);

        List<Reply> replies = turn.runToTheEnd();

        assertThat(bench.entries()).isEqualTo(theCase.entries.subList(theCase.trimmedTo - 1, theCase.entries.size()));
        assertThat(replies.stream().mapToLong(Reply::trimmed).sum()).isEqualTo(theCase.trimmedTo - 1L);
        assertThat(replies.get(replies.size() - 1).length)
                .isEqualTo(bench.entries().size());
        assertThat(replies.get(0).passedOver).isEqualTo(theCase.passedOver);
        assertThat(replies).as("runs").hasSizeLessThanOrEqualTo(theCase.runs);

        assertASecondRunChangesNothing(turn);
    }

    @Test
    void whatIsOlderThanToBeKeptIsTrimmedAlsoIfTheNumberWouldAllowIt() {
        long now = now();
        String[] ids = {now - 600_000 + "-5", now - 300_000 + "-0", now - 300_000 + "-1", now - 1_000 + "-0"};
        bench.createGroup("0");
        bench.append(ids);
        bench.deliverAll("holder");
        bench.acknowledge(ids);

        assertThat(new Turn().age(Duration.ofMinutes(15)).run().trimmed).isZero();
        assertThat(new Turn().age(Duration.ofMinutes(7)).run().trimmed).isEqualTo(1);
        assertASecondRunChangesNothing(new Turn().age(Duration.ofMinutes(7)));
        assertThat(new Turn().age(Duration.ofMinutes(7)).retain(2).run().trimmed)
                .as("by their number")
                .isEqualTo(1);
        assertThat(new Turn().age(Duration.ofMinutes(4)).retain(2).run().trimmed)
                .as("by age")
                .isEqualTo(1);
        assertThat(bench.entries()).containsExactly(ids[3]);
    }

    @Test
    void noAgeIsReasonEnoughToTrimWhatIsNotSettled() {
        new Case("").entries(10).delivered(10).pending(4).prepare(bench);

        assertThat(new Turn().age(Duration.ofMinutes(1)).run().trimmed).isEqualTo(2);

        assertThat(bench.entries()).startsWith("3-0", "4-0");
        assertASecondRunChangesNothing(new Turn().age(Duration.ofMinutes(1)));
    }

    /** The clock of Redis may be wrong for a moment, and what was trimmed doesn't come back. */
    @Test
    void whatIsOldByOneOfTheClocksOnlyStays() {
        new Case("").entries(10).delivered(10).prepare(bench);
        Duration age = Duration.ofMinutes(1);

        assertThat(new Turn().age(age).clock(age.toMillis() + 3).run().trimmed).isEqualTo(2);
        assertThat(new Turn().age(age).clock(0).run().trimmed).isZero();

        assertThat(bench.entries()).startsWith("3-0", "4-0");
    }

    @Test
    void wholeNodesOfTheStreamAreTrimmedAndTheRestOfOneExactly() {
        new Case("").entries(1_000).delivered(1_000).pending(555).prepare(bench);

        assertThat(new Turn().retain(750).run().trimmed).isEqualTo(250);
        assertThat(new Turn().retain(333).run().trimmed)
                .as("up to the pending one")
                .isEqualTo(303);
        assertThat(bench.entries()).startsWith("554-0", "555-0");
        bench.acknowledge("555-0");
        List<Reply> rest = new Turn().retain(10).most(120).runToTheEnd();

        assertThat(rest).allSatisfy(reply -> assertThat(reply.trimmed).isBetween(1L, 120L));
        assertThat(bench.entries()).hasSize(10).startsWith("991-0");
    }

    @Test
    void neighbouringRangesAreJoinedUnlessSomethingUnsettledLiesBetween() {
        new Case("")
                .entries(20)
                .delivered(18)
                .pending(1, 5, 10)
                .ranges("2-0..2-0", "3-0..4-0", "6-0..9-0", "11-0..11-0", "12-0..12-0", "13-0..18-0", "20-0..20-0")
                .prepare(bench);
        redis.commands().xdel(STREAM, "5-0", "6-0", "11-0"); // the first of them is pending, the others are settled

        Reply reply = new Turn().run();

        assertThat(bench.ranges()).containsExactly("2-0..4-0", "6-0..9-0", "11-0..18-0", "20-0..20-0");
        assertThat(reply.oldest).isEqualTo("1-0");
        assertASecondRunChangesNothing(new Turn());
    }

    /** Others acknowledged entries in the group, so these are neither pending nor in a range. */
    @Test
    void rangesAboveEntriesThatNobodyRecordedAreJoinedToo() {
        appendWithGaps(200, 2_000);

        assertThat(new Turn().run().more).isTrue();
        new Turn().runToTheEnd();

        assertThat(bench.ranges())
                .hasSize(100)
                .startsWith("2-0..2-0", "4-0..4-0")
                .endsWith("200-0..2000-0");
        assertThat(new Turn().run().oldest).isEqualTo("1-0");
        assertASecondRunChangesNothing(new Turn());
    }

    /** Each of these entries is copied when the housekeeping looks for it. */
    @Test
    void ofEntriesThatNobodyRecordedACallCopiesAHundredOrOneThatIsLarge() {
        appendWithGaps(204, 300);
        assertThat(new Turn().run().more).isFalse();
        assertThat(bench.ranges()).as("a hundred gaps of 101").hasSize(102 + 96);

        redis.commands().flushall();
        bench.append("1-0", "2-0");
        redis.commands().xadd(STREAM, new XAddArgs().id("3-0"), Map.of("large", "x".repeat(70_000)));
        bench.append("4-0", "5-0");
        bench.createGroup("0");
        bench.deliverAll("holder");
        bench.acknowledge("2-0", "3-0", "4-0", "5-0");
        bench.ranges("2-0..2-0", "4-0..4-0", "5-0..5-0");
        new Turn().run();
        assertThat(bench.ranges()).as("above a large entry").containsExactly("2-0..2-0", "4-0..4-0", "5-0..5-0");
    }

    /** The first entry is pending; up to an id, every other one is recorded, and from there on all are, one by one. */
    private void appendWithGaps(int gapsUpTo, int entries) {
        String[] ranges = IntStream.rangeClosed(2, entries)
                .filter(i -> i > gapsUpTo || i % 2 == 0)
                .mapToObj(i -> i + "-0.." + i + "-0")
                .toArray(String[]::new);
        new Case("")
                .entries(entries)
                .delivered(entries)
                .pending(1)
                .ranges(ranges)
                .prepare(bench);
    }

    @Test
    void manyRangesAreJoinedAThousandAtATime() {
        String[] ranges = IntStream.rangeClosed(2, 3_000)
                .mapToObj(i -> i + "-0.." + i + "-0")
                .toArray(String[]::new);
        new Case("").entries(3_000).delivered(3_000).pending(1).ranges(ranges).prepare(bench);

        assertThat(new Turn().run().more).isTrue();
        assertThat(bench.ranges()).hasSize(1_999);
        new Turn().runToTheEnd();

        assertThat(bench.ranges()).containsExactly("2-0..3000-0");
    }

    @Test
    void severalGroupsAreWaitedForOrNamed() {
        new Case("").entries(10).delivered(10).other(7).prepare(bench);
        bench.createGroup("slow", "3-0");
        bench.createGroup("done", "10-0");

        assertThat(new Turn().retain(2).run().trimmed).isEqualTo(2);
        assertThat(bench.entries()).startsWith("3-0");

        Reply reply = new Turn().retain(2).hold(8).run();
        assertThat(reply.passedOver).containsExactlyInAnyOrder(OTHER, "slow");
        assertThat(bench.entries()).containsExactly("9-0", "10-0");
    }

    @Test
    void consumersThatAreIdleAndHoldNothingAreRemoved() {
        bench.append("1-0", "2-0", "3-0", "4-0");
        bench.createGroup("0");
        bench.deliver("done", 1);
        bench.deliver("holder", 1);
        bench.deliver("me", 1);
        bench.deliver("also done", 1);
        bench.acknowledge("1-0", "3-0", "4-0");
        awaitIdle(4);

        assertThat(new Turn().reap(3_600_000).run().removed)
                .as("not idle for so long")
                .isEmpty();
        assertThat(new Turn().run().removed).as("not asked for").isEmpty();
        assertThat(new Turn().reap(1).run().removed).containsExactlyInAnyOrder("done", "also done");

        assertThat(consumers()).containsExactlyInAnyOrder("holder", "me");
        assertThat(bench.pending()).containsExactly("2-0");
        assertThat(new Turn().reap(1).run().removed).as("in a second run").isEmpty();
    }

    @Test
    void consumersAreRemovedAlsoWhileTheFirstEntryOfTheStreamIsPending() {
        bench.append("1-0", "2-0");
        bench.createGroup("0");
        bench.deliver("holder", 1);
        bench.deliver("done", 1);
        bench.acknowledge("2-0");
        awaitIdle(2);

        assertThat(new Turn().reap(1).run().removed).containsExactly("done");
        assertThat(bench.pending()).containsExactly("1-0");
    }

    /** A living consumer looks idle on a quiet stream, as polls that find nothing don't count: to be removed must do it no harm. */
    @Test
    void aConsumerThatIsRemovedWhileItsReadWaitsGetsTheNextEntry() {
        bench.append("1-0");
        bench.createGroup("0");
        bench.deliverAll("waiting");
        bench.acknowledge("1-0");
        try (GroupBench waiting = new GroupBench(redis)) {
            CompletableFuture<List<String>> read = waiting.startDelivery("waiting", Duration.ofSeconds(10));
            await().pollInterval(Duration.ofMillis(5))
                    .until(() -> redis.commands().info("clients").contains("blocked_clients:1"));
            awaitIdle(1);
            assertThat(new Turn().reap(1).run().removed).containsExactly("waiting");

            bench.append("2-0");

            assertThat(read.join()).containsExactly("2-0");
        }
        assertThat(bench.pending()).containsExactly("2-0");
        assertThat(consumers()).containsExactly("waiting");
    }

    @Test
    void nobodyIsRemovedFromAGroupThatIsGone() {
        bench.append("1-0");

        assertThat(new Turn().reap(1).run().removed).isEmpty();
    }

    private void awaitIdle(int consumers) {
        await().pollInterval(Duration.ofMillis(5))
                .until(() -> redis.commands().xinfoConsumers(STREAM, GROUP).stream()
                                .map(consumer -> (List<?>) consumer)
                                .filter(consumer -> (Long) consumer.get(consumer.indexOf("idle") + 1) > 5)
                                .count()
                        == consumers);
    }

    private static List<String> consumers() {
        return redis.commands().xinfoConsumers(STREAM, GROUP).stream()
                .map(consumer -> (String) ((List<?>) consumer).get(1))
                .toList();
    }

    @Test
    void aFullMemoryDoesNotStopIt() {
        new Case("")
                .before("1-0")
                .entries(20)
                .delivered(20)
                .pending(9)
                .ranges("2-0..8-0")
                .prepare(bench);
        redis.commands().xgroupCreateconsumer(STREAM, Consumer.from(GROUP, "done"));
        awaitIdle(2);
        redis.fillMemory();
        try {
            Reply reply = new Turn().retain(5).reap(1).run();

            assertThat(reply.trimmed).isEqualTo(7);
            assertThat(reply.removed).containsExactly("done");
            assertThat(bench.checkpoint()).isEqualTo("8-0");
            assertThat(bench.ranges()).isEmpty();
            assertASecondRunChangesNothing(new Turn().retain(5).reap(1));
        } finally {
            redis.releaseMemory();
        }
    }

    @Test
    void aFullMemoryDoesNotStopItFromDroppingWhatIsStale() {
        bench.checkpoint("5-0");
        redis.fillMemory();
        try {
            assertThat(new Turn().run().stale).isTrue();
            assertThat(bench.checkpoint()).isNull();
        } finally {
            redis.releaseMemory();
        }
    }

    @Test
    void moreRangesThanOneCallGoesThroughAreGoneThroughInSeveralAndTheOldestIsNotKnownUntilThen() {
        String[] ranges = IntStream.rangeClosed(1, 2_999)
                .mapToObj(i -> i + "-0.." + i + "-0")
                .toArray(String[]::new);
        new Case("").entries(3_000).ranges(ranges).prepare(bench);

        Reply first = new Turn().run();
        assertThat(first.known).isFalse();
        assertThat(bench.checkpoint()).isEqualTo("1000-0");
        List<Reply> others = new Turn().runToTheEnd();
        Reply last = others.get(others.size() - 1);
        assertThat(last.known).isTrue();
        assertThat(last.oldest).isEqualTo("3000-0");
        assertThat(bench.checkpoint()).isEqualTo("2999-0");
        assertThat(bench.ranges()).isEmpty();
    }

    @Test
    void manyRangesAreDroppedAFewThousandAtATime() {
        String[] ranges = IntStream.rangeClosed(2, 12_000)
                .mapToObj(i -> i + "-0.." + i + "-0")
                .toArray(String[]::new);
        new Case("").entries(12_000).delivered(12_000).ranges(ranges).prepare(bench);

        assertThat(new Turn().run().more).isTrue();
        assertThat(bench.checkpoint()).isEqualTo("12000-0");
        assertThat(bench.ranges()).hasSize(6_999);
        new Turn().runToTheEnd();
        assertThat(bench.ranges()).isEmpty();
    }

    @Test
    void totalsComeAsTheyWereCounted() {
        bench.append("1-0");
        redis.commands().hset(GROUP_KEYS.totals(), Map.of("applied", "9007199254740993", "dead", "2", "skipped", "4"));

        assertThat(new Turn().run().totals).containsExactly("9007199254740993", "2", "0", "4", "0", "0");
    }

    /** The scripts that count ignore that Redis adds nothing to most of these. */
    @ParameterizedTest
    @ValueSource(strings = {"many", "", "-1", "1.5", "007", " 7", "9223372036854775807", "99999999999999999999"})
    void aTotalThatIsNoNumberIsSaidAndNothingIsChanged(String total) {
        for (String name : List.of("applied", "dead", "lost", "skipped", "foreign", "missed")) {
            new Case("").entries(9).delivered(9).prepare(bench);
            redis.commands().hset(GROUP_KEYS.totals(), name, total);

            Throwable failure = bench.refused(() -> new Turn().retain(1).run());

            assertThat(RedisCondition.of(failure)).isEqualTo(RedisCondition.WRONG_TYPE);
            assertThat(failure)
                    .hasMessageContaining(GROUP_KEYS.totals() + ": " + name + " is not a number, or too high");
            redis.commands().flushall();
        }
    }

    @Test
    void aStreamThatWasReplacedByOneOfFewerEntriesIsSaidOnce() {
        boolean noticed = redis.version().major() >= 7; // Redis 6.2 doesn't count the entries that were ever added
        bench.appendNumbered(5);
        bench.checkpoint("5-0");
        assertThat(new Turn().run().reloaded).as("at first").isFalse();
        redis.commands().xdel(STREAM, "1-0", "2-0");
        assertThat(new Turn().run().reloaded).as("after a deletion").isFalse();

        redis.commands().del(STREAM);
        bench.append("1-0", "5-0");
        redis.fillMemory();
        try {
            assertThat(new Turn().run().reloaded).isEqualTo(noticed);
        } finally {
            redis.releaseMemory();
        }

        assertThat(bench.checkpoint()).isEqualTo("5-0");
        assertThat(new Turn().run().reloaded).as("again").isFalse();
    }

    @Test
    void aTrimmedStreamThatWasReplacedByOneOfAsManyEntriesIsSaidOnce() {
        boolean noticed = redis.version().major() >= 7;
        bench.appendNumbered(5);
        bench.checkpoint("5-0");
        assertThat(new Turn().retain(2).run().trimmed).isEqualTo(3);
        bench.append("6-0");
        assertThat(new Turn().retain(9).run().reloaded).as("after an entry").isFalse();
        redis.commands().xdel(STREAM, "5-0");
        assertThat(new Turn().retain(9).run().reloaded).as("after a deletion").isFalse();

        redis.commands().del(STREAM);
        bench.appendNumbered(7);
        Reply reply = new Turn().retain(2).run();
        assertThat(reply.trimmed).as("by the call that notices").isEqualTo(4);
        assertThat(reply.reloaded).isEqualTo(noticed);

        assertThat(bench.checkpoint()).isEqualTo("5-0");
        assertThat(new Turn().retain(2).run().reloaded).as("again").isFalse();
    }

    /** After some deletions the group knows of fewer entries than were added. */
    @Test
    void aStreamWhoseLastEntryWasDeletedIsTheSameOne() {
        bench.append("1-0", "2-0", "3-0");
        bench.createGroup("0");
        bench.deliver("holder", 3);
        redis.commands().xdel(STREAM, "2-0");
        bench.append("4-0", "5-0", "6-0");
        redis.commands().xdel(STREAM, "4-0", "5-0");
        bench.deliver("holder", 1);
        bench.acknowledge("1-0", "2-0", "3-0", "6-0");
        assertThat(new Turn().retain(9).run().reloaded).isFalse();
        assertThat(bench.checkpoint()).isEqualTo("6-0");
        redis.commands().xdel(STREAM, "6-0");

        assertThat(new Turn().retain(9).run().reloaded).isFalse();
    }

    /** Its ids are above the checkpoint, or the checkpoint was dropped. */
    @ParameterizedTest
    @EnumSource(Mode.class)
    void aReplacedStreamWhoseEntriesWereAppliedIsNotSaid(Mode mode) {
        for (String[] ids : new String[][] {{"6-0", "7-0"}, {"1-0", "2-0"}, {"1-0", "2-0", "8-0"}}) {
            redis.commands().flushall();
            new Case("").entries(5).delivered(5).prepare(bench);
            assertThat(new Turn().run().last).isEqualTo("5-0");
            redis.commands().del(STREAM);
            bench.append(ids[0], ids[1]);
            bench.run(OPEN::run, OPEN_KEYS, GROUP, "1");
            bench.append(Arrays.copyOfRange(ids, 2, ids.length));
            String last = ids[ids.length - 1];
            if (mode == Mode.SEQUENTIAL) {
                bench.checkpoint(last);
            } else {
                bench.range(ids[0] + ".." + last);
            }

            assertThat(new Turn().run().reloaded).as("with %s", List.of(ids)).isFalse();

            assertThat(bench.checkpoint()).isEqualTo(last);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"set", "zadd"})
    void withoutAPermissionNoRangeIsForgotten(String command) {
        new Case("")
                .entries(9)
                .delivered(9)
                .pending(3)
                .ranges("1-0..1-0", "4-0..5-0", "6-0..6-0")
                .prepare(bench);
        redis.permit("-" + command);
        try {
            assertRefused(RedisCondition.FORBIDDEN, () -> new Turn().run());
        } finally {
            redis.permitEverything();
        }
        new Turn().run();
        assertThat(bench.checkpoint()).isEqualTo("2-0");
        assertThat(bench.ranges()).containsExactly("4-0..6-0");
    }

    @Test
    void withoutACheckpointAReplacedStreamIsAsGoodAsTheOneBefore() {
        bench.appendNumbered(5);
        new Turn().run();
        redis.commands().del(STREAM);
        bench.append("1-0");
        assertThat(new Turn().run().reloaded).isFalse();
    }

    @Test
    void nothingIsTrimmedThatAnotherProjectionHasNotSettled() {
        new Case("").entries(9).delivered(9).prepare(bench);
        redis.commands().hset(GROUP_KEYS.projections(), "other", "3-0");

        assertThat(new Turn().retain(2).run().trimmed).isEqualTo(2);
        assertThat(bench.entries()).startsWith("3-0");
        assertThat(redis.commands().hgetall(GROUP_KEYS.projections())).isEqualTo(Map.of(GROUP, "9-0", "other", "3-0"));
        assertThat(new Turn().retain(2).age(Duration.ofMillis(1)).run().trimmed)
                .as("for their age")
                .isZero();

        redis.commands().hset(GROUP_KEYS.projections(), "other", "6-0");
        assertThat(new Turn().retain(2).run().trimmed).isEqualTo(3);
        redis.commands().hdel(GROUP_KEYS.projections(), "other");
        assertThat(new Turn().retain(2).run().trimmed).isEqualTo(2);
    }

    @Test
    void aProjectionIsWaitedForHoweverLongTheStreamIsAndAForeignGroupIsNot() {
        new Case("").entries(9).delivered(9).prepare(bench);
        redis.commands().hset(GROUP_KEYS.projections(), "other", "0-0");
        redis.commands().xgroupCreate(StreamOffset.from(STREAM, "0"), "other");
        redis.commands().xgroupCreate(StreamOffset.from(STREAM, "0"), "foreign");

        Reply reply = new Turn().retain(2).hold(9).run();
        assertThat(reply.trimmed).isZero();
        assertThat(reply.waitedFor).containsExactly("other");
        assertThat(reply.passedOver).isEmpty();

        redis.commands().hset(GROUP_KEYS.projections(), "other", "5-0");
        reply = new Turn().retain(2).hold(9).run();
        assertThat(reply.trimmed).isEqualTo(4);
        assertThat(reply.waitedFor).containsExactly("other");
        assertThat(reply.passedOver).containsExactly("foreign");

        redis.commands().hset(GROUP_KEYS.projections(), "other", "9-0");
        reply = new Turn().retain(2).hold(5).run();
        assertThat(reply.trimmed).isEqualTo(3);
        assertThat(reply.waitedFor).isEmpty();
    }

    @Test
    void onlyAProjectionAtWhichTheTrimStoppedIsWaitedFor() {
        new Case("").entries(9).delivered(9).prepare(bench);
        redis.commands().hset(GROUP_KEYS.projections(), Map.of("other", "8-0", "slow", "6-0"));

        assertThat(new Turn().retain(7).hold(7).run().waitedFor)
                .as("nothing more is to be trimmed")
                .isEmpty();
        assertThat(new Turn().retain(1).hold(1).most(2).run().waitedFor)
                .as("the next call trims more")
                .isEmpty();
        assertThat(bench.entries()).startsWith("5-0");

        assertThat(new Turn().retain(1).hold(1).run().waitedFor).containsExactly("slow");
        assertThat(bench.entries()).startsWith("6-0");
    }

    /** Its checkpoint may be above what our group has read, which is as far as the script looks if it can. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aProjectionThatIsAheadIsNoObstacle(boolean withAGroup) {
        Case ofBoth = new Case("").entries(9).delivered(6);
        (withAGroup ? ofBoth.other(9) : ofBoth).prepare(bench);
        redis.commands().hset(GROUP_KEYS.projections(), OTHER, "9-0");

        assertThat(new Turn().age(Duration.ofMillis(1)).clock(4).run().trimmed)
                .as("for their age")
                .isEqualTo(2);
        Reply reply = new Turn().retain(1).hold(1).run();

        assertThat(reply.trimmed).isEqualTo(3);
        assertThat(bench.entries()).startsWith("6-0");
        assertThat(reply.waitedFor).as("it is our group that is behind").isEmpty();
    }

    @Test
    void aProjectionWhoseCheckpointIsOfAStreamThatIsGoneHasSettledNothing() {
        new Case("").entries(9).delivered(9).prepare(bench);
        redis.commands().hset(GROUP_KEYS.projections(), "other", "10-0");
        assertThat(new Turn().retain(2).run().trimmed).isZero();
    }

    @Test
    void withoutAStreamThereIsNothingToDo() {
        Reply reply = new Turn().run();

        assertThat(reply.stale).isFalse();
        assertThat(reply.length).isZero();
        assertThat(reply.last).isEmpty();
        assertThat(redis.commands().dbsize()).isZero();
    }

    static Stream<String> damages() {
        return Stream.of(
                "stream",
                "checkpoint",
                "checkpoint of another kind",
                "ranges",
                "totals",
                "projections",
                "a checkpoint of a projection");
    }

    @ParameterizedTest
    @MethodSource("damages")
    void aDamagedKeyIsSaidAndNothingIsChanged(String what) {
        new Case("").entries(9).delivered(9).prepare(bench);
        switch (what) {
            case "stream" -> redis.commands().set(STREAM, "x");
            case "checkpoint" -> bench.checkpoint("yesterday");
            case "checkpoint of another kind" -> redis.commands().rpush(GROUP_KEYS.checkpoint(), "x");
            case "totals" -> redis.commands().set(GROUP_KEYS.totals(), "x");
            case "projections" -> redis.commands().set(GROUP_KEYS.projections(), "x");
            case "a checkpoint of a projection" -> redis.commands().hset(GROUP_KEYS.projections(), "other", "x");
            default -> redis.commands().set(GROUP_KEYS.settledRanges(), "x");
        }

        assertRefused(RedisCondition.WRONG_TYPE, () -> new Turn().retain(1).run());
    }

    /** They are above the last id of the stream, but not because it is another one. */
    @ParameterizedTest
    @ValueSource(strings = {"100000000000000000000", "1-100000000000000000000", "18446744073709551616-0", "5-", "-5"})
    void aCheckpointThatCanBeNoIdIsDamagedAndNotOfAStreamThatIsGone(String checkpoint) {
        new Case("").before(checkpoint).entries(9).delivered(9).prepare(bench);

        assertThat(bench.refused(() -> new Turn().run())).hasMessageContaining(GROUP_KEYS.checkpoint() + " is not");
    }

    static Stream<String> membersThatAreNoRanges() {
        String id = "0".repeat(19) + "3-" + "0".repeat(20);
        return Stream.of("", "foo", "0-0", "1609602085397-0|1609602085397-0", id, id + "|3-0", id + '|' + id + '0')
                .flatMap(member -> Stream.of(member, "9".repeat(20) + "-0|" + member));
    }

    @ParameterizedTest
    @MethodSource("membersThatAreNoRanges")
    void aMemberThatIsNoRangeIsDamagedAndNotOfAStreamThatIsGone(String member) {
        new Case("").before("1-0").entries(9).delivered(9).pending(5).prepare(bench);
        redis.commands().zadd(GROUP_KEYS.settledRanges(), 0, member);

        Throwable failure = bench.refused(() -> new Turn().run());

        assertThat(RedisCondition.of(failure)).isEqualTo(RedisCondition.WRONG_TYPE);
        assertThat(failure)
                .hasMessageContaining(GROUP_KEYS.settledRanges() + " has a member that is not a range of ids");
    }

    @Test
    void twoAtOnceDoWhatOneDoes() {
        new Case("").entries(3_000).delivered(3_000).pending(2_900).prepare(bench);
        Turn turn = new Turn().retain(10).most(50);
        try (GroupBench another = new GroupBench(redis)) {
            List<CompletableFuture<Reply>> replies = new ArrayList<>();
            for (int i = 0; i < 60; i++) {
                replies.add(turn.start(bench));
                replies.add(turn.start(another));
            }

            long trimmed = replies.stream()
                    .map(CompletableFuture::join)
                    .mapToLong(Reply::trimmed)
                    .sum();

            assertThat(trimmed).isEqualTo(2_898);
        }
        assertThat(bench.entries()).startsWith("2899-0", "2900-0").hasSize(102);
        assertThat(bench.checkpoint()).isEqualTo("2899-0");
        assertASecondRunChangesNothing(turn);
    }

    private static long now() {
        return Long.parseLong(redis.commands().time().get(0)) * 1_000;
    }

    private void assertASecondRunChangesNothing(Turn turn) {
        Map<String, String> before = bench.contents();
        Reply reply = turn.run();
        assertThat(reply.stale || reply.more || reply.trimmed > 0 || !reply.removed.isEmpty())
                .as("answer of a second run: %s", reply)
                .isFalse();
        assertThat(bench.contents()).as("after a second run").isEqualTo(before);
    }

    /** One run of the script; by default everything is kept and nobody is removed. */
    private final class Turn {

        private long retain = 1_000_000;
        private long ageMillis;
        private long hold = 1_000_000;
        private long most = 1_000;
        private long reapMillis;
        private long clock = System.currentTimeMillis();

        Turn retain(long entries) {
            retain = entries;
            return this;
        }

        Turn age(Duration age) {
            ageMillis = age.toMillis();
            return this;
        }

        Turn hold(long length) {
            hold = length;
            return this;
        }

        Turn most(long entries) {
            most = entries;
            return this;
        }

        Turn reap(long millis) {
            reapMillis = millis;
            return this;
        }

        /** The caller's. */
        Turn clock(long millis) {
            clock = millis;
            return this;
        }

        Reply run() {
            return Reply.of(bench.run(SCRIPT::run, GROUP_KEYS.housekeeping(), args()));
        }

        CompletableFuture<Reply> start(GroupBench on) {
            return SCRIPT.<List<Object>>run(on.async(), ScriptOutputType.MULTI, GROUP_KEYS.housekeeping(), args())
                    .thenApply(Reply::of)
                    .toCompletableFuture();
        }

        List<Reply> runToTheEnd() {
            List<Reply> replies = new ArrayList<>();
            do {
                replies.add(run());
            } while (replies.get(replies.size() - 1).more);
            return replies;
        }

        private String[] args() {
            return new String[] {
                GROUP,
                Long.toString(retain),
                Long.toString(ageMillis),
                Long.toString(hold),
                Long.toString(most),
                "me",
                Long.toString(reapMillis),
                Long.toString(clock)
            };
        }
    }

    private record Reply(
            boolean stale,
            long trimmed,
            boolean more,
            boolean known,
            long length,
            long pending,
            String oldest,
            String last,
            List<String> passedOver,
            List<String> removed,
            List<String> totals,
            boolean reloaded,
            List<String> waitedFor) {

        static Reply of(List<Object> reply) {
            return new Reply(
                    (Long) reply.get(0) == 1,
                    (Long) reply.get(1),
                    (Long) reply.get(2) > 0,
                    (Long) reply.get(2) != 2,
                    (Long) reply.get(3),
                    (Long) reply.get(4),
                    (String) reply.get(5),
                    (String) reply.get(6),
                    texts(reply.get(8)),
                    texts(reply.get(9)),
                    texts(reply.get(10)),
                    (Long) reply.get(11) == 1,
                    texts(reply.get(12)));
        }
    }

    /** How things stand before, and have to stand after. */
    static final class Case {

        private final String name;
        private @Nullable String before;
        private List<String> entries = List.of();
        private @Nullable Integer delivered;
        private List<Integer> pending = List.of();
        private String[] ranges = {};
        private @Nullable Integer otherDelivered;
        private List<Integer> otherPending = List.of();
        private long retain;
        private long hold = 1_000_000;
        private long most = 1_000;
        private int runs = 1;

        private @Nullable String checkpoint;
        private List<String> left = List.of();
        private String oldest = "";
        private int trimmedTo;
        private List<String> passedOver = List.of();

        Case(String name) {
            this.name = name;
        }

        /** The checkpoint to begin with. */
        Case before(String id) {
            before = id;
            return this;
        }

        Case entries(String... ids) {
            entries = List.of(ids);
            return this;
        }

        /** 1-0 to n-0. */
        Case entries(int n) {
            return entries(IntStream.rangeClosed(1, n).mapToObj(i -> i + "-0").toArray(String[]::new));
        }

        /** How many entries the group has handed out; without it there is no group. */
        Case delivered(int count) {
            delivered = count;
            return this;
        }

        /** Which of the delivered entries are not acknowledged: 1 is the first. */
        Case pending(Integer... numbers) {
            pending = List.of(numbers);
            return this;
        }

        Case ranges(String... firstToLast) {
            ranges = firstToLast;
            return this;
        }

        /** The same of another group. */
        Case other(int count, Integer... unacknowledged) {
            otherDelivered = count;
            otherPending = List.of(unacknowledged);
            return this;
        }

        Case retain(long count) {
            retain = count;
            return this;
        }

        Case hold(long length) {
            hold = length;
            return this;
        }

        Case most(long count) {
            most = count;
            return this;
        }

        Case runs(int most) {
            runs = most;
            return this;
        }

        Case checkpoint(String id) {
            checkpoint = id;
            return this;
        }

        Case left(String... firstToLast) {
            left = List.of(firstToLast);
            return this;
        }

        Case oldest(String id) {
            oldest = id;
            return this;
        }

        /** The number of the first entry that stays: 1 is the first. */
        Case trimmedTo(int number) {
            trimmedTo = number;
            return this;
        }

        Case passedOver() {
            passedOver = List.of(OTHER);
            return this;
        }

        /** From Redis 7.0 on, that may be as far as the script looks. */
        @Nullable
        String lastDelivered() {
            return delivered == null || delivered == 0 ? null : entries.get(delivered - 1);
        }

        String lastEntry() {
            return entries.get(entries.size() - 1);
        }

        void prepare(GroupBench bench) {
            bench.append(entries.toArray(String[]::new));
            if (delivered != null) {
                deliver(bench, GROUP, delivered, pending);
            }
            if (otherDelivered != null) {
                deliver(bench, OTHER, otherDelivered, otherPending);
            }
            if (before != null) {
                bench.checkpoint(before);
            }
            bench.ranges(ranges);
        }

        private void deliver(GroupBench bench, String group, int count, List<Integer> unacknowledged) {
            bench.createGroup(group, "0");
            if (count > 0) {
                bench.deliver(group, "holder", count);
                String[] done = IntStream.rangeClosed(1, count)
                        .filter(number -> !unacknowledged.contains(number))
                        .mapToObj(number -> entries.get(number - 1))
                        .toArray(String[]::new);
                if (done.length > 0) {
                    bench.commands().xack(STREAM, group, done);
                }
            }
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
