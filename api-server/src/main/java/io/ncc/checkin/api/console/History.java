package io.ncc.checkin.api.console;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The last steps of a fixed length, with what was seen in each. A step of which nothing is known is a gap. What is seen of a time counts for the steps
 * that it covers, so that the sum of all steps is right wherever the samples fall.
 */
final class History {

    private static final int TENTHS = 10;

    private final long step;
    private final @Nullable Cell[] ring;
    private long first = -1;
    private long current = -1;

    /**
     * @param step in milliseconds
     * @param size how many steps
     */
    History(long step, int size) {
        this.step = step;
        this.ring = new Cell[size + 1]; // the current step isn't over
    }

    /** What is known of one step. */
    private static final class Cell {

        private final Mean accepted = new Mean();
        private final Mean applied = new Mean();
        private @Nullable Long behind;
        private @Nullable Long pending;
    }

    private static final class Mean {

        private double amount;
        private double millis;

        void add(@Nullable Double perSecond, double duration) {
            if (perSecond != null) {
                amount += perSecond * duration;
                millis += duration;
            }
        }

        @Nullable
        Double perSecond() {
            return millis > 0 ? rounded(amount / millis) : null;
        }
    }

    static double rounded(double perSecond) {
        return (double) Math.round(perSecond * TENTHS) / TENTHS;
    }

    /**
     * Takes what was seen of a time.
     *
     * @param from the end of the time before, in milliseconds of Redis; the end of this one, if of the time between nothing is known
     * @param accepted per second; null if it isn't known
     * @param applied per second; null if it isn't known
     * @param behind in milliseconds; null if it isn't known
     * @param pending null if it isn't known
     */
    void add(
            long from,
            long to,
            @Nullable Double accepted,
            @Nullable Double applied,
            @Nullable Long behind,
            @Nullable Long pending) {
        long last = to / step;
        if (last < current - 1) {
            current = -1; // the clock went back: a failover
        }
        if (current < 0) {
            first = last;
            current = last - 1;
            Arrays.fill(ring, null);
        }
        for (long number = Math.max(current + 1, last - ring.length + 1); number <= last; number++) {
            ring[index(number)] = null;
        }
        current = Math.max(current, last);
        for (long number = Math.max(Math.max(from / step, first), current - ring.length + 1);
                number <= last;
                number++) {
            Cell cell = cell(number);
            double duration = Math.min(to, (number + 1) * step) - Math.max(from, number * step);
            cell.accepted.add(accepted, duration);
            cell.applied.add(applied, duration);
            cell.behind = highest(cell.behind, behind);
            cell.pending = highest(cell.pending, pending);
        }
    }

    private int index(long number) {
        return (int) (number % ring.length);
    }

    private Cell cell(long number) {
        Cell known = ring[index(number)];
        if (known == null) {
            known = new Cell();
            ring[index(number)] = known;
        }
        return known;
    }

    private static @Nullable Long highest(@Nullable Long one, @Nullable Long other) {
        return one == null || (other != null && other > one) ? other : one;
    }

    /**
     * The steps that are over, the oldest first. Null is a gap.
     *
     * @param step in milliseconds
     * @param end of the last step; null if there is none
     * @param accepted per second
     * @param applied per second
     * @param behind the highest, in milliseconds
     * @param pending the highest
     */
    record View(
            long step,
            @Nullable Long end,
            List<@Nullable Double> accepted,
            List<@Nullable Double> applied,
            List<@Nullable Long> behind,
            List<@Nullable Long> pending) {}

    View view() {
        View view = new View(
                step,
                current < 0 ? null : Long.valueOf(current * step),
                new ArrayList<>(),
                new ArrayList<>(),
                new ArrayList<>(),
                new ArrayList<>());
        for (long number = Math.max(first, current - ring.length + 1); number >= 0 && number < current; number++) {
            Cell cell = ring[index(number)];
            view.accepted.add(cell == null ? null : cell.accepted.perSecond());
            view.applied.add(cell == null ? null : cell.applied.perSecond());
            view.behind.add(cell == null ? null : cell.behind);
            view.pending.add(cell == null ? null : cell.pending);
        }
        return view;
    }
}
