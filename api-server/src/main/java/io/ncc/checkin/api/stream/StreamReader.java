package io.ncc.checkin.api.stream;

import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.XPendingArgs;
import io.lettuce.core.models.stream.PendingMessage;
import io.ncc.checkin.model.Keys;
import io.ncc.redis.LuaScript;
import io.ncc.redis.RedisCondition;
import io.ncc.redis.RedisLink;
import io.ncc.redis.StreamId;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/** Reads what Redis knows of the stream and its consumer groups. */
@Component
final class StreamReader {

    private final LuaScript script = LuaScript.of(StreamReader.class, "settled", "stream");
    private final RedisLink redis;
    private final String stream;
    private final String[] scriptKeys;

    StreamReader(RedisLink redis, Keys keys) {
        this.redis = redis;
        this.stream = keys.checkins();
        this.scriptKeys = new String[] {
            keys.checkins(), keys.checkpoint(), keys.settledRanges(), keys.totals(), keys.deadLetters()
        };
    }

    /** The stream; empty if there is none. */
    Optional<StreamState> stream() {
        List<Object> reply = redis.call(
                commands -> script.run(commands, ScriptOutputType.MULTI, scriptKeys, new String[] {Keys.GROUP}));
        if (reply.isEmpty()) {
            return Optional.empty();
        }
        long now = (Long) reply.get(8);
        String oldest = text(reply.get(6));
        return Optional.of(new StreamState(
                (Long) reply.get(0),
                text(reply.get(1)),
                text(reply.get(2)),
                text(reply.get(3)),
                (Long) reply.get(4),
                text(reply.get(5)),
                oldest,
                oldest == null ? null : StreamId.parse(oldest).ageAt(now),
                number(reply, 7),
                totals((List<?>) reply.get(9))));
    }

    private static Totals totals(List<?> reply) {
        return new Totals(number(reply, 0), number(reply, 1), number(reply, 2), number(reply, 3));
    }

    private static @Nullable Long number(List<?> reply, int index) {
        String text = text(reply.get(index));
        return text == null ? null : Long.valueOf(text);
    }

    private static @Nullable String text(Object value) {
        return ((String) value).isEmpty() ? null : (String) value;
    }

    /** The groups; empty if there is no stream. */
    List<Group> groups() {
        return ifThere(() -> {
                    List<Object> groups = redis.call(commands -> commands.xinfoGroups(stream));
                    String lastGenerated = lastGenerated(); // afterwards, or a group could be ahead of it
                    return groups.stream()
                            .map(StreamReader::map)
                            .map(values -> Group.of(values, lastGenerated))
                            .toList();
                })
                .orElse(List.of());
    }

    private String lastGenerated() {
        return String.valueOf(
                map(redis.call(commands -> commands.xinfoStream(stream))).get("last-generated-id"));
    }

    /** The consumers of a group; empty if there is no such group. */
    Optional<List<GroupConsumer>> consumers(String group) {
        return ifThere(() -> redis.call(commands -> commands.xinfoConsumers(stream, group)))
                .map(reply -> reply.stream()
                        .map(StreamReader::map)
                        .map(GroupConsumer::of)
                        .toList());
    }

    /** Entries that are pending in a group, ascending by id; empty if there is no such group. */
    Optional<List<PendingEntry>> pending(String group, StreamId after, int limit, @Nullable String consumer) {
        XPendingArgs<String> args =
                new XPendingArgs<String>().group(group).range(rangeAfter(after)).limit(Limit.from(limit));
        if (consumer != null) {
            args.consumer(io.lettuce.core.Consumer.from(group, consumer));
        }
        return ifThere(() -> redis.call(commands -> commands.xpending(stream, args)))
                .map(reply -> reply.stream().map(PendingEntry::of).toList());
    }

    private static Range<String> rangeAfter(StreamId id) {
        if (id.equals(StreamId.HIGHEST)) {
            return Range.create("+", "-"); // nothing: Redis refuses to be asked for what comes after it
        }
        // written by hand: of a range that excludes its beginning Lettuce's XPENDING makes one that includes it
        return Range.create("(" + id, "+");
    }

    private static <T> Optional<T> ifThere(Supplier<T> question) {
        try {
            return Optional.of(question.get());
        } catch (RedisCommandExecutionException e) {
            if (RedisCondition.of(e) == RedisCondition.NO_GROUP) {
                return Optional.empty();
            }
            throw e;
        }
    }

    private static Map<Object, Object> map(Object reply) {
        List<?> namesAndValues = (List<?>) reply;
        Map<Object, Object> values = new HashMap<>();
        for (int i = 0; i < namesAndValues.size(); i += 2) {
            values.put(namesAndValues.get(i), namesAndValues.get(i + 1));
        }
        return values;
    }

    /**
     * @param length entries in the stream
     * @param firstId of the oldest entry; null if there is none
     * @param lastId of the newest entry; null if there is none
     * @param lastGeneratedId the highest id that the stream ever had
     * @param groups how many consumer groups it has
     * @param checkpoint every entry up to here is settled; null if nothing is known to be
     * @param oldestUnsettled the id of the first entry that is not settled; null if all are, and while it is not known, as too much was settled since the
     *     checkpoint was moved
     * @param oldestUnsettledAge its age in milliseconds
     * @param deadLetters how many there are now; null if their key is damaged: it holds something else
     */
    record StreamState(
            long length,
            @Nullable String firstId,
            @Nullable String lastId,
            @Nullable String lastGeneratedId,
            long groups,
            @Nullable String checkpoint,
            @Nullable String oldestUnsettled,
            @Nullable Long oldestUnsettledAge,
            @Nullable Long deadLetters,
            Totals totals) {}

    /** What became of the entries of the stream, ever since it was made. What is null is not known, as the key or the field is damaged. */
    record Totals(
            @Nullable Long applied,
            @Nullable Long dead,
            @Nullable Long lost,
            @Nullable Long skipped) {}

    /**
     * @param pending entries that were delivered and not acknowledged yet
     * @param lag entries that were not delivered yet; null where the server doesn't know
     */
    record Group(
            String name,
            long consumers,
            long pending,
            String lastDeliveredId,
            @Nullable Long lag) {

        private static Group of(Map<Object, Object> values, String lastGenerated) {
            String lastDelivered = String.valueOf(values.get("last-delivered-id"));
            return new Group(
                    String.valueOf(values.get("name")),
                    (Long) values.getOrDefault("consumers", 0L),
                    (Long) values.getOrDefault("pending", 0L),
                    lastDelivered,
                    // the server's own figure can be wrong after trims and restarts, but not this
                    lastDelivered.equals(lastGenerated) ? Long.valueOf(0) : (Long) values.get("lag"));
        }
    }

    /**
     * @param pending entries delivered to the consumer and not acknowledged yet
     * @param idle milliseconds since the consumer last did something, as the server counts: before 7.2 a poll that found nothing is not
     *     counted, so a large value says nothing about its health
     */
    record GroupConsumer(String name, long pending, long idle) {

        private static GroupConsumer of(Map<Object, Object> values) {
            return new GroupConsumer(
                    String.valueOf(values.get("name")), (Long) values.getOrDefault("pending", 0L), (Long)
                            values.getOrDefault("idle", 0L));
        }
    }

    /**
     * @param idle milliseconds since it was last delivered
     * @param deliveries how often it was delivered
     */
    record PendingEntry(String id, String consumer, long idle, long deliveries) {

        private static PendingEntry of(PendingMessage message) {
            return new PendingEntry(
                    message.getId(),
                    message.getConsumer(),
                    message.getMsSinceLastDelivery(),
                    message.getRedeliveryCount());
        }
    }
}
