package io.ncc.checkin.api.deadletter;

import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.codec.StringCodec;
import io.lettuce.core.output.ArrayOutput;
import io.lettuce.core.protocol.CommandArgs;
import io.lettuce.core.protocol.CommandType;
import io.ncc.checkin.api.ApiProperties;
import io.ncc.checkin.api.partition.CheckinId;
import io.ncc.checkin.api.partition.MergedEntries;
import io.ncc.checkin.api.projection.ProjectionGroup;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.service.PartitionLinks;
import io.ncc.engine.GroupKeys;
import io.ncc.redis.LuaScript;
import io.ncc.redis.RedisLink;
import io.ncc.redis.StreamId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/** Reads dead letters of a group, replays them, and discards them. */
@Component
final class DeadLetterReader {

    private static final int MOST_AT_ONCE = 100;

    /** How many are read first. A page of few large ones needs no more. */
    private static final int FIRST_READ = 128;

    /** A page ends with the dead letter that exceeds this. */
    private static final int MOST_CHARACTERS = 1_000_000;

    private final LuaScript replay = LuaScript.of(DeadLetterReader.class, "replay");
    private final LuaScript discard = LuaScript.of(DeadLetterReader.class, "discard");
    private final PartitionLinks redis;
    private final Partitions partitions;
    private final long maxLength;

    DeadLetterReader(PartitionLinks redis, Partitions partitions, ApiProperties properties) {
        this.redis = redis;
        this.partitions = partitions;
        this.maxLength = properties.maxLength() / partitions.count();
    }

    /**
     * A page, in the order of ids.
     *
     * @param isLast whether there is nothing after it; if not, it has at least one item
     */
    record Page(List<DeadLetter> items, boolean isLast) {}

    /**
     * Reads a page.
     *
     * @param after the id that comes before the first one of the page; null to begin at the beginning
     */
    Page list(ProjectionGroup group, boolean newestFirst, @Nullable CheckinId after, int limit) {
        MergedEntries<List<?>> entries = new MergedEntries<>(
                partitions,
                newestFirst,
                Math.min(limit + 1, FIRST_READ),
                entry -> StreamId.parse((String) entry.get(0)),
                (partition, last, count) -> newestFirst
                        ? readBefore(
                                group,
                                partition,
                                last == null && after != null ? after.lowestIn(partition) : last,
                                count)
                        : readAfter(
                                group,
                                partition,
                                last == null && after != null ? after.highestIn(partition) : last,
                                count));
        List<DeadLetter> letters = new ArrayList<>();
        int characters = 0;
        for (var next = entries.next(); next != null; next = entries.next()) {
            if (letters.size() == limit || characters > MOST_CHARACTERS) {
                return new Page(letters, false);
            }
            List<?> values = (List<?>) next.entry().get(1);
            letters.add(DeadLetter.from(next.id(), values));
            characters +=
                    values.stream().mapToInt(value -> ((String) value).length()).sum();
        }
        return new Page(letters, true);
    }

    private CompletionStage<List<List<?>>> readAfter(
            ProjectionGroup group, int partition, @Nullable StreamId id, int count) {
        return StreamId.HIGHEST.equals(id)
                ? CompletableFuture.completedFuture(List.of()) // Redis refuses to be asked for what comes after it
                : read(CommandType.XRANGE, group, partition, id == null ? "-" : "(" + id, "+", count);
    }

    private CompletionStage<List<List<?>>> readBefore(
            ProjectionGroup group, int partition, @Nullable StreamId id, int count) {
        return StreamId.ZERO.equals(id)
                ? CompletableFuture.completedFuture(List.of()) // nor for what comes before this one
                : read(CommandType.XREVRANGE, group, partition, id == null ? "+" : "(" + id, "-", count);
    }

    Optional<DeadLetter> one(ProjectionGroup group, CheckinId id) {
        String entry = id.entry().toString();
        return RedisLink.await(read(CommandType.XRANGE, group, id.partition(), entry, entry, 1)).stream()
                .map(letter -> DeadLetter.from(id, (List<?>) letter.get(1)))
                .findFirst();
    }

    /** Reads raw: a name may stand twice in an entry, and Lettuce's own reading keeps one of them. */
    private CompletionStage<List<List<?>>> read(
            CommandType command, ProjectionGroup group, int partition, String from, String to, int limit) {
        CommandArgs<String, String> args = new CommandArgs<>(StringCodec.UTF8)
                .addKey(keys(group, partition).deadLetters())
                .add(from)
                .add(to)
                .add("COUNT")
                .add(limit);
        return redis.of(partition)
                .<List<Object>>send(commands -> commands.dispatch(command, new ArrayOutput<>(StringCodec.UTF8), args))
                .thenApply(entries ->
                        entries.stream().<List<?>>map(entry -> (List<?>) entry).toList());
    }

    /**
     * Puts dead letters back, until the stream of their partition is full. An id that is none any more, or was cut short, is left out of the result.
     */
    Outcome replay(ProjectionGroup group, List<CheckinId> ids) {
        Map<Integer, List<CheckinId>> byPartition =
                ids.stream().collect(Collectors.groupingBy(CheckinId::partition, TreeMap::new, Collectors.toList()));
        List<Replayed> replayed = new ArrayList<>();
        boolean anyFull = false;
        for (Map.Entry<Integer, List<CheckinId>> ofPartition : byPartition.entrySet()) {
            List<CheckinId> letters = ofPartition.getValue();
            boolean full = false;
            for (int from = 0; from < letters.size() && !full; from += MOST_AT_ONCE) {
                List<CheckinId> some = letters.subList(from, Math.min(from + MOST_AT_ONCE, letters.size()));
                Outcome outcome = replay(group, ofPartition.getKey(), some);
                replayed.addAll(outcome.replayed());
                full = outcome.streamFull();
            }
            anyFull |= full;
        }
        return new Outcome(replayed, anyFull);
    }

    private Outcome replay(ProjectionGroup group, int partition, List<CheckinId> ids) {
        GroupKeys keys = keys(group, partition);
        List<String> args = new ArrayList<>();
        args.add(Long.toString(maxLength));
        args.add(group.text());
        ids.forEach(id -> args.add(id.entry().toString()));
        List<Object> reply = redis.of(partition)
                .call(commands -> replay.run(
                        commands,
                        ScriptOutputType.MULTI,
                        new String[] {keys.stream(), keys.deadLetters(), keys.deadLetterIds()},
                        args.toArray(String[]::new)));
        List<Replayed> replayed = new ArrayList<>();
        for (int i = 1; i < reply.size(); i += 2) {
            replayed.add(new Replayed(
                    CheckinId.of(partitions, partition, (String) reply.get(i)),
                    CheckinId.of(partitions, partition, (String) reply.get(i + 1))));
        }
        return new Outcome(replayed, (Long) reply.get(0) == 1);
    }

    boolean discard(ProjectionGroup group, CheckinId id) {
        GroupKeys keys = keys(group, id.partition());
        long discarded = redis.of(id.partition())
                .call(commands -> discard.<Long>run(
                        commands,
                        ScriptOutputType.INTEGER,
                        new String[] {keys.deadLetters(), keys.deadLetterIds()},
                        new String[] {id.entry().toString()}));
        return discarded == 1;
    }

    private GroupKeys keys(ProjectionGroup group, int partition) {
        return group.keys(partitions.keys(partition));
    }

    /** @param streamFull whether there was no room in the stream for all of them */
    record Outcome(List<Replayed> replayed, boolean streamFull) {}

    /** @param id of the dead letter; it is the entry with the id {@code replayedAs} now */
    record Replayed(CheckinId id, CheckinId replayedAs) {}
}
