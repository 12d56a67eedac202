package io.ncc.checkin.model;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Spreads the checkins over several streams, by user. Each partition has a stream and all the keys that belong to it, in one slot of Redis
 * Cluster.
 *
 * <p>The partition of an id is {@code floor(slot(id) x P / 16384)}. The slot is that of the decimal id, as
 * <a href="https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#key-distribution-model">Redis Cluster</a> computes it
 * for a key: {@code CLUSTER KEYSLOT 42} tells it. {@code P} is the number of partitions. It can't be changed once there are checkins.
 *
 * <p>The hash tag of partition {@code p} is {@code p-k} with the lowest {@code k} whose slot is among the first 64 of the partition. So a
 * cluster whose nodes have equally many slots also has equally many partitions on each. Partition 0 has the same tag whatever {@code P} is,
 * so that services that differ in {@code P} find out.
 */
public final class Partitions {

    /** The most partitions. */
    public static final int MOST = 256;

    private static final int SLOTS = 16384;

    private final List<Keys> keys;
    private final boolean partitioned;

    private Partitions(List<Keys> keys, boolean partitioned) {
        this.keys = keys;
        this.partitioned = partitioned;
    }

    /** One stream whose keys have no hash tag, and whose ids have no partition. */
    public static Partitions none() {
        return new Partitions(List.of(Keys.unpartitioned()), false);
    }

    /**
     * Several partitions. One partition is not the same as none: its keys have a hash tag.
     *
     * @param count 1 to {@value #MOST}
     */
    public static Partitions of(int count) {
        if (count < 1 || count > MOST) {
            throw new IllegalArgumentException("partitions must be from 1 to " + MOST + ", not " + count);
        }
        return new Partitions(
                IntStream.range(0, count)
                        .mapToObj(partition -> Keys.withTag(tag(partition, count)))
                        .toList(),
                true);
    }

    private static String tag(int partition, int count) {
        int first = (partition * SLOTS + count - 1) / count;
        return IntStream.iterate(0, k -> k + 1)
                .mapToObj(k -> partition + "-" + k)
                .filter(tag -> slot(tag) >= first && slot(tag) < first + SLOTS / MOST)
                .findFirst()
                .orElseThrow();
    }

    /** The slot of a key without a hash tag: its CRC16 (polynomial 0x1021, initial value 0), modulo 16384. */
    static int slot(String key) {
        int crc = 0;
        for (byte next : key.getBytes(StandardCharsets.US_ASCII)) {
            crc ^= (next & 0xff) << 8;
            for (int bit = 0; bit < Byte.SIZE; bit++) {
                crc = (crc & 0x8000) == 0 ? crc << 1 : crc << 1 ^ 0x1021;
            }
        }
        return crc & (SLOTS - 1);
    }

    /** How many partitions there are, 1 or more. */
    public int count() {
        return keys.size();
    }

    /** Their numbers, from 0 on. */
    public List<Integer> all() {
        return IntStream.range(0, count()).boxed().toList();
    }

    /** False if there is one stream without a partition. */
    public boolean arePartitioned() {
        return partitioned;
    }

    /** The partition of all checkins of a user. */
    public int ofUser(long id) {
        return of(id);
    }

    /**
     * The partition that has what was loaded of a location: name, category and place. The totals of its checkins are the sum of what all
     * partitions have.
     */
    public int ofLocation(long id) {
        return of(id);
    }

    private int of(long id) {
        return keys.size() == 1 ? 0 : ofName(Long.toString(id));
    }

    /**
     * The partition of something that is neither a user nor a location.
     *
     * @param name ASCII
     */
    public int ofName(String name) {
        return slot(name) * keys.size() / SLOTS;
    }

    /** The keys of a partition. */
    public Keys keys(int partition) {
        return keys.get(partition);
    }

    /** The id of an entry outside of its stream: {@code <ms>-<seq>-<partition>}, or {@code <ms>-<seq>} if there are no partitions. */
    public String idOutside(int partition, String entryId) {
        return partitioned ? entryId + '-' + partition : entryId;
    }
}
