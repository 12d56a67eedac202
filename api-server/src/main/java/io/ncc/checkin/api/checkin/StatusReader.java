package io.ncc.checkin.api.checkin;

import io.lettuce.core.KeyValue;
import io.lettuce.core.ScriptOutputType;
import io.ncc.checkin.api.checkin.EntryStatus.State;
import io.ncc.checkin.api.partition.CheckinId;
import io.ncc.checkin.api.projection.ProjectionGroup;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.service.AtOnce;
import io.ncc.checkin.service.PartitionLinks;
import io.ncc.engine.GroupKeys;
import io.ncc.redis.LuaScript;
import io.ncc.redis.StreamId;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/** Finds out what became of entries, of all of a partition at one moment. */
@Component
public final class StatusReader {

    private final LuaScript script = LuaScript.of(StatusReader.class, "settled", "status");
    private final PartitionLinks redis;
    private final Partitions partitions;

    StatusReader(PartitionLinks redis, Partitions partitions) {
        this.redis = redis;
        this.partitions = partitions;
    }

    /** What became of an entry in the totals. */
    CompletionStage<EntryStatus> read(CheckinId id) {
        return read(id.partition(), List.of(id)).thenApply(found -> found.get(0));
    }

    /** What became of an entry in each projection, one at the time of the other. */
    CompletionStage<Map<ProjectionGroup, EntryStatus>> readAll(CheckinId id) {
        CompletionStage<EntryStatus> totals = read(id);
        return read(ProjectionGroup.BOARDS, id.partition(), List.of(id))
                .thenCombine(
                        totals,
                        (replies, ofTotals) ->
                                Map.of(ProjectionGroup.TOTALS, ofTotals, ProjectionGroup.BOARDS, status(id, (List<?>)
                                        replies.get(0))));
    }

    /**
     * What became of entries in the totals, in the order of the ids.
     *
     * @param ids of entries of the partition, some hundred at most
     */
    public CompletionStage<List<EntryStatus>> read(int partition, List<CheckinId> ids) {
        return read(ProjectionGroup.TOTALS, partition, ids).thenCompose(replies -> settledByUs(ids, replies));
    }

    private CompletionStage<List<Object>> read(ProjectionGroup group, int partition, List<CheckinId> ids) {
        GroupKeys keys = group.keys(partitions.keys(partition));
        String[] scriptKeys = {
            keys.stream(), keys.checkpoint(), keys.settledRanges(), keys.deadLetters(), keys.deadLetterIds()
        };
        List<String> args = new ArrayList<>();
        args.add(group.text());
        ids.forEach(id -> args.add(id.entry().toString()));
        return redis.of(partition)
                .send(commands ->
                        script.run(commands, ScriptOutputType.MULTI, scriptKeys, args.toArray(String[]::new)));
    }

    private CompletionStage<List<EntryStatus>> settledByUs(List<CheckinId> ids, List<Object> replies) {
        return AtOnce.ask(
                IntStream.range(0, ids.size()).boxed().toList(),
                i -> settledByUs(ids.get(i), (List<?>) replies.get(i)));
    }

    /**
     * The checkpoint goes on past entries that other programs acknowledged. Such an entry was not applied if its user has no last checkin, or an older
     * one. That can't be told of a replay, which counts as of the time of its original.
     */
    private CompletionStage<EntryStatus> settledByUs(CheckinId id, List<?> reply) {
        EntryStatus status = status(id, reply);
        StoredCheckin checkin = status.checkin();
        boolean unsure = status.state() == State.APPLIED && reply.get(2).equals(1L);
        if (!unsure || checkin == null || checkin.replayOf() != null || status.replayedAs() != null) {
            return CompletableFuture.completedFuture(status);
        }
        String user = partitions.keys(id.partition()).user(checkin.userId());
        return redis.of(id.partition())
                .<List<KeyValue<String, String>>>send(commands -> commands.hmget(user, "lastCheckinId", "lastCheckin"))
                .thenCompose(last -> isBefore(last, id.entry())
                        ? elsewhereIfStillSettled(id)
                        : CompletableFuture.completedFuture(status));
    }

    /** All of Redis may have been emptied after the status was read, and before the user was. */
    private CompletionStage<EntryStatus> elsewhereIfStillSettled(CheckinId id) {
        return read(ProjectionGroup.TOTALS, id.partition(), List.of(id)).thenApply(replies -> {
            EntryStatus now = status(id, (List<?>) replies.get(0));
            return now.state() == State.APPLIED ? now.withState(State.ELSEWHERE) : now;
        });
    }

    /**
     * Whether a user has no last checkin, or one that is older than the entry. The processor writes both fields. Other programs may write lastCheckin
     * alone, so lastCheckinId says nothing if its milliseconds differ from it.
     */
    private static boolean isBefore(List<KeyValue<String, String>> last, StreamId id) {
        try {
            if (!last.get(1).hasValue()) {
                return !last.get(0).hasValue();
            }
            long millis = Long.parseUnsignedLong(last.get(1).getValue());
            if (millis != id.millis() || !last.get(0).hasValue()) {
                return Long.compareUnsigned(millis, id.millis()) < 0;
            }
            StreamId lastId = StreamId.parse(last.get(0).getValue());
            return lastId.millis() == millis && lastId.compareTo(id) < 0;
        } catch (IllegalArgumentException e) {
            return false; // another program wrote it, and it says nothing
        }
    }

    private static EntryStatus status(CheckinId id, List<?> reply) {
        State state = State.valueOf(text(reply, 1).toUpperCase(Locale.ROOT));
        boolean processing = state == State.PROCESSING;
        return new EntryStatus(
                id,
                state,
                processing ? text(reply, 2) : null,
                processing ? (Long) reply.get(3) : null,
                state == State.DEAD ? text(reply, 2) : null,
                state == State.DEAD ? id.outside(orNull(text(reply, 3))) : null,
                id.outside(orNull(text(reply, 4))),
                StoredCheckin.from(id, (List<?>) reply.get(5)));
    }

    private static String text(List<?> reply, int index) {
        return String.valueOf(reply.get(index));
    }

    private static @Nullable String orNull(String text) {
        return text.isEmpty() ? null : text;
    }
}
