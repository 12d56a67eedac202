package io.ncc.checkin.service.security;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Pages and what belongs to them, such as scripts, which anybody may GET: they hold nothing but what is in the jar. A service has a bean for each of its
 * pages.
 *
 * @param paths each either a path, or ends with {@code /**}
 * @param policy the {@code Content-Security-Policy}
 */
public record Pages(List<String> paths, String policy) {

    private static final String BELOW = "/**";

    public Pages {
        paths = List.copyOf(paths);
    }

    /** Whether a path, without the context path, is one of these. */
    boolean have(String path) {
        for (String each : paths) {
            if (each.endsWith(BELOW) ? path.startsWith(each.substring(0, each.length() - 2)) : path.equals(each)) {
                return true;
            }
        }
        return false;
    }

    /** The policy of a path, null if it is no page. */
    static @Nullable String policyOf(String path, List<Pages> all) {
        for (Pages pages : all) {
            if (pages.have(path)) {
                return pages.policy;
            }
        }
        return null;
    }
}
