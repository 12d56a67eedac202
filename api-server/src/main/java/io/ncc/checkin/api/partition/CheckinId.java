package io.ncc.checkin.api.partition;

import com.fasterxml.jackson.annotation.JsonValue;
import io.ncc.checkin.model.Partitions;
import io.ncc.redis.StreamId;
import java.util.Comparator;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The id of an entry, or of a dead letter, as it is known outside of Redis: with partitions {@code <ms>-<seq>-<partition>}. The three parts, in
 * this order, put the entries of all partitions into one order.
 *
 * @param entry the id in the stream of the partition
 * @param partition 0 if there are none
 * @param partitions how many there are; 0 if there are none
 */
public record CheckinId(StreamId entry, int partition, int partitions) implements Comparable<CheckinId> {

    private static final Comparator<CheckinId> ORDER =
            Comparator.comparing(CheckinId::entry).thenComparingInt(CheckinId::partition);
    private static final Pattern NUMBER = Pattern.compile("0|[1-9][0-9]{0,2}");

    public static CheckinId of(Partitions partitions, int partition, StreamId entry) {
        return new CheckinId(entry, partition, partitions.arePartitioned() ? partitions.count() : 0);
    }

    /**
     * The id of an entry of a partition.
     *
     * @param entry as Redis writes it
     */
    public static CheckinId of(Partitions partitions, int partition, String entry) {
        return of(partitions, partition, StreamId.parse(entry));
    }

    /** The lowest id with these first two parts. */
    public static CheckinId lowest(Partitions partitions, StreamId entry) {
        return of(partitions, 0, entry);
    }

    /** The highest id with these first two parts. */
    public static CheckinId highest(Partitions partitions, StreamId entry) {
        return of(partitions, partitions.count() - 1, entry);
    }

    /**
     * Reads what {@link #toString} writes.
     *
     * @throws IllegalArgumentException if the text is no id of one of these partitions; the message says what it must be
     */
    public static CheckinId parse(String text, Partitions partitions) {
        try {
            if (!partitions.arePartitioned()) {
                return of(partitions, 0, text);
            }
            int dash = text.lastIndexOf('-');
            String number = text.substring(dash + 1);
            if (dash > 0 && NUMBER.matcher(number).matches() && Integer.parseInt(number) < partitions.count()) {
                return of(partitions, Integer.parseInt(number), text.substring(0, dash));
            }
        } catch (IllegalArgumentException e) {
            // said below
        }
        throw new IllegalArgumentException(
                partitions.arePartitioned()
                        ? "must be an id such as 1609602085397-0-0, whose last part is a partition from 0 to "
                                + (partitions.count() - 1)
                        : "must be an id such as 1609602085397-0");
    }

    /** The lowest id of a partition's stream that isn't below this one. */
    public StreamId lowestIn(int other) {
        return other >= partition ? entry : entry.next();
    }

    /** The highest id of a partition's stream that isn't above this one. */
    public StreamId highestIn(int other) {
        return other <= partition ? entry : entry.previous();
    }

    /** The lowest id above this one. */
    public CheckinId next() {
        return partition + 1 < partitions
                ? new CheckinId(entry, partition + 1, partitions)
                : new CheckinId(entry.next(), 0, partitions);
    }

    /** The highest id below this one. */
    public CheckinId previous() {
        return partition > 0
                ? new CheckinId(entry, partition - 1, partitions)
                : new CheckinId(entry.previous(), Math.max(partitions - 1, 0), partitions);
    }

    /** An id that an entry names, of another entry of its partition, as it is known outside. What isn't an id stays as it is. */
    public @Nullable String outside(@Nullable String entryId) {
        if (entryId == null || partitions == 0) {
            return entryId;
        }
        try {
            return new CheckinId(StreamId.parse(entryId), partition, partitions).toString();
        } catch (IllegalArgumentException e) {
            return entryId;
        }
    }

    @Override
    public int compareTo(CheckinId other) {
        return ORDER.compare(this, other);
    }

    @Override
    @JsonValue
    public String toString() {
        return partitions > 0 ? entry.toString() + '-' + partition : entry.toString();
    }
}
