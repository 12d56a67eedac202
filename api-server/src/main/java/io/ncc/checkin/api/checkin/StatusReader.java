package io.ncc.checkin.api.checkin;

import io.lettuce.core.KeyValue;
import io.lettuce.core.ScriptOutputType;
import io.ncc.checkin.api.checkin.EntryStatus.State;
import io.ncc.checkin.model.Keys;
import io.ncc.redis.LuaScript;
import io.ncc.redis.RedisLink;
import io.ncc.redis.StreamId;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/** Finds out what became of entries, of all of them at one moment. */
@Component
final class StatusReader {

    private final LuaScript script = LuaScript.of(StatusReader.class, "settled", "status");
    private final RedisLink redis;
    private final Keys keys;
    private final String[] scriptKeys;

    StatusReader(RedisLink redis, Keys keys) {
        this.redis = redis;
        this.keys = keys;
        this.scriptKeys = new String[] {
            keys.checkins(), keys.checkpoint(), keys.settledRanges(), keys.deadLetters(), keys.deadLetterIds()
        };
    }

    EntryStatus read(StreamId id) {
        return read(List.of(id)).get(0);
    }

    /** In the order of the ids, of which there may be some hundred. */
    List<EntryStatus> read(List<StreamId> ids) {
        List<String> args = new ArrayList<>();
        args.add(Keys.GROUP);
        ids.forEach(id -> args.add(id.toString()));
        List<Object> replies = redis.call(
                commands -> script.run(commands, ScriptOutputType.MULTI, scriptKeys, args.toArray(String[]::new)));
        return replies.stream().map(reply -> settledByUs((List<?>) reply)).toList();
    }

    /**
     * The checkpoint goes on past entries that other programs acknowledged. Such an entry was not applied if the last checkin of its user is an older
     * one. That can't be told of a replay, which counts as of the time of its original.
     */
    private EntryStatus settledByUs(List<?> reply) {
        EntryStatus status = status(reply);
        StoredCheckin checkin = status.checkin();
        boolean unsure = status.state() == State.APPLIED && reply.get(2).equals(1L);
        if (!unsure || checkin == null || checkin.replayOf() != null || status.replayedAs() != null) {
            return status;
        }
        List<KeyValue<String, String>> last =
                redis.call(commands -> commands.hmget(keys.user(checkin.userId()), "lastCheckinId", "lastCheckin"));
        return isBefore(last, StreamId.parse(status.id())) ? status.withState(State.ELSEWHERE) : status;
    }

    private static boolean isBefore(List<KeyValue<String, String>> last, StreamId id) {
        try {
            if (last.get(0).hasValue()) {
                return StreamId.parse(last.get(0).getValue()).compareTo(id) < 0;
            }
            return last.get(1).hasValue()
                    && Long.compareUnsigned(Long.parseUnsignedLong(last.get(1).getValue()), id.millis()) < 0;
        } catch (IllegalArgumentException e) {
            return false; // another program wrote it, and it says nothing
        }
    }

    private static EntryStatus status(List<?> reply) {
        State state = State.valueOf(text(reply, 1).toUpperCase(Locale.ROOT));
        boolean processing = state == State.PROCESSING;
        return new EntryStatus(
                text(reply, 0),
                state,
                processing ? text(reply, 2) : null,
                processing ? (Long) reply.get(3) : null,
                state == State.DEAD ? text(reply, 2) : null,
                state == State.DEAD ? orNull(text(reply, 3)) : null,
                orNull(text(reply, 4)),
                StoredCheckin.from(text(reply, 0), (List<?>) reply.get(5)));
    }

    private static String text(List<?> reply, int index) {
        return String.valueOf(reply.get(index));
    }

    private static @Nullable String orNull(String text) {
        return text.isEmpty() ? null : text;
    }
}
