package io.ncc.checkin.service;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What belongs to patterns of paths, by their first segment. So a request is compared with a few patterns, and not with all of them. */
public final class PathIndex<T> {

    private final List<T> all = new ArrayList<>();
    private final Map<String, List<T>> byFirstSegment = new HashMap<>();

    /**
     * Adds what belongs to a pattern.
     *
     * @param pattern must begin with a segment without variables, such as {@code /users/{id}}
     */
    public void add(String pattern, T value) {
        String segment = firstSegmentOf(pattern);
        if (segment.contains("{") || segment.contains("*")) {
            throw new IllegalArgumentException("The first segment of " + pattern + " has a variable");
        }
        all.add(value);
        byFirstSegment.computeIfAbsent(segment, first -> new ArrayList<>()).add(value);
    }

    /**
     * What can match a path, in the order in which it was added. All of it if no pattern begins like the path, which may be encoded or have parameters.
     */
    public List<T> candidates(String path) {
        return byFirstSegment.getOrDefault(firstSegmentOf(path), all);
    }

    private static String firstSegmentOf(String path) {
        int end = path.indexOf('/', 1);
        return end < 0 ? path : path.substring(0, end);
    }
}
