package io.ncc.checkin.localredis;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/** A connection to a Redis server that knows just enough of the protocol for these tests. */
final class Conversation implements AutoCloseable {

    private final Socket socket = new Socket();
    private final BufferedReader replies;

    Conversation(int port) {
        try {
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 5_000);
            socket.setSoTimeout(5_000);
            replies = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
        } catch (IOException e) {
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
        String first = replies.readLine();
        if (first.startsWith("$") && !first.equals("$-1")) {
            return replies.readLine();
        }
        String last = first;
        for (int n = first.startsWith("*") ? Integer.parseInt(first.substring(1)) : 0; n > 0; n--) {
            last = reply();
        }
        return last;
    }

    void timeOutAfter(int millis) {
        try {
            socket.setSoTimeout(millis);
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
