package io.ncc.redis;

/**
 * The id of a stream entry: the milliseconds of its append, and a sequence number within that millisecond.
 *
 * <p>Both parts are <em>unsigned</em> 64-bit numbers, as <a href="https://redis.io/docs/latest/develop/data-types/streams/#entry-ids">
 * Redis</a> has them. A value above 2^63-1 is a negative {@code long} in Java, but this class compares and prints it correctly.
 */
public record StreamId(long millis, long sequence) implements Comparable<StreamId> {

    /** Lower than the id of any entry: a read after it starts at the beginning. */
    public static final StreamId ZERO = new StreamId(0, 0);

    /** The highest possible id. */
    public static final StreamId HIGHEST = new StreamId(-1, -1); // 2^64-1, unsigned

    /**
     * Reads {@code "<ms>-<seq>"}.
     *
     * @throws IllegalArgumentException if the text is anything else, including Redis' shorthands ({@code "0"}, {@code "$"}, {@code "-"})
     */
    public static StreamId parse(String text) {
        int dash = text.indexOf('-');
        if (dash < 0) {
            throw notAnId();
        }
        return new StreamId(part(text.substring(0, dash)), part(text.substring(dash + 1)));
    }

    private static long part(String digits) {
        // parseUnsignedLong also takes a sign and digits of other scripts
        if (digits.isEmpty() || !digits.chars().allMatch(c -> c >= '0' && c <= '9')) {
            throw notAnId();
        }
        try {
            return Long.parseUnsignedLong(digits);
        } catch (NumberFormatException e) {
            throw notAnId();
        }
    }

    private static IllegalArgumentException notAnId() {
        return new IllegalArgumentException(
                "not a stream id of the form <milliseconds>-<sequence>, each from 0 to 2^64-1");
    }

    /** The highest id below this one, or {@link #ZERO} if there is none. */
    public StreamId previous() {
        if (sequence != 0) {
            return new StreamId(millis, sequence - 1);
        }
        return millis != 0 ? new StreamId(millis - 1, -1) : ZERO;
    }

    /** The lowest id above this one, or {@link #HIGHEST} if there is none. */
    public StreamId next() {
        if (sequence != -1) {
            return new StreamId(millis, sequence + 1);
        }
        return millis != -1 ? new StreamId(millis + 1, 0) : HIGHEST;
    }

    /** The age of the entry at this time, in milliseconds; 0 if the id is ahead of it. */
    public long ageAt(long nowMillis) {
        return Long.compareUnsigned(millis, nowMillis) < 0 ? nowMillis - millis : 0;
    }

    @Override
    public int compareTo(StreamId other) {
        int byMillis = Long.compareUnsigned(millis, other.millis);
        return byMillis != 0 ? byMillis : Long.compareUnsigned(sequence, other.sequence);
    }

    /** As Redis writes it. */
    @Override
    public String toString() {
        return Long.toUnsignedString(millis) + '-' + Long.toUnsignedString(sequence);
    }
}
