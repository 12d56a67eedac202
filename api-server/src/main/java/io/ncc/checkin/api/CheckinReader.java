package io.ncc.checkin.api;

import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.lettuce.core.StreamMessage;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.StreamId;
import io.ncc.checkin.service.RedisLink;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/** Reads checkins from the stream. Entries that are not checkins are passed over: they will be dead letters. */
final class CheckinReader {

    /** The most checkins that one request gets, and that one command reads. */
    static final int MAX_PAGE = 1000;

    private final RedisLink redis;
    private final String stream;

    CheckinReader(RedisLink redis, Keys keys) {
        this.redis = redis;
        this.stream = keys.checkins();
    }

    /** The checkin of the highest id. */
    Optional<StoredCheckin> latest() {
        Range<String> below = Range.create("-", "+");
        int count = 1; // nearly always enough
        while (true) {
            List<StreamMessage<String, String>> page = newest(below, count);
            for (StreamMessage<String, String> entry : page) {
                StoredCheckin checkin = StoredCheckin.from(entry);
                if (checkin != null) {
                    return Optional.of(checkin);
                }
            }
            if (page.size() < count) {
                return Optional.empty();
            }
            below = Range.from(
                    Range.Boundary.including("-"),
                    Range.Boundary.excluding(page.get(count - 1).getId()));
            count = MAX_PAGE;
        }
    }

    private List<StreamMessage<String, String>> newest(Range<String> range, int count) {
        return redis.call(commands -> commands.xrevrange(stream, range, Limit.from(count)));
    }

    /** The first {@value #MAX_PAGE} entries from one id to another, both included, in order. */
    List<StoredCheckin> range(StreamId from, StreamId to) {
        Range<String> range = Range.create(from.toString(), to.toString());
        return redis.call(commands -> commands.xrange(stream, range, Limit.from(MAX_PAGE))).stream()
                .map(StoredCheckin::from)
                .filter(Objects::nonNull)
                .toList();
    }
}
