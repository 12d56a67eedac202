package io.ncc.checkin.system.ledger;

import io.ncc.redis.StreamId;
import java.util.Comparator;

/** The id of an entry as clients see it, in the order that all entries have. Without partitions, the partition is 0. */
record EntryId(StreamId inStream, int partition) implements Comparable<EntryId> {

    /** Reads {@code <ms>-<seq>} or {@code <ms>-<seq>-<partition>}. */
    static EntryId parse(String text) {
        int end = text.indexOf('-', text.indexOf('-') + 1);
        return end < 0
                ? new EntryId(StreamId.parse(text), 0)
                : new EntryId(StreamId.parse(text.substring(0, end)), Integer.parseInt(text.substring(end + 1)));
    }

    /** With its partition, also if there are none. */
    @Override
    public String toString() {
        return inStream + "-" + partition;
    }

    @Override
    public int compareTo(EntryId other) {
        return Comparator.comparing(EntryId::inStream)
                .thenComparingInt(EntryId::partition)
                .compare(this, other);
    }
}
