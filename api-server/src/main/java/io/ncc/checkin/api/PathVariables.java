package io.ncc.checkin.api;

import io.ncc.checkin.service.ProblemType;
import java.util.regex.Pattern;

/** Reads path variables strictly: Spring's own conversion to a number takes a sign, hexadecimal digits and spaces. */
final class PathVariables {

    private static final Pattern DECIMAL = Pattern.compile("0|[1-9][0-9]{0,18}");

    private PathVariables() {}

    /** The id of a user or location. */
    static long id(String name, String text) {
        long id = number(text);
        if (id < 1) {
            throw ProblemType.invalidParameter(name, "must be an integer from 1 to 2^63-1");
        }
        return id;
    }

    /** A time. */
    static long millis(String name, String text) {
        long millis = number(text);
        if (millis < 0) {
            throw ProblemType.invalidParameter(name, "must be a number of milliseconds from 0 to 2^63-1");
        }
        return millis;
    }

    private static long number(String text) {
        if (!DECIMAL.matcher(text).matches()) {
            return -1;
        }
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException e) {
            return -1; // 19 digits, too large
        }
    }
}
