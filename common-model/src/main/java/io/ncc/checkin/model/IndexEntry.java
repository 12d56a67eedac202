package io.ncc.checkin.model;

import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An entry of an index, a sorted set all of whose scores are 0: {@code <value>|<id>}, with the id in 19 digits. Redis keeps the entries in the
 * order of their bytes. So those of one value are next to each other, ascending by id, and a page of them can begin after any id.
 */
public final class IndexEntry {

    private static final int DIGITS = 19;
    private static final String SEPARATOR = "|";

    private static final Pattern ENTRY = Pattern.compile(".*\\|([0-9]{" + DIGITS + "})", Pattern.DOTALL);
    private static final Pattern PLACE = Pattern.compile("[1-9][0-9]{0," + (DIGITS - 1) + "}");

    private IndexEntry() {}

    /**
     * The entry of a value. Also the bound of a range of them: ids begin with 1.
     *
     * @param id 0 or more
     */
    public static String of(String value, long id) {
        return value + SEPARATOR + digits(id);
    }

    /** The id as it stands in an entry. */
    public static String digits(long id) {
        return String.format(Locale.ROOT, "%0" + DIGITS + "d", id);
    }

    /** Whether an entry is one of this value: between those there may be entries of a value that begins with this one. */
    public static boolean isOf(String value, String entry) {
        return entry.length() == value.length() + SEPARATOR.length() + DIGITS && entry.startsWith(value);
    }

    /** The value of an entry; empty if it is none, but something that another program wrote. */
    public static Optional<String> value(String entry) {
        return id(entry).map(id -> entry.substring(0, entry.length() - DIGITS - SEPARATOR.length()));
    }

    /** The id of an entry; empty if it is none. */
    public static Optional<Long> id(String entry) {
        Matcher matcher = ENTRY.matcher(entry);
        return matcher.matches() ? parse(matcher.group(1)) : Optional.empty();
    }

    /** The id that a member of an index of places is; empty if it is none. */
    public static Optional<Long> idOfPlace(String member) {
        return PLACE.matcher(member).matches() ? parse(member) : Optional.empty();
    }

    private static Optional<Long> parse(String digits) {
        try {
            return Optional.of(Long.valueOf(digits)).filter(id -> id > 0);
        } catch (NumberFormatException e) {
            return Optional.empty(); // 2^63 or more
        }
    }

    /** An e-mail address as the value of its entry: A to Z in lower case. Letters beyond ASCII stay, as Redis' own scripts know no others. */
    public static String email(String address) {
        StringBuilder lower = new StringBuilder(address);
        for (int i = 0; i < lower.length(); i++) {
            char c = lower.charAt(i);
            if (c >= 'A' && c <= 'Z') {
                lower.setCharAt(i, (char) (c - 'A' + 'a'));
            }
        }
        return lower.toString();
    }
}
