package io.ncc.checkin.demo.load;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A location as a record of the loader.
 *
 * @param location {@code "<longitude>,<latitude>"} in degrees
 * @param averageStars rounded half up
 */
public record Location(
        long id, String name, String category, String location, long numCheckins, long numStars, long averageStars) {

    /** Rounded half up, as the processor does it; 0 without checkins. */
    static long averageStars(long numStars, long numCheckins) {
        return numCheckins == 0 ? 0 : (2 * numStars + numCheckins) / (2 * numCheckins);
    }

    /** The hash fields that belong to the loader. */
    Map<String, String> profile() {
        Map<String, String> fields = new LinkedHashMap<>();
        fields.put("id", Long.toString(id));
        fields.put("name", name);
        fields.put("category", category);
        fields.put("location", location);
        return fields;
    }

    /** The hash fields that belong to the processor. */
    Map<String, @Nullable String> counters() {
        Map<String, @Nullable String> fields = new LinkedHashMap<>();
        fields.put("numCheckins", Long.toString(numCheckins));
        fields.put("numStars", Long.toString(numStars));
        fields.put("averageStars", Long.toString(averageStars));
        return fields;
    }
}
