package io.ncc.checkin.demo.load;

import java.util.Locale;

/** What can be loaded by itself. */
public enum Kind {
    USERS("users"),
    LOCATIONS("locations"),
    LOCATIONDETAILS("locationDetails"),
    CHECKINS("checkins");

    private final String array;

    Kind(String array) {
        this.array = array;
    }

    /** The name of the array in its JSON file. */
    String array() {
        return array;
    }

    /** Also the name of its JSON file without the ending. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
