package io.ncc.checkin.testsupport;

import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.ScanArgs;
import io.lettuce.core.ScanIterator;
import io.lettuce.core.StreamMessage;
import io.lettuce.core.api.sync.RedisCommands;
import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.CheckinCodec;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.UndecodableEntryException;
import java.math.BigInteger;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What the hashes of users and locations must hold: the result of one processor that reads the stream in order and counts each entry once.
 * It is the plain-Java test oracle for the delivery guarantees, independent of how the product computes the result.
 *
 * <pre>{@code
 * var expected = SequentialFold.over(redis.commands());   // before the processors start
 * ...
 * expected.addStream(redis.commands()).assertEqualTo(redis.commands());
 * }</pre>
 */
public final class SequentialFold {

    /** Stands for the value of a key that should be a hash and is of another type, as the one field of a hash. */
    private static final String TYPE = "(type)";

    /** Sorted sets of another projection. */
    private static final String VISITORS = ":visitors";

    private static final long COUNTER_LIMIT = 1L << 53;
    private static final int PAGE = 1_000;
    private static final int DIFFERENCES_SHOWN = 10;

    private final Keys keys;
    private final Map<String, Map<String, String>> hashes = new TreeMap<>();
    private Id last = new Id(BigInteger.ZERO, BigInteger.ZERO);
    private long applied;
    private long dead;

    private SequentialFold(Keys keys, Map<String, ? extends Map<String, String>> initial) {
        this.keys = keys;
        initial.forEach((key, hash) -> hashes.put(key, new TreeMap<>(hash)));
    }

    /**
     * Begins with these hashes.
     *
     * @param initial by key
     */
    public static SequentialFold over(Map<String, ? extends Map<String, String>> initial) {
        return over(initial, Keys.unpartitioned());
    }

    /** Begins with these hashes of a partition. */
    public static SequentialFold over(Map<String, ? extends Map<String, String>> initial, Keys partition) {
        return new SequentialFold(partition, initial);
    }

    /** Begins with the users and locations that are in Redis now. */
    public static SequentialFold over(RedisCommands<String, String> redis) {
        return over(redis, Keys.unpartitioned());
    }

    /** Begins with the users and locations of a partition that are in Redis now. */
    public static SequentialFold over(RedisCommands<String, String> redis, Keys partition) {
        return new SequentialFold(partition, read(redis, partition));
    }

    /**
     * Applies the next entry of the stream.
     *
     * @throws IllegalArgumentException if the id is not above the one before
     */
    public SequentialFold add(String entryId, Map<String, String> fields) {
        Id id = Id.parse(entryId);
        if (id.compareTo(last) <= 0) {
            throw new IllegalArgumentException("not in the order of the stream: " + id + " after " + last);
        }
        last = id;
        if (isForAnotherProjection(fields)) {
            return this;
        }
        try {
            apply(CheckinCodec.decode(fields), timeOf(id, fields));
        } catch (UndecodableEntryException e) {
            dead++;
        }
        return this;
    }

    /** Applies what the stream in Redis holds above the last entry that was added. What was trimmed in between is missed. */
    public SequentialFold addStream(RedisCommands<String, String> redis) {
        List<StreamMessage<String, String>> page;
        do {
            var above = Range.from(Range.Boundary.excluding(last.toString()), Range.Boundary.<String>unbounded());
            page = redis.xrange(keys.checkins(), above, Limit.from(PAGE));
            page.forEach(entry -> add(entry.getId(), entry.getBody()));
        } while (page.size() == PAGE);
        return this;
    }

    /** The id of a stream entry. */
    private record Id(BigInteger millis, BigInteger sequence) implements Comparable<Id> {

        static Id parse(String text) {
            String[] parts = text.split("-");
            return new Id(new BigInteger(parts[0]), new BigInteger(parts[1]));
        }

        static @Nullable Id parseOrNull(@Nullable String text) {
            return text != null && text.matches("[0-9]+-[0-9]+") ? parse(text) : null;
        }

        @Override
        public int compareTo(Id other) {
            return Comparator.comparing(Id::millis).thenComparing(Id::sequence).compare(this, other);
        }

        @Override
        public String toString() {
            return millis + "-" + sequence;
        }
    }

    /** A dead letter that was replayed counts for the projection that it names. */
    private static boolean isForAnotherProjection(Map<String, String> fields) {
        return fields.containsKey("replayOf")
                && !fields.getOrDefault("replayFor", Keys.GROUP).equals(Keys.GROUP);
    }

    /** A dead letter that was replayed took place when its original did. */
    private static Id timeOf(Id id, Map<String, String> fields) {
        Id original = Id.parseOrNull(fields.get("replayOf"));
        return original != null && original.compareTo(id) < 0 ? original : id;
    }

    private void apply(Checkin checkin, Id time) {
        String userKey = keys.user(checkin.userId());
        String locationKey = keys.location(checkin.locationId());
        if (!canCount(userKey, "numCheckins")
                || !hasTimeOrNone(userKey)
                || !canCount(locationKey, "numCheckins", "numStars")) {
            dead++;
            return;
        }
        applied++;

        Map<String, String> user = hash(userKey, checkin.userId());
        add(user, "numCheckins", 1);
        if (isLater(time, user)) {
            user.put("lastCheckin", time.millis().toString());
            user.put("lastCheckinId", time.toString());
            user.put("lastSeenAt", Long.toString(checkin.locationId()));
        }

        Map<String, String> location = hash(locationKey, checkin.locationId());
        long checkins = add(location, "numCheckins", 1);
        long stars = add(location, "numStars", checkin.starRating());
        long average = checkins > 0 ? Math.floorDiv(2 * stars + checkins, 2 * checkins) : 0; // half up
        location.put("averageStars", Long.toString(average));
    }

    private boolean canCount(String key, String... counters) {
        Map<String, String> hash = hashes.getOrDefault(key, Map.of());
        return !hash.containsKey(TYPE)
                && Stream.of(counters).map(name -> hash.getOrDefault(name, "0")).allMatch(SequentialFold::isCounter);
    }

    private boolean hasTimeOrNone(String key) {
        String time = hashes.getOrDefault(key, Map.of()).get("lastCheckin");
        return time == null || time.matches("[0-9]+");
    }

    private static boolean isCounter(String text) {
        return text.matches("-?[0-9]{1,16}") && Math.abs(Long.parseLong(text)) < COUNTER_LIMIT;
    }

    private Map<String, String> hash(String key, long id) {
        return hashes.computeIfAbsent(key, absent -> new TreeMap<>(Map.of("id", Long.toString(id))));
    }

    private static long add(Map<String, String> hash, String counter, long amount) {
        long sum = Long.parseLong(hash.getOrDefault(counter, "0")) + amount;
        hash.put(counter, Long.toString(sum));
        return sum;
    }

    /** Others write {@code lastCheckin} alone, so {@code lastCheckinId} counts only while it is of that millisecond. */
    private static boolean isLater(Id time, Map<String, String> user) {
        String lastCheckin = user.get("lastCheckin");
        if (lastCheckin == null) {
            return true;
        }
        int byMillis = time.millis().compareTo(new BigInteger(lastCheckin));
        if (byMillis != 0) {
            return byMillis > 0;
        }
        Id lastId = Id.parseOrNull(user.get("lastCheckinId"));
        return lastId == null || !lastId.millis().equals(time.millis()) || time.compareTo(lastId) > 0;
    }

    /** The expected hashes, by key. */
    public Map<String, Map<String, String>> hashes() {
        return Collections.unmodifiableMap(hashes);
    }

    /** How many entries the hashes contain. */
    public long applied() {
        return applied;
    }

    /** How many entries can't be applied and belong among the dead letters: undecodable, or their target is. */
    public long dead() {
        return dead;
    }

    /** One line for each key whose hash is not the expected one. */
    public List<String> differences(Map<String, ? extends Map<String, String>> actual) {
        var keys = new TreeSet<>(hashes.keySet());
        keys.addAll(actual.keySet());
        return keys.stream()
                .filter(key -> !Objects.equals(hashes.get(key), actual.get(key)))
                .map(key -> difference(key, hashes.get(key), actual.get(key)))
                .toList();
    }

    private static String difference(
            String key, @Nullable Map<String, String> expected, @Nullable Map<String, String> actual) {
        if (expected == null) {
            return key + " must not exist, but is " + actual;
        }
        if (actual == null) {
            return key + " does not exist, but must be " + expected;
        }
        var fields = new TreeSet<>(expected.keySet());
        fields.addAll(actual.keySet());
        return fields.stream()
                .filter(field -> !Objects.equals(expected.get(field), actual.get(field)))
                .map(field -> field + " must be " + expected.get(field) + ", but is " + actual.get(field))
                .collect(Collectors.joining("; ", key + ": ", ""));
    }

    /**
     * Compares the users and locations that are in Redis now with the expected ones.
     *
     * @throws AssertionError if they differ; it lists the first differences
     */
    public void assertEqualTo(RedisCommands<String, String> redis) {
        List<String> differences = differences(read(redis, keys));
        if (!differences.isEmpty()) {
            throw new AssertionError(differences.stream()
                    .limit(DIFFERENCES_SHOWN)
                    .collect(Collectors.joining(
                            "\n  ",
                            differences.size() + " hashes are not the sequential fold of the stream:\n  ",
                            differences.size() > DIFFERENCES_SHOWN ? "\n  ..." : "")));
        }
    }

    private static Map<String, Map<String, String>> read(RedisCommands<String, String> redis, Keys keys) {
        Map<String, Map<String, String>> hashes = new LinkedHashMap<>();
        for (String anyId : List.of(withoutId(keys.user(1)), withoutId(keys.location(1)))) {
            ScanIterator.scan(redis, ScanArgs.Builder.matches(anyId + '*').limit(PAGE))
                    .forEachRemaining(key -> {
                        if (!key.endsWith(VISITORS)) {
                            hashes.put(key, read(redis, key));
                        }
                    });
        }
        return hashes;
    }

    private static String withoutId(String key) {
        return key.substring(0, key.lastIndexOf(':') + 1);
    }

    private static Map<String, String> read(RedisCommands<String, String> redis, String key) {
        try {
            return redis.hgetall(key);
        } catch (RedisCommandExecutionException e) {
            if (!String.valueOf(e.getMessage()).startsWith("WRONGTYPE")) {
                throw e;
            }
            return Map.of(TYPE, redis.type(key));
        }
    }
}
