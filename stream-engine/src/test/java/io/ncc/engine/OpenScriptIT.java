package io.ncc.engine;

import static io.ncc.checkin.testsupport.GroupBench.GROUP;
import static io.ncc.checkin.testsupport.GroupBench.STREAM;
import static io.ncc.engine.TestGroup.GROUP_KEYS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.XAddArgs;
import io.lettuce.core.XReadArgs.StreamOffset;
import io.lettuce.core.XTrimArgs;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.lettuce.core.codec.StringCodec;
import io.lettuce.core.output.StatusOutput;
import io.lettuce.core.protocol.CommandArgs;
import io.lettuce.core.protocol.CommandType;
import io.ncc.checkin.testsupport.GroupBench;
import io.ncc.checkin.testsupport.RealRedis;
import io.ncc.checkin.testsupport.ScriptCommands;
import io.ncc.redis.LuaScript;
import io.ncc.redis.RedisCondition;
import io.ncc.redis.RedisLink;
import io.ncc.redis.StreamId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A consumer's coming and going: the contracts of open.lua, adopt.lua, leave.lua and probe.lua. */
@Timeout(60)
final class OpenScriptIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final LuaScript OPEN = LuaScript.of(ConsumerGroup.class, "settled", "open");
    private static final LuaScript ADOPT = LuaScript.of(ConsumerGroup.class, "settled", "adopt");
    private static final LuaScript LEAVE = LuaScript.of(ConsumerGroup.class, "leave");
    private static final LuaScript PROBE = LuaScript.of(ConsumerGroup.class, "probe");
    private static final String ME = "me";
    private static final String USER = "somebody";
    private static final String PASSWORD = "secret";

    private final GroupBench bench = new GroupBench(redis);
    private final RedisClient client = RedisClient.create(redis.uri());
    private final RedisLink link = new RedisLink("test", client);
    private final ConsumerGroup group = new ConsumerGroup(link, GROUP_KEYS, ME);

    @BeforeEach
    void open() {
        link.start();
    }

    @AfterEach
    void close() {
        link.stop();
        client.shutdown(0, 1, TimeUnit.SECONDS);
        bench.close();
        redis.commands().aclDeluser(USER);
    }

    static Stream<Case> openings() {
        return Stream.of(
                new Case("without anything, at the beginning of a new stream", bench -> {})
                        .answers("0-0", 1, 0)
                        .groupAt("0-0"),
                new Case("without a checkpoint, at the beginning", bench -> bench.append("1-0", "2-0"))
                        .answers("0-0", 1, 0)
                        .groupAt("0-0"),
                new Case("at the checkpoint", bench -> {
                            bench.append("1-0", "2-0", "3-0");
                            bench.checkpoint("2-0");
                            bench.range("3-0..3-0");
                        })
                        .answers("2-0", 1, 0)
                        .groupAt("2-0"),
                new Case("at a checkpoint with the highest sequence number", bench -> {
                            bench.append("1-0", "2-18446744073709551615", "3-0");
                            bench.checkpoint("2-18446744073709551615");
                        })
                        .answers("2-18446744073709551615", 1, 0)
                        .groupAt("2-18446744073709551615"),
                new Case("a group that is there is left as it is", bench -> {
                            bench.append("1-0", "2-0", "3-0");
                            bench.createGroup("0");
                            bench.deliver("holder", 1);
                            bench.checkpoint("2-0");
                        })
                        .answers("2-0", 0, 0)
                        .groupAt("1-0"),
                new Case("at a checkpoint of milliseconds alone", bench -> {
                            bench.append("1-0", "2-0", "3-0");
                            bench.checkpoint("2");
                        })
                        .answers("2-0", 1, 0)
                        .groupAt("2-0"),
                new Case("at the last entry, if the checkpoint is of milliseconds beyond it", bench -> {
                            bench.append("1-0", "2-5");
                            bench.checkpoint("1609602085397");
                        })
                        .answers("2-5", 1, 0)
                        .groupAt("2-5"),
                new Case("a checkpoint without its stream is dropped first", bench -> bench.checkpoint("2-0"))
                        .answers("0-0", 1, 1)
                        .groupAt("0-0"),
                new Case("ranges without their stream are dropped first", bench -> bench.range("1-0..2-0"))
                        .answers("0-0", 1, 1)
                        .groupAt("0-0"),
                new Case("a checkpoint above the last id is dropped first", bench -> {
                            bench.append("1-0", "2-0");
                            bench.checkpoint("2-1");
                            bench.range("1-0..1-0");
                        })
                        .answers("0-0", 1, 1)
                        .groupAt("0-0"),
                new Case("it is dropped also beside a group", bench -> {
                            bench.append("1-0", "2-0");
                            bench.createGroup("1-0");
                            bench.checkpoint("3-0");
                        })
                        .answers("0-0", 0, 1)
                        .groupAt("1-0"));
    }

    @ParameterizedTest
    @MethodSource("openings")
    void theGroupIsMadeWhereItHasToGoOn(Case theCase) {
        theCase.given.accept(bench);

        assertThat(runOpen(GROUP, "1")).isEqualTo(theCase.answer);
        assertThat(groups()).isEqualTo(theCase.groups);
        assertThat(redis.commands().hgetall(GROUP_KEYS.projections())).isEqualTo(Map.of(GROUP, theCase.answer.get(0)));

        Map<String, String> before = bench.contents();
        assertThat(runOpen(GROUP, "1")).as("a second run").isEqualTo(List.of(theCase.answer.get(0), 0L, 0L, 0L));
        assertThat(bench.contents()).as("after a second run").isEqualTo(before);
    }

    @ParameterizedTest
    @MethodSource("openings")
    void aFullMemoryDoesNotStopIt(Case theCase) {
        theCase.given.accept(bench);
        redis.fillMemory();
        try {
            assertThat(runOpen(GROUP, "1")).isEqualTo(theCase.answer);
            assertThat(groups()).isEqualTo(theCase.groups);
        } finally {
            redis.releaseMemory();
        }
    }

    @Test
    void aNewProjectionNotesWhatItCanNotSee() {
        bench.appendNumbered(5);
        redis.commands().xtrim(STREAM, new XTrimArgs().minId("4-0"));
        long missed = redis.version().isAtLeast(7, 0) ? 3 : 0;

        assertThat(runOpen(GROUP, "1")).isEqualTo(List.of("0-0", 1L, 0L, missed));
        assertThat(redis.commands().hgetall(GROUP_KEYS.totals()))
                .isEqualTo(missed == 0 ? Map.of() : Map.of("missed", "3"));

        redis.commands().xgroupDestroy(STREAM, GROUP);
        assertThat(runOpen(GROUP, "1")).as("of one that is known").isEqualTo(List.of("0-0", 1L, 0L, 0L));
        redis.commands().del(GROUP_KEYS.projections());
        bench.checkpoint("4-0");
        assertThat(runOpen(GROUP, "1")).as("of one that has settled something").isEqualTo(List.of("4-0", 0L, 0L, 0L));
        assertThat(redis.commands().hgetall(GROUP_KEYS.totals()))
                .isEqualTo(missed == 0 ? Map.of() : Map.of("missed", "3"));
    }

    /** Such as the programs of the course. */
    @ParameterizedTest
    @ValueSource(strings = {"0", "1"})
    void whatOthersHaveReadInTheGroupIsNotMissed(String create) {
        bench.appendNumbered(5);
        bench.createGroup("0");
        bench.deliver("another", 4);
        bench.acknowledge("1-0", "2-0", "3-0");
        redis.commands().xtrim(STREAM, new XTrimArgs().minId("4-0"));

        assertThat(runOpen(GROUP, create)).isEqualTo(List.of("0-0", 0L, 0L, 0L));

        assertThat(redis.commands().exists(GROUP_KEYS.totals())).isZero();
    }

    @Test
    void withoutAPermissionWhatIsTakenOverReplacesNoRange() {
        bench.appendNumbered(9);
        bench.createGroup("0");
        bench.deliver("another", 8);
        bench.acknowledge("2-0", "3-0", "4-0");
        bench.range("3-0..3-0");
        redis.permit("-zadd");
        try {
            assertThat(RedisCondition.of(bench.refused(() -> adopt("200")))).isEqualTo(RedisCondition.FORBIDDEN);
        } finally {
            redis.permitEverything();
        }
        adopt("200");
        assertThat(bench.ranges()).containsExactly("2-0..4-0");
    }

    @Test
    void withoutAGroupItOnlySaysWhereToGoOn() {
        bench.append("1-0", "2-0");
        bench.checkpoint("1-0");
        assertThat(runOpen(GROUP, "0")).isEqualTo(List.of("1-0", 0L, 0L, 0L));
        assertThat(groups()).isEmpty();
        assertThat(redis.commands().hgetall(GROUP_KEYS.projections())).isEqualTo(Map.of(GROUP, "1-0"));

        Map<String, String> before = bench.contents();
        assertThat(group.position()).isEqualTo("1-0");
        assertThat(bench.contents()).isEqualTo(before);

        bench.checkpoint("9-0");
        assertThat(group.position()).as("of a stream that is gone").isEqualTo("0-0");
        assertThat(bench.checkpoint()).isNull();
    }

    static Stream<Adoption> adoptions() {
        return Stream.of(
                new Adoption("nothing is pending", List.of(), "6-0", List.of()),
                new Adoption("the first entries are pending", List.of("1-0", "2-0"), "0-0", List.of("3-0..6-0")),
                new Adoption(
                        "some in between are pending", List.of("3-0", "5-0"), "2-0", List.of("4-0..4-0", "6-0..6-0")),
                new Adoption("the last delivered entry is pending", List.of("6-0"), "5-0", List.of()),
                new Adoption(
                        "all that was delivered is pending",
                        List.of("1-0", "2-0", "3-0", "4-0", "5-0", "6-0"),
                        "0-0",
                        List.of()));
    }

    /** @param pending of the entries 1-0 to 6-0, which were delivered of nine */
    record Adoption(String name, List<String> pending, String position, List<String> ranges) {

        @Override
        public String toString() {
            return name;
        }
    }

    @ParameterizedTest
    @MethodSource("adoptions")
    void withoutAGroupItTakesOverWhatWasAcknowledgedInTheGroup(Adoption adoption) {
        bench.appendNumbered(9);
        bench.createGroup("0");
        bench.deliver("another", 6);
        IntStream.rangeClosed(1, 6)
                .mapToObj(i -> i + "-0")
                .filter(id -> !adoption.pending.contains(id))
                .forEach(bench::acknowledge);

        for (String most : List.of("200", "1")) { // pending entries at once; the second run also is one again
            assertThat(adopt(most)).isEqualTo(adoption.position);
            assertThat(bench.ranges()).isEqualTo(adoption.ranges);
            assertThat(bench.pending()).isEqualTo(adoption.pending);
        }
        redis.commands().del(GROUP_KEYS.checkpoint(), GROUP_KEYS.settledRanges());
        redis.fillMemory();
        try {
            assertThat(adopt("1")).as("with a full memory").isEqualTo(adoption.position);
            assertThat(bench.ranges()).isEqualTo(adoption.ranges);
        } finally {
            redis.releaseMemory();
        }
        redis.commands().del(GROUP_KEYS.checkpoint(), GROUP_KEYS.settledRanges());
        assertThat(group.position()).isEqualTo(adoption.position);
    }

    @Test
    void whatIsTakenOverMergesWithTheRangesThatAreThere() {
        bench.appendNumbered(9);
        bench.createGroup("0");
        bench.deliver("another", 8);
        bench.acknowledge("2-0", "3-0", "4-0", "6-0", "7-0", "8-0");
        bench.range("3-0..3-0");
        bench.range("5-0..6-0"); // of a pending entry that is settled, as after a rewind
        bench.range("9-0..9-0");

        assertThat(adopt("200")).isEqualTo("0-0");

        assertThat(bench.ranges()).containsExactly("2-0..4-0", "5-0..8-0", "9-0..9-0");
    }

    @Test
    void ofARewoundGroupOnlyWhatItHasDeliveredIsTakenOver() {
        bench.appendNumbered(9);
        bench.createGroup("0");
        bench.deliver("another", 9);
        bench.acknowledge("1-0", "2-0", "3-0", "5-0", "6-0", "8-0");
        redis.commands().xgroupSetid(StreamOffset.from(STREAM, "5-0"), GROUP);

        assertThat(adopt("200")).isEqualTo("3-0");

        assertThat(bench.ranges()).containsExactly("5-0..5-0");
    }

    @Test
    void aPendingEntryWithTheHighestIdIsTheLast() {
        String highest = StreamId.HIGHEST.toString();
        bench.append("1-0", "2-0", highest);
        bench.createGroup("0");
        bench.deliver("another", 3);
        bench.acknowledge("1-0");

        for (String most : List.of("200", "2", "1")) {
            assertThat(adopt(most)).isEqualTo("1-0");
            assertThat(bench.pending()).containsExactly("2-0", highest);
        }
        bench.acknowledge("2-0");
        for (String most : List.of("200", "1")) {
            assertThat(adopt(most)).isEqualTo("2-0");
        }
        bench.acknowledge(highest);
        assertThat(adopt("200")).isEqualTo(highest);
        assertThat(bench.ranges()).isEmpty();
    }

    /** Redis copies them for as long as the call takes, and serves nobody else meanwhile. */
    @Test
    void aCallEndsAtAGapWithALargeEntry() {
        bench.append("1-0");
        addLarge("2-0");
        bench.append("3-0", "4-0", "5-0");
        addLarge("6-0");
        bench.append("7-0", "8-0", "9-0");
        bench.createGroup("0");
        bench.deliver("another", 8);
        bench.acknowledge("2-0", "4-0", "5-0", "6-0", "8-0");

        assertThat(runAdopt("", "200")).isEqualTo(List.of("3-0", "0-0"));
        assertThat(bench.ranges()).containsExactly("2-0..2-0");
        assertThat(runAdopt("3-0", "200")).isEqualTo(List.of("7-0", "0-0"));
        assertThat(bench.ranges()).containsExactly("2-0..2-0", "4-0..6-0");
        assertThat(runAdopt("7-0", "200")).isEqualTo(List.of("", "0-0"));
        assertThat(bench.ranges()).containsExactly("2-0..2-0", "4-0..6-0", "8-0..8-0");
        assertThat(bench.pending()).containsExactly("1-0", "3-0", "7-0");
    }

    private static void addLarge(String id) {
        redis.commands().xadd(STREAM, new XAddArgs().id(id), Map.of("large", "x".repeat(70_000)));
    }

    @Test
    void thereIsNothingToTakeOverWithoutAGroupOrAStream() {
        assertThat(adopt("200")).isEqualTo("0-0");
        bench.append("1-0");
        assertThat(adopt("200")).isEqualTo("0-0");
        bench.createGroup("another", "$");
        assertThat(adopt("200")).isEqualTo("0-0");
        bench.createGroup("0");
        assertThat(adopt("200")).isEqualTo("0-0");
        assertThat(bench.ranges()).isEmpty();
    }

    private String adopt(String most) {
        List<Object> reply = List.of("");
        do {
            reply = runAdopt((String) reply.get(0), most);
        } while (!reply.get(0).equals(""));
        return (String) reply.get(1);
    }

    private List<Object> runAdopt(String after, String most) {
        String[] keys = {STREAM, GROUP_KEYS.checkpoint(), GROUP_KEYS.settledRanges()};
        return bench.run(ADOPT::run, keys, GROUP, after, most);
    }

    @ParameterizedTest
    @MethodSource("damages")
    void aDamagedKeyIsSaidAndNothingIsChanged(Case damage) {
        damage.given.accept(bench);

        assertRefused(RedisCondition.WRONG_TYPE, () -> runOpen(GROUP, "1"));
        assertRefused(RedisCondition.WRONG_TYPE, () -> runOpen(GROUP, "0"));
    }

    static Stream<Case> damages() {
        return Stream.of(
                new Case("the stream is none", bench -> bench.commands().set(STREAM, "x")),
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

    @Test
    void theGroupOpensAsAWhole() {
        bench.append("1-0", "2-0");
        bench.checkpoint("1-0");

        group.open();
        group.open();

        assertThat(groups()).isEqualTo(List.of(GROUP + " at 1-0"));
        assertThat(redis.commands().exists(GROUP_KEYS.probe())).isZero();
    }

    @Test
    void aConsumerThatHoldsNothingLeaves() {
        bench.createGroup("0");
        bench.append("1-0", "2-0");
        bench.deliver(ME, 1);
        bench.deliver("another", 1);
        bench.acknowledge("1-0", "2-0");

        group.leave();

        assertThat(consumers()).containsExactly("another");
        group.leave();
        assertThat(consumers()).containsExactly("another");
    }

    @Test
    void aConsumerThatHoldsSomethingStays() {
        bench.createGroup("0");
        bench.append("1-0");
        bench.deliver(ME, 1);

        assertThat(runLeave()).isZero();

        assertThat(consumers()).containsExactly(ME);
        assertThat(bench.pending()).containsExactly("1-0");
    }

    @Test
    void aFullMemoryDoesNotStopALeave() {
        bench.createGroup("0");
        bench.append("1-0");
        bench.deliver(ME, 1);
        bench.acknowledge("1-0");
        redis.fillMemory();
        try {
            assertThat(runLeave()).isEqualTo(1);
            assertThat(consumers()).isEmpty();
        } finally {
            redis.releaseMemory();
        }
    }

    @Test
    void thereIsNothingToLeaveWithoutAGroupOrAStream() {
        assertThat(runLeave()).isZero();
        bench.append("1-0");
        assertThat(runLeave()).isZero();
        bench.createGroup("0");
        assertThat(runLeave()).isZero();
        assertThat(consumers()).isEmpty();
    }

    @Test
    void theProbeLeavesNothingBehind() {
        redis.commands().rpush(GROUP_KEYS.probe(), "left by someone");

        assertThat(runProbe(bench.async())).isEqualTo(1);

        assertThat(redis.commands().keys("*")).isEmpty();
        assertThat(runProbe(bench.async())).isEqualTo(1);
    }

    @Test
    void aFullMemoryDoesNotStopTheProbe() {
        redis.fillMemory();
        try {
            assertThat(runProbe(bench.async())).isEqualTo(1);
            assertThat(redis.commands().keys("*")).isEmpty();
        } finally {
            redis.releaseMemory();
        }
    }

    @Test
    void theProbeFailsIfAnyOneCommandOfTheScriptsIsNotAllowed() {
        List<String> unnoticed = new ArrayList<>();
        Map<String, String> misnamed = new TreeMap<>();
        acl("on", ">" + PASSWORD, "~*", "+@all");
        RedisURI uri = RedisURI.builder()
                .withHost(redis.host())
                .withPort(redis.port())
                .withAuthentication(USER, PASSWORD.toCharArray())
                .build();
        try (StatefulRedisConnection<String, String> connection = client.connect(uri)) {
            assertThat(runProbe(connection.async())).as("with every permission").isEqualTo(1);
            ScriptCommands.deniable(redis).forEach(command -> {
                acl("+@all", "-" + command);
                try {
                    runProbe(connection.async());
                    unnoticed.add(command);
                } catch (RuntimeException e) {
                    if (RedisCondition.of(e) != RedisCondition.FORBIDDEN) {
                        misnamed.put(command, e.getMessage());
                    }
                }
            });
            acl("+@all");
            assertThat(runProbe(connection.async()))
                    .as("with every permission again")
                    .isEqualTo(1);
        }

        assertThat(unnoticed)
                .as("commands that may be missing: the one of hand-over.lua, where it can be denied alone")
                .isEqualTo(redis.version().isAtLeast(7, 0) ? List.of("xgroup|setid") : List.of());
        assertThat(misnamed)
                .as("failures that are not known as a missing permission")
                .isEmpty();
        assertThat(redis.commands().keys("*")).isEmpty();
    }

    @Test
    void aUserWithoutItsPermissionsIsNoticedBeforeAnythingElse() {
        acl("on", ">" + PASSWORD, "~*", "+@all", "-hset");
        RedisClient restricted = RedisClient.create(RedisURI.builder()
                .withHost(redis.host())
                .withPort(redis.port())
                .withAuthentication(USER, PASSWORD.toCharArray())
                .build());
        RedisLink restrictedLink = new RedisLink("restricted", restricted);
        restrictedLink.start();
        try {
            var closed = new ConsumerGroup(restrictedLink, GROUP_KEYS, ME);

            assertThatThrownBy(closed::requirePermissions)
                    .satisfies(e -> assertThat(RedisCondition.of(e)).isEqualTo(RedisCondition.FORBIDDEN));

            assertThat(redis.commands().exists(STREAM)).isZero();
        } finally {
            restrictedLink.stop();
            restricted.shutdown(0, 1, TimeUnit.SECONDS);
        }
    }

    /** Lettuce's own way of setting up a user doesn't take every rule. */
    private static void acl(String... rules) {
        CommandArgs<String, String> args =
                new CommandArgs<>(StringCodec.UTF8).add("SETUSER").add(USER);
        for (String rule : rules) {
            args.add(rule);
        }
        redis.commands().dispatch(CommandType.ACL, new StatusOutput<>(StringCodec.UTF8), args);
    }

    private List<Object> runOpen(String... args) {
        String[] keys = {
            STREAM,
            GROUP_KEYS.checkpoint(),
            GROUP_KEYS.settledRanges(),
            GROUP_KEYS.projections(),
            GROUP_KEYS.totals(),
            GROUP_KEYS.probe()
        };
        return bench.run(OPEN::run, keys, args);
    }

    private long runLeave() {
        return LEAVE.<Long>run(bench.async(), ScriptOutputType.INTEGER, new String[] {STREAM}, new String[] {GROUP, ME})
                .toCompletableFuture()
                .join();
    }

    private static long runProbe(RedisAsyncCommands<String, String> commands) {
        return PROBE.<Long>run(commands, ScriptOutputType.INTEGER, new String[] {GROUP_KEYS.probe()}, new String[0])
                .toCompletableFuture()
                .join();
    }

    private static List<String> groups() {
        return redis.commands().xinfoGroups(STREAM).stream()
                .map(group -> (List<?>) group)
                .map(group -> group.get(1) + " at " + group.get(group.indexOf("last-delivered-id") + 1))
                .toList();
    }

    private static List<String> consumers() {
        return redis.commands().xinfoConsumers(STREAM, GROUP).stream()
                .map(consumer -> (String) ((List<?>) consumer).get(1))
                .toList();
    }

    static final class Case {

        private final String name;
        private final Consumer<GroupBench> given;
        private List<Object> answer = List.of();
        private List<String> groups = List.of();

        Case(String name, Consumer<GroupBench> given) {
            this.name = name;
            this.given = given;
        }

        Case answers(String position, long created, long stale) {
            answer = List.of(position, created, stale, 0L);
            return this;
        }

        Case groupAt(String position) {
            groups = List.of(GROUP + " at " + position);
            return this;
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
