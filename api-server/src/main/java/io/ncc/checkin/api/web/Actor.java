package io.ncc.checkin.api.web;

import jakarta.servlet.http.HttpServletRequest;
import java.security.Principal;

/** Who changes something, for the log. */
public final class Actor {

    private Actor() {}

    /** The name that they were authenticated by, or else their address. */
    public static String of(HttpServletRequest request) {
        Principal principal = request.getUserPrincipal();
        return principal == null
                ? "someone at " + request.getRemoteAddr()
                : principal.getName().replaceAll("\\p{Cntrl}", "?"); // or it could look like another line of the log
    }
}
