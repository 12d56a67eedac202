package io.ncc.checkin.api.deadletter;

import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.codec.StringCodec;
import io.lettuce.core.output.ArrayOutput;
import io.lettuce.core.protocol.CommandArgs;
import io.lettuce.core.protocol.CommandType;
import io.ncc.checkin.api.ApiProperties;
import io.ncc.checkin.model.Keys;
import io.ncc.redis.LuaScript;
import io.ncc.redis.RedisLink;
import io.ncc.redis.StreamId;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.springframework.stereotype.Component;

/** Reads dead letters, puts them back, and discards them. */
@Component
final class DeadLetterReader {

    private static final int MOST_AT_ONCE = 100;

    private final LuaScript replay = LuaScript.of(DeadLetterReader.class, "replay");
    private final LuaScript discard = LuaScript.of(DeadLetterReader.class, "discard");
    private final RedisLink redis;
    private final String deadLetters;
    private final String deadLetterIds;
    private final String stream;
    private final long maxLength;

    DeadLetterReader(RedisLink redis, Keys keys, ApiProperties properties) {
        this.redis = redis;
        this.deadLetters = keys.deadLetters();
        this.deadLetterIds = keys.deadLetterIds();
        this.stream = keys.checkins();
        this.maxLength = properties.maxLength();
    }

    /** Ascending by id. */
    List<DeadLetter> list(StreamId after, int limit) {
        return after.equals(StreamId.HIGHEST)
                ? List.of() // Redis refuses to be asked for what comes after it
                : read("(" + after, "+", limit);
    }

    Optional<DeadLetter> one(StreamId id) {
        return read(id.toString(), id.toString(), 1).stream().findFirst();
    }

    /** Reads raw: a name may stand twice in an entry, and Lettuce's own reading keeps one of them. */
    private List<DeadLetter> read(String from, String to, int limit) {
        CommandArgs<String, String> args = new CommandArgs<>(StringCodec.UTF8)
                .addKey(deadLetters)
                .add(from)
                .add(to)
                .add("COUNT")
                .add(limit);
        List<Object> entries = redis.call(
                commands -> commands.dispatch(CommandType.XRANGE, new ArrayOutput<>(StringCodec.UTF8), args));
        return entries.stream().map(DeadLetter::from).toList();
    }

    /** Puts dead letters back, until the stream is full. An id that is none any more, or was cut short, is left out of the result. */
    PutBack replay(List<String> ids) {
        List<Replayed> replayed = new ArrayList<>();
        boolean full = false;
        for (int from = 0; from < ids.size() && !full; from += MOST_AT_ONCE) {
            List<String> args = new ArrayList<>();
            args.add(Long.toString(maxLength));
            args.addAll(ids.subList(from, Math.min(from + MOST_AT_ONCE, ids.size())));
            List<Object> reply = redis.call(commands -> replay.run(
                    commands,
                    ScriptOutputType.MULTI,
                    new String[] {stream, deadLetters, deadLetterIds},
                    args.toArray(String[]::new)));
            full = (Long) reply.get(0) == 1;
            for (int i = 1; i < reply.size(); i += 2) {
                replayed.add(new Replayed((String) reply.get(i), (String) reply.get(i + 1)));
            }
        }
        return new PutBack(replayed, full);
    }

    boolean discard(StreamId id) {
        long discarded = redis.call(commands -> discard.<Long>run(
                commands, ScriptOutputType.INTEGER, new String[] {deadLetters, deadLetterIds}, new String[] {
                    id.toString()
                }));
        return discarded == 1;
    }

    /** @param streamFull whether there was no room in the stream for all of them */
    record PutBack(List<Replayed> replayed, boolean streamFull) {}

    /** @param id of the dead letter; it is the entry with the id {@code replayedAs} now */
    record Replayed(String id, String replayedAs) {}
}
