package io.ncc.engine;

import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.ncc.redis.LuaScript;
import io.ncc.redis.RedisLink;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Creates the consumer group, and removes the consumer of this process from it. */
final class ConsumerGroup {

    private static final Logger log = LoggerFactory.getLogger(ConsumerGroup.class);

    private static final String BEGINNING = "0-0";

    /** Pending entries in one call. Between two of them, the script reads two entries, each of which may have 64 KB before it counts as large. */
    private static final String MOST_ADOPTED = "100";

    private static final String[] TOTALS = {"applied", "dead", "lost", "skipped", "foreign", "missed"};

    private final LuaScript probe = LuaScript.of(ConsumerGroup.class, "probe");
    private final LuaScript open = LuaScript.of(ConsumerGroup.class, "settled", "open");
    private final LuaScript adopt = LuaScript.of(ConsumerGroup.class, "settled", "adopt");
    private final LuaScript leave = LuaScript.of(ConsumerGroup.class, "leave");
    private final RedisLink redis;
    private final GroupKeys keys;
    private final String consumer;

    ConsumerGroup(RedisLink redis, GroupKeys keys, String consumer) {
        this.redis = redis;
        this.keys = keys;
        this.consumer = consumer;
    }

    GroupKeys keys() {
        return keys;
    }

    String consumer() {
        return consumer;
    }

    /** @throws io.lettuce.core.RedisException if this user of Redis may not run every command of the scripts */
    void requirePermissions() {
        redis.call(
                commands -> probe.run(commands, ScriptOutputType.INTEGER, new String[] {keys.probe()}, new String[0]));
    }

    /** Creates the group at the checkpoint, unless it exists. */
    void open() {
        List<Object> reply = redis.call(commands -> runOpen(commands, "1"));
        if ((Long) reply.get(3) > 0) {
            log.warn(
                    "Group {} of {} is new, and {} entries that were added before are no longer there: it begins with the oldest that is",
                    keys.group(),
                    keys.stream(),
                    reply.get(3));
        }
        if ((Long) reply.get(1) == 0) {
            return;
        }
        if (reply.get(0).equals(BEGINNING)) {
            log.info("Created group {} of {}", keys.group(), keys.stream());
        } else {
            log.warn(
                    "Created group {} of {} at {}: the entries up to there count as settled. To process them again, stop all processors"
                            + " and delete {}, {} and the group",
                    keys.group(),
                    keys.stream(),
                    reply.get(0),
                    keys.checkpoint(),
                    keys.settledRanges());
        }
    }

    /**
     * Where to resume reading without a group: the checkpoint, or {@code 0-0} for the beginning. First it takes over from the group what was
     * acknowledged there.
     */
    String position() {
        Object before = redis.call((RedisAsyncCommands<String, String> commands) -> runOpen(commands, "0"))
                .get(0);
        List<Object> reply = List.of("", before);
        do {
            String[] args = {keys.group(), (String) reply.get(0), MOST_ADOPTED};
            reply = redis.call(commands -> adopt.run(commands, ScriptOutputType.MULTI, settledKeys(), args));
        } while (!reply.get(0).equals(""));
        if (!reply.get(1).equals(before)) {
            log.info("Goes on at {}, where group {} stands, and not at {}", reply.get(1), keys.group(), before);
        }
        return (String) reply.get(1);
    }

    private String[] settledKeys() {
        return new String[] {keys.stream(), keys.checkpoint(), keys.settledRanges(), keys.probe()};
    }

    /** @param create 1 to create the group */
    private CompletionStage<List<Object>> runOpen(RedisAsyncCommands<String, String> commands, String create) {
        String[] scriptKeys = {
            keys.stream(), keys.checkpoint(), keys.settledRanges(), keys.projections(), keys.totals(), keys.probe()
        };
        return open.<List<Object>>run(commands, ScriptOutputType.MULTI, scriptKeys, new String[] {keys.group(), create})
                .thenApply(reply -> {
                    if ((Long) reply.get(2) == 1) {
                        log.warn("Dropped the checkpoint and settled ranges of a stream that is gone");
                    }
                    return reply;
                });
    }

    /** What makes a script fail with {@code WRONGTYPE} or {@code DAMAGED}: the keys whose type or value is not what it should be. */
    List<String> damagedKeys() {
        Map<String, String> types = new LinkedHashMap<>();
        types.put(keys.stream(), "stream");
        types.put(keys.checkpoint(), "string");
        types.put(keys.settledRanges(), "zset");
        types.put(keys.totals(), "hash");
        types.put(keys.deadLetters(), "stream");
        types.put(keys.deadLetterIds(), "hash");
        types.put(keys.projections(), "hash");
        List<String> damaged = new ArrayList<>();
        types.forEach((key, expected) -> {
            String type = redis.call(commands -> commands.type(key));
            if (!type.equals(expected) && !type.equals("none")) {
                damaged.add(key + " is a " + type + ", not a " + expected);
            }
        });
        if (!damaged.isEmpty()) {
            return damaged;
        }
        if (!isId(redis.call(commands -> commands.get(keys.checkpoint())))) {
            damaged.add(keys.checkpoint() + " is not a stream id");
        }
        List<String> outermost = new ArrayList<>();
        Range<String> all = Range.unbounded();
        outermost.addAll(redis.call(commands -> commands.zrangebylex(keys.settledRanges(), all, Limit.from(1))));
        outermost.addAll(redis.call(commands -> commands.zrevrangebylex(keys.settledRanges(), all, Limit.from(1))));
        if (!outermost.stream().allMatch(ConsumerGroup::isRange)) {
            damaged.add(keys.settledRanges() + " has a member that is not a range of ids");
        }
        redis.call(commands -> commands.hmget(keys.totals(), TOTALS)).stream()
                .filter(total -> total.hasValue() && !total.getValue().matches("0|[1-9][0-9]{0,17}"))
                .forEach(total -> damaged.add(keys.totals() + ": " + total.getKey() + " is not a number, or too high"));
        return damaged;
    }

    private static boolean isId(@Nullable String text) {
        return text == null
                || (text.matches("[0-9]{1,20}(-[0-9]{1,20})?")
                        && Stream.of(text.split("-")).allMatch(part -> new BigInteger(part).bitLength() <= Long.SIZE));
    }

    private static boolean isRange(String member) {
        return member.matches("[0-9]{20}-[0-9]{20}\\|[0-9]{20}-[0-9]{20}")
                && Stream.of(member.split("\\|")).allMatch(ConsumerGroup::isId);
    }

    /** Removes the consumer from the group if it has no pending entries. */
    void leave() {
        long left = redis.call(commands -> leave.<Long>run(
                commands, ScriptOutputType.INTEGER, new String[] {keys.stream()}, new String[] {keys.group(), consumer
                }));
        if (left == 1) {
            log.info("Consumer {} left group {}", consumer, keys.group());
        }
    }
}
