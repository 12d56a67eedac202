package io.ncc.checkin.demo.load;

import io.lettuce.core.KeyScanCursor;
import io.lettuce.core.LettuceFutures;
import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.lettuce.core.RedisException;
import io.lettuce.core.RedisFuture;
import io.lettuce.core.ScanArgs;
import io.lettuce.core.StreamMessage;
import io.lettuce.core.XAddArgs;
import io.lettuce.core.XGroupCreateArgs;
import io.lettuce.core.XReadArgs;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.codec.StringCodec;
import io.lettuce.core.output.StatusOutput;
import io.lettuce.core.protocol.CommandArgs;
import io.lettuce.core.protocol.ProtocolKeyword;
import io.ncc.checkin.demo.load.Targets.Target;
import io.ncc.checkin.model.CheckinCodec;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.UndecodableEntryException;
import io.ncc.engine.Entry;
import io.ncc.redis.StreamId;
import java.io.PrintWriter;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.LongFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Copies a stream without partitions, of which all entries are settled, and its users and locations to partitions. There all entries are settled,
 * too, and new ones will have higher ids. Entries that became dead letters are left out.
 *
 * <p>A copy that breaks off can be repeated: the last thing that a partition gets is its checkpoint.
 */
final class StreamCopy {

    private static final int PAGE = 500;
    /** In the hashes of the ids of dead letters, before the id of the new entry. */
    private static final String REPLAYED = "replayed ";

    private static final ProtocolKeyword XSETID = () -> "XSETID".getBytes(StandardCharsets.US_ASCII);
    private static final Pattern ID_AT_END = Pattern.compile(".*:([1-9][0-9]{0,18})");

    private final Keys from = Keys.unpartitioned();
    private final StatefulRedisConnection<String, String> connection;
    private final RedisCommands<String, String> source;
    private final Targets targets;
    private final PrintWriter out;

    StreamCopy(StatefulRedisConnection<String, String> source, Targets targets, PrintWriter out) {
        this.connection = source;
        this.source = source.sync();
        this.targets = targets;
        this.out = out;
    }

    /**
     * Copies all of it.
     *
     * @throws LoadException if an entry isn't settled or a partition is in use, and nothing was copied; or if something failed on the way
     * @throws RedisException if Redis failed before anything was copied
     */
    void copy() throws LoadException {
        StreamId last = requireSettled();
        for (Target target : targets.all()) {
            requireUnused(target, last);
        }
        targets.agree();
        try {
            copyHashes("users", from.user(1), id -> targets.ofUser(id), Keys::user);
            copyHashes("locations", from.location(1), id -> targets.ofLocation(id), Keys::location);
            copyDetails();
            new IndexBuild(targets, out).run();
            boolean boards = hasBoards();
            if (boards) {
                new BoardsCopy(connection, targets).copy();
                out.println("boards copied");
            }
            copyEntries();
            requireNothingNew(last);
            targets.all().forEach(target -> settle(target, last, boards));
        } catch (RedisException e) {
            throw new LoadException("the copy is not complete, run it again: Redis: " + e.getMessage(), e);
        }
    }

    private void requireNothingNew(StreamId last) throws LoadException {
        try {
            if (requireSettled().equals(last)) {
                return;
            }
        } catch (LoadException e) {
            throw new LoadException(
                    e.getMessage() + ". The partitions are in use now, so a processor without partitions is refused:"
                            + " first go back, as docs/scaling.md says. Then run this again",
                    e);
        }
        throw new LoadException(
                "checkins were appended meanwhile. Stop the receivers and the processors, and run this again");
    }

    /** Returns the highest id that the stream ever had. */
    private StreamId requireSettled() throws LoadException {
        StreamId last = requireSettled(from.checkpoint());
        if (hasBoards()) {
            requireSettled(from.boardsCheckpoint());
        }
        return last;
    }

    /** Whether a processor keeps boards. */
    private boolean hasBoards() {
        return source.hexists(from.projections(), Keys.BOARDS_GROUP);
    }

    private StreamId requireSettled(String checkpointKey) throws LoadException {
        StreamId checkpoint = checkpoint(source, checkpointKey);
        List<StreamMessage<String, String>> next = source.xrange(
                from.checkins(),
                Range.from(Range.Boundary.excluding(checkpoint.toString()), Range.Boundary.unbounded()),
                Limit.from(1));
        if (!next.isEmpty()) {
            throw new LoadException("the entry " + next.get(0).getId() + " of " + from.checkins()
                    + " is not settled. Stop the receivers, let a processor finish, and stop it");
        }
        Target stream = new Target(from, connection);
        StreamId last = source.exists(from.checkins()) > 0 ? StreamId.parse(stream.lastId()) : StreamId.ZERO;
        return last.compareTo(checkpoint) > 0 ? last : checkpoint;
    }

    private static StreamId checkpoint(RedisCommands<String, String> redis, String key) {
        String checkpoint = redis.get(key);
        return checkpoint == null ? StreamId.ZERO : Loader.checkpoint(checkpoint);
    }

    /** A partition with another checkpoint, with a group and no checkpoint, or with an entry that isn't copied was not made by an earlier copy alone. */
    private void requireUnused(Target target, StreamId last) throws LoadException {
        Keys keys = target.keys();
        boolean exists = target.redis().exists(keys.checkins()) > 0;
        boolean hasCheckpoint = target.redis().exists(keys.checkpoint()) > 0;
        boolean hasGroup =
                exists && !target.redis().xinfoGroups(keys.checkins()).isEmpty();
        boolean isAppendedTo = exists && !isOfACopy(StreamId.parse(target.lastId()), last);
        if (isAppendedTo
                || (hasCheckpoint
                        ? !checkpoint(target.redis(), keys.checkpoint()).equals(last)
                        : hasGroup)) {
            throw new LoadException(keys.checkins() + " is in use already. Nothing was copied");
        }
    }

    /** Whether a copy may have been the last that appended to a partition. The clock doesn't tell: the ids of the old stream may be ahead of it. */
    private boolean isOfACopy(StreamId lastOfPartition, StreamId last) {
        String id = lastOfPartition.toString();
        return lastOfPartition.equals(StreamId.ZERO)
                || lastOfPartition.equals(last)
                || !source.xrange(from.checkins(), Range.create(id, id)).isEmpty();
    }

    private void copyHashes(String what, String anyKey, LongFunction<Target> home, KeyOfId keyOf) {
        String pattern = anyKey.substring(0, anyKey.lastIndexOf(':') + 1) + '*';
        long copied = 0;
        KeyScanCursor<String> cursor =
                source.scan(ScanArgs.Builder.matches(pattern).limit(PAGE));
        while (true) {
            copied += copyPage(cursor.getKeys(), home, keyOf);
            if (cursor.isFinished()) {
                break;
            }
            cursor = source.scan(cursor, ScanArgs.Builder.matches(pattern).limit(PAGE));
        }
        out.println(String.format(Locale.ROOT, "%,d %s copied", copied, what));
    }

    @FunctionalInterface
    private interface KeyOfId {

        String of(Keys keys, long id);
    }

    private int copyPage(List<String> keys, LongFunction<Target> home, KeyOfId keyOf) {
        Map<Long, RedisFuture<Map<String, String>>> hashes = new LinkedHashMap<>();
        for (String key : keys) {
            Matcher id = ID_AT_END.matcher(key); // else it is a key of something else
            if (id.matches() && new BigInteger(id.group(1)).bitLength() < Long.SIZE) {
                hashes.put(Long.parseLong(id.group(1)), connection.async().hgetall(key));
            }
        }
        List<RedisFuture<?>> writes = new ArrayList<>();
        hashes.forEach((id, hash) -> {
            Target target = home.apply(id);
            writes.add(target.pipeline().hset(keyOf.of(target.keys(), id), await(hash)));
        });
        writes.forEach(this::await);
        return hashes.size();
    }

    private void copyDetails() {
        String pattern = from.details(1).replaceFirst("1$", "*");
        KeyScanCursor<String> cursor =
                source.scan(ScanArgs.Builder.matches(pattern).limit(PAGE));
        while (true) {
            for (String key : cursor.getKeys()) {
                Matcher id = ID_AT_END.matcher(key);
                String details = id.matches() ? source.get(key) : null;
                if (details != null) {
                    long location = Long.parseLong(id.group(1));
                    Target target = targets.ofLocation(location);
                    target.redis().set(target.keys().details(location), details);
                }
            }
            if (cursor.isFinished()) {
                return;
            }
            cursor = source.scan(cursor, ScanArgs.Builder.matches(pattern).limit(PAGE));
        }
    }

    private void copyEntries() {
        Set<String> deadLetters = new HashSet<>(source.hkeys(from.deadLetterIds()));
        Map<String, String> deadLettersOfBoards = source.hgetall(from.boardsDeadLetterIds());
        Map<String, String> replayedForBoards =
                new HashMap<>(); // the id of the new entry -> that of the one it stands for
        deadLettersOfBoards.forEach((id, state) -> {
            if (state.startsWith(REPLAYED)) {
                replayedForBoards.put(state.substring(REPLAYED.length()), id);
            }
        });
        Set<String> replayedAndCopied = new HashSet<>();
        Map<Target, StreamId> last = new HashMap<>();
        for (Target target : targets.all()) {
            boolean exists = target.redis().exists(target.keys().checkins()) > 0;
            last.put(target, exists ? StreamId.parse(target.lastId()) : StreamId.ZERO);
        }
        long copied = 0;
        String after = StreamId.ZERO.toString();
        List<StreamMessage<String, String>> page;
        do {
            page = source.xrange(
                    from.checkins(),
                    Range.from(Range.Boundary.excluding(after), Range.Boundary.unbounded()),
                    Limit.from(PAGE));
            List<RedisFuture<?>> writes = new ArrayList<>();
            for (StreamMessage<String, String> entry : page) {
                after = entry.getId();
                Target target = deadLetters.contains(after) ? null : home(entry);
                if (target != null) {
                    copied++;
                    if (StreamId.parse(after).compareTo(last.getOrDefault(target, StreamId.ZERO))
                            > 0) { // else copied before
                        writes.add(target.pipeline()
                                .xadd(
                                        target.keys().checkins(),
                                        new XAddArgs().id(after),
                                        fields(entry, deadLetters, deadLettersOfBoards.keySet())));
                    }
                    if (deadLettersOfBoards.containsKey(after)) {
                        replayedAndCopied.add(after);
                    }
                    String replayed = replayedForBoards.get(after);
                    if (replayed != null && replayedAndCopied.contains(replayed)) {
                        // both are copied: whoever builds the boards anew finds by this which one to delete
                        writes.add(target.pipeline()
                                .hset(target.keys().boardsDeadLetterIds(), replayed, REPLAYED + after));
                    }
                }
            }
            writes.forEach(this::await);
        } while (page.size() == PAGE);
        out.println(String.format(Locale.ROOT, "%,d checkins copied", copied));
    }

    /**
     * A replay for the totals stands in for an original that is left out. Boards that begin with the copied entries must count it as well, unless a replay
     * for the boards does so.
     */
    private static Map<String, String> fields(
            StreamMessage<String, String> entry, Set<String> deadLetters, Set<String> deadLettersOfBoards) {
        Map<String, String> fields = entry.getBody();
        String original = fields.get(Entry.REPLAY_OF);
        if (Keys.GROUP.equals(fields.get(Entry.REPLAY_FOR))
                && deadLetters.contains(original)
                && !deadLettersOfBoards.contains(original)) {
            fields = new LinkedHashMap<>(fields);
            fields.remove(Entry.REPLAY_FOR);
        }
        return fields;
    }

    private @Nullable Target home(StreamMessage<String, String> entry) {
        try {
            return targets.ofUser(CheckinCodec.decode(entry.getBody()).userId());
        } catch (UndecodableEntryException e) {
            return null; // it was discarded as a dead letter, or settled by another program
        }
    }

    /** @param boards whether their projection has settled all entries, too */
    private void settle(Target target, StreamId last, boolean boards) {
        Keys keys = target.keys();
        if (target.redis().exists(keys.checkpoint()) > 0) {
            return; // by an earlier copy
        }
        RedisAsyncCommands<String, String> pipeline = target.pipeline();
        List<RedisFuture<?>> replies = new ArrayList<>();
        replies.add(pipeline.multi());
        replies.add(pipeline.xgroupCreate(
                XReadArgs.StreamOffset.from(keys.checkins(), last.toString()),
                Keys.GROUP,
                XGroupCreateArgs.Builder.mkstream()));
        if (boards) {
            replies.add(pipeline.set(keys.boardsCheckpoint(), last.toString()));
            replies.add(pipeline.hset(keys.projections(), Keys.BOARDS_GROUP, last.toString()));
        }
        replies.add(pipeline.dispatch(
                XSETID,
                new StatusOutput<>(StringCodec.UTF8),
                new CommandArgs<>(StringCodec.UTF8).addKey(keys.checkins()).add(last.toString())));
        replies.add(pipeline.set(keys.checkpoint(), last.toString()));
        replies.add(pipeline.exec());
        replies.forEach(this::await);
    }

    private <T> T await(RedisFuture<T> reply) {
        return LettuceFutures.awaitOrCancel(reply, connection.getTimeout().toNanos(), TimeUnit.NANOSECONDS);
    }
}
