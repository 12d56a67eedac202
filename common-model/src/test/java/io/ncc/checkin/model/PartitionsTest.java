package io.ncc.checkin.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Random;
import java.util.function.LongUnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

final class PartitionsTest {

    private static final int IDS = 100_000;

    @ParameterizedTest
    @CsvSource({"123456789, 12739", "foo, 12182", "user1000, 3443", "1, 9842", "9223372036854775807, 13677", "'', 0"})
    void theSlotIsTheOneOfRedis(String key, int slot) {
        assertThat(Partitions.slot(key)).isEqualTo(slot);
    }

    @ParameterizedTest
    @CsvSource({"1, 0", "2, 1", "16, 9", "64, 38", "256, 153"})
    void aUserIsInThePartitionOfItsSlot(int count, int partition) {
        assertThat(Partitions.of(count).ofUser(1)).isEqualTo(partition); // slot 9842
        assertThat(Partitions.of(count).ofLocation(1)).isEqualTo(partition);
        assertThat(Partitions.of(count).ofName("1")).isEqualTo(partition);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 16, 64, 100, 255, 256})
    void theKeysOfAPartitionAreInIts(int count) {
        Partitions partitions = Partitions.of(count);
        for (int partition = 0; partition < count; partition++) {
            String tag = tag(partitions, partition);
            assertThat(tag).startsWith(partition + "-");
            assertThat(Partitions.slot(tag) * count / 16384).isEqualTo(partition);
        }
    }

    @Test
    void theFirstPartitionHasTheSameKeysWhateverTheirNumber() {
        assertThat(IntStream.rangeClosed(1, 256).mapToObj(count -> tag(Partitions.of(count), 0)))
                .hasSize(256)
                .containsOnly(tag(Partitions.of(1), 0));
    }

    private static String tag(Partitions partitions, int partition) {
        String key = partitions.keys(partition).partitions();
        return key.substring(key.indexOf('{') + 1, key.indexOf('}'));
    }

    static Stream<Arguments> idsOfUsers() {
        Random random = new Random(64);
        return Stream.of(
                ids("sequential", i -> 1 + i),
                ids("snowflake", i -> (1_700_000_000_000L + i / 3) << 22 | i % 3),
                ids("multiples of 4,096", i -> 4096 * (1 + i)),
                ids("random", i -> random.nextLong(1, Long.MAX_VALUE)));
    }

    private static Arguments ids(String pattern, LongUnaryOperator id) {
        return Arguments.of(pattern, LongStream.range(0, IDS).map(id).toArray());
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("idsOfUsers")
    void usersAreSpreadEvenly(String pattern, long[] ids) {
        Partitions partitions = Partitions.of(64);
        int[] users = new int[64];
        LongStream.of(ids).forEach(id -> users[partitions.ofUser(id)]++);
        assertThat(IntStream.of(users).max().orElseThrow()).as(pattern).isLessThan((int) (1.1 * IDS / 64));
    }

    @Test
    void partitionsAreSpreadEvenlyOverTheNodesOfACluster() {
        Partitions partitions = Partitions.of(64);
        for (int nodes = 3; nodes <= 16; nodes++) {
            int[] load = new int[nodes];
            for (int partition = 0; partition < 64; partition++) {
                load[Partitions.slot(tag(partitions, partition)) * nodes / 16384]++;
            }
            assertThat(IntStream.of(load).max().orElseThrow())
                    .as("partitions of the busiest of %s nodes", nodes)
                    .isLessThanOrEqualTo((int) Math.ceil(64.0 / nodes));
        }
    }

    @Test
    void withoutPartitionsThereIsOneStreamAndIdsAreThoseOfRedis() {
        Partitions none = Partitions.none();
        assertThat(none.count()).isEqualTo(1);
        assertThat(none.arePartitioned()).isFalse();
        assertThat(none.ofUser(Long.MAX_VALUE)).isZero();
        assertThat(none.keys(0).checkins()).isEqualTo("ncc:checkins");
        assertThat(none.idOutside(0, "5-0")).isEqualTo("5-0");
        assertThat(Partitions.of(1).idOutside(0, "5-0")).isEqualTo("5-0-0");
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 0, 257})
    void aNumberOutOfRangeIsRefused(int count) {
        assertThatThrownBy(() -> Partitions.of(count))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("partitions must be from 1 to 256, not %s", count);
    }
}
