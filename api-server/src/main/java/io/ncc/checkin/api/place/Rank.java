package io.ncc.checkin.api.place;

import java.util.Comparator;

/**
 * Where a place stands in the order of a search: the lowest rank comes first.
 *
 * @param first the negative of what descends
 * @param second decides between places whose first is equal
 * @param id decides between places whose first and second are equal
 */
record Rank(double first, double second, long id) implements Comparable<Rank> {

    /** Before all others. */
    static final Rank FIRST = new Rank(Double.NEGATIVE_INFINITY, 0, 0);

    private static final Comparator<Rank> ORDER = Comparator.comparingDouble(Rank::first)
            .thenComparingDouble(Rank::second)
            .thenComparingLong(Rank::id);

    @Override
    public int compareTo(Rank other) {
        return ORDER.compare(this, other);
    }
}
