package io.ncc.checkin.model;

/**
 * A user was at a location and gave it stars.
 *
 * @param userId 1 to 2^63-1
 * @param locationId 1 to 2^63-1
 * @param starRating {@value #MIN_STARS} to {@value #MAX_STARS}
 */
public record Checkin(long userId, long locationId, int starRating) {

    public static final int MIN_STARS = 0;
    public static final int MAX_STARS = 5;

    /** @throws IllegalArgumentException if a value is out of its range */
    public Checkin {
        requireRange("userId", userId, 1, Long.MAX_VALUE);
        requireRange("locationId", locationId, 1, Long.MAX_VALUE);
        requireRange("starRating", starRating, MIN_STARS, MAX_STARS);
    }

    private static void requireRange(String name, long value, long min, long max) {
        if (value < min || value > max) {
            throw new IllegalArgumentException(name + " must be from " + min + " to " + max + ", not " + value);
        }
    }
}
