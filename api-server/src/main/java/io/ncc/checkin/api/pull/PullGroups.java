package io.ncc.checkin.api.pull;

import io.lettuce.core.RedisException;
import io.lettuce.core.ScriptOutputType;
import io.micrometer.core.instrument.MeterRegistry;
import io.ncc.checkin.api.ApiProperties;
import io.ncc.checkin.api.live.StreamTail;
import io.ncc.checkin.api.partition.CheckinId;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.service.PartitionLinks;
import io.ncc.redis.LuaScript;
import io.ncc.redis.RedisCondition;
import io.ncc.redis.RedisLink;
import io.ncc.redis.StreamId;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
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
    private final PartitionLinks redis;
    private final Partitions partitions;
    private final Duration consumerTimeout;
    private final Map<String, PullGroup> groups = new ConcurrentHashMap<>();
    private volatile ScheduledThreadPoolExecutor executor = newExecutor();
    private volatile boolean running;
    private volatile long nextCleaning = System.nanoTime();

    PullGroups(
            PartitionLinks redis,
            StreamTail tail,
            Partitions partitions,
            ApiProperties properties,
            MeterRegistry registry) {
        this.redis = redis;
        this.partitions = partitions;
        this.consumerTimeout = properties.consumerTimeout();
        tail.whenEntriesCome(where -> groups.values().forEach(group -> group.call(where)));
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

    private String stream(int partition) {
        return partitions.keys(partition).checkins();
    }

    /**
     * Makes a group in all partitions, and the streams if there are none.
     *
     * @param from 0 for all entries, $ for new ones
     */
    Creation create(String group, String from) {
        return creation(RedisLink.await(redis.ofAll(partition -> create(partition, group, from))));
    }

    /** Makes a group in all partitions that begins after an id, unless it is above the last ids of all. */
    Creation create(String group, CheckinId from) {
        long own = RedisLink.await(create(from.partition(), group, from.entry().toString()));
        if (own < 0 && !othersHaveReached(from)) {
            return Creation.AHEAD_OF_STREAM;
        }
        return creation(RedisLink.await(redis.ofAll(partition -> partition == from.partition() && own >= 0
                ? CompletableFuture.completedFuture(own)
                : create(partition, group, from.highestIn(partition).toString())
                        // there, all that comes is after the id
                        .thenCompose(each ->
                                each < 0 ? create(partition, group, "$") : CompletableFuture.completedFuture(each)))));
    }

    /** Whether another partition ever had an entry that isn't below the id. */
    private boolean othersHaveReached(CheckinId id) {
        return RedisLink.await(redis.ofAll(partition -> partition == id.partition()
                        ? CompletableFuture.completedFuture(false)
                        : hasReached(partition, id.lowestIn(partition))))
                .contains(true);
    }

    private CompletionStage<Boolean> hasReached(int partition, StreamId id) {
        CompletionStage<List<Object>> info =
                redis.of(partition).send(commands -> commands.xinfoStream(stream(partition)));
        return ifStreamIsThere(info.thenApply(reply -> lastId(reply).compareTo(id) >= 0), false);
    }

    private static StreamId lastId(List<Object> info) {
        return StreamId.parse(String.valueOf(values(info).get("last-generated-id")));
    }

    private CompletionStage<Long> create(int partition, String group, String from) {
        return redis.of(partition)
                .send(commands -> create.run(
                        commands, ScriptOutputType.INTEGER, new String[] {stream(partition)}, new String[] {group, from
                        }));
    }

    private static Creation creation(List<Long> created) {
        return created.contains(1L) ? Creation.MADE : Creation.THERE_ALREADY;
    }

    /** Removes a group; false if there is none. */
    boolean remove(String group) {
        List<Boolean> removed = RedisLink.await(redis.ofAll(partition -> ifStreamIsThere(
                redis.of(partition).send(commands -> commands.xgroupDestroy(stream(partition), group)), false)));
        PullGroup known = groups.remove(group);
        if (known != null) {
            known.close();
        }
        return removed.contains(true);
    }

    /** In a partition without a stream there is nothing. Without partitions that is said. */
    private <T> CompletionStage<T> ifStreamIsThere(CompletionStage<T> answer, T otherwise) {
        return answer.exceptionallyCompose(
                failure -> partitions.count() > 1 && RedisCondition.of(failure) == RedisCondition.NO_GROUP
                        ? CompletableFuture.completedFuture(otherwise)
                        : CompletableFuture.failedFuture(failure));
    }

    /**
     * Removes a consumer where it holds no entries.
     *
     * @return how many entries it holds, at most 1,000 in each partition; if it is more than 0, it is still there
     * @throws RedisException NOGROUP if there is no such group
     */
    long removeConsumer(String group, String consumer) {
        return RedisLink.await(redis.ofAll(partition -> removeConsumers(partition, group, List.of(consumer)))).stream()
                .mapToLong(held -> held.get(0))
                .sum();
    }

    private CompletionStage<List<Long>> removeConsumers(int partition, String group, List<String> consumers) {
        List<String> args = new ArrayList<>();
        args.add(group);
        args.addAll(consumers);
        return redis.of(partition)
                .send(commands -> removeConsumers.run(
                        commands,
                        ScriptOutputType.MULTI,
                        new String[] {stream(partition)},
                        args.toArray(String[]::new)));
    }

    /** Acknowledges entries, and returns how many of them were pending. */
    long acknowledge(String group, List<CheckinId> ids) {
        Map<Integer, List<CheckinId>> byPartition = ids.stream().collect(Collectors.groupingBy(CheckinId::partition));
        List<CompletionStage<Long>> acknowledged = new ArrayList<>();
        byPartition.forEach((partition, some) -> acknowledged.add(redis.of(partition)
                .send(commands -> commands.xack(
                        stream(partition),
                        group,
                        some.stream().map(id -> id.entry().toString()).toArray(String[]::new)))));
        return acknowledged.stream().mapToLong(RedisLink::await).sum();
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
            CompletableFuture<?> unused = pull.answer().whenComplete((items, failure) -> timeout.cancel(false));
            group.await(pull);
        } catch (RejectedExecutionException e) {
            pull.complete(List.of()); // it stops
        }
    }

    private void tick() {
        try {
            groups.values().removeIf(PullGroup::isGone);
            groups.values().forEach(PullGroup::tick);
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

    /**
     * Forgets groups that are gone, and removes consumers that nobody uses any more from the others. While a partition can't be asked, no group is
     * forgotten, as it may be there.
     */
    private void clean() {
        Set<Object> names = new HashSet<>();
        RedisException failure = null;
        for (int partition = 0; partition < partitions.count(); partition++) {
            try {
                names.addAll(clean(partition));
            } catch (RedisException e) {
                failure = e;
            }
        }
        if (failure != null) {
            throw failure;
        }
        groups.entrySet()
                .removeIf(group ->
                        !names.contains(group.getKey()) && group.getValue().isUnused());
    }

    /** The names of the groups in a partition. */
    private Set<Object> clean(int partition) {
        List<Object> there = RedisLink.await(ifStreamIsThere(
                redis.of(partition).send(commands -> commands.xinfoGroups(stream(partition))), List.of()));
        Set<Object> names =
                there.stream().map(group -> values(group).get("name")).collect(Collectors.toSet());
        for (String group : groups.keySet()) {
            if (names.contains(group)) {
                clean(partition, group);
            }
        }
        return names;
    }

    private void clean(int partition, String group) {
        List<Object> consumers =
                redis.of(partition).call(commands -> commands.xinfoConsumers(stream(partition), group));
        List<String> idle = consumers.stream()
                .map(PullGroups::values)
                .filter(consumer -> Long.valueOf(0).equals(consumer.get("pending")))
                .filter(consumer -> Objects.requireNonNull((Long) consumer.get("idle")) >= consumerTimeout.toMillis())
                .map(consumer -> String.valueOf(consumer.get("name")))
                .toList();
        for (int from = 0; from < idle.size(); from += MOST_REMOVED_AT_ONCE) {
            List<String> some = idle.subList(from, Math.min(from + MOST_REMOVED_AT_ONCE, idle.size()));
            RedisLink.await(removeConsumers(partition, group, some));
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
        if (executor.isShutdown()) {
            executor = newExecutor();
        }
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
