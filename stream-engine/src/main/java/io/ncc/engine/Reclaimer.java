package io.ncc.engine;

import io.lettuce.core.ScriptOutputType;
import io.ncc.redis.LuaScript;
import io.ncc.redis.RedisLink;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Claims entries that have been pending with a consumer for too long, and passes them to the {@link Applier}. */
final class Reclaimer implements Periodic.Task {

    private static final Logger log = LoggerFactory.getLogger(Reclaimer.class);
    private static final String BEGINNING = "0-0";
    private static final int MOST_AT_ONCE = 500; // the script runs XPENDING for each

    private final LuaScript script = LuaScript.of(Reclaimer.class, "settled", "claim");
    private final RedisLink redis;
    private final Applier applier;
    private final GroupKeys keys;
    private final String consumer;
    private final String claimAfterMillis;
    private final String most;
    private String cursor = BEGINNING;

    Reclaimer(RedisLink redis, Applier applier, GroupKeys keys, String consumer, EngineSettings settings) {
        this.redis = redis;
        this.applier = applier;
        this.keys = keys;
        this.consumer = consumer;
        this.claimAfterMillis = Long.toString(settings.claimAfter().toMillis());
        this.most = Integer.toString(Math.min(settings.effectiveBatchSize(), MOST_AT_ONCE));
    }

    /** Claims from the next part of the group's pending entries; false after the last part. */
    @Override
    public boolean run(Runnable waiting) throws InterruptedException {
        String[] args = {keys.group(), consumer, claimAfterMillis, cursor, most};
        List<Object> reply = redis.call(commands -> script.run(commands, ScriptOutputType.MULTI, keys.state(), args));
        cursor = (String) reply.get(0);
        List<Entry> entries = entries((List<?>) reply.get(1));
        DeadLetters.reportLost((List<?>) reply.get(2));
        if (!entries.isEmpty()) {
            log.info(
                    "Claimed {} entries, from {} on",
                    entries.size(),
                    entries.get(0).id());
            applier.submit(new Batch(entries, false), waiting);
        }
        return !cursor.equals(BEGINNING);
    }

    private static List<Entry> entries(List<?> reply) {
        List<Entry> entries = new ArrayList<>(reply.size());
        for (Object element : reply) {
            List<?> entry = (List<?>) element;
            List<?> namesAndValues = (List<?>) entry.get(1);
            Map<String, String> fields = new LinkedHashMap<>();
            for (int i = 0; i < namesAndValues.size(); i += 2) {
                fields.put((String) namesAndValues.get(i), (String) namesAndValues.get(i + 1));
            }
            entries.add(new Entry((String) entry.get(0), fields, (Long) entry.get(2)));
        }
        return entries;
    }
}
