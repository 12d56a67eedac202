package io.ncc.checkin.system.ledger;

import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.api.sync.RedisCommands;
import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.CheckinCodec;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.UndecodableEntryException;
import io.ncc.redis.StreamId;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Everything that the product stores in Redis, at one moment.
 *
 * @param entries of the stream, by id, in order
 * @param hashes of users and locations, by key
 * @param checkpoint empty if there is none
 * @param ranges as {@code <last>|<first>}, padded
 * @param dead the ids of the dead letters
 */
record Snapshot(
        Map<String, Map<String, String>> entries,
        Map<String, Map<String, String>> hashes,
        String checkpoint,
        List<String> ranges,
        Map<String, String> totals,
        List<String> dead) {

    static final Snapshot EMPTY = new Snapshot(Map.of(), Map.of(), "", List.of(), Map.of(), List.of());

    /** What is done to Redis in the same moment, after the look. */
    enum Wipe {
        NOTHING,
        STREAM_DELETED,
        EVERYTHING
    }

    private static final Keys KEYS = Keys.unpartitioned();
    private static final int ID_PART = 20;

    private static final String SCRIPT = """
            local function hashes(pattern)
              local all = {}
              for _, key in ipairs(redis.call('KEYS', pattern)) do
                all[#all + 1] = { key, redis.call('HGETALL', key) }
              end
              return all
            end
            local state = {
              redis.call('XRANGE', KEYS[1], '-', '+'), hashes(ARGV[2]), hashes(ARGV[3]), redis.call('GET', KEYS[2]) or '',
              redis.call('ZRANGE', KEYS[3], 0, -1), redis.call('HGETALL', KEYS[4]), redis.call('XRANGE', KEYS[5], '-', '+'),
            }
            if ARGV[1] == 'STREAM_DELETED' then redis.call('DEL', KEYS[1]) end
            if ARGV[1] == 'EVERYTHING' then redis.call('FLUSHALL') end
            return state
            """;

    static Snapshot take(RedisCommands<String, String> redis, Wipe wipe) {
        String[] keys = {
            KEYS.checkins(), KEYS.checkpoint(), KEYS.settledRanges(), KEYS.totals(), KEYS.deadLetters(),
        };
        List<Object> state = redis.eval(
                SCRIPT,
                ScriptOutputType.MULTI,
                keys,
                wipe.name(),
                patternOf(KEYS.user(1)),
                patternOf(KEYS.location(1)));
        Map<String, Map<String, String>> hashes = byFirst(list(state.get(1)));
        hashes.putAll(byFirst(list(state.get(2))));
        return new Snapshot(
                byFirst(list(state.get(0))),
                hashes,
                (String) state.get(3),
                list(state.get(4)).stream().map(String.class::cast).toList(),
                map(list(state.get(5))),
                new ArrayList<>(byFirst(list(state.get(6))).keySet()));
    }

    private static String patternOf(String keyOfOne) {
        return keyOfOne.substring(0, keyOfOne.lastIndexOf(':') + 1) + '*';
    }

    private static List<?> list(Object reply) {
        return (List<?>) reply;
    }

    private static Map<String, Map<String, String>> byFirst(List<?> pairs) {
        Map<String, Map<String, String>> all = new LinkedHashMap<>();
        for (Object pair : pairs) {
            all.put((String) list(pair).get(0), map(list(list(pair).get(1))));
        }
        return all;
    }

    private static Map<String, String> map(List<?> namesAndValues) {
        Map<String, String> map = new LinkedHashMap<>();
        for (int i = 0; i < namesAndValues.size(); i += 2) {
            map.put((String) namesAndValues.get(i), (String) namesAndValues.get(i + 1));
        }
        return map;
    }

    /** What is left of it when the stream is deleted. */
    Snapshot withoutStream() {
        return new Snapshot(Map.of(), hashes, "", List.of(), totals, dead);
    }

    /** The entries that are checkins. */
    Map<String, Checkin> checkins() {
        Map<String, Checkin> checkins = new LinkedHashMap<>();
        entries.forEach((id, fields) -> {
            try {
                checkins.put(id, CheckinCodec.decode(fields));
            } catch (UndecodableEntryException e) {
                // poison of ours
            }
        });
        return checkins;
    }

    /** Whether the entry is at or below the checkpoint, or in a settled range. */
    boolean isSettled(String id) {
        StreamId it = StreamId.parse(id);
        return (!checkpoint.isEmpty() && it.compareTo(StreamId.parse(checkpoint)) <= 0)
                || ranges.stream().anyMatch(range -> {
                    int bar = range.indexOf('|');
                    return it.compareTo(unpad(range.substring(bar + 1))) >= 0
                            && it.compareTo(unpad(range.substring(0, bar))) <= 0;
                });
    }

    private static StreamId unpad(String padded) {
        return new StreamId(
                Long.parseUnsignedLong(padded.substring(0, ID_PART)),
                Long.parseUnsignedLong(padded.substring(ID_PART + 1)));
    }

    long total(String name) {
        return Long.parseLong(totals.getOrDefault(name, "0"));
    }
}
