package io.ncc.checkin.api.console;

import java.util.List;
import java.util.stream.LongStream;

/**
 * A cell of the grid of the geohashes that Redis has as scores of a GEO set: {@code 2 * level} bits of the 52, which halve longitude and latitude in turns.
 *
 * @param level 0 for the whole world, up to {@value #DEEPEST}
 * @param prefix the bits
 * @see <a href="https://redis.io/docs/latest/commands/geoadd/#how-does-it-work">GEOADD</a>
 */
record GeoCell(int level, long prefix) {

    static final GeoCell WORLD = new GeoCell(0, 0);

    static final double MOST_LONGITUDE = 180;

    private static final int DEEPEST = 26;
    private static final double MOST_LATITUDE = 85.05112878;

    long lowestScore() {
        return prefix << (2 * (DEEPEST - level));
    }

    long scoreAbove() {
        return (prefix + 1) << (2 * (DEEPEST - level));
    }

    boolean canBeSplit() {
        return level < DEEPEST;
    }

    List<GeoCell> quarters() {
        return LongStream.range(0, 4)
                .mapToObj(quarter -> new GeoCell(level + 1, prefix << 2 | quarter))
                .toList();
    }

    /** Of its middle. */
    double longitude() {
        return middle(1, MOST_LONGITUDE);
    }

    /** Of its middle. */
    double latitude() {
        return middle(0, MOST_LATITUDE);
    }

    /** @param offset of the bits in each pair */
    private double middle(int offset, double most) {
        double low = -most;
        double size = 2 * most;
        for (int bit = level - 1; bit >= 0; bit--) {
            size /= 2;
            if (((prefix >> (2 * bit + offset)) & 1) == 1) {
                low += size;
            }
        }
        return low + size / 2;
    }
}
