package io.ncc.checkin.api.web;

import java.util.concurrent.CompletionStage;
import java.util.function.LongFunction;
import java.util.function.Supplier;

/**
 * A read that {@link PlainReads} answers.
 *
 * @param route the pattern of its route
 * @param prefix what the path begins with, up to the id if there is one
 * @param hasId whether the path ends with an id
 * @param read gets the id; 0 if there is none
 */
public record PlainRead(String route, String prefix, boolean hasId, LongFunction<CompletionStage<?>> read) {

    private static final String ID = "{id}";

    /** A read of a user or location. The route ends with its id. */
    public static PlainRead byId(String route, LongFunction<CompletionStage<?>> read) {
        if (!route.endsWith('/' + ID)) {
            throw new IllegalArgumentException(route + " doesn't end with /" + ID);
        }
        return new PlainRead(route, route.substring(0, route.length() - ID.length()), true, read);
    }

    /** A read without variables. */
    public static PlainRead of(String route, Supplier<CompletionStage<?>> read) {
        return new PlainRead(route, route, false, unused -> read.get());
    }
}
