package io.ncc.checkin.api.web;

import io.ncc.checkin.service.Http11;
import jakarta.servlet.AsyncContext;
import jakarta.servlet.AsyncEvent;
import jakarta.servlet.AsyncListener;
import jakarta.servlet.ServletOutputStream;
import jakarta.servlet.WriteListener;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.atomic.AtomicLong;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;

/**
 * An answer of Server-Sent Events. Nobody waits for its client: what its connection can't take yet is kept, and written when it can. A client that reads
 * too slowly is disconnected.
 */
public final class EventStream implements WriteListener {

    /** How many bytes all streams hold. */
    private static final AtomicLong HELD_BY_ALL = new AtomicLong();

    private final AsyncContext context;
    private final ServletOutputStream out;
    private final int mostBuffered;

    // guarded by this
    private final Queue<Part> waiting = new ArrayDeque<>();
    private Runnable whenClosed = () -> {};
    private int buffered;

    /** How many bytes were given to the container, which copies what the connection can't take. */
    private int given;

    private long held;
    private boolean ready;
    private boolean unflushed;
    private boolean ending;
    private boolean closed;
    private boolean tooSlow;

    private final Object completion = new Object();
    private boolean completed; // guarded by completion

    /** Bytes that wait for the client. */
    private static final class Part {

        private final byte[] bytes;

        /** Whether others have the same array, so that it takes no more of the heap while it waits. */
        private final boolean shared;

        Part(byte[] bytes, boolean shared) {
            this.bytes = bytes;
            this.shared = shared;
        }
    }

    /** @param mostBuffered how many bytes may wait for the client */
    public EventStream(AsyncContext context, ServletOutputStream out, int mostBuffered) {
        this.context = context;
        this.out = out;
        this.mostBuffered = mostBuffered;
    }

    /** For {@link EventStreams#begin}. */
    static Optional<EventStream> begin(HttpServletRequest request, HttpServletResponse response, int mostBuffered)
            throws IOException {
        response.setContentType(MediaType.TEXT_EVENT_STREAM_VALUE);
        response.setCharacterEncoding("UTF-8");
        response.setHeader(HttpHeaders.CACHE_CONTROL, "no-cache");
        response.setHeader("X-Accel-Buffering", "no"); // else nginx would collect events
        if (request.getMethod().equals("HEAD")) {
            return Optional.empty(); // Spring gives us that, too: its answer would never end
        }
        AsyncContext context = request.startAsync(request, response);
        context.setTimeout(0);
        EventStream stream = new EventStream(context, response.getOutputStream(), mostBuffered);
        context.addListener(new Leaving(stream));
        response.getOutputStream().setWriteListener(stream);
        Http11.whenGone(request, stream::close);
        return Optional.of(stream);
    }

    /**
     * An event as it is sent.
     *
     * @param data in one line
     */
    public static byte[] event(String name, String data) {
        return ("event: " + name + "\ndata: " + data + "\n\n").getBytes(StandardCharsets.UTF_8);
    }

    /** Sets what is done once, when the stream has ended; at once if it has. */
    public void whenClosed(Runnable action) {
        synchronized (this) {
            if (!closed) {
                whenClosed = action;
                return;
            }
        }
        action.run();
    }

    /** How many bytes wait for the client. */
    public synchronized int buffered() {
        return buffered;
    }

    /** How many bytes of the heap it takes until the client has them. */
    public synchronized long held() {
        return held;
    }

    /** The sum of {@link #held} of all streams of this JVM. */
    public static long heldByAll() {
        return HELD_BY_ALL.get();
    }

    private void hold(int bytes) {
        held += bytes;
        HELD_BY_ALL.addAndGet(bytes);
    }

    /** Sends whole events. If too much would wait then, the client is disconnected instead. */
    public void send(byte[] bytes) {
        send(new Part(bytes, false));
    }

    /** The same for an array that others are sent, too. */
    public void sendShared(byte[] bytes) {
        send(new Part(bytes, true));
    }

    private void send(Part part) {
        int length = part.bytes.length;
        boolean fits;
        synchronized (this) {
            if (closed) {
                return;
            }
            fits = buffered == 0 || buffered + length <= mostBuffered;
            if (fits) {
                waiting.add(part);
                buffered += length;
                hold(part.shared ? 0 : length);
            }
        }
        if (fits) {
            write();
        } else {
            closeAsTooSlow();
        }
    }

    @Override
    public void onWritePossible() {
        synchronized (this) {
            ready = true;
        }
        write();
    }

    private void write() {
        boolean ended = false;
        try {
            synchronized (this) {
                while (ready && !closed && !ended && out.isReady()) {
                    hold(-given);
                    given = 0;
                    Part next = waiting.poll();
                    if (next != null) {
                        given = next.bytes.length;
                        buffered -= given;
                        hold(next.shared ? given : 0);
                        unflushed = true;
                        out.write(next.bytes);
                    } else if (unflushed) {
                        unflushed = false;
                        out.flush();
                    } else if (ending) {
                        ended = true;
                    } else {
                        return;
                    }
                }
            }
        } catch (IOException | IllegalStateException e) {
            onError(e);
        }
        if (ended) {
            close();
        }
    }

    /** The container gives up a client that takes nothing for a while. */
    @Override
    public void onError(Throwable failure) {
        if (failure instanceof SocketTimeoutException) {
            closeAsTooSlow();
        } else {
            close();
        }
    }

    /** Disconnects a client that reads too slowly. */
    public void closeAsTooSlow() {
        synchronized (this) {
            tooSlow = true;
        }
        close();
    }

    /** Whether the client was disconnected as it read too slowly. */
    public synchronized boolean isTooSlow() {
        return tooSlow;
    }

    synchronized boolean isClosed() {
        return closed;
    }

    /** Ends the connection once everything is written; to be called after the last {@link #send}. */
    public void end() {
        synchronized (this) {
            ending = true;
        }
        write();
    }

    /** Ends the connection; it can be called more than once. */
    public void close() {
        release();
        complete();
    }

    private void release() {
        Runnable action;
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
            waiting.clear();
            buffered = 0;
            HELD_BY_ALL.addAndGet(-held);
            held = 0;
            action = whenClosed;
        }
        action.run();
    }

    /**
     * Has a lock because {@link AsyncContext#complete} isn't atomic. Before the container ends a request itself, it tells {@link Leaving}, which waits
     * here. Otherwise the container could reuse the request's objects in between, and the next request would be completed. The lock is one of its own
     * because the container holds its lock when it calls {@link Leaving#onComplete}, which needs that of the stream.
     */
    private void complete() {
        synchronized (completion) {
            if (completed) {
                return;
            }
            completed = true;
            try {
                context.complete();
            } catch (IllegalStateException e) {
                // the container was faster
            }
        }
    }

    private record Leaving(EventStream stream) implements AsyncListener {

        @Override
        public void onComplete(AsyncEvent event) {
            stream.release();
        }

        @Override
        public void onTimeout(AsyncEvent event) {
            stream.close();
        }

        @Override
        public void onError(AsyncEvent event) {
            stream.close();
        }

        @Override
        public void onStartAsync(AsyncEvent event) {
            // never done
        }
    }
}
