package io.ncc.checkin.demo.load;

import io.lettuce.core.LettuceFutures;
import io.lettuce.core.RedisFuture;
import io.lettuce.core.ScoredValue;
import io.lettuce.core.api.StatefulRedisConnection;
import io.ncc.checkin.demo.load.Targets.Target;
import io.ncc.checkin.model.Keys;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.LongFunction;

/**
 * Copies the boards of a stream without partitions to partitions: what is of a user to the partition of the user, and what is of a location to its own. Copied
 * again, it is the same.
 */
final class BoardsCopy {

    private static final int PAGE = 500;

    private final Keys from = Keys.unpartitioned();
    private final StatefulRedisConnection<String, String> source;
    private final Targets targets;

    BoardsCopy(StatefulRedisConnection<String, String> source, Targets targets) {
        this.source = source;
        this.targets = targets;
    }

    void copy() {
        copy(Keys::userBoard, targets::ofUser);
        copy(Keys::userDayBoard, targets::ofUser);
        copy(Keys::recentUsers, targets::ofUser);
        copy(Keys::locationBoard, targets::ofLocation);
        copy(Keys::locationDayBoard, targets::ofLocation);
        copy(Keys::starBoard, targets::ofLocation);
        for (ScoredValue<String> named : source.sync().zrangeWithScores(from.boardHours(), 0, -1)) {
            Instant hour = Instant.ofEpochSecond((long) named.getScore());
            copy(keys -> keys.userBoard(hour), targets::ofUser);
            copy(keys -> keys.locationBoard(hour), targets::ofLocation);
            for (Target target : targets.all()) {
                target.redis().zadd(target.keys().boardHours(), named.getScore(), named.getValue());
            }
        }
        copyVisitors();
    }

    private void copy(Function<Keys, String> board, LongFunction<Target> home) {
        List<ScoredValue<String>> page;
        int start = 0;
        do {
            page = source.sync().zrangeWithScores(board.apply(from), start, start + PAGE - 1L);
            start += PAGE;
            await(write(page, board, home));
        } while (page.size() == PAGE);
    }

    /** The boards of all time know all locations. */
    private void copyVisitors() {
        List<String> page;
        int start = 0;
        do {
            page = source.sync().zrange(from.locationBoard(), start, start + PAGE - 1L);
            start += PAGE;
            Map<Long, RedisFuture<List<ScoredValue<String>>>> visitors = new LinkedHashMap<>();
            for (String id : page) {
                long location = Long.parseLong(id);
                visitors.put(location, source.async().zrangeWithScores(from.visitors(location), 0, -1));
            }
            List<RedisFuture<?>> writes = new ArrayList<>();
            visitors.forEach((location, some) ->
                    writes.addAll(write(await(some), keys -> keys.visitors(location), targets::ofUser)));
            await(writes);
        } while (page.size() == PAGE);
    }

    private static List<RedisFuture<?>> write(
            List<ScoredValue<String>> members, Function<Keys, String> board, LongFunction<Target> home) {
        Map<Target, List<ScoredValue<String>>> byTarget = new LinkedHashMap<>();
        for (ScoredValue<String> member : members) {
            byTarget.computeIfAbsent(home.apply(Long.parseLong(member.getValue())), target -> new ArrayList<>())
                    .add(member);
        }
        List<RedisFuture<?>> writes = new ArrayList<>();
        byTarget.forEach(
                (target, some) -> writes.add(target.pipeline().zadd(board.apply(target.keys()), scored(some))));
        return writes;
    }

    @SuppressWarnings({"unchecked", "rawtypes"}) // of Lettuce's generic varargs
    private static ScoredValue<String>[] scored(List<ScoredValue<String>> members) {
        return members.toArray(ScoredValue[]::new);
    }

    private void await(List<RedisFuture<?>> writes) {
        writes.forEach(this::await);
    }

    private <T> T await(RedisFuture<T> reply) {
        return LettuceFutures.awaitOrCancel(reply, source.getTimeout().toNanos(), TimeUnit.NANOSECONDS);
    }
}
