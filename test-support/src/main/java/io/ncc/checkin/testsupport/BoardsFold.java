package io.ncc.checkin.testsupport;

import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.lettuce.core.StreamMessage;
import io.lettuce.core.api.sync.RedisCommands;
import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.CheckinCodec;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.UndecodableEntryException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What the boards of a partition must hold: the result of counting each entry once. Plain Java that knows nothing of the scripts. */
public final class BoardsFold {

    private static final int MOST_RECENT = 1_000;
    private static final int MOST_VISITORS = 100;
    private static final int PAGE = 1_000;
    private static final int DIFFERENCES_SHOWN = 3;

    private final Keys keys;

    /** Sorted set -> member -> score; without those of the last 24 hours, which follow from the others. */
    private final Map<String, Map<String, Double>> boards = new TreeMap<>();

    private String last = "0-0";
    private long applied;
    private long dead;

    private BoardsFold(Keys keys, Map<String, ? extends Map<String, Double>> initial) {
        this.keys = keys;
        initial.forEach((key, board) -> boards.put(key, new TreeMap<>(board)));
        ofTheDay().forEach(boards::remove);
    }

    /** Begins with these boards of a partition. */
    public static BoardsFold over(Map<String, ? extends Map<String, Double>> initial, Keys partition) {
        return new BoardsFold(partition, initial);
    }

    /** What the entries that are in the stream now come to, if nothing was trimmed. */
    public static BoardsFold of(RedisCommands<String, String> redis, Keys partition) {
        return over(Map.of(), partition).addStream(redis);
    }

    /** Counts what the stream in Redis holds above the last entry that this method has counted. */
    public BoardsFold addStream(RedisCommands<String, String> redis) {
        List<StreamMessage<String, String>> page;
        do {
            var above = Range.from(Range.Boundary.excluding(last), Range.Boundary.<String>unbounded());
            page = redis.xrange(keys.checkins(), above, Limit.from(PAGE));
            for (StreamMessage<String, String> entry : page) {
                add(entry.getId(), entry.getBody());
                last = entry.getId();
            }
        } while (page.size() == PAGE);
        return this;
    }

    /** Counts an entry, unless it is a dead letter of the totals that was replayed. */
    public BoardsFold add(String entryId, Map<String, String> fields) {
        String original = fields.get("replayOf");
        if (original != null && !Keys.BOARDS_GROUP.equals(fields.getOrDefault("replayFor", Keys.BOARDS_GROUP))) {
            return this;
        }
        try {
            Checkin checkin = CheckinCodec.decode(fields);
            long millis = Long.parseLong((original == null ? entryId : original).split("-")[0]);
            Instant hour = Instant.ofEpochMilli(millis).truncatedTo(ChronoUnit.HOURS);
            String user = Long.toString(checkin.userId());
            String location = Long.toString(checkin.locationId());
            board(keys.userBoard()).merge(user, 1.0, Double::sum);
            board(keys.userBoard(hour)).merge(user, 1.0, Double::sum);
            board(keys.locationBoard()).merge(location, 1.0, Double::sum);
            board(keys.locationBoard(hour)).merge(location, 1.0, Double::sum);
            board(keys.starBoard()).merge(location, (double) checkin.starRating(), Double::sum);
            board(keys.boardHours()).put(Keys.nameOf(hour), (double) hour.getEpochSecond());
            board(keys.recentUsers()).merge(user, (double) millis, Math::max);
            board(keys.visitors(checkin.locationId())).merge(user, (double) millis, Math::max);
            applied++;
        } catch (UndecodableEntryException e) {
            dead++;
        }
        return this;
    }

    private Map<String, Double> board(String key) {
        return boards.computeIfAbsent(key, absent -> new TreeMap<>());
    }

    /** How many entries the boards contain. */
    public long applied() {
        return applied;
    }

    /** How many entries can't be applied and belong among the dead letters. */
    public long dead() {
        return dead;
    }

    /** Both boards of the last 24 hours. */
    private Set<String> ofTheDay() {
        return Set.of(keys.userDayBoard(), keys.locationDayBoard());
    }

    private Map<String, Map<String, Double>> expected() {
        Map<String, Map<String, Double>> expected = new TreeMap<>();
        boards.forEach((key, board) -> expected.put(key, newest(board, mostOf(key))));
        Instant oldest = Instant.now().truncatedTo(ChronoUnit.HOURS).minus(Duration.ofHours(23));
        boards.getOrDefault(keys.boardHours(), Map.of()).forEach((name, start) -> {
            Instant hour = Instant.ofEpochSecond(start.longValue());
            if (hour.isBefore(oldest)) {
                Objects.requireNonNull(expected.get(keys.boardHours())).remove(name);
                expected.remove(keys.userBoard(hour));
                expected.remove(keys.locationBoard(hour));
            } else {
                addTo(expected, keys.userDayBoard(), keys.userBoard(hour));
                addTo(expected, keys.locationDayBoard(), keys.locationBoard(hour));
            }
        });
        expected.values().removeIf(Map::isEmpty);
        return expected;
    }

    private static void addTo(Map<String, Map<String, Double>> expected, String key, String added) {
        Map<String, Double> sum = expected.computeIfAbsent(key, absent -> new TreeMap<>());
        expected.getOrDefault(added, Map.of()).forEach((member, count) -> sum.merge(member, count, Double::sum));
    }

    private long mostOf(String key) {
        if (key.equals(keys.recentUsers())) {
            return MOST_RECENT;
        }
        return key.endsWith(":visitors") ? MOST_VISITORS : Long.MAX_VALUE;
    }

    private static Map<String, Double> newest(Map<String, Double> board, long most) {
        return board.entrySet().stream()
                .sorted(Comparator.comparing(Map.Entry<String, Double>::getValue)
                        .thenComparing(Map.Entry::getKey)
                        .reversed())
                .limit(most)
                .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue, (a, b) -> a, TreeMap::new));
    }

    /** One line for each board that is not the expected one. */
    public List<String> differences(Map<String, ? extends Map<String, Double>> actual) {
        Map<String, Map<String, Double>> expected = expected();
        Set<String> all = new TreeSet<>(expected.keySet());
        all.addAll(actual.keySet());
        return all.stream()
                .filter(key -> !Objects.equals(expected.get(key), actual.get(key)))
                .map(key -> difference(
                        key,
                        expected.getOrDefault(key, Map.of()),
                        Objects.requireNonNullElse(actual.get(key), Map.of())))
                .toList();
    }

    private static String difference(String key, Map<String, Double> expected, Map<String, ? extends Double> actual) {
        Set<String> members = new HashSet<>(expected.keySet());
        members.addAll(actual.keySet());
        return members.stream()
                .filter(member -> !Objects.equals(expected.get(member), actual.get(member)))
                .sorted()
                .limit(DIFFERENCES_SHOWN)
                .map(member -> member + " must be " + expected.get(member) + ", but is " + actual.get(member))
                .collect(Collectors.joining("; ", key + ": ", ""));
    }

    /**
     * Compares the boards that are in Redis now with the expected ones.
     *
     * @throws AssertionError if they differ; it names the first keys
     */
    public void assertEqualTo(RedisCommands<String, String> redis) {
        List<String> differences = differences(read(redis));
        if (!differences.isEmpty()) {
            throw new AssertionError(differences.size() + " boards differ, such as "
                    + differences.stream().limit(DIFFERENCES_SHOWN).toList());
        }
    }

    private Map<String, Map<String, Double>> read(RedisCommands<String, String> redis) {
        Map<String, Map<String, Double>> actual = new TreeMap<>();
        patterns(keys).flatMap(pattern -> redis.keys(pattern).stream()).forEach(key -> {
            Map<String, Double> board = new TreeMap<>();
            redis.zrangeWithScores(key, 0, -1).forEach(member -> board.put(member.getValue(), member.getScore()));
            actual.put(key, board);
        });
        return actual;
    }

    /** For KEYS: they match all boards of a partition. */
    public static Stream<String> patterns(Keys partition) {
        return Stream.of(
                partition.userBoard() + '*',
                partition.locationBoard() + '*',
                partition.starBoard(),
                partition.boardHours(),
                partition.recentUsers(),
                partition.visitors(1).replace(":1:", ":*:"));
    }
}
