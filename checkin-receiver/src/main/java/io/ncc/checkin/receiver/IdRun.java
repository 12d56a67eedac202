package io.ncc.checkin.receiver;

import io.ncc.redis.StreamId;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Ids of entries that were appended one after the other in the same millisecond; or checkins that were refused as repeats.
 *
 * @param first null if they were refused
 * @param count 1 or more
 */
record IdRun(@Nullable StreamId first, int count) {

    private static final String REFUSED = "~";

    static IdRun refused(int count) {
        return new IdRun(null, count);
    }

    /** Reads {@code <first id>/<count> ...}, as append.lua writes it, with {@code ~} instead of the id for those that were refused. */
    static List<IdRun> parse(String runs) {
        List<IdRun> parsed = new ArrayList<>(1);
        for (String run : runs.split(" ")) {
            int slash = run.indexOf('/');
            String first = run.substring(0, slash);
            parsed.add(new IdRun(
                    first.equals(REFUSED) ? null : StreamId.parse(first),
                    Integer.parseInt(run, slash + 1, run.length(), 10)));
        }
        return parsed;
    }

    boolean isRefused() {
        return first == null;
    }

    /** @throws NullPointerException if they were refused */
    StreamId get(int index) {
        StreamId id = Objects.requireNonNull(first);
        return new StreamId(id.millis(), id.sequence() + index);
    }
}
