package io.ncc.checkin.testsupport;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.EOFException;
import java.io.IOException;
import java.net.SocketException;
import java.time.Duration;

/** Clients that send whole requests while others jam a service, and how long they wait for their answers. For one thread. */
public final class Bystanders implements AutoCloseable {

    private static final byte[] READINESS =
            RawConnection.bytes("GET /actuator/health/readiness HTTP/1.1\r\nHost: localhost\r\n\r\n");

    private final int port;
    private final byte[] request;
    private final int status;
    private final boolean canBeEnded;
    private RawConnection open;

    /**
     * @param status of the answer to the request
     * @param canBeEnded whether there are so many slow clients that all connections are ended between two requests, even those that are used; one that is
     *     ended is opened again, as clients do
     */
    public Bystanders(int port, byte[] request, int status, boolean canBeEnded) throws IOException {
        this.port = port;
        this.request = request;
        this.status = status;
        this.canBeEnded = canBeEnded;
        this.open = new RawConnection(port);
        useOpen();
    }

    /** Sends the request on the connection that was there from the beginning. */
    public void useOpen() throws IOException {
        try {
            exchange(open, request, status);
        } catch (EOFException | SocketException e) {
            if (!canBeEnded) {
                throw e;
            }
            open.close();
            open = new RawConnection(port);
            exchange(open, request, status);
        }
    }

    /** Sends requests for so long, on the open connection and on new ones, and expects each answer. */
    public Waits waits(Duration time) throws IOException {
        Waits longest = new Waits(0, 0, 0, 0);
        long end = System.nanoTime() + time.toNanos();
        while (System.nanoTime() < end) {
            long begin = System.nanoTime();
            useOpen();
            long onOpen = millisSince(begin);
            begin = System.nanoTime();
            useNew(request, status);
            long onNew = millisSince(begin);
            begin = System.nanoTime();
            useNew(READINESS, 200);
            longest = new Waits(
                    longest.rounds + 1,
                    Math.max(longest.onOpen, onOpen),
                    Math.max(longest.onNew, onNew),
                    Math.max(longest.readiness, millisSince(begin)));
        }
        return longest;
    }

    private void useNew(byte[] request, int status) throws IOException {
        try (var connection = new RawConnection(port)) {
            exchange(connection, request, status);
        }
    }

    private static void exchange(RawConnection connection, byte[] request, int status) throws IOException {
        connection.send(request);
        RawAnswer answer = connection.read();
        if (answer == null) {
            throw new EOFException("no answer");
        }
        assertThat(answer.status()).as("%s", answer).isEqualTo(status);
    }

    private static long millisSince(long begin) {
        return Duration.ofNanos(System.nanoTime() - begin).toMillis();
    }

    @Override
    public void close() throws IOException {
        open.close();
    }

    /**
     * The longest waits of some rounds, in milliseconds.
     *
     * @param onOpen for an answer on the open connection
     * @param onNew for an answer on a new connection
     * @param readiness for the readiness on a new connection
     */
    public record Waits(int rounds, long onOpen, long onNew, long readiness) {

        public void assertBelow(Duration limit) {
            assertThat(Math.max(onOpen, Math.max(onNew, readiness)))
                    .as("%s", this)
                    .isLessThan(limit.toMillis());
        }
    }
}
