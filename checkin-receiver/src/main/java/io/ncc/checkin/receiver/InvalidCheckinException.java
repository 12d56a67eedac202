package io.ncc.checkin.receiver;

import io.ncc.checkin.service.InvalidMember;
import java.util.List;

/** What came is no checkin. */
final class InvalidCheckinException extends Exception {

    private static final long serialVersionUID = 1;

    private final transient List<InvalidMember> errors;

    /** @param errors what is wrong with it, at least one */
    InvalidCheckinException(List<InvalidMember> errors) {
        super("not a checkin", null, false, false); // an answer to the client: no stack trace is wanted
        this.errors = errors;
    }

    List<InvalidMember> errors() {
        return errors;
    }
}
