package io.ncc.checkin.processor;

import static io.ncc.checkin.testsupport.GroupBench.GROUP;
import static io.ncc.checkin.testsupport.GroupBench.KEYS;
import static io.ncc.checkin.testsupport.GroupBench.STREAM;
import static io.ncc.checkin.testsupport.GroupBench.texts;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.quicktheories.QuickTheory.qt;
import static org.quicktheories.generators.SourceDSL.arbitrary;
import static org.quicktheories.generators.SourceDSL.integers;
import static org.quicktheories.generators.SourceDSL.lists;

import io.lettuce.core.Consumer;
import io.lettuce.core.Range;
import io.lettuce.core.RedisException;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.StreamMessage;
import io.lettuce.core.XAddArgs;
import io.lettuce.core.XReadArgs;
import io.lettuce.core.XReadArgs.StreamOffset;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.lettuce.core.api.sync.RedisCommands;
import io.ncc.checkin.model.CheckinCodec;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.testsupport.GroupBench;
import io.ncc.checkin.testsupport.RealRedis;
import io.ncc.checkin.testsupport.SequentialFold;
import io.ncc.engine.Batch;
import io.ncc.engine.Engine;
import io.ncc.engine.Entry;
import io.ncc.engine.GroupKeys;
import io.ncc.engine.Mode;
import io.ncc.engine.Projection.Outcome;
import io.ncc.engine.Projection.Rejected;
import io.ncc.redis.LuaScript;
import io.ncc.redis.RedisCondition;
import io.ncc.redis.StreamId;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeSet;
import java.util.concurrent.CompletionStage;
import java.util.function.BiConsumer;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.quicktheories.core.Gen;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whatever consumers, the janitor and strangers do to the group, and in whatever order: in the end the hashes are what reading the stream
 * once in order makes of them. Each example is a stream and a list of steps, all drawn at random; one that fails is made as small as
 * possible and printed with its seed. {@code -DQT_SEED=} repeats a run, {@code -DQT_EXAMPLES=} makes it longer or shorter.
 */
@Timeout(180)
final class FoldPropertyIT {

    /** Nothing here is about surviving a crash. */
    @RegisterExtension
    static final RealRedis redis = RealRedis.server().setting("appendonly", "no");

    private static final Logger log = LoggerFactory.getLogger(FoldPropertyIT.class);

    private static final int EXAMPLES = Integer.getInteger("QT_EXAMPLES", 200);
    private static final int MOST_ARRIVALS = 40;
    private static final int MOST_STEPS = 40;
    private static final int SHRINKS = 2_000;

    private static final LuaScript CLAIM = LuaScript.of(Engine.class, "settled", "claim");
    private static final LuaScript JANITOR = LuaScript.of(Engine.class, "settled", "janitor");
    private static final LuaScript ADOPT = LuaScript.of(Engine.class, "settled", "adopt");
    private static final LuaScript OPEN = LuaScript.of(Engine.class, "settled", "open");
    private static final LuaScript SET_ASIDE = LuaScript.of(Engine.class, "settled", "set-aside");
    private static final LuaScript LEAVE = LuaScript.of(Engine.class, "leave");

    private static final GroupKeys GROUP_KEYS = KEYS.totalsGroup(GroupKeys::new);
    private static final int DAMAGED = 9;
    private static final long FIRST_MILLIS = 1_000;
    private static final String BEGINNING = "0-0";

    private final long seed = Long.getLong("QT_SEED", System.nanoTime());
    private final GroupBench bench = new GroupBench(redis);

    @AfterEach
    void close() {
        bench.close();
    }

    @Test
    void theHashesAreTheSequentialFoldWhateverHappensToTheGroup() {
        check(EXAMPLES, SHRINKS, bench.async());
    }

    static Stream<Change> changes() {
        return Stream.of(
                new Change(
                        "what is settled counts again",
                        "local settledBefore = settled[n]",
                        "local settledBefore = false"),
                new Change(
                        "what is left alone doesn't end a range",
                        "reason then\n      passOver(n)",
                        "reason then\n      passedOver[n] = true"),
                new Change("the last checkin is the one that was applied last", "if not lastMillis or", "if true or"),
                new Change("a replay took place now", "'^(%d) (.*)$')", "'^(%d) '), id"),
                new Change(
                        "milliseconds decide alone which checkin is the last",
                        "return idMillis ~= millis or isGreater(match(newest, '%d+$'), idSequence)",
                        "return true"));
    }

    /** The check is worth something only if it finds out a script that is wrong. */
    @ParameterizedTest
    @MethodSource("changes")
    void aScriptThatIsWrongIsFoundOut(Change change) {
        RedisAsyncCommands<String, String> commands = runningInstead(change.of(applyScript()), bench.async());

        assertThatThrownBy(() -> check(1_000, 0, commands))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("Property falsified after")
                .satisfies(e -> assertThat(e.getMessage()).doesNotContain(RedisException.class.getPackageName()));
    }

    /** What chance comes across too seldom to rely on, or what only a stranger can bring about. */
    static Stream<Scene> scenes() {
        return Stream.of(
                new Scene(
                        "a new range is not written over one of which nothing is left",
                        FoldPropertyIT::applyAroundWhatWasSettledAndDeleted,
                        new Change("", "contiguous and clear and not", "contiguous and not"),
                        "ranges overlap"),
                new Scene(
                        "what a stranger has acknowledged doesn't count",
                        FoldPropertyIT::applyWhatAStrangerHasAcknowledged,
                        new Change("", "elseif pending or not mustBePending then", "elseif true then"),
                        "applied"),
                new Scene(
                        "what a stranger has acknowledged doesn't count on the quick path either",
                        FoldPropertyIT::applyWhatAStrangerHasAcknowledged,
                        new Change("", "== 1 or not mustBePending)", ">= 0)"),
                        "applied"),
                new Scene(
                        "what was deleted while it was pending is lost, also if others apply what is around it",
                        FoldPropertyIT::applyAroundWhatWasDeletedWhilePending,
                        new Change(
                                "", "contiguous and clear and not redis.pcall", "contiguous and clear or redis.pcall"),
                        "lost"));
    }

    @ParameterizedTest
    @MethodSource("scenes")
    void theScriptIsRightAndOneThatIsWrongIsFoundOut(Scene scene) {
        scene.play.accept(this, bench.async());

        RedisAsyncCommands<String, String> wrong = runningInstead(scene.change.of(applyScript()), bench.async());
        assertThatThrownBy(() -> scene.play.accept(this, wrong))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining(scene.message);
    }

    private void applyAroundWhatWasSettledAndDeleted(RedisAsyncCommands<String, String> applying) {
        World world = new World(Collections.nCopies(5, new Arrival(1, 1, 1, "5", 0)), applying);
        world.read("c0", 5);
        world.finish(Batch.of(world.held.get(0).entries().get(2)));
        redis.commands().xdel(STREAM, "1003-0");
        world.take(Action.RESTART, new Random(seed));

        world.drain();

        world.checkWhatAlwaysHolds(new Step(Action.READ, 0));
        assertThat(bench.totals()).containsEntry("applied", "5");
    }

    private void applyAroundWhatWasDeletedWhilePending(RedisAsyncCommands<String, String> applying) {
        World world = new World(Collections.nCopies(10, new Arrival(1, 1, 1, "5", 0)), applying);
        world.read("paused", 10);
        redis.commands().xdel(STREAM, "1005-0");
        redis.commands().xgroupSetid(StreamOffset.from(STREAM, "0"), GROUP);
        world.read("c1", 10);
        world.finish(world.held.get(1));
        assertThat(bench.totals()).isEqualTo(Map.of("applied", "9"));

        world.claimAll("c2").forEach(world::finish);

        assertThat(world.lost).as("lost").containsExactly(StreamId.parse("1005-0"));
        assertThat(bench.totals()).isEqualTo(Map.of("applied", "9", "lost", "1"));
    }

    private void applyWhatAStrangerHasAcknowledged(RedisAsyncCommands<String, String> applying) {
        World world = new World(Collections.nCopies(3, new Arrival(1, 1, 1, "5", 0)), applying);
        world.read("c0", 3);
        bench.acknowledge("1002-0");

        world.finish(world.held.get(0));

        assertThat(bench.totals()).isEqualTo(Map.of("applied", "2"));
        assertThat(bench.ranges()).containsExactly("1001-0..1001-0", "1003-0..1003-0");
    }

    private void check(int examples, int shrinks, RedisAsyncCommands<String, String> commands) {
        log.info("{} examples at most from -DQT_SEED={}", examples, seed);
        qt().withFixedSeed(seed)
                .withExamples(examples)
                .withShrinkCycles(shrinks)
                .forAll(
                        lists().of(arrivals()).ofSizeBetween(1, MOST_ARRIVALS),
                        lists().of(steps()).ofSizeBetween(0, MOST_STEPS))
                .checkAssert((arrivals, steps) -> new World(arrivals, commands).check(steps));
    }

    private static Gen<Arrival> arrivals() {
        Gen<Integer> anyUser = integers().between(1, 20).map(n -> n > 19 ? DAMAGED : 1 + n % 3);
        Gen<Integer> anyLocation = integers().between(1, 20).map(n -> n > 19 ? DAMAGED : 1 + n % 3);
        // one in fifteen is no checkin
        Gen<String> anyStars = integers().between(0, 14).map(n -> n == 14 ? "five" : Integer.toString(n % 6));
        // several ids share a millisecond
        Gen<Integer> anyPause = integers().between(0, 3).map(n -> n / 3);
        // one in four is the replay of an entry of the first milliseconds, some of them of one that is yet to come
        Gen<Integer> anyOriginal = integers().between(0, 11).map(n -> Math.max(0, n - 8));
        return anyPause.zip(anyUser, anyLocation, anyStars, anyOriginal, Arrival::new);
    }

    private static Gen<Step> steps() {
        return arbitrary().pick(Action.WEIGHTED).zip(integers().all(), Step::new);
    }

    /** An entry of the stream, a pause of so many milliseconds after the one before. */
    private record Arrival(int pause, int user, int location, String stars, int original) {

        /** @param sequence that no other entry has: an entry is replayed once, and not after it was applied */
        Map<String, String> fields(int sequence) {
            Map<String, String> fields = new LinkedHashMap<>();
            fields.put(CheckinCodec.USER_ID, Integer.toString(user));
            fields.put(CheckinCodec.LOCATION_ID, Integer.toString(location));
            fields.put(CheckinCodec.STAR_RATING, stars);
            if (original > 0) {
                fields.put(Entry.REPLAY_OF, new StreamId(FIRST_MILLIS + original, sequence).toString());
            }
            return fields;
        }
    }

    /** What is done; whatever it leaves open is drawn from its own seed. */
    private record Step(Action action, int seed) {}

    private enum Action {
        /** A consumer reads what is new. */
        READ(6),
        /** A batch that was read at some time is applied, in pieces, in any order, some of them twice, some not at all. */
        APPLY(8),
        /** A consumer takes over what others hold. */
        CLAIM(2),
        /** A consumer reads its own pending entries. */
        HISTORY(1),
        /** Someone without a group reads from the checkpoint on, and applies it. */
        SEQUENTIAL(2),
        JANITOR(3),
        LEAVE(1),
        /** Someone deletes an entry that is pending, which is noticed, or one that is settled. */
        DELETE(3),
        /** Someone destroys the group; whoever needs it next makes it again. */
        DESTROY(1),
        /** Someone destroys the group and makes it at 0. */
        RESTART(1),
        /** Someone sets the group back, to 0 or to anything that is settled with all below it. */
        REWIND(2);

        static final List<Action> WEIGHTED = Stream.of(values())
                .flatMap(action -> Collections.nCopies(action.weight, action).stream())
                .toList();

        private final int weight;

        Action(int weight) {
            this.weight = weight;
        }
    }

    /** One example as it runs. */
    private final class World {

        private final RedisCommands<String, String> commands = redis.commands();
        private final RedisAsyncCommands<String, String> applying;
        private final CheckinProjection group = new CheckinProjection(Partitions.none(), 0, Mode.GROUP);
        private final CheckinProjection sequential = new CheckinProjection(Partitions.none(), 0, Mode.SEQUENTIAL);

        private final Map<StreamId, Map<String, String>> entries = new LinkedHashMap<>();
        private final SequentialFold expected;
        /** Batches that someone has read, and may still apply: long after others did. */
        private final List<Batch> held = new ArrayList<>();

        private final List<StreamId> lost = new ArrayList<>();
        private StreamId checkpoint = StreamId.ZERO;
        private String cursor = BEGINNING;
        private boolean deleted;

        World(List<Arrival> arrivals, RedisAsyncCommands<String, String> applying) {
            this.applying = applying;
            commands.flushall();
            commands.set(KEYS.user(DAMAGED), "not a hash");
            commands.hset(KEYS.location(DAMAGED), Map.of("numCheckins", "1", "numStars", "nan"));
            commands.hset(KEYS.user(1), Map.of("id", "1", "firstName", "Ada", "numCheckins", "41"));
            expected = SequentialFold.over(commands);
            long millis = FIRST_MILLIS;
            long sequence = -1;
            for (Arrival arrival : arrivals) {
                sequence = arrival.pause == 0 ? sequence + 1 : 0;
                millis += arrival.pause;
                StreamId id = new StreamId(millis, sequence);
                entries.put(id, arrival.fields(MOST_ARRIVALS + entries.size()));
                commands.xadd(STREAM, new XAddArgs().id(id.toString()), entries.get(id));
            }
            open();
        }

        void check(List<Step> steps) {
            for (Step step : steps) {
                Random random = new Random(step.seed);
                orOpen(() -> take(step.action, random));
                checkWhatAlwaysHolds(step);
            }
            drain();
            checkTheEnd();
        }

        private void take(Action action, Random random) {
            String consumer = "c" + random.nextInt(3);
            switch (action) {
                case READ -> read(consumer, 1 + random.nextInt(12));
                case APPLY -> applyOne(random);
                case CLAIM -> claim(consumer, 1 + random.nextInt(8));
                case HISTORY -> readOwn(consumer, 1 + random.nextInt(12));
                case SEQUENTIAL -> goOnWithoutAGroup(random);
                case JANITOR -> runJanitor(random.nextInt(12), 1 + random.nextInt(5), random.nextInt(2));
                case LEAVE -> leave(consumer);
                case DELETE -> delete(random);
                case DESTROY -> commands.xgroupDestroy(STREAM, GROUP);
                case RESTART -> {
                    commands.xgroupDestroy(STREAM, GROUP);
                    bench.createGroup("0");
                }
                case REWIND -> rewind(random);
            }
        }

        private void read(String consumer, int most) {
            List<Entry> read = read(consumer, most, StreamOffset.lastConsumed(STREAM));
            if (!read.isEmpty()) {
                held.add(new Batch(read, true));
            }
        }

        private void readOwn(String consumer, int most) {
            List<Entry> read = read(consumer, most, StreamOffset.from(STREAM, "0"));
            if (!read.isEmpty()) {
                held.add(new Batch(read, false));
            }
        }

        @SuppressWarnings("unchecked") // of Lettuce's generic varargs
        private List<Entry> read(String consumer, int most, StreamOffset<String> from) {
            return entries(commands.xreadgroup(Consumer.from(GROUP, consumer), XReadArgs.Builder.count(most), from));
        }

        private List<Entry> entries(List<StreamMessage<String, String>> messages) {
            return messages.stream()
                    .map(message ->
                            new Entry(message.getId(), Objects.requireNonNullElse(message.getBody(), Map.of()), 1))
                    .toList();
        }

        private void applyOne(Random random) {
            if (held.isEmpty()) {
                return;
            }
            int index = random.nextInt(held.size());
            Batch batch = random.nextBoolean() ? held.remove(index) : held.get(index);
            apply(batch, random, group, Mode.GROUP);
        }

        private void apply(Batch batch, Random random, CheckinProjection projection, Mode mode) {
            List<Batch> pieces = pieces(batch, random);
            Collections.shuffle(pieces, random);
            for (Batch piece : pieces) {
                if (random.nextInt(6) == 0) {
                    continue;
                }
                for (int times = random.nextInt(4) == 0 ? 2 : 1; times > 0; times--) {
                    Outcome outcome = await(projection.apply(applying, piece));
                    if (random.nextInt(4) > 0) {
                        setAside(mode, outcome.rejected());
                    }
                }
            }
        }

        /** Divides it anywhere; a part of it that has gaps is no longer contiguous. */
        private static List<Batch> pieces(Batch batch, Random random) {
            List<Batch> pieces = new ArrayList<>();
            int from = 0;
            while (from < batch.size()) {
                int to = Math.min(batch.size(), from + 1 + random.nextInt(batch.size()));
                List<Entry> piece = batch.entries().subList(from, to);
                if (random.nextInt(4) == 0) {
                    Map<Boolean, List<Entry>> halves =
                            piece.stream().collect(Collectors.partitioningBy(entry -> random.nextBoolean()));
                    halves.values().stream()
                            .filter(half -> !half.isEmpty())
                            .forEach(half -> pieces.add(new Batch(half, false)));
                } else {
                    pieces.add(new Batch(piece, batch.contiguous() && random.nextInt(4) > 0));
                }
                from = to;
            }
            return pieces;
        }

        private void setAside(Mode mode, List<Rejected> rejected) {
            if (rejected.isEmpty()) {
                return;
            }
            List<String> keys = new ArrayList<>(List.of(GROUP_KEYS.state()));
            keys.addAll(List.of(GROUP_KEYS.deadLetters(), GROUP_KEYS.deadLetterIds()));
            List<String> args = new ArrayList<>(List.of(GROUP, mode.mustBePending(), "c0"));
            rejected.forEach(entry -> args.addAll(List.of(entry.id(), entry.reason(), "")));
            List<Object> reply = bench.run(SET_ASIDE::run, keys.toArray(String[]::new), args.toArray(String[]::new));
            texts(reply.get(1)).forEach(id -> lost.add(StreamId.parse(id)));
        }

        private List<Batch> claim(String consumer, int most) {
            List<Object> reply =
                    bench.run(CLAIM::run, GROUP_KEYS.state(), GROUP, consumer, "0", cursor, Integer.toString(most));
            cursor = (String) reply.get(0);
            List<Entry> claimed =
                    texts(reply.get(1)).stream().map(this::claimed).toList();
            texts(reply.get(2)).forEach(id -> lost.add(StreamId.parse(id)));
            if (claimed.isEmpty()) {
                return List.of();
            }
            Batch batch = new Batch(claimed, false);
            held.add(batch);
            return List.of(batch);
        }

        /** As the consumer reads what it has claimed: what was deleted has no fields. */
        private Entry claimed(String id) {
            return commands.xrange(STREAM, Range.create(id, id)).stream()
                    .map(message -> new Entry(id, message.getBody(), 1))
                    .findFirst()
                    .orElse(new Entry(id, Map.of(), 1));
        }

        private List<Batch> claimAll(String consumer) {
            List<Batch> all = new ArrayList<>();
            cursor = BEGINNING;
            do {
                all.addAll(claim(consumer, 10));
            } while (!cursor.equals(BEGINNING));
            return all;
        }

        @SuppressWarnings("unchecked") // of Lettuce's generic varargs
        private void goOnWithoutAGroup(Random random) {
            open(new String[] {GROUP, "0"});
            String[] keys = {STREAM, GROUP_KEYS.checkpoint(), GROUP_KEYS.settledRanges()};
            List<Object> adopted = List.of("");
            do {
                adopted = bench.run(ADOPT::run, keys, GROUP, (String) adopted.get(0), "3");
            } while (!adopted.get(0).equals(""));
            String position = (String) adopted.get(1);
            List<Entry> read = entries(commands.xread(
                    XReadArgs.Builder.count(1 + random.nextInt(12)), StreamOffset.from(STREAM, position)));
            if (!read.isEmpty()) {
                apply(new Batch(read, true), random, sequential, Mode.SEQUENTIAL);
            }
        }

        private List<Object> runJanitor(int retain, int mostTrimmed, int reapMillis) {
            List<Object> reply = bench.run(
                    JANITOR::run,
                    GROUP_KEYS.housekeeping(),
                    GROUP,
                    Integer.toString(retain),
                    "0",
                    "1000",
                    Integer.toString(mostTrimmed),
                    "c0",
                    Integer.toString(reapMillis),
                    Long.toString(System.currentTimeMillis()));
            assertThat(reply.get(11)).as("whether the stream was replaced").isEqualTo(0L);
            return reply;
        }

        private void leave(String consumer) {
            await(LEAVE.run(
                    bench.async(), ScriptOutputType.INTEGER, new String[] {STREAM}, new String[] {GROUP, consumer}));
        }

        private void delete(Random random) {
            List<String> candidates = random.nextBoolean() ? bench.pending() : settled();
            if (!candidates.isEmpty()) {
                commands.xdel(STREAM, candidates.get(random.nextInt(candidates.size())));
                deleted = true;
                claimAll("c1").stream()
                        .filter(claimed -> claimed.entries().stream()
                                .anyMatch(entry -> entry.fields().isEmpty()))
                        .forEach(this::finish); // before someone destroys the group, the only one to know of it
            }
        }

        /** What is settled above the checkpoint, and possibly above entries that are not. */
        private List<String> settled() {
            List<String[]> ranges =
                    bench.ranges().stream().map(range -> range.split("\\.\\.")).toList();
            return entries.keySet().stream()
                    .filter(id -> ranges.stream()
                            .anyMatch(ends -> id.compareTo(StreamId.parse(ends[0])) >= 0
                                    && id.compareTo(StreamId.parse(ends[1])) <= 0))
                    .map(StreamId::toString)
                    .toList();
        }

        private void rewind(Random random) {
            List<String> settled = new ArrayList<>(List.of("0"));
            entries.keySet().stream()
                    .filter(id -> id.compareTo(checkpoint) <= 0)
                    .forEach(id -> settled.add(id.toString()));
            String to = settled.get(random.nextInt(settled.size()));
            commands.xgroupSetid(StreamOffset.from(STREAM, to), GROUP);
        }

        /** As a processor does. */
        private void orOpen(Runnable action) {
            try {
                action.run();
            } catch (RuntimeException e) {
                if (RedisCondition.of(e) != RedisCondition.NO_GROUP) {
                    throw e;
                }
                open();
            }
        }

        private void open() {
            open(new String[] {GROUP, "1"});
        }

        private List<Object> open(String[] args) {
            List<Object> reply = bench.run(
                    OPEN::run,
                    new String[] {STREAM, GROUP_KEYS.checkpoint(), GROUP_KEYS.settledRanges(), GROUP_KEYS.projections()
                    },
                    args);
            assertThat(reply.get(2)).as("stale").isEqualTo(0L);
            return reply;
        }

        private void checkWhatAlwaysHolds(Step step) {
            String before = "";
            for (String range : commands.zrange(GROUP_KEYS.settledRanges(), 0, -1)) {
                String[] ends = range.split("\\|");
                if (ends[1].compareTo(ends[0]) > 0 || ends[1].compareTo(before) <= 0) {
                    throw new AssertionError("ranges overlap after " + step + ": " + bench.ranges());
                }
                before = ends[0];
            }
            StreamId now = StreamId.parse(Objects.requireNonNullElse(bench.checkpoint(), BEGINNING));
            assertThat(now).as("checkpoint after %s", step).isGreaterThanOrEqualTo(checkpoint);
            checkpoint = now;
        }

        /** What is left to do when all goes well. */
        private void drain() {
            open();
            for (Batch batch : claimAll("c2")) {
                finish(batch);
            }
            List<Entry> read = read("c2", 10, StreamOffset.lastConsumed(STREAM));
            while (!read.isEmpty()) {
                finish(new Batch(read, true));
                read = read("c2", 10, StreamOffset.lastConsumed(STREAM));
            }
        }

        private void finish(Batch batch) {
            setAside(Mode.GROUP, await(group.apply(applying, batch)).rejected());
        }

        private void checkTheEnd() {
            assertThat(bench.pending()).as("pending").isEmpty();
            assertThat(lost).as("lost").doesNotHaveDuplicates();
            entries.forEach((id, fields) -> {
                if (!lost.contains(id)) {
                    expected.add(id.toString(), fields);
                }
            });
            expected.assertEqualTo(commands);
            Map<String, String> totals = new HashMap<>(Map.of("applied", "0", "dead", "0", "lost", "0"));
            totals.putAll(bench.totals());
            totals.remove("skipped");
            assertThat(totals)
                    .isEqualTo(Map.of(
                            "applied", Long.toString(expected.applied()),
                            "dead", Long.toString(expected.dead()),
                            "lost", Integer.toString(lost.size())));
            assertThat(expected.applied() + expected.dead() + lost.size())
                    .as("accepted")
                    .isEqualTo(entries.size());
            checkDeadLetters();

            List<Object> standing = runJanitor(0, 1_000, 0);
            assertThat(standing.get(5)).as("oldest unsettled").isEqualTo("");
            if (!deleted) { // a range of which nothing is left may stay until there are new entries
                assertThat(bench.ranges()).as("ranges").isEmpty();
            }
        }

        private void checkDeadLetters() {
            Map<String, String> letters = new HashMap<>();
            var ids = new TreeSet<String>();
            for (StreamMessage<String, String> letter :
                    commands.xrange(GROUP_KEYS.deadLetters(), Range.<String>unbounded())) {
                letters.put(letter.getBody().get("originalId"), letter.getId());
                ids.add(letter.getId());
            }
            assertThat(ids).as("dead letters").hasSize((int) expected.dead());
            assertThat(commands.hgetall(GROUP_KEYS.deadLetterIds()))
                    .as("index of the dead letters")
                    .isEqualTo(letters);
        }

        private static <T> T await(CompletionStage<T> stage) {
            return stage.toCompletableFuture().join();
        }
    }

    /** A mistake in the apply script. */
    record Change(String name, String right, String wrong) {

        String of(String script) {
            assertThat(script).contains(right);
            return script.replace(right, wrong);
        }

        @Override
        public String toString() {
            return name;
        }
    }

    /** A few steps whose outcome is checked, a mistake in the apply script, and what the check then says. */
    record Scene(
            String name,
            BiConsumer<FoldPropertyIT, RedisAsyncCommands<String, String>> play,
            Change change,
            String message) {

        @Override
        public String toString() {
            return name;
        }
    }

    static String applyScript() {
        UnaryOperator<String> source = name -> {
            try (InputStream in =
                    Objects.requireNonNull(CheckinProjection.class.getResourceAsStream("/lua/" + name + ".lua"))) {
                return new String(in.readAllBytes(), StandardCharsets.UTF_8);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        };
        return Stream.of("settled", "settle", "apply").map(source).collect(Collectors.joining("\n"));
    }

    /** Commands that run another script in place of any that is called by its digest. */
    @SuppressWarnings("unchecked")
    static RedisAsyncCommands<String, String> runningInstead(
            String script, RedisAsyncCommands<String, String> commands) {
        return (RedisAsyncCommands<String, String>) Proxy.newProxyInstance(
                FoldPropertyIT.class.getClassLoader(),
                new Class<?>[] {RedisAsyncCommands.class},
                (proxy, method, args) -> {
                    if (method.getName().equals("evalsha")) {
                        return commands.eval(
                                script, (ScriptOutputType) args[1], (String[]) args[2], (String[]) args[3]);
                    }
                    try {
                        return method.invoke(commands, args);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }
}
