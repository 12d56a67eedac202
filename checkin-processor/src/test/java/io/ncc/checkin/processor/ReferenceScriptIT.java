package io.ncc.checkin.processor;

import static io.ncc.checkin.testsupport.GroupBench.GROUP;
import static io.ncc.checkin.testsupport.GroupBench.KEYS;
import static io.ncc.checkin.testsupport.GroupBench.STREAM;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lettuce.core.RedisClient;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.XAddArgs;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.lettuce.core.api.sync.RedisCommands;
import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.CheckinCodec;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.model.UndecodableEntryException;
import io.ncc.checkin.processor.FoldPropertyIT.Change;
import io.ncc.checkin.testsupport.GroupBench;
import io.ncc.checkin.testsupport.RealRedis;
import io.ncc.engine.Batch;
import io.ncc.engine.Entry;
import io.ncc.engine.GroupKeys;
import io.ncc.engine.Mode;
import io.ncc.engine.Projection.Outcome;
import io.ncc.engine.Projection.Rejected;
import io.ncc.redis.LuaScript;
import io.ncc.redis.RedisCondition;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The projection does what reference-apply.lua does: in random situations both give the same outcome, or fail for the same reason, and leave the
 * same bytes in every key. {@code -Dreference.seed=} repeats a run, {@code -Dreference.scenarios=} makes it longer.
 */
@Timeout(600)
final class ReferenceScriptIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server().setting("appendonly", "no");

    private static final Logger log = LoggerFactory.getLogger(ReferenceScriptIT.class);

    private static final int SCENARIOS = Integer.getInteger("reference.scenarios", 300);
    private static final int OTHER_DATABASE = 1;
    private static final LuaScript REFERENCE = LuaScript.of(ReferenceScriptIT.class, "reference-apply");

    private static final String COPY_ALL =
            "for _, key in ipairs(redis.call('KEYS', '*')) do redis.call('COPY', key, key, 'DB', ARGV[1]) end";
    private static final String DIGEST_ALL = """
            local all = {}
            for _, key in ipairs(redis.call('KEYS', '*')) do
              if key ~= KEYS[1] then all[#all + 1] = key .. ' ' .. redis.sha1hex(redis.call('DUMP', key)) end
            end
            return all
            """;

    private static final GroupKeys GROUP_KEYS = KEYS.totalsGroup(GroupKeys::new);

    private final long seed = Long.getLong("reference.seed", System.nanoTime());
    private final Random random = new Random(seed);
    private final GroupBench bench = new GroupBench(redis);
    private final RedisClient client = RedisClient.create(redis.uri() + '/' + OTHER_DATABASE);
    private final StatefulRedisConnection<String, String> other = client.connect();

    /** How many calls ended in which way, so that the log shows what the scenarios came across. */
    private final Map<RedisCondition, Integer> failed = new EnumMap<>(RedisCondition.class);

    private long calls;
    private long applied;
    private long skipped;
    private long rejected;

    @AfterEach
    void close() {
        bench.close();
        client.shutdown(0, 1, TimeUnit.SECONDS);
    }

    @Test
    void theProjectionDoesWhatTheReferenceDoes() {
        compare(bench.async(), SCENARIOS);

        assertThat(applied).as("applied").isPositive();
        assertThat(skipped).as("skipped").isPositive();
        assertThat(rejected).as("rejected").isPositive();
        assertThat(failed).containsOnlyKeys(RedisCondition.NO_GROUP, RedisCondition.WRONG_TYPE);
    }

    static Stream<Change> changes() {
        return Stream.concat(
                Stream.concat(FoldPropertyIT.changes(), FoldPropertyIT.scenes().map(FoldPropertyIT.Scene::change)),
                Stream.of(
                        new Change("what is skipped isn't counted", "'skipped', skipped", "'skipped', 0"),
                        new Change("a hash without counters gets no id", "if userNew[u] then", "if false then"),
                        new Change("an average is rounded down", "(2 * stars + total)", "(2 * stars)"),
                        new Change("a sum beyond 2^53 is written", "number + added < MAX", "number < MAX"),
                        new Change(
                                "a missing group is not noticed",
                                "redis.call('XPENDING', stream, group, '-', '+', 1)",
                                "")));
    }

    /** The comparison is worth something only if it finds out a script that is wrong. */
    @Tag("one-redis-is-enough")
    @ParameterizedTest
    @MethodSource("changes")
    void aScriptThatIsWrongIsFoundOut(Change change) {
        var wrong = FoldPropertyIT.runningInstead(change.of(FoldPropertyIT.applyScript()), bench.async());

        assertThatThrownBy(() -> compare(wrong, 5_000)).isInstanceOf(AssertionError.class);
    }

    private void compare(RedisAsyncCommands<String, String> commands, int scenarios) {
        log.info("{} scenarios at most from -Dreference.seed={}", scenarios, seed);
        for (int i = 1; i <= scenarios; i++) {
            redis.commands().flushall();
            Batch batch = prepare();
            Mode mode = random.nextInt(4) == 0 ? Mode.SEQUENTIAL : Mode.GROUP;
            redis.commands().eval(COPY_ALL, ScriptOutputType.STATUS, new String[0], Integer.toString(OTHER_DATABASE));
            for (int call = 1; call <= 2; call++) {
                String what = "call " + call + " of scenario " + i + ", " + mode + ", " + batch;
                Object expected = result(() -> reference(mode, batch));
                Object actual = result(() -> new CheckinProjection(Partitions.none(), 0, mode).apply(commands, batch));
                assertThat(actual).as("outcome of %s", what).isEqualTo(expected);
                assertThat(digests(redis.commands())).as("keys after %s", what).isEqualTo(digests(other.sync()));
                note(actual);
            }
        }
        log.info(
                "{} calls: {} entries applied, {} skipped, {} rejected, calls that failed {}",
                calls,
                applied,
                skipped,
                rejected,
                failed);
    }

    private void note(Object result) {
        calls++;
        if (result instanceof Outcome outcome) {
            applied += outcome.applied();
            skipped += outcome.skipped();
            rejected += outcome.rejected().size();
        } else {
            failed.merge((RedisCondition) result, 1, Integer::sum);
        }
    }

    /** Each key but the one to try commands on, with a digest of its content. */
    private static Set<String> digests(RedisCommands<String, String> commands) {
        return new TreeSet<>(commands.<List<String>>eval(DIGEST_ALL, ScriptOutputType.MULTI, GROUP_KEYS.probe()));
    }

    private interface Call {
        CompletionStage<Outcome> start();
    }

    /** The outcome, or the condition for which the call failed. */
    private static Object result(Call call) {
        try {
            return call.start().toCompletableFuture().join();
        } catch (CompletionException e) {
            return RedisCondition.of(e);
        }
    }

    private CompletionStage<Outcome> reference(Mode mode, Batch batch) {
        List<String> keys = new ArrayList<>(List.of(GROUP_KEYS.state()));
        List<String> args = new ArrayList<>(List.of(GROUP, mode.mustBePending(), batch.contiguous() ? "1" : "0"));
        List<Rejected> all = new ArrayList<>();
        for (Entry entry : batch.entries()) {
            args.add(entry.id());
            try {
                Checkin checkin = CheckinCodec.decode(entry.fields());
                keys.addAll(List.of(KEYS.user(checkin.userId()), KEYS.location(checkin.locationId())));
                args.add(entry.time().toString());
                args.add(Long.toString(checkin.userId()));
                args.add(Long.toString(checkin.locationId()));
                args.add(Integer.toString(checkin.starRating()));
            } catch (UndecodableEntryException e) {
                keys.addAll(List.of("none", "none"));
                args.addAll(List.of("", "", "", ""));
                all.add(new Rejected(entry.id(), e.reason()));
            }
        }
        if (all.size() == batch.size()) { // nothing is to be run
            return CompletableFuture.completedFuture(new Outcome(0, 0, 0, all));
        }
        return REFERENCE
                .<List<Object>>run(
                        other.async(), ScriptOutputType.MULTI, keys.toArray(String[]::new), args.toArray(String[]::new))
                .thenApply(reply -> {
                    List<String> left = GroupBench.texts(reply.get(2));
                    for (int i = 0; i < left.size(); i += 2) {
                        all.add(new Rejected(left.get(i), left.get(i + 1)));
                    }
                    return new Outcome((Long) reply.get(0), (Long) reply.get(1), 0, all);
                });
    }

    // A random situation: targets, stream, group, what is settled, and a batch.

    private Batch prepare() {
        for (int id = 1; id <= 4; id++) {
            prepareTarget(KEYS.user(id));
            prepareTarget(KEYS.location(id));
        }
        List<Entry> entries = append();
        List<String> ids = entries.stream().map(Entry::id).toList();
        prepareGroup(ids);
        prepareSettled(ids);
        int from = random.nextInt(entries.size());
        int to = from + 1 + random.nextInt(entries.size() - from);
        List<Entry> run = entries.subList(from, to);
        List<Entry> some = run.stream().filter(entry -> random.nextInt(3) > 0).toList();
        return random.nextInt(3) > 0 || some.isEmpty() ? new Batch(run, random.nextInt(4) > 0) : new Batch(some, false);
    }

    private void prepareTarget(String key) {
        if (random.nextInt(40) == 0) {
            redis.commands().set(key, "not a hash");
            return;
        }
        Map<String, String> hash = new HashMap<>();
        putMaybe(hash, "name", "Ada");
        putMaybe(hash, "numCheckins", counter());
        putMaybe(hash, "numStars", counter());
        putMaybe(hash, "lastCheckin", pick("1000", "1001", "1002", "01001", "00999", "5000"));
        putMaybe(hash, "lastCheckinId", pick("1000-0", "1001-1", "1001-18446744073709551615", "1002-0", "5000-0", "x"));
        putMaybe(hash, "lastSeenAt", "77");
        if (random.nextInt(40) == 0) {
            hash.put("lastCheckin", pick("yesterday", "-1", "", "1e3"));
        }
        if (!hash.isEmpty()) {
            redis.commands().hset(key, hash);
        }
    }

    private String counter() {
        return random.nextInt(40) > 0
                ? pick("0", "5", "41", "-3", "007", "9007199254740000", "9007199254740985", "-9007199254740991")
                : pick("nan", "inf", "0x10", "1e3", "5.5", "", "9007199254740992", "-9007199254740992");
    }

    private List<Entry> append() {
        List<Entry> entries = new ArrayList<>();
        long millis = 1_000;
        long sequence = -1;
        for (int i = 1 + random.nextInt(12); i > 0; i--) {
            boolean sameMillis = random.nextInt(3) > 0;
            millis += sameMillis ? 0 : 1 + random.nextInt(2);
            sequence = sameMillis ? sequence + 1 + random.nextInt(2) : 0;
            Map<String, String> fields = new HashMap<>(
                    CheckinCodec.encode(new Checkin(1 + random.nextInt(4), 1 + random.nextInt(4), random.nextInt(6))));
            switch (random.nextInt(20)) {
                case 0 -> fields.remove(pick(CheckinCodec.USER_ID, CheckinCodec.STAR_RATING));
                case 1, 2, 3 ->
                    fields.put(
                            Entry.REPLAY_OF,
                            pick("999-5", "1000-0", "1000-1", "1001-0", "1001-1", "1002-0", "9000-0", "yesterday"));
                default -> {}
            }
            String id = millis + "-" + sequence;
            redis.commands().xadd(STREAM, new XAddArgs().id(id), fields);
            entries.add(new Entry(id, fields, 1));
        }
        return entries;
    }

    private void prepareGroup(List<String> ids) {
        if (random.nextInt(25) == 0) {
            return;
        }
        bench.createGroup(random.nextInt(8) == 0 ? pick(ids) : "0");
        bench.deliver("c", random.nextInt(4) == 0 ? 1 + random.nextInt(ids.size()) : ids.size());
        for (String id : ids) {
            switch (random.nextInt(25)) {
                case 0, 1 -> bench.acknowledge(id);
                case 2 -> redis.commands().xdel(STREAM, id);
                default -> {}
            }
        }
        if (random.nextInt(40) == 0) {
            redis.commands().del(STREAM);
        }
    }

    private void prepareSettled(List<String> ids) {
        switch (random.nextInt(50)) {
            case 0 -> bench.checkpoint(pick("yesterday", "1000"));
            case 1 -> redis.commands().rpush(GROUP_KEYS.checkpoint(), "x");
            case 2, 3, 4 -> bench.checkpoint("9000-0");
            case 5, 6, 7, 8, 9, 10 -> bench.checkpoint(pick(ids));
            default -> {}
        }
        switch (random.nextInt(50)) {
            case 0 -> redis.commands().set(GROUP_KEYS.settledRanges(), "x");
            case 1, 2 -> bench.range("9000-0..9000-5");
            default -> {
                if (random.nextInt(3) == 0) {
                    prepareRanges(ids);
                }
            }
        }
        switch (random.nextInt(10)) {
            case 0 -> redis.commands().set(GROUP_KEYS.totals(), "not a hash");
            case 1 -> redis.commands().hset(GROUP_KEYS.totals(), Map.of("applied", "x", "skipped", "5"));
            case 2, 3, 4 -> redis.commands().hset(GROUP_KEYS.totals(), Map.of("applied", "7", "lost", "1"));
            default -> {}
        }
    }

    private void prepareRanges(List<String> ids) {
        int at = random.nextInt(4);
        while (at < ids.size()) {
            int last = Math.min(ids.size() - 1, at + random.nextInt(3));
            bench.range(ids.get(at) + ".." + ids.get(last));
            at = last + 1 + random.nextInt(6);
        }
    }

    private void putMaybe(Map<String, String> hash, String field, String value) {
        if (random.nextInt(3) > 0) {
            hash.put(field, value);
        }
    }

    private String pick(String... any) {
        return any[random.nextInt(any.length)];
    }

    private String pick(List<String> any) {
        return any.get(random.nextInt(any.size()));
    }
}
