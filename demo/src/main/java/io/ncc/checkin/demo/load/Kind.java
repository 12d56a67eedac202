package io.ncc.checkin.demo.load;

import java.util.Locale;

/** What can be loaded by itself. */
public enum Kind {
    USERS,
    LOCATIONS,
    CHECKINS;

    /** Also the name of the array in its JSON file, and of that file without its ending. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
