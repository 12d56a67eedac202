package io.ncc.checkin.service;

import java.nio.channels.SelectionKey;
import java.util.Comparator;
import java.util.List;
import org.apache.coyote.http11.Http11NioProtocol;
import org.apache.tomcat.util.net.NioChannel;
import org.apache.tomcat.util.net.NioEndpoint;
import org.apache.tomcat.util.net.SocketEvent;
import org.apache.tomcat.util.net.SocketWrapperBase;

/**
 * Tomcat's HTTP/1.1, with a connection for each new client. With all of its connections in use, Tomcat accepts no more, so clients that open connections
 * and send little or nothing would keep out all others. This one ends connections that wait for their client: first those on which nothing was answered for
 * longest. Tomcat creates it by its class name.
 */
public final class Http11 extends Http11NioProtocol {

    public Http11() {
        super(new Endpoint());
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

        private void endSilent() {
            long since = System.currentTimeMillis() - GRACE_MILLIS; // as Tomcat measures
            List<Answered> silent = getConnections().stream()
                    .filter(Endpoint::waitsForItsClient)
                    .map(connection -> new Answered(connection, ((NioSocketWrapper) connection).getLastWrite()))
                    .filter(connection -> connection.last < since)
                    .sorted(Comparator.comparingLong(Answered::last))
                    .limit(1 + getMaxConnections() / SHARE)
                    .toList();
            for (Answered each : silent) {
                if (waitsForItsClient(each.connection)) { // still
                    processSocket(each.connection, SocketEvent.ERROR, true); // as after a timeout
                }
            }
        }

        /** For a request, or for the rest of one. Not where a thread is at it, or an answer is being made. */
        private static boolean waitsForItsClient(SocketWrapperBase<NioChannel> connection) {
            return !connection.isClosed()
                    && !connection.getLock().isLocked()
                    && ((NioSocketWrapper) connection).interestOpsHas(SelectionKey.OP_READ);
        }

        /** @param last when something was written to it, or when it was opened */
        private record Answered(SocketWrapperBase<NioChannel> connection, long last) {}
    }
}
