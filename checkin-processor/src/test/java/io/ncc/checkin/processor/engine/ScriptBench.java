package io.ncc.checkin.processor.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.lettuce.core.Consumer;
import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.lettuce.core.RedisClient;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.StreamMessage;
import io.lettuce.core.XAddArgs;
import io.lettuce.core.XClaimArgs;
import io.lettuce.core.XGroupCreateArgs;
import io.lettuce.core.XReadArgs;
import io.lettuce.core.XReadArgs.StreamOffset;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.models.stream.PendingMessage;
import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.CheckinCodec;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.StreamId;
import io.ncc.checkin.service.LuaScript;
import io.ncc.checkin.service.RedisCondition;
import io.ncc.checkin.testsupport.RealRedis;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** What the tests of the scripts share: bringing the stream and its group about, running a script, and looking at what it left behind. */
final class ScriptBench implements AutoCloseable {

    static final Keys KEYS = Keys.unpartitioned();
    static final GroupKeys GROUP_KEYS = GroupKeys.of(KEYS);
    static final String STREAM = GROUP_KEYS.stream();
    static final String GROUP = GROUP_KEYS.group();

    private static final int ALL = 100_000;

    private final RealRedis redis;
    private final RedisClient client;
    private final StatefulRedisConnection<String, String> connection;

    ScriptBench(RealRedis redis) {
        this.redis = redis;
        this.client = RedisClient.create(redis.uri());
        this.connection = client.connect();
    }

    @Override
    public void close() {
        client.shutdown(0, 1, TimeUnit.SECONDS);
    }

    RedisCommands<String, String> commands() {
        return redis.commands();
    }

    RedisAsyncCommands<String, String> async() {
        return connection.async();
    }

    /** Runs a script that answers with a list, and waits for it. */
    List<Object> run(LuaScript script, String[] keys, String... args) {
        return script.<List<Object>>run(async(), ScriptOutputType.MULTI, keys, args)
                .toCompletableFuture()
                .orTimeout(10, TimeUnit.SECONDS)
                .join();
    }

    /** An element of a reply that is a list of texts. */
    static List<String> texts(Object element) {
        return ((List<?>) element).stream().map(String.class::cast).toList();
    }

    /** Expects a call to fail like this and to have changed nothing. */
    void assertRefused(RedisCondition condition, Runnable call) {
        Map<String, String> before = contents();
        Throwable failure = catchThrowable(call::run);
        assertThat(contents()).as("after a call that should fail").isEqualTo(before);
        assertThat(failure).as("the failure").isNotNull();
        assertThat(RedisCondition.of(failure)).isEqualTo(condition);
    }

    /** Every key of content with its value, pending entries included, as the server would move it to another one. */
    Map<String, String> contents() {
        Map<String, String> contents = new TreeMap<>();
        for (String key : commands().keys("*")) {
            if (key.equals(GROUP_KEYS.probe())) {
                continue;
            }
            contents.put(key, HexFormat.of().formatHex(commands().dump(key)));
        }
        return contents;
    }

    void createGroup(String position) {
        createGroup(GROUP, position);
    }

    void createGroup(String group, String position) {
        commands().xgroupCreate(StreamOffset.from(STREAM, position), group, XGroupCreateArgs.Builder.mkstream());
    }

    void append(String... ids) {
        for (String id : ids) {
            commands().xadd(STREAM, new XAddArgs().id(id), CheckinCodec.encode(new Checkin(7, 8, 5)));
        }
    }

    /** Appends entries with the ids 1-0 to n-0. */
    void appendNumbered(int n) {
        for (int i = 1; i <= n; i++) {
            append(i + "-0");
        }
    }

    /** Lets a consumer read what is new. */
    List<String> deliver(String consumer, int most) {
        return deliver(GROUP, consumer, most);
    }

    @SuppressWarnings("unchecked") // of Lettuce's generic varargs
    List<String> deliver(String group, String consumer, int most) {
        return commands()
                .xreadgroup(
                        Consumer.from(group, consumer),
                        XReadArgs.Builder.count(most),
                        StreamOffset.lastConsumed(STREAM))
                .stream()
                .map(StreamMessage::getId)
                .toList();
    }

    /** Lets a consumer wait for what is new, on a connection that nothing else needs meanwhile. */
    @SuppressWarnings("unchecked") // of Lettuce's generic varargs
    CompletableFuture<List<String>> startDelivery(String consumer, Duration most) {
        return async().xreadgroup(
                        Consumer.from(GROUP, consumer),
                        XReadArgs.Builder.block(most),
                        StreamOffset.lastConsumed(STREAM))
                .thenApply(read -> read.stream().map(StreamMessage::getId).toList())
                .toCompletableFuture();
    }

    void deliverAll(String consumer) {
        deliver(consumer, ALL);
    }

    /** Makes pending entries look as if their consumer had held them for so long, and had got them so often. */
    void age(String consumer, long idleMillis, long deliveries, String... ids) {
        commands()
                .xclaim(
                        STREAM,
                        Consumer.from(GROUP, consumer),
                        new XClaimArgs().minIdleTime(0).idle(idleMillis).retryCount(deliveries),
                        ids);
    }

    void acknowledge(String... ids) {
        commands().xack(STREAM, GROUP, ids);
    }

    /** The pending entries of the group, ascending. */
    List<String> pending() {
        return commands().xpending(STREAM, GROUP, Range.<String>unbounded(), Limit.from(ALL)).stream()
                .map(PendingMessage::getId)
                .toList();
    }

    /** The ids that the stream holds. */
    List<String> entries() {
        return commands().xrange(STREAM, Range.<String>unbounded()).stream()
                .map(StreamMessage::getId)
                .toList();
    }

    void checkpoint(String id) {
        commands().set(GROUP_KEYS.checkpoint(), id);
    }

    @Nullable
    String checkpoint() {
        return commands().get(GROUP_KEYS.checkpoint());
    }

    /** Settles what is from the first to the last, written {@code 1-0..5-0}. */
    void range(String firstToLast) {
        String[] ends = firstToLast.split("\\.\\.");
        commands().zadd(GROUP_KEYS.settledRanges(), 0, padded(ends[1]) + '|' + padded(ends[0]));
    }

    /** The settled ranges, ascending, each written {@code 1-0..5-0}. */
    List<String> ranges() {
        return commands().zrange(GROUP_KEYS.settledRanges(), 0, -1).stream()
                .map(member -> member.split("\\|"))
                .map(ends -> StreamId.parse(ends[1]) + ".." + StreamId.parse(ends[0]))
                .toList();
    }

    Map<String, String> totals() {
        return commands().hgetall(GROUP_KEYS.totals());
    }

    /** As settled.lua has it. */
    private static String padded(String id) {
        StreamId parsed = StreamId.parse(id);
        return padded20(Long.toUnsignedString(parsed.millis()))
                + "-"
                + padded20(Long.toUnsignedString(parsed.sequence()));
    }

    private static String padded20(String digits) {
        return "0".repeat(20 - digits.length()) + digits;
    }
}
