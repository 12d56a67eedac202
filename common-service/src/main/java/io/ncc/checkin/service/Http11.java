package io.ncc.checkin.service;

import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.catalina.connector.CoyoteAdapter;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.coyote.ActionCode;
import org.apache.coyote.Adapter;
import org.apache.coyote.ContinueResponseTiming;
import org.apache.coyote.Processor;
import org.apache.coyote.http11.Http11NioProtocol;
import org.apache.coyote.http11.Http11Processor;
import org.apache.tomcat.util.net.AbstractEndpoint.Handler.SocketState;
import org.apache.tomcat.util.net.NioChannel;
import org.apache.tomcat.util.net.NioEndpoint;
import org.apache.tomcat.util.net.SocketEvent;
import org.apache.tomcat.util.net.SocketWrapperBase;
import org.apache.tomcat.util.threads.TaskQueue;
import org.apache.tomcat.util.threads.TaskThreadFactory;
import org.jspecify.annotations.Nullable;

/**
 * Tomcat's HTTP/1.1, which Tomcat creates by its class name, with four differences:
 *
 * <ul>
 *   <li>There is a connection for each new client. With all of its connections in use, Tomcat accepts no more, so clients that open connections and send
 *       little or nothing would keep out all others. This one ends connections that wait for their client: first those on which nothing was answered for
 *       longest.
 *   <li>It can tell that a client is gone while its request waits for an answer. Tomcat notices that only when it reads or writes, and until there is an
 *       answer it does neither.
 *   <li>It doesn't read without end what a request has left unread of its body ({@link UnreadBody}).
 *   <li>A few threads work on requests as long as they keep up ({@link Workers}).
 * </ul>
 */
public final class Http11 extends Http11NioProtocol {

    private static final String WHEN_GONE = Http11.class.getName() + ".whenGone";
    private static final String RESPONSE = Http11.class.getName() + ".response";

    public Http11() {
        super(new Endpoint());
    }

    /**
     * Watches the client of a request that is answered asynchronously. A client that closes only its own side of the connection counts as gone. One that
     * sends its next request early is no longer watched. One that is cut off without closing its connection can't be noticed.
     *
     * @param action is run when the client is gone, at most once, by a thread of Tomcat; it must not wait
     */
    public static void whenGone(HttpServletRequest request, Runnable action) {
        request.setAttribute(WHEN_GONE, action);
    }

    /** To be called with each request that expects a 100. */
    static void remember(Request request, Response response) {
        request.setAttribute(RESPONSE, response);
    }

    /** Has a client go on that waits for a 100 before it sends the body. Tomcat does so only when a read begins that may wait. */
    public static void goOn(HttpServletRequest request) throws IOException {
        if (request.getAttribute(RESPONSE) instanceof Response response) {
            response.sendAcknowledgement(ContinueResponseTiming.ALWAYS);
        }
    }

    @Override
    protected Processor createProcessor() {
        return new WatchingProcessor(this, new FinishingAdapter(this, getAdapter()));
    }

    /**
     * Sees to the rest of each request when it has been answered. No valve could: some answers, such as that to {@code OPTIONS *}, pass none, and
     * asynchronous ones don't return through them.
     */
    private record FinishingAdapter(Http11 protocol, Adapter adapter) implements Adapter {

        @Override
        public void service(org.apache.coyote.Request request, org.apache.coyote.Response response) throws Exception {
            adapter.service(request, response);
            finish(request);
        }

        @Override
        public boolean asyncDispatch(
                org.apache.coyote.Request request, org.apache.coyote.Response response, SocketEvent event)
                throws Exception {
            boolean success = adapter.asyncDispatch(request, response, event);
            if (success) {
                finish(request);
            }
            return success;
        }

        private void finish(org.apache.coyote.Request request) {
            AtomicBoolean async = new AtomicBoolean();
            request.action(ActionCode.ASYNC_IS_ASYNC, async);
            if (!async.get()) {
                UnreadBody.finish(request, protocol);
            }
        }

        @Override
        public boolean prepare(org.apache.coyote.Request request, org.apache.coyote.Response response)
                throws Exception {
            return adapter.prepare(request, response);
        }

        @Override
        public void log(org.apache.coyote.Request request, org.apache.coyote.Response response, long time) {
            adapter.log(request, response, time);
        }

        @Override
        public void checkRecycled(org.apache.coyote.Request request, org.apache.coyote.Response response) {
            adapter.checkRecycled(request, response);
        }

        @Override
        public String getDomain() {
            return adapter.getDomain();
        }
    }

    private static final class Endpoint extends NioEndpoint {

        /** How long a new connection, or one that was just answered, is left alone: a request is on its way. */
        private static final long GRACE_MILLIS = 500;

        private static final long PAUSE_MILLIS = 5;

        /** A part of all connections, one in this many, is ended at once. */
        private static final int SHARE = 16;

        /** Called before each connection is accepted, by the one thread that does so. */
        @Override
        protected void countUpOrAwaitConnection() throws InterruptedException {
            while (isRunning() && !isPaused() && getConnectionCount() >= getMaxConnections()) {
                endSilent();
                Thread.sleep(PAUSE_MILLIS);
            }
            super.countUpOrAwaitConnection();
        }

        @Override
        public void createExecutor() {
            TaskThreadFactory threads = new TaskThreadFactory(getName() + "-exec-", getDaemon(), getThreadPriority());
            // a queue without a limit: a full one would refuse requests before there are more threads
            Workers workers = new Workers(getMinSpareThreads(), getMaxThreads(), new TaskQueue(), threads);
            workers.watch(getName() + "-workers");
            setExecutor(workers);
            internalExecutor = true; // so it is shut down with the endpoint
        }

        private void endSilent() {
            long since = System.currentTimeMillis() - GRACE_MILLIS; // as Tomcat measures
            List<Answered> silent = connections.entrySet().stream()
                    .filter(each -> waitsForItsClient(each.getValue()))
                    .map(each -> new Answered(
                            each.getKey(), each.getValue(), ((NioSocketWrapper) each.getValue()).getLastWrite()))
                    .filter(connection -> connection.last < since)
                    .sorted(Comparator.comparingLong(Answered::last))
                    .limit(1 + getMaxConnections() / SHARE)
                    .toList();
            for (Answered each : silent) {
                if (!waitsForItsClient(each.connection)) {
                    continue; // any more
                }
                if (each.connection.getLock().isLocked()) {
                    endInput(each.channel);
                } else {
                    processSocket(each.connection, SocketEvent.ERROR, true); // as after a timeout
                }
            }
        }

        /** Of a connection on which a thread waits for more of a body. The thread sees its end, as if the client had ended it, and closes the connection. */
        private static void endInput(SocketChannel channel) {
            try {
                channel.shutdownInput();
            } catch (IOException e) {
                // it is closed
            }
        }

        /** For a request, or for the rest of one. Not where an answer is being made or waited for. */
        private static boolean waitsForItsClient(SocketWrapperBase<NioChannel> connection) {
            boolean watched =
                    connection.getCurrentProcessor() instanceof WatchingProcessor processor && processor.watching;
            return !watched
                    && !connection.isClosed()
                    && ((NioSocketWrapper) connection).interestOpsHas(SelectionKey.OP_READ);
        }

        /** @param last when something was written to it, or when it was opened */
        private record Answered(SocketChannel channel, SocketWrapperBase<NioChannel> connection, long last) {}
    }

    /** Waits for the connection to become readable: it does if the client ends it. */
    private static final class WatchingProcessor extends Http11Processor {

        private static final long FOREVER = -1;

        private volatile boolean watching;
        private long readTimeout;

        WatchingProcessor(Http11 protocol, Adapter adapter) {
            super(protocol, adapter);
        }

        @Override
        public SocketState asyncPostProcess() throws IOException {
            SocketState state = super.asyncPostProcess();
            if (state == SocketState.LONG && whenGone() != null) {
                watch(getSocketWrapper());
            }
            return state;
        }

        private void watch(SocketWrapperBase<?> socket) {
            if (!watching) {
                watching = true;
                readTimeout = socket.getReadTimeout();
                socket.setReadTimeout(FOREVER); // else Tomcat would end a connection on which nothing comes
            }
            registerReadInterest(); // it ends with each event
        }

        @Override
        public SocketState process(SocketWrapperBase<?> socket, SocketEvent event) throws IOException {
            Runnable action = null;
            if (watching) {
                watching = false;
                action = ifGone(socket);
                socket.setReadTimeout(readTimeout); // for a body that is still to be read
            }
            SocketState state = super.process(socket, event);
            if (action != null) {
                action.run();
            }
            return state;
        }

        private @Nullable Runnable ifGone(SocketWrapperBase<?> socket) {
            Runnable action = whenGone();
            if (action == null) {
                return null;
            }
            ByteBuffer next = ByteBuffer.allocate(1);
            try {
                if (socket.read(false, next) >= 0) { // which also begins the time anew in which something has to come
                    if (next.position() > 0) {
                        socket.unRead(next.flip());
                        forget(); // the connection would be readable again at once
                    }
                    return null;
                }
            } catch (IOException e) {
                // gone
            }
            forget();
            return action;
        }

        private @Nullable Runnable whenGone() {
            Request request = request();
            return request == null ? null : (Runnable) request.getAttribute(WHEN_GONE);
        }

        private void forget() {
            Request request = request();
            if (request != null) {
                request.removeAttribute(WHEN_GONE);
            }
        }

        private @Nullable Request request() {
            return (Request) getRequest().getNote(CoyoteAdapter.ADAPTER_NOTES);
        }
    }
}
