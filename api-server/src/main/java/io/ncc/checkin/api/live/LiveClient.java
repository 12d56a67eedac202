package io.ncc.checkin.api.live;

import io.ncc.checkin.api.live.LiveHub.Event;
import io.ncc.checkin.api.partition.CheckinId;
import io.ncc.checkin.api.web.EventStream;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One client that follows the stream. All but its connection is of the tail's thread. */
final class LiveClient {

    private final EventStream events;
    private final @Nullable Long userId;
    private final @Nullable Long locationId;
    private @Nullable CheckinId position;
    private final long joined = System.nanoTime();
    private long lastSent = joined;

    /**
     * @param after begin with what comes after this entry; null to begin with what is new
     * @param userId only checkins of this user; null for those of all
     * @param locationId only checkins at this location; null for those at all
     */
    LiveClient(EventStream events, @Nullable CheckinId after, @Nullable Long userId, @Nullable Long locationId) {
        this.events = events;
        this.position = after;
        this.userId = userId;
        this.locationId = locationId;
    }

    boolean wantsAll() {
        return userId == null && locationId == null;
    }

    byte[] wanted(List<Event> events) {
        if (wantsAll()) {
            return Event.join(events);
        }
        return Event.join(events.stream()
                .filter(event -> userId == null || event.checkin().userId() == userId)
                .filter(event -> locationId == null || event.checkin().locationId() == locationId)
                .toList());
    }

    /** Everything up to here was sent, or isn't wanted; null before the first turn of the tail. */
    @Nullable
    CheckinId position() {
        return position;
    }

    /** When it came, as {@link System#nanoTime} says it. */
    long joined() {
        return joined;
    }

    void moveTo(CheckinId id) {
        position = id;
    }

    long lastSent() {
        return lastSent;
    }

    int buffered() {
        return events.buffered();
    }

    long held() {
        return events.held();
    }

    void send(byte[] bytes) {
        lastSent = System.nanoTime();
        events.send(bytes);
    }

    /** Sends an array that others are sent, too. */
    void sendShared(byte[] bytes) {
        lastSent = System.nanoTime();
        events.sendShared(bytes);
    }

    void whenClosed(Runnable action) {
        events.whenClosed(action);
    }

    boolean isTooSlow() {
        return events.isTooSlow();
    }

    void closeAsTooSlow() {
        events.closeAsTooSlow();
    }

    void close() {
        events.close();
    }
}
