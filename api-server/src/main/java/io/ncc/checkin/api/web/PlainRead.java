package io.ncc.checkin.api.web;

import java.util.concurrent.CompletionStage;
import java.util.function.LongFunction;
import java.util.function.Supplier;

/**
 * A read that {@link PlainReads} answers.
 *
 * @param route the pattern of its route; a variable is possible at its end only, and is the id of a user or location
 * @param read gets the id; 0 if the route has none
 */
public record PlainRead(String route, LongFunction<CompletionStage<?>> read) {

    /** What {@link #idIn} returns for the path of another route, and for an id that is none. */
    static final long NONE = -1;

    private static final String ID = "{id}";

    /** A read without variables. */
    public static PlainRead of(String route, Supplier<CompletionStage<?>> read) {
        return new PlainRead(route, unused -> read.get());
    }

    /** The id at the end of a path of this route; 0 if the route has none. */
    long idIn(String path) {
        if (!route.endsWith(ID)) {
            return path.equals(route) ? 0 : NONE;
        }
        int begin = route.length() - ID.length();
        long id = path.regionMatches(0, route, 0, begin) ? Parameters.number(path.substring(begin)) : NONE;
        return id == 0 ? NONE : id;
    }
}
