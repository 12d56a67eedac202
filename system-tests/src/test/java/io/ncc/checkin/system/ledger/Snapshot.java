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
 * Everything that the product stores in a partition, at one moment.
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

    private static final int ID_PART = 20;

    private static final int NAMES = 7;

    /** The keys are no KEYS, because in a cluster these have to be of one slot. */
    private static final String SCRIPT = """
            local function hashes(pattern)
              local all = {}
              for _, key in ipairs(redis.call('KEYS', pattern)) do
                all[#all + 1] = { key, redis.call('HGETALL', key) }
              end
              return all
            end
            local states = {}
            for i = 2, #ARGV, %d do
              local stream, users, locations, checkpoint, ranges, totals, dead = unpack(ARGV, i)
              states[#states + 1] = {
                redis.call('XRANGE', stream, '-', '+'), hashes(users), hashes(locations), redis.call('GET', checkpoint) or '',
                redis.call('ZRANGE', ranges, 0, -1), redis.call('HGETALL', totals), redis.call('XRANGE', dead, '-', '+'),
              }
              if ARGV[1] == 'STREAM_DELETED' then redis.call('DEL', stream) end
            end
            if ARGV[1] == 'EVERYTHING' then redis.call('FLUSHALL') end
            return states
            """.formatted(NAMES);

    /** Takes one of each partition, all at the same moment. */
    static List<Snapshot> take(RedisCommands<String, String> redis, List<Keys> partitions, Wipe wipe) {
        List<String> arguments = new ArrayList<>(List.of(wipe.name()));
        for (Keys keys : partitions) {
            arguments.addAll(List.of(
                    keys.checkins(),
                    patternOf(keys.user(1)),
                    patternOf(keys.location(1)),
                    keys.checkpoint(),
                    keys.settledRanges(),
                    keys.totals(),
                    keys.deadLetters()));
        }
        List<Object> states =
                redis.eval(SCRIPT, ScriptOutputType.MULTI, new String[0], arguments.toArray(String[]::new));
        return states.stream().map(Snapshot::of).toList();
    }

    private static Snapshot of(Object reply) {
        List<?> state = list(reply);
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
