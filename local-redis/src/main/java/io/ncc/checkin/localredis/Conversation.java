package io.ncc.checkin.localredis;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/** A connection to a Redis server on this machine that knows just enough of the protocol for the start of servers, and its tests. */
final class Conversation implements AutoCloseable {

    private static final Duration LIMIT = Duration.ofSeconds(5);

    private final Socket socket = new Socket();
    private final InputStream replies;

    Conversation(int port) {
        this(port, LIMIT);
    }

    /** @param limit of the time to connect, and of the wait for a reply */
    Conversation(int port, Duration limit) {
        try {
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), (int) limit.toMillis());
            timeOutAfter(limit);
            replies = new BufferedInputStream(socket.getInputStream());
        } catch (IOException e) {
            close();
            throw new UncheckedIOException(e);
        }
    }

    /** Asks on a connection of its own. */
    static String ask(LocalRedis redis, String command) {
        try (var conversation = new Conversation(redis.port())) {
            return conversation.ask(command);
        }
    }

    /** The reply: a status, a number or an error as it came, a bulk string without its length, the last element of an array. */
    String ask(String command) {
        try {
            socket.getOutputStream().write((command + "\r\n").getBytes(StandardCharsets.UTF_8));
            return reply();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String reply() throws IOException {
        String first = line();
        if (first.startsWith("$") && !first.equals("$-1")) {
            String bulk = new String(replies.readNBytes(length(first)), StandardCharsets.UTF_8);
            line(); // what ends it
            return bulk;
        }
        String last = first;
        for (int n = first.startsWith("*") ? length(first) : 0; n > 0; n--) {
            last = reply();
        }
        return last;
    }

    private static int length(String header) {
        return Integer.parseInt(header.substring(1));
    }

    private String line() throws IOException {
        var line = new StringBuilder();
        for (int next = replies.read(); next != '\n'; next = replies.read()) {
            if (next < 0) {
                throw new EOFException("the server has closed the connection");
            }
            line.append((char) next);
        }
        return line.substring(0, line.length() - 1); // without the carriage return
    }

    void timeOutAfter(Duration limit) {
        try {
            socket.setSoTimeout((int) limit.toMillis());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
