package io.ncc.checkin.testsupport;

import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.lettuce.core.StreamMessage;
import io.lettuce.core.api.sync.RedisCommands;
import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.CheckinCodec;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.UndecodableEntryException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * What the boards of a partition must hold: the result of counting each entry of the stream once. Plain Java that knows nothing of the scripts.
 * It reads the entries that are in the stream now, so nothing may have been trimmed.
 */
public final class BoardsFold {

    private static final int MOST_RECENT = 1_000;
    private static final int MOST_VISITORS = 100;
    private static final int PAGE = 1_000;

    private final Keys keys;

    /** Sorted set -> member -> score. */
    private final Map<String, Map<String, Double>> boards = new TreeMap<>();

    private BoardsFold(Keys keys) {
        this.keys = keys;
    }

    public static BoardsFold of(RedisCommands<String, String> redis, Keys partition) {
        BoardsFold fold = new BoardsFold(partition);
        String last = "0-0";
        List<StreamMessage<String, String>> page;
        do {
            var above = Range.from(Range.Boundary.excluding(last), Range.Boundary.<String>unbounded());
            page = redis.xrange(partition.checkins(), above, Limit.from(PAGE));
            for (StreamMessage<String, String> entry : page) {
                fold.add(entry);
                last = entry.getId();
            }
        } while (page.size() == PAGE);
        fold.keep(partition.recentUsers(), MOST_RECENT);
        List.copyOf(fold.boards.keySet()).stream()
                .filter(key -> key.endsWith(":visitors"))
                .forEach(key -> fold.keep(key, MOST_VISITORS));
        return fold;
    }

    private void add(StreamMessage<String, String> entry) {
        try {
            Checkin checkin = CheckinCodec.decode(entry.getBody());
            long millis = Long.parseLong(entry.getId().split("-")[0]);
            Instant hour = Instant.ofEpochMilli(millis).truncatedTo(ChronoUnit.HOURS);
            String user = Long.toString(checkin.userId());
            String location = Long.toString(checkin.locationId());
            board(keys.userBoard()).merge(user, 1.0, Double::sum);
            board(keys.userBoard(hour)).merge(user, 1.0, Double::sum);
            board(keys.locationBoard()).merge(location, 1.0, Double::sum);
            board(keys.locationBoard(hour)).merge(location, 1.0, Double::sum);
            board(keys.recentUsers()).merge(user, (double) millis, Math::max);
            board(keys.visitors(checkin.locationId())).merge(user, (double) millis, Math::max);
        } catch (UndecodableEntryException e) {
            // a dead letter
        }
    }

    private Map<String, Double> board(String key) {
        return boards.computeIfAbsent(key, absent -> new TreeMap<>());
    }

    private void keep(String key, int most) {
        boards.computeIfPresent(
                key,
                (same, board) -> board.entrySet().stream()
                        .sorted(Comparator.comparing(Map.Entry<String, Double>::getValue)
                                .thenComparing(Map.Entry::getKey)
                                .reversed())
                        .limit(most)
                        .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue, (a, b) -> a, TreeMap::new)));
    }

    /**
     * Compares the boards that are in Redis now with the expected ones.
     *
     * @throws AssertionError if they differ; it names the first keys
     */
    public void assertEqualTo(RedisCommands<String, String> redis) {
        Map<String, Map<String, Double>> actual = read(redis);
        var all = new TreeSet<>(boards.keySet());
        all.addAll(actual.keySet());
        List<String> differences = all.stream()
                .filter(key -> !Objects.equals(boards.get(key), actual.get(key)))
                .map(key -> key + " must be " + boards.get(key) + ", but is " + actual.get(key))
                .toList();
        if (!differences.isEmpty()) {
            throw new AssertionError(differences.size() + " boards differ, such as "
                    + differences.stream().limit(3).toList());
        }
    }

    private Map<String, Map<String, Double>> read(RedisCommands<String, String> redis) {
        Map<String, Map<String, Double>> actual = new LinkedHashMap<>();
        List<String> found = new ArrayList<>();
        found.addAll(redis.keys(keys.userBoard() + "*"));
        found.addAll(redis.keys(keys.locationBoard() + "*"));
        found.addAll(redis.keys(keys.recentUsers()));
        found.addAll(redis.keys(keys.visitors(1).replace(":1:", ":*:")));
        for (String key : found) {
            Map<String, Double> board = new TreeMap<>();
            redis.zrangeWithScores(key, 0, -1).forEach(member -> board.put(member.getValue(), member.getScore()));
            actual.put(key, board);
        }
        return actual;
    }
}
