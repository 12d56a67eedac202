package io.ncc.checkin.service;

import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import org.apache.coyote.AbstractProtocol;
import org.apache.coyote.ActionCode;
import org.apache.coyote.Request;
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

    /** Sees to the rest of a request whose response has been sent. Afterwards the connection is at the next request, or will be closed. */
    static void finish(Request request, AbstractProtocol<?> protocol) {
        if (request.isFinished()) {
            return;
        }
        boolean tooSlow = request.getResponse().getStatus() == HttpServletResponse.SC_REQUEST_TIMEOUT;
        // nobody can tell whether the body or the next request follows
        boolean neverAskedFor = request.hasExpectation() && request.getBytesRead() == 0;
        // a read would return at once, whether there is something or not
        boolean readAsItArrives = request.getReadListener() != null;
        if (tooSlow || neverAskedFor || readAsItArrives || connectionsAreScarce(protocol) || !isDiscarded(request)) {
            request.action(ActionCode.DISABLE_SWALLOW_INPUT, null); // and the connection is closed
        }
    }

    /** Others need the connection more than this client its answer. */
    private static boolean connectionsAreScarce(AbstractProtocol<?> protocol) {
        return protocol.getConnectionCount() > protocol.getMaxConnections() / 2;
    }

    /** False if it took too long, or broke. */
    private static boolean isDiscarded(Request request) {
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
