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
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.ncc.checkin.demo.load.Targets.Target;
import io.ncc.checkin.model.CheckinCodec;
import io.ncc.checkin.model.IndexEntry;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.Partitions;
import io.ncc.redis.RedisCondition;
import io.ncc.redis.RedisServers;
import io.ncc.redis.StreamId;
import io.ncc.redis.UnfitServerException;
import java.io.PrintWriter;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import me.tongfei.progressbar.ProgressBar;
import org.jspecify.annotations.Nullable;
import org.springframework.security.crypto.bcrypt.BCryptPasswordEncoder;
import org.springframework.security.crypto.password.PasswordEncoder;

/**
 * Writes a {@link Dataset} to Redis, and never over a counter that is kept there already, unless a reset is asked for.
 *
 * <p>With partitions, a user and their checkins are written to the partition of the user, and a location to its own partition. Users and locations
 * are written with their {@link Indexes}.
 *
 * <p>Records go in transactions of {@value #CHUNK}, so that no processor meets half a record. The load as a whole is not a transaction:
 * what is known to fail is refused before the first write, but when Redis fails later, a part of the records is there.
 */
public final class Loader implements AutoCloseable {

    static final int DEFAULT_PASSWORD_COST = 10;
    static final int MIN_PASSWORD_COST = 4;
    static final int MAX_PASSWORD_COST = 16;

    private static final int CHUNK = 500;
    private static final int MAX_CHUNKS_UNDER_WAY = 8;

    private final Targets targets;
    private final PrintWriter out;
    private final int passwordCost;

    private Loader(Targets targets, PrintWriter out, int passwordCost) {
        this.targets = targets;
        this.out = out;
        this.passwordCost = passwordCost;
    }

    /**
     * Opens the connections that a load needs.
     *
     * @param out gets one line for each kind of record
     * @throws RedisException if a partition can't be reached
     * @throws UnfitServerException if a server must not be used, or has another number of partitions
     */
    public static Loader connect(Partitions partitions, RedisServers servers, PrintWriter out) {
        return connect(partitions, servers, out, DEFAULT_PASSWORD_COST);
    }

    /** @param passwordCost of bcrypt, {@value #MIN_PASSWORD_COST} to {@value #MAX_PASSWORD_COST}; each step doubles the time of a hash */
    static Loader connect(Partitions partitions, RedisServers servers, PrintWriter out, int passwordCost) {
        return new Loader(Targets.connect(partitions, servers), out, passwordCost);
    }

    @Override
    public void close() {
        targets.close();
    }

    /** Whether there is a stream that ever had a checkin; a processor that starts first makes an empty one. */
    public boolean streamExists() {
        return targets.all().stream().anyMatch(Target::streamExists);
    }

    /**
     * Loads users, locations and their details, then the checkins that name them; of these, only the kinds asked for. With checkins, makes the
     * processors' consumer group where a processor would make it, unless it exists: a program of another kind may expect it.
     *
     * @param reset with checkins: deletes the stream and everything that is known about it first; with users and locations: sets the
     *     counters of the loaded ones to what the records say
     * @throws LoadException if the checkins don't fit behind those in the stream (nothing was written), or if Redis failed on the way
     * @throws RedisException if Redis failed before anything was written
     */
    public void load(Dataset data, Set<Kind> kinds, boolean reset) throws LoadException {
        List<User> users = kinds.contains(Kind.USERS) ? data.users() : List.of();
        if (kinds.contains(Kind.CHECKINS) && !reset) {
            requireAboveStreams(data.checkins());
        }
        long start = System.nanoTime();
        users = withHashedPasswords(users);
        long hashing = System.nanoTime() - start;
        targets.agree();
        if (kinds.contains(Kind.CHECKINS) && reset) {
            deleteStreams();
        }
        if (kinds.contains(Kind.USERS)) {
            write(
                    Kind.USERS,
                    users,
                    hashing,
                    user -> targets.ofUser(user.id()),
                    chunk -> (target, user) ->
                            Indexes.putUser(target, user.id(), fields(user.profile(), user.counters(), reset)));
        }
        if (kinds.contains(Kind.LOCATIONS)) {
            if (reset) {
                deleteShares(data.locations());
            }
            write(Kind.LOCATIONS, data.locations(), 0, location -> targets.ofLocation(location.id()), chunk -> {
                Map<Long, String> categories = Indexes.categories(
                        chunk.target, chunk.records.stream().map(Location::id).toList());
                return (target, location) -> Indexes.putLocation(
                        target,
                        location.id(),
                        categories.getOrDefault(location.id(), ""),
                        location.category(),
                        fields(location.profile(), location.counters(), reset));
            });
        }
        if (!data.details().isEmpty() && kinds.contains(Kind.LOCATIONDETAILS)) {
            write(
                    Kind.LOCATIONDETAILS,
                    data.details(),
                    0,
                    details -> targets.ofLocation(details.id()),
                    chunk -> (target, details) ->
                            target.pipeline().set(target.keys().details(details.id()), details.json()));
        }
        if (kinds.contains(Kind.CHECKINS)) {
            write(
                    Kind.CHECKINS,
                    data.checkins(),
                    0,
                    recorded -> targets.ofUser(recorded.checkin().userId()),
                    chunk -> Loader::append);
            for (Target target : targets.all()) {
                createGroup(target);
            }
        }
    }

    private void requireAboveStreams(List<RecordedCheckin> checkins) throws LoadException {
        Set<Target> seen = new HashSet<>();
        for (RecordedCheckin recorded : checkins) {
            Target target = targets.ofUser(recorded.checkin().userId());
            if (seen.add(target)) {
                requireAboveStream(target, recorded.id());
            }
            if (seen.size() == targets.all().size()) {
                return;
            }
        }
    }

    /**
     * Redis takes no id below its last one. And what a processor remembers of a stream that is gone, for the totals or for the boards (it drops that
     * itself, but perhaps it isn't running), would make it skip new checkins with old ids as settled.
     */
    private static void requireAboveStream(Target target, StreamId first) throws LoadException {
        Keys keys = target.keys();
        boolean exists = read(keys.checkins(), "stream", target::streamExists);
        if (exists) {
            requireAbove(first, "the stream " + keys.checkins() + " is already at", target.lastId());
        }
        requireAboveSettled(
                target, first, exists, "the processor's checkpoint", keys.checkpoint(), keys.settledRanges());
        requireAboveSettled(
                target,
                first,
                exists,
                "the processor's checkpoint of the boards",
                keys.boardsCheckpoint(),
                keys.boardsSettledRanges());
    }

    private static void requireAboveSettled(
            Target target, StreamId first, boolean streamExists, String name, String checkpointKey, String ranges)
            throws LoadException {
        if (!streamExists && target.redis().exists(ranges) > 0) {
            throw refused("there is no stream, but the processor still remembers settled checkins of an earlier one");
        }
        String checkpoint = read(checkpointKey, "string", () -> target.redis().get(checkpointKey));
        if (checkpoint != null) {
            try {
                requireAbove(first, name + " is already at", checkpoint);
            } catch (IllegalArgumentException e) {
                throw refused(checkpointKey + " is no checkpoint: '" + checkpoint + "' is " + e.getMessage());
            }
        }
    }

    private static <T extends @Nullable Object> T read(String key, String type, Supplier<T> command)
            throws LoadException {
        try {
            return command.get();
        } catch (RedisCommandExecutionException e) {
            if (RedisCondition.of(e) == RedisCondition.WRONG_TYPE) {
                throw refused(key + " is not a " + type);
            }
            throw e;
        }
    }

    private static void requireAbove(StreamId first, String what, String id) throws LoadException {
        if (first.compareTo(checkpoint(id)) <= 0) {
            throw refused("the first checkin has the id " + first + ", but " + what + ' ' + id);
        }
    }

    /** Other programs may write a checkpoint as milliseconds alone. */
    static StreamId checkpoint(String text) {
        return StreamId.parse(text.contains("-") ? text : text + "-0");
    }

    private static LoadException refused(String reason) {
        return new LoadException(reason + ". Nothing was written."
                + " --reset deletes the stream first, with everything that is known about it");
    }

    /**
     * The stream goes first, in one command with all that is known about it: from then on there is nothing that a processor could still count on the boards.
     * Results kept for idempotency keys stay: they say what was accepted, and expire by themselves.
     */
    private void deleteStreams() {
        for (Target target : targets.all()) {
            Keys keys = target.keys();
            target.redis()
                    .del(
                            keys.checkins(),
                            keys.checkpoint(),
                            keys.settledRanges(),
                            keys.totals(),
                            keys.deadLetters(),
                            keys.deadLetterIds(),
                            keys.projections(),
                            keys.boardsCheckpoint(),
                            keys.boardsSettledRanges(),
                            keys.boardsTotals(),
                            keys.boardsDeadLetters(),
                            keys.boardsDeadLetterIds());
            deleteBoards(target);
        }
        List<Target> all = targets.all();
        out.println(
                all.size() == 1
                        ? "stream " + all.get(0).keys().checkins() + " deleted, with everything that is known about it"
                        : "streams of " + all.size() + " partitions deleted, with everything that is known about them");
    }

    /** The boards that name other keys go last, so that this can be repeated. */
    private static void deleteBoards(Target target) {
        Keys keys = target.keys();
        delete(
                target,
                members(target, keys.boardHours()).stream()
                        .flatMap(name -> hour(name).stream())
                        .flatMap(hour -> Stream.of(keys.userBoard(hour), keys.locationBoard(hour)))
                        .toList());
        delete(
                target,
                members(target, keys.locationBoard()).stream()
                        .flatMap(member -> IndexEntry.idOfPlace(member).stream())
                        .map(keys::visitors)
                        .toList());
        target.redis()
                .del(
                        keys.boardHours(),
                        keys.userDayBoard(),
                        keys.locationDayBoard(),
                        keys.starBoard(),
                        keys.recentUsers(),
                        keys.userBoard(),
                        keys.locationBoard());
    }

    /** None if it is no sorted set: it is deleted all the same. */
    private static List<String> members(Target target, String board) {
        try {
            return target.redis().zrange(board, 0, -1);
        } catch (RedisCommandExecutionException e) {
            if (RedisCondition.of(e) == RedisCondition.WRONG_TYPE) {
                return List.of();
            }
            throw e;
        }
    }

    /** Empty if the name is none of {@link Keys#nameOf}. */
    private static Optional<Instant> hour(String name) {
        try {
            return Optional.of(Instant.parse(name + ":00:00Z"));
        } catch (DateTimeParseException e) {
            return Optional.empty();
        }
    }

    private static void delete(Target target, List<String> keys) {
        for (int from = 0; from < keys.size(); from += CHUNK) {
            target.redis()
                    .del(keys.subList(from, Math.min(from + CHUNK, keys.size())).toArray(String[]::new));
        }
    }

    /** What other partitions than their own have of these locations. */
    private void deleteShares(List<Location> locations) {
        for (Target target : targets.all()) {
            delete(
                    target,
                    locations.stream()
                            .filter(location ->
                                    !targets.ofLocation(location.id()).equals(target))
                            .map(location -> target.keys().location(location.id()))
                            .toList());
        }
    }

    private static void createGroup(Target target) throws LoadException {
        Keys keys = target.keys();
        try {
            String checkpoint =
                    read(keys.checkpoint(), "string", () -> target.redis().get(keys.checkpoint()));
            target.redis()
                    .xgroupCreate(
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

    /** @param counters null for those that the record doesn't have */
    private static Indexes.Fields fields(
            Map<String, String> profile, Map<String, @Nullable String> counters, boolean reset) {
        Map<String, String> known = new LinkedHashMap<>();
        List<String> unknown = new ArrayList<>();
        counters.forEach((name, value) -> {
            if (value == null) {
                unknown.add(name);
            } else {
                known.put(name, value);
            }
        });
        if (!reset) {
            return new Indexes.Fields(profile, known, List.of());
        }
        Map<String, String> set = new LinkedHashMap<>(profile);
        set.putAll(known);
        return new Indexes.Fields(set, Map.of(), unknown);
    }

    private static RedisFuture<?> append(Target target, RecordedCheckin recorded) {
        XAddArgs id = new XAddArgs().id(recorded.id().toString());
        return target.pipeline().xadd(target.keys().checkins(), id, CheckinCodec.encode(recorded.checkin()));
    }

    /**
     * Writes records of one kind.
     *
     * @param before how many nanoseconds were spent on these records already
     * @param home where a record belongs
     * @param commands of a chunk: may read in Redis what it needs, and then sends the command of each record
     */
    private <T> void write(
            Kind kind,
            List<T> records,
            long before,
            Function<T, Target> home,
            Function<Chunk<T>, BiFunction<Target, T, RedisFuture<?>>> commands)
            throws LoadException {
        long start = System.nanoTime() - before;
        int written = 0;
        Iterator<Chunk<T>> chunks = chunks(records, home);
        Queue<Sent> underWay = new ArrayDeque<>();
        try (ProgressBar progress = ProgressBars.of(kind.toString(), records.size(), out)) {
            while (chunks.hasNext() || !underWay.isEmpty()) {
                if (chunks.hasNext()) {
                    underWay.add(send(chunks.next(), commands));
                }
                if (!chunks.hasNext() || underWay.size() == MAX_CHUNKS_UNDER_WAY) {
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

    /** Of each partition in the order of its records. The partitions take turns, so that several servers are busy at once. */
    private <T> Iterator<Chunk<T>> chunks(List<T> records, Function<T, Target> home) {
        Map<Target, List<T>> byTarget = records.stream().collect(Collectors.groupingBy(home));
        int longest = byTarget.values().stream().mapToInt(List::size).max().orElse(0);
        return IntStream.iterate(0, from -> from < longest, from -> from + CHUNK)
                .boxed()
                .flatMap(from -> byTarget.entrySet().stream()
                        .filter(own -> from < own.getValue().size())
                        .map(own -> new Chunk<>(
                                own.getKey(),
                                own.getValue()
                                        .subList(
                                                from,
                                                Math.min(
                                                        from + CHUNK,
                                                        own.getValue().size())))))
                .iterator();
    }

    private static <T> Sent send(Chunk<T> chunk, Function<Chunk<T>, BiFunction<Target, T, RedisFuture<?>>> commandsOf) {
        BiFunction<Target, T, RedisFuture<?>> commands = commandsOf.apply(chunk);
        RedisAsyncCommands<String, String> pipeline = chunk.target.pipeline();
        List<RedisFuture<?>> replies = new ArrayList<>();
        replies.add(pipeline.multi());
        chunk.records.forEach(record -> replies.add(commands.apply(chunk.target, record)));
        RedisFuture<TransactionResult> result = pipeline.exec();
        return new Sent(chunk.target, chunk.records.size(), replies, result);
    }

    private static int await(Sent chunk) {
        long timeout = chunk.target.connection().getTimeout().toNanos();
        try {
            LettuceFutures.awaitOrCancel(chunk.result, timeout, TimeUnit.NANOSECONDS);
        } catch (RedisCommandExecutionException e) {
            throwFirstError(chunk.replies); // it was not executed, and e doesn't say why
            throw e;
        }
        throwFirstError(chunk.replies); // it was executed, and its result is no error even if all in it are
        return chunk.size;
    }

    private static void throwFirstError(List<RedisFuture<?>> replies) {
        for (RedisFuture<?> reply : replies) {
            if (reply.getError() != null) {
                throw new RedisCommandExecutionException(reply.getError());
            }
        }
    }

    /** What one transaction writes. */
    private record Chunk<T>(Target target, List<T> records) {}

    private record Sent(Target target, int size, List<RedisFuture<?>> replies, RedisFuture<TransactionResult> result) {}
}
