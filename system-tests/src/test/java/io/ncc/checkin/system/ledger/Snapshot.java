package io.ncc.checkin.system.ledger;

import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.api.sync.RedisCommands;
import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.CheckinCodec;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.UndecodableEntryException;
import io.ncc.checkin.testsupport.BoardsFold;
import io.ncc.redis.StreamId;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * Everything that the product stores in a partition, at one moment.
 *
 * @param entries of the stream, by id, in order
 * @param hashes of users and locations, by key
 * @param boards by key, the scores of their members
 * @param progress of each group
 */
record Snapshot(
        Map<String, Map<String, String>> entries,
        Map<String, Map<String, String>> hashes,
        Map<String, Map<String, Double>> boards,
        Map<String, Progress> progress) {

    /** The groups of the two projections. */
    static final List<String> GROUPS = List.of(Keys.GROUP, Keys.BOARDS_GROUP);

    static final Snapshot EMPTY = new Snapshot(
            Map.of(), Map.of(), Map.of(), GROUPS.stream().collect(Collectors.toMap(it -> it, it -> Progress.NONE)));

    /** What is done to Redis in the same moment, after the look. */
    enum Wipe {
        NOTHING,
        STREAM_DELETED,
        EVERYTHING
    }

    /**
     * What a group has done.
     *
     * @param checkpoint empty if there is none
     * @param ranges as {@code <last>|<first>}, padded
     * @param dead the ids of the dead letters
     */
    record Progress(String checkpoint, List<String> ranges, Map<String, String> totals, List<String> dead) {

        static final Progress NONE = new Progress("", List.of(), Map.of(), List.of());

        private static Progress of(Object reply) {
            List<?> state = list(reply);
            return new Progress(
                    (String) state.get(0),
                    list(state.get(1)).stream().map(String.class::cast).toList(),
                    map(list(state.get(2))),
                    new ArrayList<>(byFirst(list(state.get(3))).keySet()));
        }

        /** What is left of it when the stream is deleted. */
        private Progress withoutStream() {
            return new Progress("", List.of(), totals, dead);
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

        long total(String name) {
            return Long.parseLong(totals.getOrDefault(name, "0"));
        }
    }

    private static final int ID_PART = 20;

    /** The keys are no KEYS, because in a cluster these have to be of one slot. */
    private static final String SCRIPT = """
            local function all(patterns, command, ...)
              local found = {}
              for pattern in string.gmatch(patterns, '%S+') do
                for _, key in ipairs(redis.call('KEYS', pattern)) do
                  local reply = redis.pcall(command, key, ...)
                  if not reply.err then found[#found + 1] = { key, reply } end
                end
              end
              return found
            end
            local function progress(checkpoint, ranges, totals, dead)
              return {
                redis.call('GET', checkpoint) or '', redis.call('ZRANGE', ranges, 0, -1), redis.call('HGETALL', totals),
                redis.call('XRANGE', dead, '-', '+'),
              }
            end
            local states = {}
            for i = 2, #ARGV, 11 do
              local stream, hashes, boards = unpack(ARGV, i)
              states[#states + 1] = {
                redis.call('XRANGE', stream, '-', '+'), all(hashes, 'HGETALL'), all(boards, 'ZRANGE', 0, -1, 'WITHSCORES'),
                progress(unpack(ARGV, i + 3, i + 6)), progress(unpack(ARGV, i + 7, i + 10)),
              }
              if ARGV[1] == 'STREAM_DELETED' then redis.call('DEL', stream) end
            end
            if ARGV[1] == 'EVERYTHING' then redis.call('FLUSHALL') end
            return states
            """;

    /** Takes one of each partition, all at the same moment. */
    static List<Snapshot> take(RedisCommands<String, String> redis, List<Keys> partitions, Wipe wipe) {
        List<String> arguments = new ArrayList<>(List.of(wipe.name()));
        for (Keys keys : partitions) {
            arguments.addAll(List.of(
                    keys.checkins(),
                    patternOf(keys.user(1)) + ' ' + patternOf(keys.location(1)),
                    BoardsFold.patterns(keys).collect(Collectors.joining(" ")),
                    keys.checkpoint(),
                    keys.settledRanges(),
                    keys.totals(),
                    keys.deadLetters(),
                    keys.boardsCheckpoint(),
                    keys.boardsSettledRanges(),
                    keys.boardsTotals(),
                    keys.boardsDeadLetters()));
        }
        List<Object> states =
                redis.eval(SCRIPT, ScriptOutputType.MULTI, new String[0], arguments.toArray(String[]::new));
        return states.stream().map(Snapshot::of).toList();
    }

    private static Snapshot of(Object reply) {
        List<?> state = list(reply);
        Map<String, Map<String, Double>> boards = new LinkedHashMap<>();
        byFirst(list(state.get(2))).forEach((key, scores) -> {
            Map<String, Double> board = new LinkedHashMap<>();
            scores.forEach((member, score) -> board.put(member, Double.valueOf(score)));
            boards.put(key, board);
        });
        return new Snapshot(
                byFirst(list(state.get(0))),
                byFirst(list(state.get(1))),
                boards,
                Map.of(Keys.GROUP, Progress.of(state.get(3)), Keys.BOARDS_GROUP, Progress.of(state.get(4))));
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
        Map<String, Progress> left = new HashMap<>();
        progress.forEach((group, its) -> left.put(group, its.withoutStream()));
        return new Snapshot(Map.of(), hashes, boards, left);
    }

    Progress of(String group) {
        return Objects.requireNonNull(progress.get(group));
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

    private static StreamId unpad(String padded) {
        return new StreamId(
                Long.parseUnsignedLong(padded.substring(0, ID_PART)),
                Long.parseUnsignedLong(padded.substring(ID_PART + 1)));
    }
}
