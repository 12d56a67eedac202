package io.ncc.checkin.system.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lettuce.core.Consumer;
import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisFuture;
import io.lettuce.core.RedisURI;
import io.lettuce.core.StreamMessage;
import io.lettuce.core.XReadArgs;
import io.lettuce.core.XReadArgs.StreamOffset;
import io.lettuce.core.XTrimArgs;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.sync.RedisCommands;
import io.ncc.checkin.model.CheckinCodec;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.testsupport.FaultProxy;
import io.ncc.checkin.testsupport.Ledger;
import io.ncc.checkin.testsupport.Ledger.Posting;
import io.ncc.checkin.testsupport.LiveFollower.Event;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.function.BiFunction;
import java.util.function.Function;

/** Ways to break the promises on purpose. The check has to find each of them. */
public enum Sabotage {
    /** A consumer that acknowledges first, and is gone before it applies. */
    ACKNOWLEDGED_BEFORE_APPLIED(Promise.FOLD, (topology, ledger) -> acknowledgeOnly(topology, Keys.GROUP)),

    /** The same in the group of the boards. */
    ACKNOWLEDGED_BEFORE_COUNTED(Promise.BOARDS, (topology, ledger) -> acknowledgeOnly(topology, Keys.BOARDS_GROUP)),

    /** Someone who bounds the stream by its length alone. */
    TRIMMED_BY_LENGTH(Promise.ACCEPTED_IS_STORED, Sabotage::trim),

    /** A client that sends a write again when its connection was cut before the answer. */
    WRITE_SENT_AGAIN(Promise.ACCEPTED_IS_STORED, Sabotage::appendWithReplay),

    /** Someone who sends WAIT to another node than the write. */
    WAITED_ELSEWHERE(Promise.ACCEPTED_IS_STORED, Sabotage::waitElsewhere),

    /** Someone who chooses the partition of a user in another way. */
    APPENDED_ELSEWHERE(Promise.PARTITION, Sabotage::appendElsewhere),

    /** A live stream that merges what it has read of all partitions, and doesn't wait until none can have a lower id. */
    SHOWN_AS_READ(Promise.LIVE, Sabotage::showAsRead),

    /** A processor whose script doesn't look whether an entry is settled, and a group that is rewound. */
    GUARD_REMOVED(Promise.FOLD, (topology, ledger) -> rewindWithoutGuard(topology, Keys.GROUP)),

    /** The same with the group of the boards. */
    GUARD_OF_BOARDS_REMOVED(Promise.BOARDS, (topology, ledger) -> rewindWithoutGuard(topology, Keys.BOARDS_GROUP));

    /** Where it is done, if it could be anywhere. */
    private static final int PARTITION = 0;

    private static final int MAXLEN = 5;
    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final Duration DELAY = Duration.ofSeconds(1);
    private static final Duration BLOCK = Duration.ofMillis(500);

    private final Promise broken;

    @SuppressWarnings("ImmutableEnumChecker") // it holds no state
    private final BiFunction<Topology, Ledger, List<Event>> action;

    Sabotage(Promise broken, BiConsumer<Topology, Ledger> action) {
        this.broken = broken;
        this.action = (topology, ledger) -> {
            action.accept(topology, ledger);
            return List.of();
        };
    }

    Sabotage(Promise broken, Function<Topology, List<Event>> action) {
        this.broken = broken;
        this.action = (topology, ledger) -> action.apply(topology);
    }

    /** The promise that isn't kept then. */
    public Promise broken() {
        return broken;
    }

    /** Returns the events that a follower was shown by it. */
    List<Event> commit(Topology topology, Ledger ledger) {
        return action.apply(topology, ledger);
    }

    private static String stream(Topology topology, int partition) {
        return topology.setup().partitions().keys(partition).checkins();
    }

    private static void acknowledgeOnly(Topology topology, String group) {
        await("entries for the rogue consumer")
                .atMost(LIMIT)
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(1))
                .until(() -> !topology.redis()
                        .onPrimary(PARTITION, redis -> readAndAcknowledge(redis, stream(topology, PARTITION), group))
                        .isEmpty());
    }

    @SuppressWarnings("unchecked") // of Lettuce's generic varargs
    private static List<StreamMessage<String, String>> readAndAcknowledge(
            RedisCommands<String, String> redis, String stream, String group) {
        return redis.xreadgroup(
                Consumer.from(group, "rogue"),
                XReadArgs.Builder.noack(true).block(BLOCK),
                StreamOffset.lastConsumed(stream));
    }

    private static void trim(Topology topology, Ledger ledger) {
        topology.redis()
                .untilDoneOnPrimary(
                        PARTITION, redis -> redis.xtrim(stream(topology, PARTITION), XTrimArgs.Builder.maxlen(MAXLEN)));
    }

    private static void rewindWithoutGuard(Topology topology, String group) {
        topology.breakProcessors();
        topology.redis()
                .untilDoneOnPrimary(
                        PARTITION,
                        redis -> redis.xgroupSetid(StreamOffset.from(stream(topology, PARTITION), "0"), group));
    }

    /** While the replica doesn't get what is written; then it becomes the primary. */
    private static void waitElsewhere(Topology topology, Ledger ledger) {
        RedisShards redis = (RedisShards) topology.redis();
        Posting posting = ledger.open(1, false);
        Partitions partitions = topology.setup().partitions();
        int partition = partitions.ofUser(posting.checkins().get(0).userId());
        int primary = redis.primaryOf(partition);
        int another = redis.primaries().stream()
                .filter(node -> node != primary)
                .findFirst()
                .orElseThrow();
        redis.stopReplication(primary);
        long started = System.nanoTime();
        String id = append(topology, partition, posting);
        long replicas = redis.on(another, commands -> commands.waitForReplication(1, DELAY.toMillis()));
        assertThat(replicas).as("replicas that have it, as it seems").isEqualTo(1);
        posting.accepted(List.of(partitions.idOutside(partition, id)), started);
        redis.nodes().get(primary).kill();
        redis.resumeReplication(primary);
        redis.awaitPrimaryOtherThan(partition, primary);
        redis.nodes().get(primary).startAgain();
    }

    private static void appendElsewhere(Topology topology, Ledger ledger) {
        Posting posting = ledger.open(1, false);
        Partitions partitions = topology.setup().partitions();
        int home = partitions.ofUser(posting.checkins().get(0).userId());
        int partition = (home + 1) % partitions.count();
        long started = System.nanoTime();
        String id = append(topology, partition, posting);
        posting.accepted(List.of(partitions.idOutside(partition, id)), started);
    }

    private static List<Event> showAsRead(Topology topology) {
        Partitions partitions = topology.setup().partitions();
        List<Event> shown = new ArrayList<>();
        Map<Integer, String> last = new HashMap<>();
        await("an entry that came while the others were read")
                .atMost(LIMIT)
                .pollInterval(Duration.ofMillis(20))
                .until(() -> {
                    SortedMap<EntryId, Event> read = new TreeMap<>();
                    for (int partition : partitions.all()) {
                        for (var entry : readAfter(topology, partition, last.getOrDefault(partition, "0-0"))) {
                            last.put(partition, entry.getId());
                            String id = partitions.idOutside(partition, entry.getId());
                            read.put(EntryId.parse(id), event(id, entry.getBody()));
                        }
                    }
                    shown.addAll(read.values());
                    return !isInOrder(shown);
                });
        return shown;
    }

    private static List<StreamMessage<String, String>> readAfter(Topology topology, int partition, String id) {
        Range<String> rest = Range.from(Range.Boundary.excluding(id), Range.Boundary.unbounded());
        return topology.redis().onPrimary(partition, redis -> redis.xrange(stream(topology, partition), rest));
    }

    private static boolean isInOrder(List<Event> shown) {
        List<EntryId> ids = shown.stream()
                .map(event -> EntryId.parse(String.valueOf(event.id())))
                .toList();
        return ids.equals(ids.stream().sorted().toList());
    }

    private static Event event(String id, Map<String, String> fields) {
        return new Event(
                "message",
                id,
                "{\"userId\":%s,\"locationId\":%s,\"starRating\":%s}"
                        .formatted(fields.get("userId"), fields.get("locationId"), fields.get("starRating")));
    }

    private static String append(Topology topology, int partition, Posting posting) {
        Map<String, String> fields = CheckinCodec.encode(posting.checkins().get(0));
        return topology.redis().onPrimary(partition, redis -> redis.xadd(stream(topology, partition), fields));
    }

    /** With Lettuce as it comes. */
    private static void appendWithReplay(Topology topology, Ledger ledger) {
        Posting posting = ledger.open(1, false);
        Partitions partitions = topology.setup().partitions();
        int partition = partitions.ofUser(posting.checkins().get(0).userId());
        String stream = stream(topology, partition);
        int primary = topology.redis().primaryOf(partition);
        Map<String, String> fields = CheckinCodec.encode(posting.checkins().get(0));
        try (var proxy = new FaultProxy(
                "127.0.0.1", topology.redis().nodes().get(primary).port())) {
            RedisClient client = RedisClient.create(RedisURI.create("127.0.0.1", proxy.port()));
            try (StatefulRedisConnection<String, String> connection = client.connect()) {
                long started = System.nanoTime();
                proxy.delay(DELAY);
                RedisFuture<String> id = connection.async().xadd(stream, fields);
                await("the write, whose answer is still on its way")
                        .atMost(LIMIT)
                        .pollDelay(Duration.ZERO)
                        .pollInterval(Duration.ofMillis(5))
                        .until(() -> topology.redis().on(primary, redis -> isNew(redis, stream, fields)));
                proxy.delay(Duration.ZERO);
                proxy.cut();
                String inStream =
                        id.toCompletableFuture().orTimeout(20, TimeUnit.SECONDS).join();
                posting.accepted(List.of(partitions.idOutside(partition, inStream)), started);
            } finally {
                client.shutdown(0, 2, TimeUnit.SECONDS);
            }
        }
    }

    private static boolean isNew(RedisCommands<String, String> redis, String stream, Map<String, String> fields) {
        return redis.xrevrange(stream, Range.unbounded(), Limit.from(200)).stream()
                .anyMatch(entry -> entry.getBody().equals(fields));
    }
}
