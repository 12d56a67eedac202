package io.ncc.checkin.api.place;

import io.ncc.checkin.api.web.Parameters;
import io.ncc.checkin.service.ProblemType;
import java.math.BigDecimal;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A circle on the map.
 *
 * @param longitude of its centre, in degrees
 * @param latitude of its centre, in degrees
 * @param metres its radius
 */
record Area(double longitude, double latitude, double metres) {

    static final double METRES_PER_MILE = 1609.344;

    /** Redis knows no places nearer to the poles. */
    private static final double MOST_LATITUDE = 85.05;

    private static final double MOST_METRES = 1_000_000;
    private static final String DEFAULT_RADIUS = "2km";
    private static final Pattern NEAR = Pattern.compile("([^,]+),([^,]+)");
    private static final Pattern RADIUS = Pattern.compile("([0-9]{1,7}(?:\\.[0-9]{1,9})?)(m|km|mi)");

    /**
     * Reads query parameters.
     *
     * @param near {@code <longitude>,<latitude>}
     * @param radius in m, km or mi
     */
    static Area parse(String near, @Nullable String radius) {
        Matcher degrees = NEAR.matcher(near);
        if (!degrees.matches()) {
            throw ProblemType.invalidParameter("near", "must be <longitude>,<latitude> such as -122.27,37.80");
        }
        return new Area(
                Parameters.decimal("near", degrees.group(1), -180, 180),
                latitude("near", degrees.group(2)),
                metres(radius == null ? DEFAULT_RADIUS : radius));
    }

    static double latitude(String name, String text) {
        return Parameters.decimal(name, text, -MOST_LATITUDE, MOST_LATITUDE);
    }

    private static double metres(String radius) {
        Matcher matcher = RADIUS.matcher(radius);
        if (matcher.matches()) {
            double metres = Double.parseDouble(matcher.group(1))
                    * switch (matcher.group(2)) {
                        case "m" -> 1;
                        case "km" -> 1_000;
                        default -> METRES_PER_MILE;
                    };
            metres = Math.round(metres * 1_000) / 1_000.0; // for the cursor
            if (metres >= 1 && metres <= MOST_METRES) {
                return metres;
            }
        }
        throw ProblemType.invalidParameter(
                "radius", "must be a distance from 1m to 1000km, such as 500m, 2km or 1.5mi");
    }

    /** The same centre with another radius. */
    Area withRadius(double other) {
        return new Area(longitude, latitude, other);
    }

    /** The centre as a query parameter has it. */
    String near() {
        return decimal(longitude) + ',' + decimal(latitude);
    }

    /** The radius as a query parameter has it. */
    String radius() {
        return String.format(Locale.ROOT, "%.3fm", metres);
    }

    private static String decimal(double number) {
        return new BigDecimal(Double.toString(number)).toPlainString(); // the very same number when it is parsed
    }
}
