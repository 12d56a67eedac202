package io.ncc.checkin.benchmarks.measure;

import java.util.Collection;
import java.util.List;

/** Of the values of several rounds. */
public record Spread(double median, double min, double max) {

    /**
     * The middle and the ends.
     *
     * @param values at least one
     */
    public static Spread of(Collection<Double> values) {
        List<Double> sorted = values.stream().sorted().toList();
        int size = sorted.size();
        double median = (sorted.get((size - 1) / 2) + sorted.get(size / 2)) / 2;
        return new Spread(median, sorted.get(0), sorted.get(size - 1));
    }
}
