package io.ncc.checkin.testsupport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.lettuce.core.Consumer;
import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.lettuce.core.RedisClient;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.StreamMessage;
import io.lettuce.core.XClaimArgs;
import io.lettuce.core.XGroupCreateArgs;
import io.lettuce.core.XReadArgs;
import io.lettuce.core.XReadArgs.StreamOffset;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.models.stream.PendingMessage;
import io.lettuce.core.resource.ClientResources;
import io.ncc.checkin.model.Keys;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What the tests of the scripts share: setting up the stream of checkins and the processor's group, running a script, and inspecting the keys
 * afterwards.
 */
public final class GroupBench implements AutoCloseable {

    public static final Keys KEYS = Keys.unpartitioned();
    public static final String STREAM = KEYS.checkins();
    public static final String GROUP = Keys.GROUP;

    private static final int ALL = 100_000;

    /** They live as long as the JVM: to end their timer takes a tenth of a second, which each test would wait for. */
    private static final ClientResources RESOURCES = ClientResources.create();

    private static final String APPEND = """
            for _, id in ipairs(ARGV) do
              redis.call('XADD', KEYS[1], id, 'userId', 7, 'locationId', 8, 'starRating', 5)
            end
            """;

    private final RealRedis redis;
    private final RedisClient client;
    private final StatefulRedisConnection<String, String> connection;

    public GroupBench(RealRedis redis) {
        this.redis = redis;
        this.client = RedisClient.create(RESOURCES, redis.uri());
        this.connection = client.connect();
    }

    @Override
    public void close() {
        client.shutdown(0, 1, TimeUnit.SECONDS);
    }

    public RedisCommands<String, String> commands() {
        return redis.commands();
    }

    public RedisAsyncCommands<String, String> async() {
        return connection.async();
    }

    /** A script of the product: the method of its class that runs it. */
    public interface Script {
        CompletionStage<List<Object>> run(
                RedisAsyncCommands<String, String> commands, ScriptOutputType output, String[] keys, String[] args);
    }

    /** Runs a script that answers with a list, and waits for it. */
    public List<Object> run(Script script, String[] keys, String... args) {
        return script.run(async(), ScriptOutputType.MULTI, keys, args)
                .toCompletableFuture()
                .orTimeout(10, TimeUnit.SECONDS)
                .join();
    }

    /** An element of a reply that is a list of texts. */
    public static List<String> texts(Object element) {
        return ((List<?>) element).stream().map(String.class::cast).toList();
    }

    /** Expects a call to fail and to have changed nothing, and returns its failure. */
    public Throwable refused(Runnable call) {
        Map<String, String> before = contents();
        Throwable failure = catchThrowable(call::run);
        assertThat(contents()).as("after a call that should fail").isEqualTo(before);
        assertThat(failure).as("the failure").isNotNull();
        return failure;
    }

    /** Every key of content with its value, pending entries included, as the server would move it to another one. */
    public Map<String, String> contents() {
        Map<String, String> contents = new TreeMap<>();
        for (String key : commands().keys("*")) {
            if (key.equals(KEYS.probe())) {
                continue;
            }
            contents.put(key, HexFormat.of().formatHex(commands().dump(key)));
        }
        return contents;
    }

    public void createGroup(String position) {
        createGroup(GROUP, position);
    }

    public void createGroup(String group, String position) {
        commands().xgroupCreate(StreamOffset.from(STREAM, position), group, XGroupCreateArgs.Builder.mkstream());
    }

    /** In one script, so that many take no longer than one. */
    public void append(String... ids) {
        commands().eval(APPEND, ScriptOutputType.STATUS, new String[] {STREAM}, ids);
    }

    /** Appends entries with the ids 1-0 to n-0. */
    public void appendNumbered(int n) {
        append(IntStream.rangeClosed(1, n).mapToObj(i -> i + "-0").toArray(String[]::new));
    }

    /** Lets a consumer read what is new. */
    public List<String> deliver(String consumer, int most) {
        return deliver(GROUP, consumer, most);
    }

    @SuppressWarnings("unchecked") // of Lettuce's generic varargs
    public List<String> deliver(String group, String consumer, int most) {
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
    public CompletableFuture<List<String>> startDelivery(String consumer, Duration most) {
        return async().xreadgroup(
                        Consumer.from(GROUP, consumer),
                        XReadArgs.Builder.block(most),
                        StreamOffset.lastConsumed(STREAM))
                .thenApply(read -> read.stream().map(StreamMessage::getId).toList())
                .toCompletableFuture();
    }

    public void deliverAll(String consumer) {
        deliver(consumer, ALL);
    }

    /** Makes pending entries look as if their consumer had held them for so long, and had got them so often. */
    public void age(String consumer, long idleMillis, long deliveries, String... ids) {
        commands()
                .xclaim(
                        STREAM,
                        Consumer.from(GROUP, consumer),
                        new XClaimArgs().minIdleTime(0).idle(idleMillis).retryCount(deliveries),
                        ids);
    }

    public void acknowledge(String... ids) {
        commands().xack(STREAM, GROUP, ids);
    }

    /** The pending entries of the group, ascending. */
    public List<String> pending() {
        return commands().xpending(STREAM, GROUP, Range.<String>unbounded(), Limit.from(ALL)).stream()
                .map(PendingMessage::getId)
                .toList();
    }

    /** The ids that the stream holds. */
    public List<String> entries() {
        return commands().xrange(STREAM, Range.<String>unbounded()).stream()
                .map(StreamMessage::getId)
                .toList();
    }

    public void checkpoint(String id) {
        commands().set(KEYS.checkpoint(), id);
    }

    public @Nullable String checkpoint() {
        return commands().get(KEYS.checkpoint());
    }

    /** Settles what is from the first to the last, written {@code 1-0..5-0}. */
    public void range(String firstToLast) {
        commands().zadd(KEYS.settledRanges(), 0, asStored(firstToLast));
    }

    /** The same for several at once. */
    public void ranges(String... firstToLast) {
        Object[] all = Stream.of(firstToLast)
                .flatMap(range -> Stream.<Object>of(0.0, asStored(range)))
                .toArray();
        if (all.length > 0) {
            commands().zadd(KEYS.settledRanges(), all);
        }
    }

    private static String asStored(String firstToLast) {
        String[] ends = firstToLast.split("\\.\\.");
        return padded(ends[1]) + '|' + padded(ends[0]);
    }

    /** The settled ranges, ascending, each written {@code 1-0..5-0}. */
    public List<String> ranges() {
        return commands().zrange(KEYS.settledRanges(), 0, -1).stream()
                .map(member -> member.split("\\|"))
                .map(ends -> unpadded(ends[1]) + ".." + unpadded(ends[0]))
                .toList();
    }

    public Map<String, String> totals() {
        Map<String, String> totals = commands().hgetall(KEYS.totals());
        totals.keySet()
                .removeAll(
                        Set.of("added", "removed")); // they are about the stream, not about what became of its entries
        return totals;
    }

    /** As settled.lua has it. */
    private static String padded(String id) {
        return Stream.of(id.split("-"))
                .map(digits -> "0".repeat(20 - digits.length()) + digits)
                .collect(Collectors.joining("-"));
    }

    private static String unpadded(String padded) {
        return padded.replaceAll("\\b0+(?=\\d)", "");
    }
}
