package io.ncc.checkin.api.checkin;

import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.lettuce.core.StreamMessage;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.ncc.checkin.model.Keys;
import io.ncc.redis.RedisLink;
import io.ncc.redis.StreamId;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/** Reads checkins from the stream. Entries that are not checkins are passed over: they will be dead letters. */
@Component
final class CheckinReader {

    /** The most checkins that one request gets. */
    static final int MAX_PAGE = 1000;

    private final RedisLink redis;
    private final String stream;

    CheckinReader(RedisLink redis, Keys keys) {
        this.redis = redis;
        this.stream = keys.checkins();
    }

    /** The checkin of the highest id. */
    CompletionStage<Optional<StoredCheckin>> latest() {
        return latest(new Cursor(StreamId.ZERO, StreamId.HIGHEST, true, 1)); // nearly always enough
    }

    private CompletionStage<Optional<StoredCheckin>> latest(Cursor cursor) {
        return redis.send(commands -> read(commands, cursor, cursor.limit())).thenCompose(page -> {
            Optional<StoredCheckin> found = checkins(page).findFirst();
            if (found.isPresent() || page.size() < cursor.limit()) {
                return CompletableFuture.completedFuture(found);
            }
            StreamId last = StreamId.parse(page.get(page.size() - 1).getId());
            return latest(new Cursor(cursor.from(), cursor.after(last).to(), true, MAX_PAGE));
        });
    }

    /** Up to as many checkins as the cursor says, and where to go on. Only the last page may be shorter, or empty. */
    Page page(Cursor start) {
        List<StoredCheckin> items = new ArrayList<>();
        Cursor cursor = start;
        int count = start.limit() + 1; // nearly always enough
        while (true) {
            List<StreamMessage<String, String>> read = read(cursor, count);
            for (StreamMessage<String, String> entry : read) {
                if (items.size() == start.limit()) {
                    return new Page(items, cursor);
                }
                StoredCheckin checkin = StoredCheckin.from(entry);
                if (checkin != null) {
                    items.add(checkin);
                }
                cursor = cursor.after(StreamId.parse(entry.getId()));
            }
            if (read.size() < count) {
                return new Page(items, null);
            }
            count = MAX_PAGE;
        }
    }

    /** The first {@value #MAX_PAGE} checkins from one id to another, both included, in order. */
    List<StoredCheckin> range(StreamId from, StreamId to) {
        return page(new Cursor(from, to, false, MAX_PAGE)).items();
    }

    private static java.util.stream.Stream<StoredCheckin> checkins(List<StreamMessage<String, String>> entries) {
        return entries.stream().map(StoredCheckin::from).filter(Objects::nonNull);
    }

    private List<StreamMessage<String, String>> read(Cursor cursor, int count) {
        if (cursor.from().compareTo(cursor.to()) > 0) {
            return List.of();
        }
        return redis.call(commands -> read(commands, cursor, count));
    }

    private CompletionStage<List<StreamMessage<String, String>>> read(
            RedisAsyncCommands<String, String> commands, Cursor cursor, int count) {
        Range<String> range = Range.create(cursor.from().toString(), cursor.to().toString());
        Limit limit = Limit.from(count);
        return cursor.newestFirst() ? commands.xrevrange(stream, range, limit) : commands.xrange(stream, range, limit);
    }

    /** @param next null at the end */
    record Page(List<StoredCheckin> items, @Nullable Cursor next) {}
}
