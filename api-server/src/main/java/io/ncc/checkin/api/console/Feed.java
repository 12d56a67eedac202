package io.ncc.checkin.api.console;

import io.ncc.checkin.api.checkin.StoredCheckin;
import io.ncc.checkin.api.live.LiveEntry;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The newest checkins, for pages that show a few of them, however many come. The tail of the stream adds them. */
final class Feed {

    private static final int MOST = 10;

    private final Deque<LiveEntry> newest = new ArrayDeque<>(); // guarded by this
    private long untaken; // guarded by this
    private volatile long all;

    /** What has come since the last event. */
    record Event(List<StoredCheckin> items, long passedOver) {}

    /** The one thread of the tail calls this. */
    @SuppressWarnings("NonAtomicVolatileUpdate") // there is one thread that writes
    void add(List<LiveEntry> entries) {
        all += entries.size();
        synchronized (this) {
            untaken += entries.size();
            for (LiveEntry entry : entries.subList(Math.max(0, entries.size() - MOST), entries.size())) {
                if (newest.size() == MOST) {
                    newest.remove();
                }
                newest.add(entry);
            }
        }
    }

    /** How many entries have come since the start. */
    long count() {
        return all;
    }

    /** Null if nothing has come since the last call. */
    @Nullable
    Event take() {
        List<LiveEntry> entries;
        long count;
        synchronized (this) {
            entries = List.copyOf(newest);
            count = untaken;
            newest.clear();
            untaken = 0;
        }
        if (count == 0) {
            return null;
        }
        List<StoredCheckin> items = entries.stream()
                .map(entry -> StoredCheckin.from(entry.id(), entry.fields()))
                .filter(Objects::nonNull)
                .toList();
        return new Event(items, count - entries.size());
    }
}
