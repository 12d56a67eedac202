package io.ncc.checkin.demo.load;

import io.lettuce.core.LettuceFutures;
import io.lettuce.core.RedisBusyException;
import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.RedisException;
import io.lettuce.core.RedisFuture;
import io.lettuce.core.TransactionResult;
import io.lettuce.core.XAddArgs;
import io.lettuce.core.XGroupCreateArgs;
import io.lettuce.core.XReadArgs;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.lettuce.core.api.sync.RedisCommands;
import io.ncc.checkin.model.CheckinCodec;
import io.ncc.checkin.model.Keys;
import io.ncc.redis.StreamId;
import java.io.PrintWriter;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import me.tongfei.progressbar.ProgressBar;
import org.jspecify.annotations.Nullable;
import org.springframework.security.crypto.bcrypt.BCryptPasswordEncoder;
import org.springframework.security.crypto.password.PasswordEncoder;

/**
 * Writes a {@link Dataset} to Redis, and never over a counter that is kept there already, unless a reset is asked for.
 *
 * <p>Records go in transactions of {@value #CHUNK}, so that no processor meets half a record. The load as a whole is not a transaction:
 * what is known to fail is refused before the first write, but when Redis fails later, a part of the records is there.
 */
public final class Loader {

    static final int DEFAULT_PASSWORD_COST = 10;
    static final int MIN_PASSWORD_COST = 4;
    static final int MAX_PASSWORD_COST = 31;

    private static final int CHUNK = 500;
    private static final int MAX_CHUNKS_UNDER_WAY = 8;

    private final Keys keys = Keys.unpartitioned();
    private final StatefulRedisConnection<String, String> connection;
    private final RedisAsyncCommands<String, String> pipeline;
    private final PrintWriter out;
    private final int passwordCost;

    /**
     * @param connection must not be used by others during a load, as it carries transactions
     * @param out gets one line for each kind of record
     */
    public Loader(StatefulRedisConnection<String, String> connection, PrintWriter out) {
        this(connection, out, DEFAULT_PASSWORD_COST);
    }

    /** @param passwordCost of bcrypt, {@value #MIN_PASSWORD_COST} to {@value #MAX_PASSWORD_COST}; each step doubles the time of a hash */
    Loader(StatefulRedisConnection<String, String> connection, PrintWriter out, int passwordCost) {
        this.connection = connection;
        this.pipeline = connection.async();
        this.out = out;
        this.passwordCost = passwordCost;
    }

    /** Whether there is a stream that ever had a checkin; a processor that starts first makes an empty one. */
    public boolean streamExists() {
        return connection.sync().exists(keys.checkins()) > 0 && !lastId().equals(StreamId.ZERO.toString());
    }

    private String lastId() {
        List<Object> info = connection.sync().xinfoStream(keys.checkins());
        return String.valueOf(info.get(info.indexOf("last-generated-id") + 1));
    }

    /**
     * Loads users and locations, then the checkins that name them; of these, only the kinds asked for. With checkins, makes the processors' consumer
     * group where a processor would make it, unless it exists: a program of another kind may expect it.
     *
     * @param reset with checkins: deletes the stream and everything that is known about it first; with users and locations: sets the
     *     counters of the loaded ones to what the records say
     * @throws LoadException if the checkins don't fit behind those in the stream (nothing was written), or if Redis failed on the way
     * @throws RedisException if Redis failed before anything was written
     */
    public void load(Dataset data, Set<Kind> kinds, boolean reset) throws LoadException {
        List<User> users = kinds.contains(Kind.USERS) ? data.users() : List.of();
        if (kinds.contains(Kind.CHECKINS) && !reset && !data.checkins().isEmpty()) {
            requireAboveStream(data.checkins().get(0).id());
        }
        long start = System.nanoTime();
        users = withHashedPasswords(users);
        long hashing = System.nanoTime() - start;
        if (kinds.contains(Kind.CHECKINS) && reset) {
            deleteStream();
        }
        if (kinds.contains(Kind.USERS)) {
            write(
                    Kind.USERS,
                    users,
                    hashing,
                    user -> putHash(keys.user(user.id()), user.profile(), user.counters(), reset));
        }
        if (kinds.contains(Kind.LOCATIONS)) {
            write(
                    Kind.LOCATIONS,
                    data.locations(),
                    0,
                    location -> putHash(keys.location(location.id()), location.profile(), location.counters(), reset));
        }
        if (kinds.contains(Kind.CHECKINS)) {
            write(Kind.CHECKINS, data.checkins(), 0, this::append);
            createGroup();
        }
    }

    /**
     * Redis takes no id below its last one. And what a processor remembers of a stream that is gone (it drops that itself, but perhaps it
     * isn't running) would make it skip new checkins with old ids as settled.
     */
    private void requireAboveStream(StreamId first) throws LoadException {
        RedisCommands<String, String> redis = connection.sync();
        if (streamExists()) {
            requireAbove(first, "the stream " + keys.checkins() + " is already at", lastId());
        } else if (redis.exists(keys.settledRanges()) > 0) {
            throw refused("there is no stream, but the processor still remembers settled checkins of an earlier one");
        }
        String checkpoint = redis.get(keys.checkpoint());
        if (checkpoint != null) {
            requireAbove(first, "the processor's checkpoint is already at", checkpoint);
        }
    }

    private static void requireAbove(StreamId first, String what, String id) throws LoadException {
        if (first.compareTo(StreamId.parse(id)) <= 0) {
            throw refused("the first checkin has the id " + first + ", but " + what + ' ' + id);
        }
    }

    private static LoadException refused(String reason) {
        return new LoadException(reason + ". Nothing was written."
                + " --reset deletes the stream first, with everything that is known about it");
    }

    /** Results kept for idempotency keys stay: they say what was accepted, and expire by themselves. */
    private void deleteStream() {
        connection
                .sync()
                .del(
                        keys.checkins(),
                        keys.checkpoint(),
                        keys.settledRanges(),
                        keys.totals(),
                        keys.deadLetters(),
                        keys.deadLetterIds());
        out.println("stream " + keys.checkins() + " deleted, with everything that is known about it");
    }

    private void createGroup() throws LoadException {
        RedisCommands<String, String> redis = connection.sync();
        try {
            String checkpoint = redis.get(keys.checkpoint());
            redis.xgroupCreate(
                    XReadArgs.StreamOffset.from(
                            keys.checkins(), checkpoint == null ? StreamId.ZERO.toString() : checkpoint),
                    Keys.GROUP,
                    XGroupCreateArgs.Builder.mkstream());
        } catch (RedisBusyException e) {
            // it exists, and stays where it is
        } catch (RedisException e) {
            throw new LoadException(
                    "all is loaded, but the group " + Keys.GROUP + " can't be made: Redis: " + e.getMessage(), e);
        }
    }

    private List<User> withHashedPasswords(List<User> users) {
        long plain = users.stream().filter(User::hasPlainPassword).count();
        if (plain == 0) {
            return users;
        }
        PasswordEncoder bcrypt = new BCryptPasswordEncoder(passwordCost);
        try (ProgressBar progress = ProgressBars.of("hashing passwords", plain, out)) {
            return users.parallelStream()
                    .map(user -> {
                        if (!user.hasPlainPassword()) {
                            return user;
                        }
                        User hashed = user.withPassword(bcrypt.encode(user.password()));
                        progress.step();
                        return hashed;
                    })
                    .toList();
        }
    }

    private List<RedisFuture<?>> putHash(
            String key, Map<String, String> profile, Map<String, @Nullable String> counters, boolean reset) {
        List<RedisFuture<?>> replies = new ArrayList<>();
        replies.add(pipeline.hset(key, profile));
        counters.forEach((field, value) -> {
            if (!reset && value != null) {
                replies.add(pipeline.hsetnx(key, field, value));
            } else if (reset) {
                replies.add(value == null ? pipeline.hdel(key, field) : pipeline.hset(key, field, value));
            }
        });
        return replies;
    }

    private List<RedisFuture<?>> append(RecordedCheckin recorded) {
        XAddArgs id = new XAddArgs().id(recorded.id().toString());
        return List.of(pipeline.xadd(keys.checkins(), id, CheckinCodec.encode(recorded.checkin())));
    }

    /** @param before how many nanoseconds were spent on these records already */
    private <T> void write(Kind kind, List<T> records, long before, Function<T, List<RedisFuture<?>>> commands)
            throws LoadException {
        long start = System.nanoTime() - before;
        int written = 0;
        Queue<Chunk> underWay = new ArrayDeque<>();
        try (ProgressBar progress = ProgressBars.of(kind.toString(), records.size(), out)) {
            for (int from = 0; from < records.size() || !underWay.isEmpty(); from += CHUNK) {
                if (from < records.size()) {
                    underWay.add(send(records.subList(from, Math.min(from + CHUNK, records.size())), commands));
                }
                if (from >= records.size() || underWay.size() == MAX_CHUNKS_UNDER_WAY) {
                    written += await(underWay.remove());
                    progress.stepTo(written);
                }
            }
        } catch (RedisException e) {
            throw new LoadException(
                    "%s: stopped with at least %,d of %,d written: Redis: %s"
                            .formatted(kind, written, records.size(), e.getMessage()),
                    e);
        }
        out.println(String.format(
                Locale.ROOT, "%,d %s loaded in %.1f s", written, kind, (System.nanoTime() - start) / 1e9));
    }

    private <T> Chunk send(List<T> records, Function<T, List<RedisFuture<?>>> commands) {
        List<RedisFuture<?>> replies = new ArrayList<>();
        replies.add(pipeline.multi());
        records.forEach(record -> replies.addAll(commands.apply(record)));
        RedisFuture<TransactionResult> result = pipeline.exec();
        return new Chunk(records.size(), replies, result);
    }

    private int await(Chunk chunk) {
        long timeout = connection.getTimeout().toNanos();
        try {
            LettuceFutures.awaitOrCancel(chunk.result(), timeout, TimeUnit.NANOSECONDS);
        } catch (RedisCommandExecutionException e) {
            throwFirstError(chunk.replies()); // it was not executed, and e doesn't say why
            throw e;
        }
        throwFirstError(chunk.replies()); // it was executed, and its result is no error even if all in it are
        return chunk.size();
    }

    private static void throwFirstError(List<RedisFuture<?>> replies) {
        for (RedisFuture<?> reply : replies) {
            if (reply.getError() != null) {
                throw new RedisCommandExecutionException(reply.getError());
            }
        }
    }

    private record Chunk(int size, List<RedisFuture<?>> replies, RedisFuture<TransactionResult> result) {}
}
