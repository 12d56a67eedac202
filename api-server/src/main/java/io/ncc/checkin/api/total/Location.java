package io.ncc.checkin.api.total;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What is null is not known: a location that was checked in at but never loaded has no name.
 *
 * @param location longitude and latitude
 * @param averageStars rounded half up
 */
public record Location(
        long id,
        @Nullable String name,
        @Nullable String category,
        @Nullable String location,
        @Nullable Long numCheckins,
        @Nullable Long numStars,
        @Nullable Long averageStars) {

    static Location from(long id, HashReader.Fields fields) {
        return new Location(
                id,
                fields.text("name"),
                fields.text("category"),
                fields.text("location"),
                fields.number("numCheckins"),
                fields.number("numStars"),
                fields.number("averageStars"));
    }

    /** Null if it isn't known, or is damaged. */
    public @Nullable Position position() {
        return Position.parse(location);
    }

    /**
     * Null if no partition has the location.
     *
     * @param home what its own partition has
     * @param shares what all partitions have
     */
    static @Nullable Location sum(long id, HashReader.Fields home, List<HashReader.Fields> shares) {
        if (shares.stream().allMatch(HashReader.Fields::isEmpty)) {
            return null;
        }
        Long checkins = HashReader.sum(shares, "numCheckins");
        Long stars = HashReader.sum(shares, "numStars");
        return new Location(
                id,
                home.text("name"),
                home.text("category"),
                home.text("location"),
                checkins,
                stars,
                checkins == null || stars == null ? null : Long.valueOf(average(checkins, stars)));
    }

    /** As apply.lua has it: rounded half up. */
    private static long average(long checkins, long stars) {
        return checkins <= 0
                ? 0
                : Math.floorDiv(stars, checkins)
                        + (Math.floorMod(stars, checkins) >= checkins - Math.floorMod(stars, checkins) ? 1 : 0);
    }
}
