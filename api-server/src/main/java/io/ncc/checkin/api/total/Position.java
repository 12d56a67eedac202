package io.ncc.checkin.api.total;

import org.jspecify.annotations.Nullable;

/**
 * A point on the Earth.
 *
 * @param longitude in degrees
 * @param latitude in degrees
 */
public record Position(double longitude, double latitude) {

    /** As Redis has it. */
    private static final double EARTH_RADIUS = 6_372_797.560856;

    /** Reads {@code <longitude>,<latitude>}; null if it is something else. */
    static @Nullable Position parse(@Nullable String text) {
        int comma = text == null ? -1 : text.indexOf(',');
        if (text == null || comma < 0) {
            return null;
        }
        try {
            double longitude = Double.parseDouble(text.substring(0, comma));
            double latitude = Double.parseDouble(text.substring(comma + 1));
            return Math.abs(longitude) <= 180 && Math.abs(latitude) <= 90 ? new Position(longitude, latitude) : null;
        } catch (NumberFormatException e) {
            return null;
        }
    }

    /** The distance in metres, along the surface. */
    public double metresTo(Position other) {
        double u = Math.sin(Math.toRadians(other.latitude - latitude) / 2);
        double v = Math.sin(Math.toRadians(other.longitude - longitude) / 2);
        double a = u * u + Math.cos(Math.toRadians(latitude)) * Math.cos(Math.toRadians(other.latitude)) * v * v;
        return 2 * EARTH_RADIUS * Math.asin(Math.min(1, Math.sqrt(a)));
    }
}
