package io.ncc.checkin.api.web;

import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.apache.catalina.connector.CoyoteAdapter;
import org.apache.catalina.connector.Request;
import org.apache.coyote.Adapter;
import org.apache.coyote.Processor;
import org.apache.coyote.http11.Http11NioProtocol;
import org.apache.coyote.http11.Http11Processor;
import org.apache.tomcat.util.net.AbstractEndpoint.Handler.SocketState;
import org.apache.tomcat.util.net.SocketEvent;
import org.apache.tomcat.util.net.SocketWrapperBase;
import org.jspecify.annotations.Nullable;

/**
 * Tomcat's HTTP/1.1, which also notices that a client disconnects while its request waits for an answer. Tomcat alone notices that only when it reads
 * or writes, and until there is an answer it does neither. It creates this class by its name.
 */
public final class ClientWatch extends Http11NioProtocol {

    private static final String WHEN_GONE = ClientWatch.class.getName();

    /**
     * Watches the client of a request that is answered asynchronously. A client that closes only its own side of the connection counts as gone. One that
     * sends its next request early is no longer watched. One that is cut off without closing its connection can't be noticed.
     *
     * @param action is run when the client is gone, at most once, by a thread of Tomcat; it must not wait
     */
    public static void whenGone(HttpServletRequest request, Runnable action) {
        request.setAttribute(WHEN_GONE, action);
    }

    @Override
    protected Processor createProcessor() {
        return new WatchingProcessor(this, getAdapter());
    }

    /** Waits for the connection to become readable: it does if the client ends it. */
    private static final class WatchingProcessor extends Http11Processor {

        private static final long FOREVER = -1;

        private boolean watching;
        private long readTimeout;

        WatchingProcessor(ClientWatch protocol, Adapter adapter) {
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
