package io.ncc.checkin.api.partition;

import io.ncc.checkin.model.Partitions;
import io.ncc.redis.RedisLink;
import io.ncc.redis.StreamId;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Queue;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A walk through the entries of all partitions, in the order of their ids. It reads about as many of each partition as will be wanted of it, and
 * more when they don't suffice. All partitions are asked at the same time.
 */
public final class MergedEntries<T> {

    private static final int MOST_AT_ONCE = 1000;
    private static final int GROWTH = 4;

    private final Partitions partitions;
    private final Function<T, StreamId> idOf;
    private final Reader<T> reader;
    private final PriorityQueue<Source> filled;
    private final List<Source> empty = new ArrayList<>();

    /**
     * @param descending whether the entry with the highest id comes first
     * @param wanted how many entries will probably be asked for
     * @param idOf the id of an entry in the stream of its partition
     */
    public MergedEntries(
            Partitions partitions, boolean descending, int wanted, Function<T, StreamId> idOf, Reader<T> reader) {
        this.partitions = partitions;
        this.idOf = idOf;
        this.reader = reader;
        Comparator<Source> order = Comparator.comparing(Source::first);
        this.filled = new PriorityQueue<>(partitions.count(), descending ? order.reversed() : order);
        int share = share(wanted, partitions.count());
        for (int partition = 0; partition < partitions.count(); partition++) {
            empty.add(new Source(partition, share));
        }
    }

    /** Some more than the mean of each partition: nearly always enough. */
    private static int share(int wanted, int partitions) {
        int mean = (wanted + partitions - 1) / partitions;
        return partitions == 1 ? wanted : mean + (int) Math.sqrt(mean) + 1;
    }

    /** Reads entries of one partition. */
    public interface Reader<T> {

        /**
         * Asks for the next entries, in the order of the walk.
         *
         * @param last the last entry of the partition that was read; null at the beginning
         * @return fewer than {@code count} only at the end
         */
        CompletionStage<List<T>> read(int partition, @Nullable StreamId last, int count);
    }

    /** An entry, and its id. */
    public record Item<T>(CheckinId id, T entry) {}

    /**
     * The next entry; null at the end. It waits for Redis if entries have to be read.
     *
     * @throws io.lettuce.core.RedisException if a partition that has to be read can't be
     */
    public @Nullable Item<T> next() {
        fill();
        Source source = filled.poll();
        if (source == null) {
            return null;
        }
        Item<T> item = source.items.remove();
        replay(source);
        return item;
    }

    private void replay(Source source) {
        if (!source.items.isEmpty()) {
            filled.add(source);
        } else if (!source.ended) {
            empty.add(source);
        }
    }

    /** As long as nothing is known of a partition, its next entry may be the next of all. */
    private void fill() {
        while (!empty.isEmpty()) {
            List<Source> asked = List.copyOf(empty);
            empty.clear();
            List<CompletionStage<List<T>>> replies = asked.stream()
                    .map(source -> reader.read(source.partition, source.last, source.count))
                    .toList();
            for (int i = 0; i < asked.size(); i++) {
                asked.get(i).take(RedisLink.await(replies.get(i)));
                replay(asked.get(i));
            }
        }
    }

    /** The entries of one partition. */
    private final class Source {

        private final int partition;
        private final Queue<Item<T>> items = new ArrayDeque<>();
        private int count;
        private @Nullable StreamId last;
        private boolean ended;

        Source(int partition, int count) {
            this.partition = partition;
            this.count = count;
        }

        CheckinId first() {
            return items.element().id();
        }

        void take(List<T> read) {
            for (T entry : read) {
                last = idOf.apply(entry);
                items.add(new Item<>(CheckinId.of(partitions, partition, last), entry));
            }
            ended = read.size() < count;
            count = Math.max(count, Math.min(GROWTH * count, MOST_AT_ONCE));
        }
    }
}
