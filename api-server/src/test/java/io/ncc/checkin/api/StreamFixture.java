package io.ncc.checkin.api;

import io.lettuce.core.Consumer;
import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.StreamMessage;
import io.lettuce.core.XAddArgs;
import io.lettuce.core.XGroupCreateArgs;
import io.lettuce.core.XReadArgs;
import io.lettuce.core.XReadArgs.StreamOffset;
import io.ncc.checkin.api.projection.ProjectionGroup;
import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.CheckinCodec;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.testsupport.RealRedis;
import io.ncc.engine.GroupKeys;
import io.ncc.redis.StreamId;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;

/** Brings the stream, and what a processor keeps beside it, into the state that a test needs. */
final class StreamFixture {

    static final Keys KEYS = Keys.unpartitioned();

    private static final int MOST_AT_ONCE = 1_000;
    private static final String ADD = """
            for i = 1, #ARGV, 4 do
              redis.call('XADD', KEYS[1], ARGV[i], 'userId', ARGV[i + 1], 'locationId', ARGV[i + 2], 'starRating', ARGV[i + 3])
            end
            """;

    /** The processor's own. */
    private static final String SET_ASIDE = read("settled") + read("set-aside");

    private final RealRedis redis;

    StreamFixture(RealRedis redis) {
        this.redis = redis;
    }

    private static String read(String script) {
        try (InputStream in = StreamFixture.class.getResourceAsStream("/lua/" + script + ".lua")) {
            return new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Appends a checkin, and returns its id. */
    String add(long user, long location, int stars) {
        return Objects.requireNonNull(
                redis.commands().xadd(KEYS.checkins(), CheckinCodec.encode(new Checkin(user, location, stars))));
    }

    void add(String id, long user, long location, int stars) {
        redis.commands()
                .xadd(KEYS.checkins(), new XAddArgs().id(id), CheckinCodec.encode(new Checkin(user, location, stars)));
    }

    /** Appends an entry that is no checkin, and returns its id. */
    String addOther() {
        return Objects.requireNonNull(redis.commands().xadd(KEYS.checkins(), Map.of("not", "a checkin")));
    }

    void addOther(String id) {
        redis.commands().xadd(KEYS.checkins(), new XAddArgs().id(id), Map.of("not", "a checkin"));
    }

    /** Appends many, each with the number of its place as user; one that is given as "x" in place of a user is no checkin. */
    void addAll(List<String> ids, List<String> users) {
        for (int from = 0; from < ids.size(); from += MOST_AT_ONCE) {
            List<String> values = new ArrayList<>();
            for (int i = from; i < Math.min(from + MOST_AT_ONCE, ids.size()); i++) {
                values.addAll(List.of(ids.get(i), users.get(i), "1", "1"));
            }
            redis.commands()
                    .eval(ADD, ScriptOutputType.STATUS, new String[] {KEYS.checkins()}, values.toArray(String[]::new));
        }
    }

    /** The ids of all entries of the stream. */
    List<String> ids() {
        List<String> ids = new ArrayList<>();
        Range<String> range = Range.unbounded();
        while (true) {
            List<StreamMessage<String, String>> page =
                    redis.commands().xrange(KEYS.checkins(), range, Limit.from(10_000));
            page.forEach(entry -> ids.add(entry.getId()));
            if (page.isEmpty()) {
                return ids;
            }
            range = Range.from(Range.Boundary.excluding(ids.get(ids.size() - 1)), Range.Boundary.unbounded());
        }
    }

    /** What the processor writes of the checkins of a user, the last of which is this one. */
    static Map<String, String> userTotals(String lastId, int checkins) {
        return Map.of(
                "numCheckins",
                Integer.toString(checkins),
                "lastCheckin",
                lastId.substring(0, lastId.indexOf('-')),
                "lastCheckinId",
                lastId);
    }

    /** Makes the processor's group at the beginning of the stream. */
    void createGroup() {
        createGroup(Keys.GROUP, "0");
    }

    void createGroup(String group, String from) {
        redis.commands()
                .xgroupCreate(StreamOffset.from(KEYS.checkins(), from), group, XGroupCreateArgs.Builder.mkstream(true));
    }

    /** Delivers the next entries to a consumer of the processor's group. */
    void deliver(String consumer, int count) {
        deliver(Keys.GROUP, consumer, count);
    }

    @SuppressWarnings("unchecked") // of Lettuce's generic varargs
    void deliver(String group, String consumer, int count) {
        redis.commands()
                .xreadgroup(
                        Consumer.from(group, consumer),
                        XReadArgs.Builder.count(count),
                        StreamOffset.lastConsumed(KEYS.checkins()));
    }

    /** Says that everything up to this entry is settled, and acknowledges it, as a processor and its janitor would. */
    void settleUpTo(String id) {
        redis.commands().set(KEYS.checkpoint(), id);
        for (String settled : ids()) {
            if (StreamId.parse(settled).compareTo(StreamId.parse(id)) <= 0) {
                redis.commands().xack(KEYS.checkins(), Keys.GROUP, settled);
            }
        }
    }

    /** Says that everything from one entry to another is settled, as a processor would. */
    void settleRange(String first, String last) {
        redis.commands().zadd(KEYS.settledRanges(), 0, pad(last) + '|' + pad(first));
    }

    private static String pad(String id) {
        StreamId parsed = StreamId.parse(id);
        return "%20s-%20s"
                .formatted(Long.toUnsignedString(parsed.millis()), Long.toUnsignedString(parsed.sequence()))
                .replace(' ', '0');
    }

    /** Makes a dead letter of an entry that was not delivered, and returns the id of the letter. */
    String setAside(String id, String reason) {
        return setAside(ProjectionGroup.TOTALS, id, reason);
    }

    /** Makes dead letters of entries that were not delivered. */
    void setAside(List<String> ids, String reason) {
        setAside(ProjectionGroup.TOTALS, "0", ids, reason);
    }

    /** Makes a dead letter of a group of an entry that was not delivered, and returns the id of the letter. */
    String setAside(ProjectionGroup group, String id, String reason) {
        setAside(group, "0", List.of(id), reason);
        return deadLetterOf(group, id);
    }

    /** Makes a dead letter of an entry that a consumer of the processor's group holds, and returns the id of the letter. */
    String setAsidePending(String id, String reason) {
        setAside(ProjectionGroup.TOTALS, "1", List.of(id), reason);
        return deadLetterOf(ProjectionGroup.TOTALS, id);
    }

    private void setAside(ProjectionGroup group, String mustBePending, List<String> ids, String reason) {
        List<String> args = new ArrayList<>(Arrays.asList(group.text(), mustBePending, "test"));
        ids.forEach(id -> args.addAll(List.of(id, reason, "")));
        GroupKeys own = group.keys(KEYS);
        String[] keys = Stream.concat(Stream.of(own.state()), Stream.of(own.deadLetters(), own.deadLetterIds()))
                .toArray(String[]::new);
        redis.commands().eval(SET_ASIDE, ScriptOutputType.MULTI, keys, args.toArray(String[]::new));
    }

    private String deadLetterOf(ProjectionGroup group, String id) {
        return Objects.requireNonNull(
                redis.commands().hget(group.keys(KEYS).deadLetterIds(), id), "it did not become a dead letter");
    }

    /** How many entries are pending in a group. */
    long pending(String group) {
        return redis.commands().xpending(KEYS.checkins(), group).getCount();
    }

    /** How often entries of a group were asked for, since the server was started, by anyone. */
    long pulls() {
        return redis.calls("xreadgroup");
    }

    /** How many connections the server has. */
    long connections() {
        return connectionIds().size();
    }

    List<String> connectionIds() {
        return redis.commands()
                .clientList()
                .lines()
                .map(line -> line.substring(0, line.indexOf(' ')))
                .toList();
    }
}
