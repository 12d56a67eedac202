package io.ncc.checkin.model;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The form of a {@link Checkin} as the fields of a stream entry: decimal strings under the names below.
 *
 * <p>Decoding ignores fields that it doesn't know and is strict about the three that it does. It takes what every program in every
 * language reads as the same number: plain ASCII digits, no sign, no leading zero, no spaces.
 */
public final class CheckinCodec {

    public static final String USER_ID = "userId";
    public static final String LOCATION_ID = "locationId";
    public static final String STAR_RATING = "starRating";

    private static final int MAX_ID_DIGITS = 19;

    private CheckinCodec() {}

    public static Map<String, String> encode(Checkin checkin) {
        Map<String, String> fields = new LinkedHashMap<>();
        fields.put(USER_ID, Long.toString(checkin.userId()));
        fields.put(LOCATION_ID, Long.toString(checkin.locationId()));
        fields.put(STAR_RATING, Integer.toString(checkin.starRating()));
        return fields;
    }

    /**
     * Reads the three fields.
     *
     * @param fields of a repeated field, the last value
     * @throws UndecodableEntryException if one of the three is missing or not in its form; the message names the field
     */
    public static Checkin decode(Map<String, String> fields) throws UndecodableEntryException {
        return new Checkin(
                id(USER_ID, fields.get(USER_ID)),
                id(LOCATION_ID, fields.get(LOCATION_ID)),
                stars(fields.get(STAR_RATING)));
    }

    private static long id(String name, @Nullable String text) throws UndecodableEntryException {
        if (text == null) {
            throw new UndecodableEntryException(name + " is missing");
        }
        long value = 0;
        boolean valid = !text.isEmpty() && text.length() <= MAX_ID_DIGITS && text.charAt(0) != '0';
        for (int i = 0; valid && i < text.length(); i++) {
            char c = text.charAt(i);
            value = value * 10 + (c - '0');
            // 19 digits stay below 10^19, less than twice 2^63: an overflow always shows as a negative value
            valid = c >= '0' && c <= '9' && value > 0;
        }
        if (!valid) {
            throw new UndecodableEntryException(name + " is not an id from 1 to 2^63-1");
        }
        return value;
    }

    private static int stars(@Nullable String text) throws UndecodableEntryException {
        if (text == null) {
            throw new UndecodableEntryException(STAR_RATING + " is missing");
        }
        int value = text.length() == 1 ? text.charAt(0) - '0' : -1;
        if (value < Checkin.MIN_STARS || value > Checkin.MAX_STARS) {
            throw new UndecodableEntryException(STAR_RATING + " is not a digit from 0 to 5");
        }
        return value;
    }
}
