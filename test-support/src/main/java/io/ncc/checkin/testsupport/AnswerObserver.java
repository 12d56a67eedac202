package io.ncc.checkin.testsupport;

import java.util.List;
import java.util.ServiceLoader;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Compares every answer that the tests of a module get with the contract of its service. Found by {@link ServiceLoader}. */
public interface AnswerObserver {

    Contract contract();

    /**
     * A final answer was read.
     *
     * @param method null if what was sent has no request line that can be read
     * @param path without the query; null if the method is
     * @param header the value of a header by its name, null if there is none
     * @param body of a stream of events, one event as JSON, or empty if there is none yet
     */
    default void seen(
            @Nullable String method,
            @Nullable String path,
            int status,
            Function<String, @Nullable String> header,
            String body) {
        contract().check(method, path, status, header, body);
    }

    static List<AnswerObserver> all() {
        return ServiceLoader.load(AnswerObserver.class).stream()
                .map(ServiceLoader.Provider::get)
                .toList();
    }
}
