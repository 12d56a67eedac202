package io.ncc.checkin.receiver;

import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.CheckinCodec;
import io.ncc.checkin.service.InvalidMember;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.TokenStreamFactory;
import tools.jackson.core.exc.InputCoercionException;
import tools.jackson.core.exc.StreamConstraintsException;
import tools.jackson.core.exc.StreamReadException;
import tools.jackson.core.json.JsonFactory;

/**
 * Reads a checkin from JSON. An id is an integer, or a string of one, for programs whose numbers are not exact above 2^53. {@code 5.0} is an integer,
 * too, as in JSON Schema.
 */
final class CheckinReader {

    private static final List<String> NAMES =
            List.of(CheckinCodec.USER_ID, CheckinCodec.LOCATION_ID, CheckinCodec.STAR_RATING);
    private static final int STARS = 2;

    private static final String REQUIRED = "is required";
    private static final String NO_INTEGER = "must be an integer";
    private static final String OUT_OF_RANGE = "is out of range";

    /** Enough for the range of a long, with a sign. */
    private static final int MOST_DIGITS = 20;

    private static final Pattern INTEGER = Pattern.compile("-?(0|[1-9][0-9]*)");

    /** Up to here a number with a fraction or an exponent is exact, whatever program wrote it. */
    private static final BigDecimal MOST_EXACT = BigDecimal.valueOf(1L << 53);

    private static final int LONGEST_DECIMAL = 100;

    /** Longer than any name of a checkin. */
    private static final int LONG_NAME = 64;

    /** A factory keeps the names that its parsers have read, whatever they are. So this one, which is the quicker one, takes no long names. */
    private static final JsonFactory USUAL = JsonFactory.builder()
            .streamReadConstraints(withoutLimits().maxNameLength(LONG_NAME).build())
            .build();

    private static final JsonFactory ANY = JsonFactory.builder()
            .disable(TokenStreamFactory.Feature.CANONICALIZE_PROPERTY_NAMES)
            .streamReadConstraints(withoutLimits().build())
            .build();

    private CheckinReader() {}

    /** Without those limits of Jackson that one member can exceed: whoever calls limits the size of the whole, and the member is refused by name. */
    private static StreamReadConstraints.Builder withoutLimits() {
        return StreamReadConstraints.builder().maxNameLength(Integer.MAX_VALUE).maxNumberLength(Integer.MAX_VALUE);
    }

    /**
     * Reads one JSON object.
     *
     * @throws InvalidCheckinException if it is none, or no checkin
     * @throws StreamReadException if it is not well-formed JSON
     */
    static Checkin read(byte[] json, int offset, int length) throws InvalidCheckinException {
        try {
            try {
                return read(USUAL, json, offset, length);
            } catch (StreamConstraintsException e) {
                byte[] alone =
                        Arrays.copyOfRange(json, offset, offset + length); // such a parser reads on behind a part
                return read(ANY, alone, 0, length);
            }
        } catch (StreamConstraintsException e) {
            throw new InvalidCheckinException(List.of(new InvalidMember("", "is nested too deeply")));
        }
    }

    private static Checkin read(JsonFactory factory, byte[] json, int offset, int length)
            throws InvalidCheckinException {
        try (JsonParser parser = factory.createParser(ObjectReadContext.empty(), json, offset, length)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                parser.skipChildren();
                if (parser.nextToken()
                        != null) { // in an array, such as after true in [true{}], nothing can be told apart any more
                    throw new StreamReadException(parser, "more than one value", parser.currentTokenLocation());
                }
                throw noObject();
            }
            long[] values = new long[NAMES.size()];
            String[] errors = new String[NAMES.size()];
            Arrays.fill(errors, REQUIRED);
            InvalidMember unknown = readMembers(parser, values, errors);
            requireEnd(parser);
            checkRanges(values, errors);
            requireNone(errors, unknown);
            return new Checkin(values[0], values[1], (int) values[STARS]);
        }
    }

    static InvalidCheckinException noObject() {
        return new InvalidCheckinException(List.of(new InvalidMember("", "must be one JSON object")));
    }

    private static void requireEnd(JsonParser parser) throws InvalidCheckinException {
        if (parser.nextToken() != null) {
            throw noObject();
        }
    }

    /** Reads to the end of the object, whatever is in it. Returns the first member that doesn't belong there, or null. */
    private static @Nullable InvalidMember readMembers(JsonParser parser, long[] values, @Nullable String[] errors) {
        InvalidMember unknown = null;
        boolean[] seen = new boolean[NAMES.size()];
        for (String name = parser.nextName(); name != null; name = parser.nextName()) {
            parser.nextToken();
            int member = NAMES.indexOf(name);
            if (member < 0) {
                unknown = unknown != null ? unknown : InvalidMember.unknown(name);
            } else if (seen[member]) {
                errors[member] = "is there more than once";
            } else {
                seen[member] = true;
                errors[member] = readValue(parser, member, values);
            }
            parser.skipChildren();
        }
        return unknown;
    }

    /** Returns what is wrong with the value, or null. */
    private static @Nullable String readValue(JsonParser parser, int member, long[] values) {
        return switch (parser.currentToken()) {
            case VALUE_NULL -> REQUIRED;
            case VALUE_NUMBER_INT -> {
                if (parser.getStringLength() > MOST_DIGITS) {
                    yield OUT_OF_RANGE;
                }
                try {
                    values[member] = parser.getLongValue();
                    yield null;
                } catch (InputCoercionException e) {
                    yield OUT_OF_RANGE;
                }
            }
            case VALUE_NUMBER_FLOAT -> readDecimal(parser, member, values);
            case VALUE_STRING -> member == STARS ? NO_INTEGER : readText(parser, member, values);
            default -> NO_INTEGER;
        };
    }

    private static @Nullable String readDecimal(JsonParser parser, int member, long[] values) {
        if (parser.getStringLength() > LONGEST_DECIMAL) {
            return NO_INTEGER;
        }
        BigDecimal value;
        try {
            value = new BigDecimal(parser.getString());
        } catch (NumberFormatException e) { // the exponent fits no int
            return OUT_OF_RANGE;
        }
        if (value.abs().compareTo(MOST_EXACT) >= 0) {
            return OUT_OF_RANGE;
        }
        if (value.signum() != 0 && value.stripTrailingZeros().scale() > 0) {
            return NO_INTEGER;
        }
        values[member] = value.longValue();
        return null;
    }

    private static @Nullable String readText(JsonParser parser, int member, long[] values) {
        String text = parser.getString();
        if (!INTEGER.matcher(text).matches()) {
            return NO_INTEGER;
        }
        try {
            values[member] = Long.parseLong(text);
            return null;
        } catch (NumberFormatException e) {
            return OUT_OF_RANGE;
        }
    }

    private static void checkRanges(long[] values, @Nullable String[] errors) {
        for (int member = 0; member < values.length; member++) {
            if (errors[member] != null) {
                continue;
            }
            if (member == STARS) {
                // a number that fits no int is called out of range in both forms of a batch
                errors[member] = values[member] != (int) values[member]
                        ? OUT_OF_RANGE
                        : values[member] < Checkin.MIN_STARS || values[member] > Checkin.MAX_STARS
                                ? "must be from " + Checkin.MIN_STARS + " to " + Checkin.MAX_STARS
                                : null;
            } else if (values[member] < 1) {
                errors[member] = "must be 1 or more";
            }
        }
    }

    private static void requireNone(@Nullable String[] errors, @Nullable InvalidMember unknown)
            throws InvalidCheckinException {
        List<InvalidMember> all = new ArrayList<>();
        for (int member = 0; member < errors.length; member++) {
            String error = errors[member];
            if (error != null) {
                all.add(new InvalidMember('/' + NAMES.get(member), error));
            }
        }
        if (unknown != null) {
            all.add(unknown);
        }
        if (!all.isEmpty()) {
            throw new InvalidCheckinException(all);
        }
    }
}
