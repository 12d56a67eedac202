package io.ncc.checkin.api.live;

import io.ncc.checkin.api.live.LiveHub.Event;
import io.ncc.checkin.api.partition.CheckinId;
import jakarta.servlet.AsyncContext;
import jakarta.servlet.ServletOutputStream;
import jakarta.servlet.WriteListener;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** One client that follows the stream. Nobody waits for it: what its connection can't take yet is kept, and written when it can. */
final class LiveClient implements WriteListener {

    private final AsyncContext context;
    private final ServletOutputStream out;
    private final @Nullable Long userId;
    private final @Nullable Long locationId;
    private final Consumer<LiveClient> gone;

    // of the tail's thread
    private @Nullable CheckinId position;
    private long lastSent = System.nanoTime();

    // guarded by this
    private final Queue<byte[]> waiting = new ArrayDeque<>();
    private int buffered;
    private boolean ready;
    private boolean unflushed;
    private boolean closed;
    private boolean tooSlow;

    /**
     * @param after begin with what comes after this entry; null to begin with what is new
     * @param userId only checkins of this user; null for those of all
     * @param locationId only checkins at this location; null for those at all
     * @param gone to be run when the client has left
     */
    LiveClient(
            AsyncContext context,
            ServletOutputStream out,
            @Nullable CheckinId after,
            @Nullable Long userId,
            @Nullable Long locationId,
            Consumer<LiveClient> gone) {
        this.context = context;
        this.out = out;
        this.position = after;
        this.userId = userId;
        this.locationId = locationId;
        this.gone = gone;
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

    void moveTo(CheckinId id) {
        position = id;
    }

    long lastSent() {
        return lastSent;
    }

    synchronized int buffered() {
        return buffered;
    }

    void send(byte[] bytes) {
        lastSent = System.nanoTime();
        synchronized (this) {
            waiting.add(bytes);
            buffered += bytes.length;
        }
        write();
    }

    @Override
    public void onWritePossible() {
        synchronized (this) {
            ready = true;
        }
        write();
    }

    private void write() {
        try {
            synchronized (this) {
                while (ready && !closed && out.isReady()) {
                    byte[] next = waiting.poll();
                    if (next != null) {
                        buffered -= next.length;
                        unflushed = true;
                        out.write(next);
                    } else if (unflushed) {
                        unflushed = false;
                        out.flush();
                    } else {
                        return;
                    }
                }
            }
        } catch (IOException | IllegalStateException e) {
            onError(e);
        }
    }

    /** The container gives up a client that takes nothing for a while. */
    @Override
    public void onError(Throwable failure) {
        if (failure instanceof SocketTimeoutException) {
            drop();
        } else {
            close();
        }
    }

    /** Ends the connection, as the client reads too slowly. */
    void drop() {
        synchronized (this) {
            tooSlow = true;
        }
        close();
    }

    synchronized boolean isTooSlow() {
        return tooSlow;
    }

    /** Ends the connection; it can be called more than once. */
    void close() {
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
            waiting.clear();
            buffered = 0;
        }
        gone.accept(this);
        try {
            context.complete();
        } catch (IllegalStateException e) {
            // the container was faster
        }
    }
}
