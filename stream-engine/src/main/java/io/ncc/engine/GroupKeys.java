package io.ncc.engine;

import io.ncc.redis.RedisLink;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A consumer group of a stream, and the keys that hold what the group has done. On Redis Cluster all of them must be in one slot.
 *
 * @param checkpoint string: every entry up to and including this id is settled
 * @param settledRanges sorted set: ranges of ids that are settled above the checkpoint
 * @param totals hash: how many entries were applied, dead-lettered, lost and skipped
 * @param deadLetters stream: what could not be applied
 * @param deadLetterIds hash: the id of an entry to the id of its dead letter or, later, to what became of the dead letter
 * @param probe a key without lasting content, on which the engine tries the commands that its Redis user must be allowed to run
 */
public record GroupKeys(
        String stream,
        String group,
        String checkpoint,
        String settledRanges,
        String totals,
        String deadLetters,
        String deadLetterIds,
        String probe) {

    /** The keys {@code <stream>:<group>:checkpoint} and so on. */
    public static GroupKeys of(String stream, String group) {
        String prefix = stream + ':' + group + ':';
        return new GroupKeys(
                stream,
                group,
                prefix + "checkpoint",
                prefix + "settled",
                prefix + "totals",
                prefix + "dead",
                prefix + "dead:ids",
                prefix + "probe");
    }

    /** What makes a script fail with {@code WRONGTYPE} or {@code DAMAGED}: the keys whose type or value is not what it should be. */
    List<String> damaged(RedisLink redis) {
        Map<String, String> types = new LinkedHashMap<>();
        types.put(stream, "stream");
        types.put(checkpoint, "string");
        types.put(settledRanges, "zset");
        types.put(totals, "hash");
        types.put(deadLetters, "stream");
        types.put(deadLetterIds, "hash");
        List<String> damaged = new ArrayList<>();
        types.forEach((key, expected) -> {
            String type = redis.call(commands -> commands.type(key));
            if (!type.equals(expected) && !type.equals("none")) {
                damaged.add(key + " is a " + type + ", not a " + expected);
            }
        });
        if (damaged.isEmpty() && !isId(redis.call(commands -> commands.get(checkpoint)))) {
            damaged.add(checkpoint + " is not a stream id");
        }
        return damaged;
    }

    private static boolean isId(@Nullable String text) {
        return text == null || text.matches("[0-9]+(-[0-9]+)?");
    }

    /** The first keys of most scripts, in the order that these expect. */
    public String[] state() {
        return new String[] {stream, checkpoint, settledRanges, totals, probe};
    }
}
