package io.ncc.checkin.api.pull;

import io.lettuce.core.RedisException;
import io.lettuce.core.ScriptOutputType;
import io.micrometer.core.instrument.MeterRegistry;
import io.ncc.checkin.api.ApiProperties;
import io.ncc.checkin.api.live.StreamTail;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.service.PartitionLinks;
import io.ncc.redis.LuaScript;
import io.ncc.redis.RedisLink;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;

/**
 * Consumer groups of other programs. Pulls that wait take neither a thread nor a connection: the {@link StreamTail}, which is one connection for all,
 * tells when entries come. Once a second each group with pulls that wait is looked at besides, for entries that have been held for too long and for
 * groups that are gone.
 */
@Component
final class PullGroups implements SmartLifecycle {

    private static final Logger log = LoggerFactory.getLogger(PullGroups.class);
    private static final Duration TICK = Duration.ofSeconds(1);

    /** How many consumers one script removes. */
    private static final int MOST_REMOVED_AT_ONCE = 100;

    private final LuaScript create = LuaScript.of(PullGroups.class, "settled", "create-group");
    private final LuaScript removeConsumers = LuaScript.of(PullGroups.class, "remove-consumers");
    private final RedisLink redis;
    private final Partitions partitions;
    private final String stream;
    private final Duration consumerTimeout;
    private final Map<String, PullGroup> groups = new ConcurrentHashMap<>();
    private volatile ScheduledThreadPoolExecutor executor = newExecutor();
    private volatile boolean running;
    private volatile long nextCleaning = System.nanoTime();

    PullGroups(
            PartitionLinks links,
            StreamTail tail,
            Partitions partitions,
            ApiProperties properties,
            MeterRegistry registry) {
        this.redis = links.of(0);
        this.partitions = partitions;
        this.stream = partitions.keys(0).checkins();
        this.consumerTimeout = properties.consumerTimeout();
        tail.whenEntriesCome(() -> groups.values().forEach(PullGroup::call));
        registry.gauge("checkin.api.pulling", groups, PullGroups::waiting);
    }

    private static int waiting(Map<String, PullGroup> groups) {
        return groups.values().stream().mapToInt(PullGroup::waiting).sum();
    }

    /** What became of a wish to make a group. */
    enum Creation {
        MADE,
        THERE_ALREADY,
        AHEAD_OF_STREAM
    }

    /**
     * Makes a group, and the stream if there is none.
     *
     * @param from 0 for all entries, $ for new ones, or the id after which it begins
     */
    Creation create(String group, String from) {
        long created = redis.call(commands -> create.<Long>run(
                commands, ScriptOutputType.INTEGER, new String[] {stream}, new String[] {group, from}));
        if (created < 0) {
            return Creation.AHEAD_OF_STREAM;
        }
        return created == 1 ? Creation.MADE : Creation.THERE_ALREADY;
    }

    /** Removes a group; false if there is none. */
    boolean remove(String group) {
        boolean removed = redis.call(commands -> commands.xgroupDestroy(stream, group));
        PullGroup known = groups.remove(group);
        if (known != null) {
            known.close();
        }
        return removed;
    }

    /**
     * Removes a consumer that holds no entries.
     *
     * @return how many entries it holds, at most 1,000; if it is more than 0, nothing was removed
     * @throws RedisException NOGROUP if there is no such group
     */
    long removeConsumer(String group, String consumer) {
        return removeConsumers(group, List.of(consumer)).get(0);
    }

    private List<Long> removeConsumers(String group, List<String> consumers) {
        List<String> args = new ArrayList<>();
        args.add(group);
        args.addAll(consumers);
        return redis.call(commands -> removeConsumers.<List<Long>>run(
                commands, ScriptOutputType.MULTI, new String[] {stream}, args.toArray(String[]::new)));
    }

    /** Acknowledges entries, and returns how many of them were pending. */
    long acknowledge(String group, List<String> ids) {
        return redis.call(commands -> commands.xack(stream, group, ids.toArray(String[]::new)));
    }

    /**
     * Reads entries as a consumer of the group: first those that someone has held for too long, then new ones. While there are many of the first kind,
     * every few pulls begin with new ones. A caller that no longer wants any completes the answer itself.
     *
     * @param wait how long to wait for the first one
     * @return fails with a problem if there is no such group, or if another pull of the consumer comes meanwhile
     */
    CompletableFuture<List<PulledCheckin>> pull(String name, Pull.Request request, Duration wait) {
        PullGroup group = group(name);
        Pull pull = new Pull(request);
        group.begin(pull, () -> await(group, pull, wait));
        return pull.answer();
    }

    private PullGroup group(String name) {
        return groups.compute(
                name, (key, known) -> known == null || known.isGone() ? new PullGroup(redis, partitions, key) : known);
    }

    private void await(PullGroup group, Pull pull, Duration wait) {
        if (wait.isZero() || !running) {
            pull.complete(List.of());
            return;
        }
        try {
            ScheduledFuture<?> timeout =
                    executor.schedule(() -> group.expire(pull), wait.toNanos(), TimeUnit.NANOSECONDS);
            CompletableFuture<?> unused = pull.answer().whenComplete((items, failure) -> {
                timeout.cancel(false);
                group.forget(pull);
            });
            group.await(pull);
        } catch (RejectedExecutionException e) {
            pull.complete(List.of()); // it stops
        }
    }

    private void tick() {
        try {
            groups.values().removeIf(PullGroup::isGone);
            groups.values().forEach(PullGroup::call);
            if (System.nanoTime() - nextCleaning >= 0) {
                nextCleaning = System.nanoTime() + Math.min(consumerTimeout.toNanos(), TimeUnit.MINUTES.toNanos(1));
                clean();
            }
        } catch (RedisException e) {
            log.debug("Groups could not be looked at", e); // others tell of outages
        } catch (Throwable e) { // else there would be no next one
            log.error("Groups could not be looked at", e);
        }
    }

    /** Forgets groups that are gone, and removes consumers that nobody uses any more from the others. */
    private void clean() {
        List<Object> there = redis.call(commands -> commands.xinfoGroups(stream));
        Set<Object> names =
                there.stream().map(group -> values(group).get("name")).collect(Collectors.toSet());
        groups.entrySet()
                .removeIf(group ->
                        !names.contains(group.getKey()) && group.getValue().isUnused());
        for (String group : groups.keySet()) {
            if (names.contains(group)) {
                clean(group);
            }
        }
    }

    private void clean(String group) {
        List<Object> consumers = redis.call(commands -> commands.xinfoConsumers(stream, group));
        List<String> idle = consumers.stream()
                .map(PullGroups::values)
                .filter(consumer -> Long.valueOf(0).equals(consumer.get("pending")))
                .filter(consumer -> Objects.requireNonNull((Long) consumer.get("idle")) >= consumerTimeout.toMillis())
                .map(consumer -> String.valueOf(consumer.get("name")))
                .toList();
        for (int from = 0; from < idle.size(); from += MOST_REMOVED_AT_ONCE) {
            removeConsumers(group, idle.subList(from, Math.min(from + MOST_REMOVED_AT_ONCE, idle.size())));
        }
    }

    private static Map<Object, Object> values(Object reply) {
        List<?> namesAndValues = (List<?>) reply;
        Map<Object, Object> values = new HashMap<>();
        for (int i = 0; i < namesAndValues.size(); i += 2) {
            values.put(namesAndValues.get(i), namesAndValues.get(i + 1));
        }
        return values;
    }

    @Override
    public void start() {
        executor = newExecutor();
        running = true;
        ScheduledFuture<?> unused =
                executor.scheduleWithFixedDelay(this::tick, TICK.toMillis(), TICK.toMillis(), TimeUnit.MILLISECONDS);
    }

    @Override
    public void stop() {
        running = false;
        executor.shutdownNow();
        groups.values().forEach(PullGroup::stop);
        groups.clear();
    }

    /** One thread for timeouts, and one that may be waiting for Redis. */
    private static ScheduledThreadPoolExecutor newExecutor() {
        ScheduledThreadPoolExecutor executor = new ScheduledThreadPoolExecutor(2, task -> new Thread(task, "pulling"));
        executor.setRemoveOnCancelPolicy(true);
        return executor;
    }

    @Override
    public boolean isRunning() {
        return running;
    }

    /** Stops before the web server waits for its requests, some of which wait here. */
    @Override
    public int getPhase() {
        return Integer.MAX_VALUE;
    }
}
