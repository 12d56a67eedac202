package io.ncc.checkin.receiver;

import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.lettuce.core.StreamMessage;
import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.testsupport.RealRedis;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What is in the stream of checkins. */
final class Stream {

    private static final int PAGE = 5_000;

    private Stream() {}

    /** By id, in order. */
    static Map<String, Checkin> read(RealRedis redis) {
        Map<String, Checkin> entries = new LinkedHashMap<>();
        Range<String> rest = Range.unbounded();
        List<StreamMessage<String, String>> page;
        do {
            page = redis.commands().xrange(Keys.unpartitioned().checkins(), rest, Limit.from(PAGE));
            for (StreamMessage<String, String> entry : page) {
                entries.put(entry.getId(), checkin(entry));
                rest = Range.from(Range.Boundary.excluding(entry.getId()), Range.Boundary.unbounded());
            }
        } while (page.size() == PAGE);
        return entries;
    }

    private static Checkin checkin(StreamMessage<String, String> entry) {
        Map<String, String> body = entry.getBody();
        if (body.size() != 3) {
            throw new AssertionError(entry + " has other fields than a checkin");
        }
        return new Checkin(
                Long.parseLong(body.get("userId")),
                Long.parseLong(body.get("locationId")),
                Integer.parseInt(body.get("starRating")));
    }
}
