package io.ncc.checkin.model;

/** The fields of a stream entry don't make a {@link Checkin}. The message says which field and why, and never quotes its value. */
public final class UndecodableEntryException extends Exception {

    private final String reason;

    UndecodableEntryException(String reason) {
        super(reason, null, false, false); // thrown once per poison entry: no stack trace is wanted
        this.reason = reason;
    }

    /** The message. */
    public String reason() {
        return reason;
    }
}
