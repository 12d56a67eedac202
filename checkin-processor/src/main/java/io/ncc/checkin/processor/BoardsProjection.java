package io.ncc.checkin.processor;

import io.lettuce.core.RedisException;
import io.lettuce.core.ScoredValue;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.Partitions;
import io.ncc.engine.Batch;
import io.ncc.engine.Entry;
import io.ncc.engine.GroupKeys;
import io.ncc.engine.Mode;
import io.ncc.engine.Projection;
import io.ncc.engine.ProjectionScript;
import io.ncc.redis.LuaScript;
import io.ncc.redis.RedisCondition;
import io.ncc.redis.StreamId;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * Ranks the users and the locations of a partition by their checkins, of all time, of the last 24 hours and by the hour, and keeps who checked in
 * last, anywhere and at each location, with {@code boards.lua}.
 */
public final class BoardsProjection implements Projection {

    private static final Duration DAY = Duration.ofDays(1);

    /** Of hours that had been over for longer when the newest entry of the batch was appended, no keys are passed to the script. */
    private static final Duration LONG_OVER = Duration.ofDays(2);

    /** The most users, and the most locations, that one script takes off the boards of the last 24 hours. */
    private static final String MOST_FORGOTTEN = "500";

    /** The end of the year 9999: later times have names of another form. */
    private static final long LAST_MILLIS =
            Instant.parse("9999-12-31T23:59:59.999Z").toEpochMilli();

    private static final CompletionStage<Boolean> NOTHING_TO_DO = CompletableFuture.completedStage(false);

    private final ProjectionScript script;
    private final LuaScript forgetHour = LuaScript.of(BoardsProjection.class, "settled", "forget-hour");
    private final CheckinDecoder decoder;
    private final Keys keys;
    private final InstantSource clock;

    /** @param partition whose stream is read */
    public BoardsProjection(Partitions partitions, int partition, Mode mode) {
        this(partitions, partition, mode, InstantSource.system());
    }

    BoardsProjection(Partitions partitions, int partition, Mode mode, InstantSource clock) {
        this.clock = clock;
        this.keys = partitions.keys(partition);
        this.decoder = new CheckinDecoder(partitions, partition);
        this.script = new ProjectionScript(BoardsProjection.class, "boards", keys.boardsGroup(GroupKeys::new), mode);
    }

    @Override
    public GroupKeys keys() {
        return script.keys();
    }

    @Override
    public CompletionStage<Outcome> apply(RedisAsyncCommands<String, String> commands, Batch batch) {
        Visits visits = new Visits(batch);
        List<Rejected> undecodable = decoder.decode(batch, visits::add, visits::skip);
        return script.run(commands, batch, undecodable, visits.keys(), visits.args());
    }

    /** Takes the oldest hour off the boards of the last 24 hours, if it isn't one of these any more. */
    @Override
    public CompletionStage<Boolean> tidy(RedisAsyncCommands<String, String> commands) {
        return commands.zrangeWithScores(keys.boardHours(), 0, 0)
                .exceptionallyCompose(failure -> CompletableFuture.failedFuture(namingTheHours(failure)))
                .thenCompose(oldest -> oldest.isEmpty() ? NOTHING_TO_DO : forget(commands, oldest.get(0)));
    }

    /** The error of a script names the key, that of a command does not. */
    private Throwable namingTheHours(Throwable failure) {
        return RedisCondition.of(failure) == RedisCondition.WRONG_TYPE
                ? new RedisException("DAMAGED " + keys.boardHours() + " is not a sorted set", failure)
                : failure;
    }

    private CompletionStage<Boolean> forget(RedisAsyncCommands<String, String> commands, ScoredValue<String> oldest) {
        Instant hour = Instant.ofEpochSecond((long) oldest.getScore());
        if (hour.isAfter(clock.instant().minus(DAY))) {
            return NOTHING_TO_DO;
        }
        String[] scriptKeys = {
            keys.boardHours(),
            keys.userDayBoard(),
            keys.locationDayBoard(),
            keys.userBoard(hour),
            keys.locationBoard(hour)
        };
        String[] args = {oldest.getValue(), MOST_FORGOTTEN};
        return forgetHour
                .<Long>run(commands, ScriptOutputType.INTEGER, scriptKeys, args)
                .thenApply(more -> more == 1);
    }

    /** The own keys and arguments of {@code boards.lua}. */
    private final class Visits {

        private final Map<Long, Integer> users = new LinkedHashMap<>();
        private final Map<Long, Integer> locations = new LinkedHashMap<>();
        private final Map<Instant, Integer> hours = new LinkedHashMap<>();
        private final JsonArray entries = new JsonArray();
        private final Instant now = clock.instant();
        private final Instant oldest;

        /** A clock that is ahead must not hide hours from the script, so the newest entry counts if it is older. */
        Visits(Batch batch) {
            StreamId newest =
                    StreamId.parse(batch.entries().get(batch.size() - 1).id());
            oldest = now.minusMillis(newest.ageAt(now.toEpochMilli())).minus(LONG_OVER);
        }

        void add(Entry entry, Checkin checkin) {
            long millis = entry.time().millis();
            Instant hour = hourOf(millis);
            entries.add(numberOf(checkin.userId(), users))
                    .add(numberOf(checkin.locationId(), locations))
                    .add(checkin.starRating())
                    .add(hour == null ? 0 : numberOf(hour, hours))
                    .add(Long.toUnsignedString(millis));
        }

        void skip() {
            entries.add(0).add(0).add(0).add(0).add(0);
        }

        private @Nullable Instant hourOf(long millis) {
            if (Long.compareUnsigned(millis, LAST_MILLIS) > 0) {
                return null;
            }
            Instant hour = Instant.ofEpochMilli(millis).truncatedTo(ChronoUnit.HOURS);
            return hour.isBefore(oldest) ? null : hour;
        }

        private static <T> int numberOf(T value, Map<T, Integer> numbers) {
            int next = numbers.size() + 1;
            return numbers.computeIfAbsent(value, first -> next);
        }

        List<String> keys() {
            List<String> all = new ArrayList<>(7 + 2 * hours.size() + locations.size());
            all.add(keys.userBoard());
            all.add(keys.locationBoard());
            all.add(keys.userDayBoard());
            all.add(keys.locationDayBoard());
            all.add(keys.starBoard());
            all.add(keys.recentUsers());
            all.add(keys.boardHours());
            for (Instant hour : hours.keySet()) {
                all.add(keys.userBoard(hour));
                all.add(keys.locationBoard(hour));
            }
            locations.keySet().forEach(id -> all.add(keys.visitors(id)));
            return all;
        }

        List<String> args() {
            JsonArray starts = new JsonArray();
            hours.keySet().forEach(hour -> starts.add(Keys.nameOf(hour)).add(hour.getEpochSecond()));
            return List.of(
                    texts(users),
                    texts(locations),
                    starts.toString(),
                    entries.toString(),
                    Long.toString(now.getEpochSecond()));
        }

        /** As texts, because a Lua number can't hold all of them. */
        private static String texts(Map<Long, Integer> ids) {
            JsonArray texts = new JsonArray();
            ids.keySet().forEach(id -> texts.add(Long.toString(id)));
            return texts.toString();
        }
    }
}
