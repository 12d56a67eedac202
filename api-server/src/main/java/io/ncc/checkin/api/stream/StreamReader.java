package io.ncc.checkin.api.stream;

import io.lettuce.core.Consumer;
import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.lettuce.core.RedisException;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.XPendingArgs;
import io.lettuce.core.models.stream.PendingMessage;
import io.ncc.checkin.api.partition.CheckinId;
import io.ncc.checkin.api.partition.MergedEntries;
import io.ncc.checkin.api.projection.ProjectionGroup;
import io.ncc.checkin.api.stream.StreamState.Totals;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.service.PartitionLinks;
import io.ncc.engine.GroupKeys;
import io.ncc.redis.LuaScript;
import io.ncc.redis.RedisCondition;
import io.ncc.redis.RedisLink;
import io.ncc.redis.StreamId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/** Reads what Redis knows of the stream and its consumer groups, in all partitions. */
@Component
final class StreamReader {

    private final LuaScript script = LuaScript.of(StreamReader.class, "settled", "stream");
    private final PartitionLinks redis;
    private final Partitions partitions;

    StreamReader(PartitionLinks redis, Partitions partitions) {
        this.redis = redis;
        this.partitions = partitions;
    }

    private String stream(int partition) {
        return partitions.keys(partition).checkins();
    }

    /**
     * The stream; empty if there is none.
     *
     * @throws RedisException if no partition that has a stream answers
     */
    Optional<StreamState> state() {
        List<StreamState.OfPartition> states = new ArrayList<>();
        List<Integer> away = new ArrayList<>();
        Throwable outage = null;
        for (Answer answer : RedisLink.await(redis.ofAll(this::answer))) {
            if (answer.outage != null) {
                away.add(answer.partition);
                outage = answer.outage;
            } else if (answer.state != null) {
                states.add(new StreamState.OfPartition(answer.partition, answer.state));
            }
        }
        if (!states.isEmpty()) {
            return Optional.of(
                    partitions.arePartitioned()
                            ? StreamState.sum(states, away)
                            : states.get(0).state());
        }
        if (outage != null) {
            throw new RedisException(outage);
        }
        return Optional.empty();
    }

    /**
     * What one partition has to say.
     *
     * @param state null if it has no stream, or is away
     * @param outage null unless it is away
     */
    private record Answer(
            int partition,
            @Nullable StreamState state,
            @Nullable Throwable outage) {}

    private CompletionStage<Answer> answer(int partition) {
        return state(partition)
                .thenApply(state -> new Answer(partition, state.orElse(null), null))
                .exceptionallyCompose(failure -> RedisCondition.of(failure).isOutage()
                        ? CompletableFuture.completedFuture(new Answer(partition, null, failure))
                        : CompletableFuture.failedFuture(failure));
    }

    private CompletionStage<Optional<StreamState>> state(int partition) {
        List<String> scriptKeys = new ArrayList<>(List.of(stream(partition)));
        for (ProjectionGroup group : ProjectionGroup.values()) {
            GroupKeys keys = group.keys(partitions.keys(partition));
            scriptKeys.addAll(List.of(keys.checkpoint(), keys.settledRanges(), keys.totals(), keys.deadLetters()));
        }
        String[] groups = Arrays.stream(ProjectionGroup.values())
                .map(ProjectionGroup::text)
                .toArray(String[]::new);
        return redis.of(partition)
                .<List<Object>>send(commands ->
                        script.run(commands, ScriptOutputType.MULTI, scriptKeys.toArray(String[]::new), groups))
                .thenApply(reply -> reply.isEmpty() ? Optional.empty() : Optional.of(state(partition, reply)));
    }

    private StreamState state(int partition, List<Object> reply) {
        long now = (Long) reply.get(5);
        List<StreamState.Projection> projections = new ArrayList<>();
        int next = 6;
        for (ProjectionGroup group : ProjectionGroup.values()) {
            List<?> ofGroup = (List<?>) reply.get(next++);
            if (group == ProjectionGroup.TOTALS || ofGroup.get(0).equals(1L)) {
                projections.add(projection(group, partition, ofGroup, now));
            }
        }
        return StreamState.of(
                (Long) reply.get(0),
                id(partition, reply.get(1)),
                id(partition, reply.get(2)),
                id(partition, reply.get(3)),
                (Long) reply.get(4),
                projections,
                null,
                null);
    }

    private StreamState.Projection projection(ProjectionGroup group, int partition, List<?> reply, long now) {
        CheckinId oldest = id(partition, reply.get(2));
        return new StreamState.Projection(
                group.text(),
                id(partition, reply.get(1)),
                oldest,
                oldest == null ? null : oldest.entry().ageAt(now),
                number(reply, 3),
                totals((List<?>) reply.get(4)));
    }

    private static Totals totals(List<?> reply) {
        return new Totals(
                number(reply, 0),
                number(reply, 1),
                number(reply, 2),
                number(reply, 3),
                number(reply, 4),
                number(reply, 5));
    }

    private static @Nullable Long number(List<?> reply, int index) {
        String text = (String) reply.get(index);
        return text.isEmpty() ? null : Long.valueOf(text);
    }

    private @Nullable CheckinId id(int partition, Object text) {
        return text.equals("") ? null : CheckinId.of(partitions, partition, (String) text);
    }

    /** The groups; empty if there is no stream. */
    List<Group> groups() {
        Map<String, List<Group.InPartition>> groups = new LinkedHashMap<>();
        RedisLink.await(redis.ofAll(this::groups))
                .forEach(ofOne -> ofOne.orElse(Map.of())
                        .forEach((name, group) -> groups.computeIfAbsent(name, key -> new ArrayList<>())
                                .add(group)));
        List<Group> all = new ArrayList<>();
        groups.forEach((name, shares) -> all.add(
                partitions.arePartitioned()
                        ? Group.sum(name, consumers(name).orElse(List.of()).size(), shares)
                        : Group.of(name, shares.get(0))));
        return all;
    }

    private CompletionStage<Optional<Map<String, Group.InPartition>>> groups(int partition) {
        RedisLink link = redis.of(partition);
        CompletionStage<List<Object>> groups = link.send(commands -> commands.xinfoGroups(stream(partition)));
        // afterwards, or a group could be ahead of it
        CompletionStage<List<Object>> info = link.send(commands -> commands.xinfoStream(stream(partition)));
        return ifThere(groups.thenCombine(info, (replies, stream) -> {
            String lastGenerated = String.valueOf(map(stream).get("last-generated-id"));
            Map<String, Group.InPartition> byName = new LinkedHashMap<>();
            for (Object reply : replies) {
                Map<Object, Object> values = map(reply);
                byName.put(String.valueOf(values.get("name")), group(partition, values, lastGenerated));
            }
            return byName;
        }));
    }

    private Group.InPartition group(int partition, Map<Object, Object> values, String lastGenerated) {
        String lastDelivered = String.valueOf(values.get("last-delivered-id"));
        return new Group.InPartition(
                partition,
                (Long) values.getOrDefault("consumers", 0L),
                (Long) values.getOrDefault("pending", 0L),
                CheckinId.of(partitions, partition, lastDelivered),
                // the server's own figure can be wrong after trims and restarts, but not this
                lastDelivered.equals(lastGenerated) ? Long.valueOf(0) : (Long) values.get("lag"));
    }

    /** The consumers of a group; empty if there is no such group. */
    Optional<List<GroupConsumer>> consumers(String group) {
        List<Map<String, GroupConsumer.InPartition>> there =
                RedisLink.await(redis.ofAll(partition -> consumers(partition, group))).stream()
                        .flatMap(Optional::stream)
                        .toList();
        if (there.isEmpty()) {
            return Optional.empty();
        }
        Map<String, List<GroupConsumer.InPartition>> byName = there.stream()
                .flatMap(consumers -> consumers.entrySet().stream())
                .collect(Collectors.groupingBy(
                        Map.Entry::getKey,
                        LinkedHashMap::new,
                        Collectors.mapping(Map.Entry::getValue, Collectors.toList())));
        List<GroupConsumer> consumers = new ArrayList<>();
        byName.forEach((name, shares) ->
                consumers.add(GroupConsumer.sum(name, shares, partitions.arePartitioned() ? shares : null)));
        return Optional.of(consumers);
    }

    private CompletionStage<Optional<Map<String, GroupConsumer.InPartition>>> consumers(int partition, String group) {
        return ifThere(redis.of(partition)
                .<List<Object>>send(commands -> commands.xinfoConsumers(stream(partition), group))
                .thenApply(replies -> {
                    Map<String, GroupConsumer.InPartition> byName = new LinkedHashMap<>();
                    for (Object reply : replies) {
                        Map<Object, Object> values = map(reply);
                        byName.put(
                                String.valueOf(values.get("name")),
                                new GroupConsumer.InPartition(
                                        partition, (Long) values.getOrDefault("pending", 0L), (Long)
                                                values.getOrDefault("idle", 0L)));
                    }
                    return byName;
                }));
    }

    /** Entries that are pending in a group, ascending by id; empty if there is no such group. */
    Optional<List<PendingEntry>> pending(String group, CheckinId after, int limit, @Nullable String consumer) {
        AtomicBoolean found = new AtomicBoolean();
        MergedEntries<PendingMessage> pending = new MergedEntries<>(
                partitions, false, limit, message -> StreamId.parse(message.getId()), (partition, last, count) -> {
                    XPendingArgs<String> args = new XPendingArgs<String>()
                            .group(group)
                            .range(rangeAfter(last == null ? after.highestIn(partition) : last))
                            .limit(Limit.from(count));
                    if (consumer != null) {
                        args.consumer(Consumer.from(group, consumer));
                    }
                    return ifThere(redis.of(partition).send(commands -> commands.xpending(stream(partition), args)))
                            .thenApply(reply -> {
                                reply.ifPresent(there -> found.set(true));
                                return reply.orElse(List.of());
                            });
                });
        List<PendingEntry> entries = new ArrayList<>();
        for (var next = pending.next(); next != null; next = entries.size() < limit ? pending.next() : null) {
            entries.add(PendingEntry.of(next.id(), next.entry()));
        }
        return found.get() ? Optional.of(entries) : Optional.empty();
    }

    private static Range<String> rangeAfter(StreamId id) {
        if (id.equals(StreamId.HIGHEST)) {
            return Range.create("+", "-"); // nothing: Redis refuses to be asked for what comes after it
        }
        // written by hand: of a range that excludes its beginning Lettuce's XPENDING makes one that includes it
        return Range.create("(" + id, "+");
    }

    private static <T> CompletionStage<Optional<T>> ifThere(CompletionStage<T> answer) {
        Function<Throwable, CompletionStage<Optional<T>>> none =
                failure -> RedisCondition.of(failure) == RedisCondition.NO_GROUP
                        ? CompletableFuture.completedFuture(Optional.empty())
                        : CompletableFuture.failedFuture(failure);
        return answer.thenApply(Optional::of).exceptionallyCompose(none);
    }

    private static Map<Object, Object> map(Object reply) {
        List<?> namesAndValues = (List<?>) reply;
        Map<Object, Object> values = new HashMap<>();
        for (int i = 0; i < namesAndValues.size(); i += 2) {
            values.put(namesAndValues.get(i), namesAndValues.get(i + 1));
        }
        return values;
    }
}
