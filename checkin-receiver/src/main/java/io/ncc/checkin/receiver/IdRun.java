package io.ncc.checkin.receiver;

import io.ncc.redis.StreamId;
import java.util.ArrayList;
import java.util.List;

/**
 * Ids of entries that were appended one after the other in the same millisecond.
 *
 * @param count 1 or more
 */
record IdRun(StreamId first, int count) {

    /** Reads {@code <first id>/<count> ...}, as append.lua writes it. */
    static List<IdRun> parse(String runs) {
        List<IdRun> parsed = new ArrayList<>(1);
        for (String run : runs.split(" ")) {
            int slash = run.indexOf('/');
            parsed.add(new IdRun(
                    StreamId.parse(run.substring(0, slash)), Integer.parseInt(run, slash + 1, run.length(), 10)));
        }
        return parsed;
    }

    StreamId get(int index) {
        return new StreamId(first.millis(), first.sequence() + index);
    }
}
