package io.ncc.checkin.testsupport;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;

/** A client that sends a request again and again, as quickly as the server takes it, and reads none of the answers. */
public final class DeafClient implements AutoCloseable {

    private static final int SMALLEST_WINDOW = 1;
    private static final int AT_ONCE = 100;
    private static final Duration PAUSE = Duration.ofMillis(300);

    private final Socket socket = new Socket();
    private final Thread sender;
    private volatile boolean refused;
    private final AtomicLong sent = new AtomicLong();

    public DeafClient(int port, byte[] request) {
        try {
            socket.setReceiveBufferSize(SMALLEST_WINDOW); // or the system would read for it
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        sender = new Thread(() -> send(request), "deaf client");
        sender.setDaemon(true);
        sender.start();
    }

    private void send(byte[] request) {
        byte[] many = new byte[AT_ONCE * request.length];
        for (int i = 0; i < AT_ONCE; i++) {
            System.arraycopy(request, 0, many, i * request.length, request.length);
        }
        try {
            OutputStream out = socket.getOutputStream();
            while (true) {
                out.write(many);
                sent.addAndGet(many.length);
            }
        } catch (IOException e) {
            refused = true;
        }
    }

    /** Waits until nothing goes through any more: the server has an answer that it can't write, and reads no other request. */
    public void awaitFull() throws InterruptedException {
        long before;
        do {
            before = sent.get();
            Thread.sleep(PAUSE.toMillis());
        } while (sent.get() != before && !refused);
    }

    /** Whether the server has ended the connection. */
    public boolean isRefused() {
        return refused;
    }

    @Override
    public void close() throws IOException {
        socket.close();
        try {
            sender.join(Duration.ofSeconds(5).toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
