package io.ncc.checkin.testsupport;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import org.jspecify.annotations.Nullable;

/** Connections that send the beginning of a request and then a drop now and then, and are opened again where the server ends them. */
public final class SlowClients implements AutoCloseable {

    private static final int ROUND_MILLIS = 200;
    private static final int ROUNDS_TO_NEXT = 5;

    private final InetSocketAddress server;
    private final byte[] beginning;
    private final byte[] drop;
    private final @Nullable SocketChannel[] connections;
    private final boolean[] begun;
    private final int[] pause;
    private final Thread thread = new Thread(this::run, "slow clients");
    private volatile int begunNow;
    private volatile boolean closed;

    public SlowClients(int port, int count, byte[] beginning, byte[] drop) {
        server = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
        this.beginning = beginning;
        this.drop = drop;
        connections = new SocketChannel[count];
        begun = new boolean[count];
        pause = new int[count];
        thread.start();
    }

    /** How many connections are open at the moment, and have sent the beginning. */
    public int begun() {
        return begunNow;
    }

    private void run() {
        ByteBuffer answer = ByteBuffer.allocate(8_192);
        while (!closed) {
            int now = 0;
            for (int i = 0; i < connections.length && !closed; i++) {
                try {
                    step(i, answer);
                } catch (IOException e) {
                    end(i);
                }
                now += begun[i] ? 1 : 0;
            }
            begunNow = now;
            try {
                Thread.sleep(ROUND_MILLIS);
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private void step(int i, ByteBuffer answer) throws IOException {
        SocketChannel connection = connections[i];
        if (connection == null && pause[i]-- > 0) {
            return;
        }
        if (connection == null) {
            connection = SocketChannel.open();
            connections[i] = connection;
            connection.configureBlocking(false);
            connection.connect(server);
        }
        if (!connection.isConnected() && !connection.finishConnect()) {
            return;
        }
        if (!begun[i]) {
            connection.write(ByteBuffer.wrap(beginning));
            begun[i] = true;
        } else if (connection.read(answer.clear()) < 0) {
            end(i);
        } else {
            connection.write(ByteBuffer.wrap(drop));
        }
    }

    private void end(int i) {
        begun[i] = false;
        pause[i] = ROUNDS_TO_NEXT;
        SocketChannel connection = connections[i];
        connections[i] = null;
        if (connection != null) {
            try {
                connection.close();
            } catch (IOException e) {
                // it is gone
            }
        }
    }

    @Override
    public void close() {
        closed = true;
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        for (int i = 0; i < connections.length; i++) {
            end(i);
        }
    }
}
