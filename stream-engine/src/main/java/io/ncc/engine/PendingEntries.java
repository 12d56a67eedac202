package io.ncc.engine;

import io.lettuce.core.Consumer;
import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.lettuce.core.Range.Boundary;
import io.lettuce.core.models.stream.PendingMessage;
import io.ncc.redis.RedisLink;
import io.ncc.redis.StreamId;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A walk through entries that are pending for this consumer: all of them, or those that it has claimed. It lists ids before it reads entries. So if
 * an entry can't be read, or reading it ends the process, its id and the number of its deliveries are still known.
 */
final class PendingEntries {

    private final RedisLink redis;
    private final GroupRead read;
    private final PageSize pageSize;
    private final String stream;
    private final Consumer<String> consumer;
    private final int mostDeliveries;

    /** The id up to which entries have been read; null when all have been. */
    private @Nullable StreamId position;

    private Range<String> rest = Range.unbounded();
    private @Nullable Set<String> wanted;

    PendingEntries(RedisLink redis, ConsumerGroup group, GroupRead read, PageSize pageSize, EngineSettings settings) {
        this.redis = redis;
        this.read = read;
        this.pageSize = pageSize;
        this.stream = group.keys().stream();
        this.consumer = Consumer.from(group.keys().group(), group.consumer());
        this.mostDeliveries = 3 * settings.maxDeliveries();
    }

    /** Begins a walk through all pending entries. */
    void begin() {
        wanted = null;
        position = StreamId.ZERO;
        rest = Range.unbounded();
    }

    /** Begins a walk through some pending entries; the others may be in flight. Replaces a walk that hasn't ended. */
    void begin(List<String> ascendingIds) {
        wanted = new HashSet<>(ascendingIds);
        position = StreamId.parse(ascendingIds.get(0)).previous();
        rest = Range.create(ascendingIds.get(0), ascendingIds.get(ascendingIds.size() - 1));
    }

    /** Reads the next entries; empty at the end of the walk. A call that failed can be repeated. */
    Batch next() {
        while (position != null) {
            int count = pageSize.count();
            List<PendingMessage> held =
                    redis.call(commands -> commands.xpending(stream, consumer, rest, Limit.from(count)));
            List<PendingMessage> run = firstRun(held);
            if (run.isEmpty()) {
                goOnAfter(held.size() < count ? null : idOf(held.get(held.size() - 1)));
                continue;
            }
            PendingMessage first = run.get(0);
            if (isHopeless(first)) {
                goOnAfter(idOf(first));
                return new Batch(List.of(Entry.unread(first.getId(), first.getRedeliveryCount())), false);
            }
            Batch batch = read(run);
            if (!batch.isEmpty()) {
                return batch;
            }
        }
        return Batch.EMPTY;
    }

    /** The first wanted entries, up to the next one that isn't wanted or is hopeless. */
    private List<PendingMessage> firstRun(List<PendingMessage> held) {
        int from = 0;
        while (from < held.size() && !isWanted(held.get(from).getId())) {
            from++;
        }
        int to = from;
        while (to < held.size() && isWanted(held.get(to).getId()) && (to == from || !isHopeless(held.get(to)))) {
            to++;
        }
        return held.subList(from, to);
    }

    private boolean isWanted(String id) {
        return wanted == null || wanted.contains(id);
    }

    /** The applier gives up entries with more than twice the allowed deliveries. An entry with three times as many never got there: reading it fails. */
    private boolean isHopeless(PendingMessage entry) {
        return entry.getRedeliveryCount() >= mostDeliveries;
    }

    private Batch read(List<PendingMessage> run) {
        StreamId last = idOf(run.get(run.size() - 1));
        String before = idOf(run.get(0)).previous().toString();
        Page page = redis.call(commands -> read.pending(commands, run.size(), before));
        pageSize.learn(page);
        if (!page.entries().isEmpty()) {
            StreamId lastRead =
                    StreamId.parse(page.entries().get(page.entries().size() - 1).id());
            // other entries than listed, if some were settled or claimed meanwhile
            last = page.isFull() || lastRead.compareTo(last) > 0 ? lastRead : last;
        }
        goOnAfter(last);
        Map<String, Long> deliveries = new HashMap<>();
        run.forEach(entry -> deliveries.put(entry.getId(), entry.getRedeliveryCount() + 1));
        List<Entry> entries = page.entries().stream()
                .filter(entry -> isWanted(entry.id()))
                .map(entry -> entry.deliveredFor(deliveries.getOrDefault(entry.id(), 1L)))
                .toList();
        return new Batch(entries, false);
    }

    private void goOnAfter(@Nullable StreamId id) {
        if (id == null || id.equals(StreamId.HIGHEST)) { // Redis takes no range after the highest id
            position = null;
        } else {
            position = id;
            rest = Range.from(Boundary.excluding(id.toString()), rest.getUpper());
        }
    }

    private static StreamId idOf(PendingMessage entry) {
        return StreamId.parse(entry.getId());
    }
}
