package io.ncc.checkin.api.checkin;

import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.lettuce.core.StreamMessage;
import io.lettuce.core.api.async.RedisServerAsyncCommands;
import io.ncc.checkin.api.partition.CheckinId;
import io.ncc.checkin.api.partition.MergedEntries;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.service.PartitionLinks;
import io.ncc.redis.RedisLink;
import io.ncc.redis.StreamId;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/** Reads checkins from the stream. Entries that are not checkins are passed over: they will be dead letters. */
@Component
final class CheckinReader {

    /** The most checkins that one request gets. */
    static final int MAX_PAGE = 1000;

    private final PartitionLinks redis;
    private final Partitions partitions;

    CheckinReader(PartitionLinks redis, Partitions partitions) {
        this.redis = redis;
        this.partitions = partitions;
    }

    /** The checkin of the highest id. */
    CompletionStage<Optional<StoredCheckin>> latest() {
        Cursor all = new Cursor(
                CheckinId.lowest(partitions, StreamId.ZERO),
                CheckinId.highest(partitions, StreamId.HIGHEST),
                true,
                MAX_PAGE);
        return redis.ofAll(partition -> latest(partition, all, null, 1)) // one is nearly always enough
                .thenApply(ofEach ->
                        ofEach.stream().flatMap(Optional::stream).max(Comparator.comparing(StoredCheckin::id)));
    }

    private CompletionStage<Optional<StoredCheckin>> latest(
            int partition, Cursor cursor, @Nullable StreamId last, int count) {
        return read(partition, cursor, last, count).thenCompose(page -> {
            Optional<StoredCheckin> found = page.stream()
                    .map(entry ->
                            StoredCheckin.from(CheckinId.of(partitions, partition, entry.getId()), entry.getBody()))
                    .filter(Objects::nonNull)
                    .findFirst();
            return found.isPresent() || page.size() < count
                    ? CompletableFuture.completedFuture(found)
                    : latest(partition, cursor, idOf(page.get(count - 1)), MAX_PAGE);
        });
    }

    /**
     * Up to as many checkins as the cursor says, and where to go on. Only the last page may be shorter, or empty.
     *
     * <p>An entry can still come in a partition whose server has a slower clock, and its id can be lower than ids of others. So a page that
     * others follow only has ids below the lowest clock. If these don't fill it, it is the last.
     */
    Page page(Cursor start) {
        CompletionStage<Long> clock = start.newestFirst() || partitions.count() == 1 ? null : lowestClock();
        MergedEntries<StreamMessage<String, String>> entries = new MergedEntries<>(
                partitions,
                start.newestFirst(),
                start.limit() + 1,
                CheckinReader::idOf,
                (partition, last, count) -> read(partition, start, last, count));
        List<StoredCheckin> items = new ArrayList<>();
        Cursor cursor = start;
        for (var next = entries.next(); next != null; next = entries.next()) {
            if (items.size() == start.limit()) {
                return clock == null ? new Page(items, cursor) : below(RedisLink.await(clock), items, cursor);
            }
            StoredCheckin checkin = StoredCheckin.from(next.id(), next.entry().getBody());
            if (checkin != null) {
                items.add(checkin);
            }
            cursor = cursor.after(next.id());
        }
        return new Page(items, null);
    }

    private static Page below(long clock, List<StoredCheckin> items, Cursor next) {
        List<StoredCheckin> below = items.stream()
                .filter(checkin -> Long.compareUnsigned(checkin.timestamp(), clock) < 0)
                .toList();
        return new Page(below, below.size() == items.size() ? next : null);
    }

    /** In milliseconds. To be asked for before the entries. */
    private CompletionStage<Long> lowestClock() {
        return redis.ofAll(partition -> redis.of(partition).send(RedisServerAsyncCommands::time))
                .thenApply(times -> times.stream()
                        .mapToLong(time -> Long.parseLong(time.get(0)) * 1000 + Long.parseLong(time.get(1)) / 1000)
                        .min()
                        .orElseThrow());
    }

    private static StreamId idOf(StreamMessage<String, String> entry) {
        return StreamId.parse(entry.getId());
    }

    private CompletionStage<List<StreamMessage<String, String>>> read(
            int partition, Cursor cursor, @Nullable StreamId last, int count) {
        Range<String> range = cursor.in(partition, last);
        if (range == null) {
            return CompletableFuture.completedFuture(List.of());
        }
        String stream = partitions.keys(partition).checkins();
        Limit limit = Limit.from(count);
        return redis.of(partition)
                .send(commands -> cursor.newestFirst()
                        ? commands.xrevrange(stream, range, limit)
                        : commands.xrange(stream, range, limit));
    }

    /** @param next null at the end */
    record Page(List<StoredCheckin> items, @Nullable Cursor next) {}
}
