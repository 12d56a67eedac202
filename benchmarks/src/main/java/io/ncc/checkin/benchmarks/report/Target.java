package io.ncc.checkin.benchmarks.report;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.ncc.checkin.benchmarks.measure.Spread;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What is asked for, and what was measured.
 *
 * @param limit that the median should reach, or stay below
 * @param atLeast which of the two
 * @param tooLittle why the run was too short to judge by; null if it wasn't
 */
record Target(
        String what,
        double limit,
        boolean atLeast,
        Spread measured,
        @Nullable String tooLittle) {

    /** Null if the run was too short to judge by. */
    @JsonProperty
    @Nullable
    Boolean met() {
        if (tooLittle != null) {
            return null;
        }
        return atLeast ? measured.median() >= limit : measured.median() < limit;
    }

    /** As a row of the table. */
    List<String> cells() {
        Boolean met = met();
        return List.of(
                what,
                (atLeast ? "at least " : "less than ") + limit,
                format(measured.median()),
                measured.min() == measured.max() ? "" : format(measured.min()) + " to " + format(measured.max()),
                met == null ? "not judged" : met ? "yes" : "**no**");
    }

    private static String format(double value) {
        return String.format(Locale.ROOT, "%.2f", value);
    }
}
