package io.ncc.checkin.api.web;

import io.ncc.checkin.service.security.Caller;
import jakarta.servlet.http.HttpServletRequest;

/** Who changes something, for the log. */
public final class Actor {

    private Actor() {}

    /** The name that they were authenticated by, or else their address. */
    public static String of(HttpServletRequest request) {
        Caller caller = Caller.of(request);
        return caller == null
                ? "someone at " + request.getRemoteAddr()
                : caller.getName().replaceAll("\\p{Cntrl}", "?"); // or it could look like another line of the log
    }
}
