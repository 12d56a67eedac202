package io.ncc.checkin.service;

import tools.jackson.core.JacksonException;
import tools.jackson.core.JacksonException.Reference;
import tools.jackson.core.exc.InputCoercionException;
import tools.jackson.core.exc.StreamReadException;
import tools.jackson.databind.exc.MismatchedInputException;
import tools.jackson.databind.exc.UnrecognizedPropertyException;

/**
 * What is wrong with a member of a request's body.
 *
 * @param pointer an <a href="https://www.rfc-editor.org/rfc/rfc6901">RFC 6901</a> JSON pointer into the body; empty for the body itself
 * @param message fixed text, which quotes nothing of the body
 */
public record InvalidMember(String pointer, String message) {

    /** What is wrong with a body that can't be read. */
    public static InvalidMember of(JacksonException e) {
        return new InvalidMember(pointer(e), message(e));
    }

    /** A member that doesn't belong into the body. */
    public static InvalidMember unknown(String name) {
        return new InvalidMember('/' + escape(name), "is not a known member");
    }

    /** A body that is not well-formed at this place of it; both numbers begin with 1. */
    public static InvalidMember malformed(long line, long column) {
        return new InvalidMember("", "is not well-formed JSON at line " + line + ", column " + column);
    }

    private static String pointer(JacksonException e) {
        StringBuilder pointer = new StringBuilder();
        for (Reference reference : e.getPath()) {
            String name = reference.getPropertyName();
            pointer.append('/').append(name == null ? String.valueOf(reference.getIndex()) : escape(name));
        }
        return pointer.toString();
    }

    /** Escapes as in RFC 6901, section 3. */
    private static String escape(String name) {
        return name.replace("~", "~0").replace("/", "~1");
    }

    private static String message(JacksonException e) {
        if (e instanceof UnrecognizedPropertyException) {
            return "is not a known member";
        }
        if (e instanceof InputCoercionException) {
            return "is out of range";
        }
        if (e instanceof MismatchedInputException mismatch) {
            Class<?> wanted = mismatch.getTargetType();
            if (wanted == String.class) {
                return "must be a string";
            }
            boolean number = wanted != null && (wanted.isPrimitive() || Number.class.isAssignableFrom(wanted));
            return number ? "must be an integer" : "must be one JSON object";
        }
        if (e instanceof StreamReadException && e.getLocation() != null) {
            return "is not well-formed JSON at line " + e.getLocation().getLineNr() + ", column "
                    + e.getLocation().getColumnNr();
        }
        return "is not well-formed JSON";
    }
}
