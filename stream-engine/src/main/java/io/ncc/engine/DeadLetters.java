package io.ncc.engine;

import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.ncc.engine.Projection.Rejected;
import io.ncc.redis.LuaScript;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Sets aside entries that can't be applied, so that no other entries wait for them. */
final class DeadLetters {

    private static final Logger log = LoggerFactory.getLogger(DeadLetters.class);
    private static final int MOST_AT_ONCE = 100; // as large as entries may be, they hold Redis for some milliseconds
    private static final String AS_IN_THE_STREAM = "";

    private final LuaScript script = LuaScript.of(DeadLetters.class, "settled", "set-aside");
    private final GroupKeys keys;
    private final Mode mode;
    private final String consumer;

    DeadLetters(GroupKeys keys, Mode mode, String consumer) {
        this.keys = keys;
        this.mode = mode;
        this.consumer = consumer;
    }

    /**
     * Makes dead letters of pending entries and acknowledges them. What no longer is in the stream is counted as lost.
     *
     * @param batch what they were read in; of those that are too large it has all that will be kept, so Redis needn't touch the rest
     */
    CompletionStage<Void> setAside(RedisAsyncCommands<String, String> commands, List<Rejected> entries, Batch batch) {
        if (entries.isEmpty()) {
            return CompletableFuture.completedFuture(null);
        }
        Map<String, Entry> tooLarge = batch.entries().stream()
                .filter(Entry::isTooLarge)
                .collect(Collectors.toMap(Entry::id, Function.identity()));
        CompletionStage<Void> done = CompletableFuture.completedFuture(null);
        for (int from = 0; from < entries.size(); from += MOST_AT_ONCE) {
            List<Rejected> some = entries.subList(from, Math.min(from + MOST_AT_ONCE, entries.size()));
            done = done.thenCompose(before -> run(commands, some, tooLarge));
        }
        return done;
    }

    private CompletionStage<Void> run(
            RedisAsyncCommands<String, String> commands, List<Rejected> entries, Map<String, Entry> tooLarge) {
        List<String> scriptKeys = new ArrayList<>(List.of(keys.state()));
        scriptKeys.add(keys.deadLetters());
        scriptKeys.add(keys.deadLetterIds());
        List<String> args = new ArrayList<>(List.of(keys.group(), mode.mustBePending(), consumer));
        for (Rejected entry : entries) {
            args.add(entry.id());
            args.add(entry.reason());
            Entry kept = tooLarge.get(entry.id());
            if (kept == null) {
                args.add(AS_IN_THE_STREAM);
            } else {
                args.add(String.valueOf(kept.fieldsInStream()));
                args.add(Integer.toString(kept.fields().size()));
                kept.fields().forEach((name, value) -> {
                    args.add(name);
                    args.add(value);
                });
            }
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
