package io.ncc.checkin.api.place;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonUnwrapped;
import io.ncc.checkin.api.total.Location;
import org.jspecify.annotations.Nullable;

/**
 * A location that was found.
 *
 * @param distance in metres from the centre of the area that was asked for
 */
record Place(
        @JsonUnwrapped Location location,

        @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable Double distance) {

    private static final double TENTH = 10;

    static Place of(Location location, @Nullable Double distance) {
        return new Place(location, distance == null ? null : Double.valueOf(Math.round(distance * TENTH) / TENTH));
    }
}
