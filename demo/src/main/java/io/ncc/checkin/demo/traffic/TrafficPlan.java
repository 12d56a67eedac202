package io.ncc.checkin.demo.traffic;

import java.net.URI;

/**
 * What is to be sent, and where to.
 *
 * @param target the URL to post to
 * @param rate checkins per second, 1 to {@value #MAX_RATE}
 * @param count how many in all; {@link Long#MAX_VALUE} for no end
 * @param users their ids are 1 to this
 * @param locations their ids are 1 to this
 * @param seed the same checkins for the same seed
 */
public record TrafficPlan(URI target, int rate, long count, long users, long locations, long seed) {

    static final int MAX_RATE = 10_000;

    /** @throws IllegalArgumentException naming what is out of its range */
    public TrafficPlan {
        if (!("http".equals(target.getScheme()) || "https".equals(target.getScheme())) || target.getHost() == null) {
            throw new IllegalArgumentException("not an http or https URL: " + target);
        }
        if (rate < 1 || rate > MAX_RATE) {
            throw new IllegalArgumentException("rate must be from 1 to " + MAX_RATE + ", not " + rate);
        }
        requirePositive("count", count);
        requirePositive("users", users);
        requirePositive("locations", locations);
    }

    private static void requirePositive(String name, long value) {
        if (value < 1) {
            throw new IllegalArgumentException(name + " must be at least 1, not " + value);
        }
    }
}
