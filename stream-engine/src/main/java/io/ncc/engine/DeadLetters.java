package io.ncc.engine;

import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.ncc.engine.Projection.Rejected;
import io.ncc.redis.LuaScript;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Sets aside entries that can't be applied, so that no other entries wait for them. */
final class DeadLetters {

    private static final Logger log = LoggerFactory.getLogger(DeadLetters.class);
    private static final int MOST_AT_ONCE = 100; // with 1,000 fields each, they block Redis for some milliseconds

    private final LuaScript script = LuaScript.of(DeadLetters.class, "settled", "set-aside");
    private final GroupKeys keys;
    private final Mode mode;
    private final String consumer;

    DeadLetters(GroupKeys keys, Mode mode, String consumer) {
        this.keys = keys;
        this.mode = mode;
        this.consumer = consumer;
    }

    /** Turns entries into dead letters and acknowledges them. Entries that are no longer in the stream count as lost. */
    CompletionStage<Void> setAside(RedisAsyncCommands<String, String> commands, List<Rejected> entries) {
        CompletionStage<Void> done = CompletableFuture.completedFuture(null);
        for (int from = 0; from < entries.size(); from += MOST_AT_ONCE) {
            List<Rejected> some = entries.subList(from, Math.min(from + MOST_AT_ONCE, entries.size()));
            done = done.thenCompose(before -> run(commands, some));
        }
        return done;
    }

    private CompletionStage<Void> run(RedisAsyncCommands<String, String> commands, List<Rejected> entries) {
        List<String> scriptKeys = new ArrayList<>(List.of(keys.state()));
        scriptKeys.add(keys.deadLetters());
        scriptKeys.add(keys.deadLetterIds());
        List<String> args = new ArrayList<>(List.of(keys.group(), mode.mustBePending(), consumer));
        for (Rejected entry : entries) {
            args.add(entry.id());
            args.add(entry.reason());
        }
        return script.<List<Object>>run(
                        commands,
                        ScriptOutputType.MULTI,
                        scriptKeys.toArray(String[]::new),
                        args.toArray(String[]::new))
                .thenAccept(reply -> {
                    reportDead(entries, (List<?>) reply.get(0));
                    reportLost((List<?>) reply.get(1));
                });
    }

    /** Logs one line for each reason, because there may be very many entries. */
    private static void reportDead(List<Rejected> entries, List<?> dead) {
        entries.stream()
                .filter(entry -> dead.contains(entry.id()))
                .collect(Collectors.groupingBy(Rejected::reason, LinkedHashMap::new, Collectors.toList()))
                .forEach((reason, some) -> log.error(
                        "Set aside {} entries as dead letters, from entry {} on: {}",
                        some.size(),
                        some.get(0).id(),
                        reason));
    }

    static void reportLost(List<?> ids) {
        if (!ids.isEmpty()) {
            log.error("Lost entries, which someone deleted from the stream before they were applied: {}", ids);
        }
    }
}
