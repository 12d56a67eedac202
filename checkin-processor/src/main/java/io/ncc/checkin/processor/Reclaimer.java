package io.ncc.checkin.processor;

import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.StreamMessage;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.service.LuaScript;
import io.ncc.checkin.service.RedisCondition;
import io.ncc.checkin.service.RedisLink;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;

/** Takes over, every now and then, the entries that a consumer has held for too long, and hands them to the {@link Applier}. */
final class Reclaimer implements SmartLifecycle {

    private static final Logger log = LoggerFactory.getLogger(Reclaimer.class);
    private static final String BEGINNING = "0-0";
    private static final Duration STOP_LIMIT = Duration.ofSeconds(5);

    private final LuaScript script = LuaScript.of(Reclaimer.class, "claim");
    private final RedisLink redis;
    private final Applier applier;
    private final String stream;
    private final String consumer;
    private final ProcessorProperties properties;
    private final Thread thread = new Thread(this::run, "reclaimer");
    private final CountDownLatch stopping = new CountDownLatch(1);
    private String cursor = BEGINNING;

    Reclaimer(RedisLink redis, Applier applier, Keys keys, String consumer, ProcessorProperties properties) {
        this.redis = redis;
        this.applier = applier;
        this.stream = keys.checkins();
        this.consumer = consumer;
        this.properties = properties;
    }

    @Override
    public void start() {
        thread.start();
    }

    private void run() {
        while (stopping.getCount() > 0) {
            try {
                if (!stopping.await(jittered(properties.claimEvery()).toNanos(), TimeUnit.NANOSECONDS)) {
                    reclaim();
                }
            } catch (InterruptedException e) {
                return;
            } catch (Exception e) { // only a stop may end this loop
                RedisCondition condition = RedisCondition.of(e);
                // the reader meets the outage, too; it reports it, and creates a missing group
                if (!condition.isOutage() && condition != RedisCondition.NO_GROUP) {
                    log.error("Entries can't be claimed", e);
                }
            }
        }
    }

    private static Duration jittered(Duration interval) {
        return Duration.ofNanos(
                (long) (interval.toNanos() * ThreadLocalRandom.current().nextDouble(0.5, 1.5)));
    }

    /** Walks through the group's pending entries once; a walk that was cut off goes on where it was. */
    private void reclaim() throws InterruptedException {
        do {
            List<Object> reply = redis.call(
                    commands -> script.run(commands, ScriptOutputType.MULTI, new String[] {stream}, arguments()));
            cursor = (String) reply.get(0);
            List<StreamMessage<String, String>> entries = entries((List<?>) reply.get(1));
            if (!entries.isEmpty()) {
                log.info(
                        "Took over {} entries, from {}",
                        entries.size(),
                        entries.get(0).getId());
                applier.submit(entries);
            }
        } while (stopping.getCount() > 0 && !cursor.equals(BEGINNING));
    }

    private String[] arguments() {
        return new String[] {
            Keys.GROUP,
            consumer,
            Long.toString(properties.claimAfter().toMillis()),
            cursor,
            Integer.toString(properties.batchSize())
        };
    }

    private List<StreamMessage<String, String>> entries(List<?> reply) {
        List<StreamMessage<String, String>> entries = new ArrayList<>(reply.size());
        for (Object element : reply) {
            List<?> entry = (List<?>) element;
            List<?> namesAndValues = (List<?>) entry.get(1);
            Map<String, String> fields = new LinkedHashMap<>();
            for (int i = 0; i < namesAndValues.size(); i += 2) {
                fields.put((String) namesAndValues.get(i), (String) namesAndValues.get(i + 1));
            }
            entries.add(new StreamMessage<>(stream, (String) entry.get(0), fields));
        }
        return entries;
    }

    /** Lets a walk that is under way hand over what it has claimed. */
    @Override
    public void stop() {
        stopping.countDown();
        try {
            thread.join(STOP_LIMIT.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public boolean isRunning() {
        return thread.isAlive();
    }

    /** Stops before the reader, which waits for all that is under way. */
    @Override
    public int getPhase() {
        return EntryReader.PHASE + 1;
    }
}
