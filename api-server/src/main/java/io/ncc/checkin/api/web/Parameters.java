package io.ncc.checkin.api.web;

import io.ncc.checkin.api.partition.CheckinId;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.service.ProblemType;
import java.math.BigDecimal;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.convert.DurationStyle;

/**
 * Reads path variables and query parameters strictly: Spring's own conversion to a number takes a sign, hexadecimal digits and spaces. What is
 * wrong is thrown as a problem that names the parameter.
 */
public final class Parameters {

    private static final Pattern DECIMAL = Pattern.compile("0|[1-9][0-9]{0,18}");
    private static final Pattern FRACTION = Pattern.compile("-?[0-9]{1,9}(\\.[0-9]{1,20})?");
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9._-]{1,100}");

    /** The number is small enough for any unit. */
    private static final Pattern DURATION = Pattern.compile("[0-9]{1,9}(ms|s|m)?");

    private static final Pattern DATE = Pattern.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}");

    /** Date, time, offset. A space for the T is what RFC 3339 allows; one for the + of the offset is what an unescaped + is in a query. */
    private static final Pattern TIME =
            Pattern.compile("^([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9:.]+)([Zz]|[+-][0-9]{2}:[0-9]{2})$");

    private static final Pattern LEAP_SECOND = Pattern.compile("(T[0-9]{2}:[0-9]{2}):60");

    /** More digits than Java reads. */
    private static final Pattern LONG_FRACTION = Pattern.compile("(\\.[0-9]{9})[0-9]+");

    private static final Pattern SPACE_FOR_PLUS = Pattern.compile("^(.{10}[Tt ][0-9:.]{5,}) ([0-9]{2}:[0-9]{2})$");
    private static final Pattern LOCAL_TIME = Pattern.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9:.]+");

    private Parameters() {}

    /** The id of a user or location. */
    public static long id(String name, String text) {
        long id = number(text);
        if (id < 1) {
            throw ProblemType.invalidParameter(name, "must be an integer from 1 to 2^63-1");
        }
        return id;
    }

    /** The id of a user or location; null where it isn't given. */
    public static @Nullable Long optionalId(String name, @Nullable String text) {
        return text == null ? null : id(name, text);
    }

    /** The id of an entry, or of a dead letter. */
    public static CheckinId checkinId(String name, String text, Partitions partitions) {
        try {
            return CheckinId.parse(text, partitions);
        } catch (IllegalArgumentException e) {
            throw ProblemType.invalidParameter(name, String.valueOf(e.getMessage()));
        }
    }

    /** A time in milliseconds since 1970: given as such, as an RFC 3339 time, or as a date, which begins in UTC. */
    public static long time(String name, String text) {
        return time(name, text, 0);
    }

    /** The same as the last time of a range: a date stands for its last millisecond. */
    public static long lastTime(String name, String text) {
        return time(name, text, 1);
    }

    private static long time(String name, String text, int days) {
        long millis = number(text);
        if (millis >= 0) {
            return millis;
        }
        try {
            millis = DATE.matcher(text).matches()
                    ? LocalDate.parse(text)
                                    .plusDays(days)
                                    .atStartOfDay(ZoneOffset.UTC)
                                    .toInstant()
                                    .toEpochMilli()
                            - days
                    : instant(text).toEpochMilli();
            if (millis < 0) {
                throw ProblemType.invalidParameter(name, "must not be before 1970");
            }
            return millis;
        } catch (DateTimeException | ArithmeticException e) {
            // said below
        }
        String message = "must be milliseconds since 1970, an RFC 3339 time such as 2021-01-02T15:41:25.397Z"
                + " or 2021-01-02T16:41:25+01:00, or a date such as 2021-01-02";
        throw ProblemType.invalidParameter(
                name, LOCAL_TIME.matcher(text).matches() ? message + "; this one has no offset, such as Z" : message);
    }

    private static Instant instant(String text) {
        String plus = SPACE_FOR_PLUS.matcher(text).replaceFirst("$1+$2");
        String time = TIME.matcher(plus).replaceFirst("$1T$2$3").toUpperCase(Locale.ROOT);
        time = LONG_FRACTION.matcher(time).replaceFirst("$1");
        Matcher leapSecond = LEAP_SECOND.matcher(time);
        if (!leapSecond.find()) {
            return OffsetDateTime.parse(time).toInstant();
        }
        Instant before = OffsetDateTime.parse(leapSecond.replaceFirst("$1:59")).toInstant();
        LocalTime utc = before.atOffset(ZoneOffset.UTC).toLocalTime();
        if (utc.getHour() != 23 || utc.getMinute() != 59) {
            throw new DateTimeException("a leap second is the last one of a day in UTC");
        }
        return before.plusSeconds(1); // the clock of Redis, like that of Unix, has no leap seconds
    }

    /** An integer within limits; the default where it isn't given. */
    public static int count(String name, @Nullable String text, int least, int most, int otherwise) {
        if (text == null) {
            return otherwise;
        }
        long number = number(text);
        if (number < least || number > most) {
            throw ProblemType.invalidParameter(name, "must be an integer from " + least + " to " + most);
        }
        return (int) number;
    }

    /** A time to wait, such as 500ms or 2s; the default where it isn't given. */
    public static Duration wait(String name, @Nullable String text, Duration most, Duration otherwise) {
        if (text == null) {
            return otherwise.compareTo(most) < 0 ? otherwise : most;
        }
        Duration wait = DURATION.matcher(text).matches() ? DurationStyle.SIMPLE.parse(text) : most.plusMillis(1);
        if (wait.compareTo(most) <= 0) {
            return wait;
        }
        throw ProblemType.invalidParameter(
                name, "must be a time such as 500ms or 2s, at most " + most.toMillis() + "ms");
    }

    /** Whether the first of two values is given; the second is the default. */
    public static boolean choice(String name, @Nullable String text, String yes, String no) {
        if (text != null && !text.equals(yes) && !text.equals(no)) {
            throw ProblemType.invalidParameter(name, "must be " + yes + " or " + no);
        }
        return yes.equals(text);
    }

    /** A decimal number from one to another. */
    public static double decimal(String name, String text, double least, double most) {
        double number = FRACTION.matcher(text).matches() ? Double.parseDouble(text) : Double.NaN;
        if (!(number >= least && number <= most)) {
            throw ProblemType.invalidParameter(
                    name, "must be a decimal number from " + plain(least) + " to " + plain(most));
        }
        return number;
    }

    private static String plain(double number) {
        return BigDecimal.valueOf(number).stripTrailingZeros().toPlainString();
    }

    /** The name of a consumer or group. */
    public static String name(String name, String text) {
        if (!NAME.matcher(text).matches()
                || text.equals(".")
                || text.equals("..")) { // clients take these out of a path
            throw ProblemType.invalidParameter(
                    name, "must be 1 to 100 letters, digits, dots, dashes, underscores; not . or ..");
        }
        return text;
    }

    /** An integer from 0 to 2^63-1; -1 if it is none. */
    static long number(String text) {
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
