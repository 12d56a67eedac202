package io.ncc.engine;

import io.lettuce.core.ScriptOutputType;
import io.ncc.redis.LuaScript;
import io.ncc.redis.RedisLink;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Claims entries that have been pending with another consumer for too long. The claim transfers ids only; the entries are then read like all that are
 * pending for this consumer, and passed to the {@link Applier}.
 */
final class Reclaimer implements Periodic.Task {

    private static final Logger log = LoggerFactory.getLogger(Reclaimer.class);
    private static final String BEGINNING = "0-0";
    private static final int MOST_AT_ONCE = 500; // claimed entries that are not read yet can be claimed by others

    private final LuaScript script = LuaScript.of(Reclaimer.class, "settled", "claim");
    private final RedisLink redis;
    private final Applier applier;
    private final ConsumerGroup group;
    private final String claimAfterMillis;
    private final String most;
    private final PageSize pageSize;
    private final PendingEntries claimed;
    private String cursor = BEGINNING;

    Reclaimer(RedisLink redis, Applier applier, ConsumerGroup group, EngineSettings settings) {
        this.redis = redis;
        this.applier = applier;
        this.group = group;
        this.claimAfterMillis = Long.toString(settings.claimAfter().toMillis());
        this.most = Integer.toString(Math.min(settings.effectiveBatchSize(), MOST_AT_ONCE));
        this.pageSize = new PageSize(settings.effectiveBatchSize());
        this.claimed = new PendingEntries(redis, group, new GroupRead(group), pageSize, settings);
    }

    /** Claims from the next part of the group's pending entries; false after the last part. */
    @Override
    public boolean run(Runnable waiting) throws InterruptedException {
        if (applier.stalled() != null) {
            return false; // what is claimed would be delivered once more, and not applied
        }
        try {
            submitClaimed(waiting); // the entries that the last turn failed to read
            GroupKeys keys = group.keys();
            String[] args = {keys.group(), group.consumer(), claimAfterMillis, cursor, most};
            List<Object> reply =
                    redis.call(commands -> script.run(commands, ScriptOutputType.MULTI, keys.state(), args));
            cursor = (String) reply.get(0);
            List<String> ids =
                    ((List<?>) reply.get(1)).stream().map(String.class::cast).toList();
            DeadLetters.reportLost((List<?>) reply.get(2));
            if (!ids.isEmpty()) {
                log.info("Claimed {} entries, from {} on", ids.size(), ids.get(0));
                pageSize.reset(); // they may be larger than those before
                claimed.begin(ids);
                submitClaimed(waiting);
            }
            return !cursor.equals(BEGINNING);
        } catch (Throwable e) {
            pageSize.reset();
            throw e;
        }
    }

    private void submitClaimed(Runnable waiting) throws InterruptedException {
        for (Batch batch = claimed.next(); !batch.isEmpty(); batch = claimed.next()) {
            applier.submit(batch, pageSize, waiting);
            waiting.run();
        }
    }
}
