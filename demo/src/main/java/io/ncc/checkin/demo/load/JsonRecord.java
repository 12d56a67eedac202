package io.ncc.checkin.demo.load;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The members of one JSON object. Each is taken once; what nobody took is unknown.
 *
 * <p>Whatever is wrong is an {@link IllegalArgumentException} whose message names the member, and never shows the value of a text.
 */
final class JsonRecord {

    private final ObjectNode remaining;

    JsonRecord(ObjectNode object) {
        this.remaining = object;
    }

    /** A required integer. */
    long integer(String name, long min, long max) {
        JsonNode value = required(name);
        if (!value.isIntegralNumber()) {
            throw new IllegalArgumentException(
                    name + " must be an integer, not " + (value.isNumber() ? value : type(value)));
        }
        if (!value.canConvertToLong() || value.longValue() < min || value.longValue() > max) {
            throw new IllegalArgumentException(name + " must be from " + min + " to " + max + ", not " + value);
        }
        return value.longValue();
    }

    /** An integer that the record may leave out. */
    @Nullable
    Long optionalInteger(String name, long min, long max) {
        return remaining.has(name) ? integer(name, min, max) : null;
    }

    /** A required text with more than blanks in it. */
    String text(String name) {
        JsonNode value = required(name);
        if (!value.isString()) {
            throw new IllegalArgumentException(name + " must be a string, not " + type(value));
        }
        if (value.stringValue().isBlank()) {
            throw new IllegalArgumentException(name + " must not be blank");
        }
        return value.stringValue();
    }

    @Nullable
    String optionalText(String name) {
        return remaining.has(name) ? text(name) : null;
    }

    /** All members, each a text. */
    Map<String, String> texts() {
        Map<String, String> texts = new LinkedHashMap<>();
        for (String name : List.copyOf(remaining.propertyNames())) {
            texts.put(name, text(name));
        }
        return texts;
    }

    /** An array of objects that the record may leave out. What is wrong in one of them is told with its place in the array. */
    <T> @Nullable List<T> optionalRecords(String name, Function<JsonRecord, T> toRecord) {
        JsonNode value = remaining.remove(name);
        if (value == null) {
            return null;
        }
        if (!value.isArray()) {
            throw new IllegalArgumentException(name + " must be an array, not " + type(value));
        }
        List<T> records = new ArrayList<>();
        for (JsonNode element : value) {
            String place = name + '[' + records.size() + ']';
            if (!(element instanceof ObjectNode object)) {
                throw new IllegalArgumentException(place + " must be an object, not " + type(element));
            }
            try {
                records.add(toRecord.apply(new JsonRecord(object)));
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException(place + ": " + e.getMessage(), e);
            }
        }
        return records;
    }

    /** A required text of at most so many bytes in UTF-8. */
    String text(String name, int maxBytes) {
        String text = text(name);
        if (text.getBytes(StandardCharsets.UTF_8).length > maxBytes) {
            throw new IllegalArgumentException(name + " must be at most " + maxBytes + " bytes long");
        }
        return text;
    }

    /** A required text of at most so many characters in UTF-16. */
    String shortText(String name, int maxCharacters) {
        String text = text(name);
        if (text.length() > maxCharacters) {
            throw new IllegalArgumentException(name + " must be at most " + maxCharacters + " characters long");
        }
        return text;
    }

    void refuseUnknownMembers() {
        if (!remaining.isEmpty()) {
            throw new IllegalArgumentException(
                    "unknown member \"" + remaining.propertyNames().iterator().next() + '"');
        }
    }

    private JsonNode required(String name) {
        JsonNode value = remaining.remove(name);
        if (value == null) {
            throw new IllegalArgumentException(name + " is missing");
        }
        return value;
    }

    private static String type(JsonNode value) {
        return switch (value.getNodeType()) {
            case OBJECT -> "an object";
            case ARRAY -> "an array";
            case STRING -> "a string";
            case BOOLEAN -> "a boolean";
            case NUMBER -> "a number";
            default -> "null";
        };
    }
}
