package io.ncc.checkin.api.partition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lettuce.core.RedisConnectionException;
import io.ncc.checkin.model.Partitions;
import io.ncc.redis.StreamId;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class MergedEntriesTest {

    private static final long SEED = 5;

    private final Random random = new Random(SEED);
    private int asked;
    private int read;

    /** The ids of each partition, ascending. */
    private List<List<StreamId>> streams(int partitions, int entries, boolean skewed) {
        List<List<StreamId>> streams = IntStream.range(0, partitions)
                .<List<StreamId>>mapToObj(partition -> new ArrayList<>())
                .toList();
        for (int i = 0; i < entries; i++) {
            int partition = skewed && random.nextInt(10) > 0 ? 0 : random.nextInt(partitions);
            streams.get(partition).add(new StreamId(1_000 + i / 3, i % 3));
        }
        return streams;
    }

    private CompletionStage<List<StreamId>> read(
            List<StreamId> stream, boolean descending, @Nullable StreamId last, int count) {
        Comparator<StreamId> order = descending ? Comparator.reverseOrder() : Comparator.naturalOrder();
        List<StreamId> page = stream.stream()
                .sorted(order)
                .filter(id -> last == null || order.compare(id, last) > 0)
                .limit(count)
                .toList();
        asked++;
        read += page.size();
        return CompletableFuture.completedFuture(page);
    }

    @ParameterizedTest
    @CsvSource({"1, false", "4, false", "64, false", "256, false", "4, true", "64, true"})
    void allAreWalkedInOrderInBothDirections(int count, boolean skewed) {
        Partitions partitions = Partitions.of(count);
        List<List<StreamId>> streams = streams(count, 3_000, skewed);
        List<CheckinId> expected = IntStream.range(0, count)
                .boxed()
                .flatMap(
                        partition -> streams.get(partition).stream().map(id -> CheckinId.of(partitions, partition, id)))
                .sorted()
                .toList();
        for (boolean descending : new boolean[] {false, true}) {
            MergedEntries<StreamId> entries = new MergedEntries<>(
                    partitions,
                    descending,
                    100,
                    id -> id,
                    (partition, last, most) -> read(streams.get(partition), descending, last, most));
            List<CheckinId> seen = new ArrayList<>();
            for (var next = entries.next(); next != null; next = entries.next()) {
                seen.add(next.id());
            }
            List<CheckinId> sorted = new ArrayList<>(expected);
            sorted.sort(descending ? Comparator.reverseOrder() : Comparator.naturalOrder());
            assertThat(seen).isEqualTo(sorted);
        }
    }

    @ParameterizedTest
    @CsvSource({"4, 100", "64, 100", "64, 1000"})
    void aPageReadsLittleMoreThanItself(int count, int wanted) {
        Partitions partitions = Partitions.of(count);
        List<List<StreamId>> streams = streams(count, 20_000, false);
        MergedEntries<StreamId> entries = new MergedEntries<>(
                partitions,
                false,
                wanted,
                id -> id,
                (partition, last, most) -> read(streams.get(partition), false, last, most));
        for (int i = 0; i < wanted; i++) {
            assertThat(entries.next()).isNotNull();
        }
        assertThat(read).isLessThan(4 * wanted);
        assertThat(asked).isLessThan(2 * count);
    }

    @Test
    void aPartitionThatCannotBeReadFailsTheWalk() {
        MergedEntries<StreamId> entries = new MergedEntries<>(
                Partitions.of(2),
                false,
                10,
                id -> id,
                (partition, last, most) -> partition == 0
                        ? CompletableFuture.completedFuture(List.of(new StreamId(1, 0)))
                        : CompletableFuture.failedFuture(new RedisConnectionException("away")));
        assertThatThrownBy(entries::next).isInstanceOf(RedisConnectionException.class);
    }
}
