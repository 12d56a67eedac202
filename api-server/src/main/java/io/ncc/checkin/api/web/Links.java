package io.ncc.checkin.api.web;

import jakarta.servlet.http.HttpServletRequest;
import java.util.Collections;
import java.util.regex.Pattern;

/** Paths for answers, as the client of a request has to ask for them. */
public final class Links {

    private static final String PREFIX = "X-Forwarded-Prefix";

    /** Of all prefixes together; what is longer is no path of a proxy. */
    private static final int MOST_CHARACTERS = 200;

    /**
     * A path as RFC 3986 writes it, without a comma, which separates prefixes; none of its segments is empty. The quantifiers are possessive, as others
     * take stack for each character.
     */
    private static final Pattern PREFIXES =
            Pattern.compile("(?:/(?:[A-Za-z0-9._~!$&'()*+;=:@-]|%[0-9A-Fa-f]{2})++)++/?|/");

    private Links() {}

    /**
     * A path of this server, below the prefix that a proxy took away, or else below the context path.
     *
     * @param path with its query
     */
    public static String to(HttpServletRequest request, String path) {
        String values = String.join(",", Collections.list(request.getHeaders(PREFIX)));
        if (values.length() > MOST_CHARACTERS) {
            return request.getContextPath() + path;
        }
        StringBuilder prefix = null;
        for (String value : values.split(",", -1)) { // each proxy adds its own
            String part = value.strip();
            if (PREFIXES.matcher(part).matches()) {
                prefix = prefix == null ? new StringBuilder() : prefix;
                prefix.append(part, 0, part.endsWith("/") ? part.length() - 1 : part.length());
            }
        }
        return (prefix == null ? request.getContextPath() : prefix) + path;
    }
}
