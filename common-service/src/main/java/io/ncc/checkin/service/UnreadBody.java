package io.ncc.checkin.service;

import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.coyote.AbstractProtocol;
import org.apache.coyote.ActionCode;
import org.apache.tomcat.util.net.ApplicationBufferHandler;

/**
 * What a client is still sending when it has its answer. A server that closes a connection with unread data in it resets it, and the client may never
 * see the answer. So the answer is sent first, and then the rest of the body is read and thrown away, for a limited time.
 */
final class UnreadBody implements ApplicationBufferHandler {

    /** As long as a thread may be busy with it. */
    private static final Duration LONGEST = Duration.ofSeconds(10);

    private ByteBuffer discarded = ByteBuffer.allocate(0);

    private UnreadBody() {}

    /** Sends the response and sees to the rest of the request. Afterwards the connection is at the next request, or will be closed. */
    static void finish(Request request, Response response) throws IOException {
        response.finishResponse();
        org.apache.coyote.Request raw = request.getCoyoteRequest();
        boolean tooSlow = response.getStatus() == HttpServletResponse.SC_REQUEST_TIMEOUT;
        boolean neverAskedFor = raw.hasExpectation() && raw.getBytesRead() == 0;
        if (tooSlow || (!neverAskedFor && (connectionsAreScarce(request) || !isDiscarded(raw)))) {
            raw.action(ActionCode.DISABLE_SWALLOW_INPUT, null);
        }
    }

    /** Others need the connection more than this client its answer. */
    private static boolean connectionsAreScarce(Request request) {
        AbstractProtocol<?> protocol =
                (AbstractProtocol<?>) request.getConnector().getProtocolHandler();
        return protocol.getConnectionCount() > protocol.getMaxConnections() / 2;
    }

    /** False if it took too long, or broke. */
    private static boolean isDiscarded(org.apache.coyote.Request request) {
        long deadline = System.nanoTime() + LONGEST.toNanos();
        UnreadBody rest = new UnreadBody();
        try {
            while (request.doRead(rest) >= 0) {
                if (System.nanoTime() - deadline > 0) {
                    return false;
                }
            }
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    @Override
    public void setByteBuffer(ByteBuffer buffer) {
        discarded = buffer;
    }

    @Override
    public ByteBuffer getByteBuffer() {
        return discarded;
    }

    @Override
    public void expand(int size) {
        // there is nothing to keep
    }
}
