package io.ncc.checkin.benchmarks.report;

import java.util.ArrayList;
import java.util.List;
import org.HdrHistogram.Histogram;

/**
 * A line of a plot.
 *
 * @param points each with its x and its y
 */
public record Line(String name, List<double[]> points) {

    private static final double[] PERCENTILES = {1, 5, 10, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 99.95, 99.99};

    /** Milliseconds by percentile; x is one in so many. */
    public static Line percentiles(String name, Histogram nanos) {
        List<double[]> points = new ArrayList<>();
        for (double percentile : PERCENTILES) {
            points.add(new double[] {100 / (100 - percentile), nanos.getValueAtPercentile(percentile) / 1e6});
        }
        return new Line(name, points);
    }
}
