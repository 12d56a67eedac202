package io.ncc.checkin.testsupport;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** A connection over which a test sends what it likes. For one thread. */
public final class RawConnection implements AutoCloseable {

    private static final int LIMIT_MILLIS = 15_000;

    private static final Pattern REQUEST_LINE =
            Pattern.compile("([A-Z]+) (/[^ ?\r\n]*)[^ \r\n]* HTTP/1\\.1\r\n.*", Pattern.DOTALL);
    private static final List<AnswerObserver> OBSERVERS = AnswerObserver.all();

    private final Socket socket;
    private final InputStream in;
    private @Nullable Matcher request;

    public RawConnection(int port) throws IOException {
        socket = new Socket(InetAddress.getLoopbackAddress(), port);
        socket.setTcpNoDelay(true);
        socket.setSoTimeout(LIMIT_MILLIS);
        in = new BufferedInputStream(socket.getInputStream());
    }

    /** A whole request. */
    public static byte[] post(String path, String contentType, byte[] body, String... headers) {
        var head = new StringBuilder("POST " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + body.length
                + "\r\nContent-Type: " + contentType + "\r\n");
        for (String header : headers) {
            head.append(header).append("\r\n");
        }
        var request = new ByteArrayOutputStream();
        request.writeBytes(bytes(head + "\r\n"));
        request.writeBytes(body);
        return request.toByteArray();
    }

    /** Each character becomes the byte of its number. */
    public static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    public void send(byte[] bytes) throws IOException {
        Matcher line = REQUEST_LINE.matcher(new String(bytes, StandardCharsets.ISO_8859_1));
        request = line.matches() ? line : request;
        socket.getOutputStream().write(bytes);
    }

    public void endOfSending() throws IOException {
        socket.shutdownOutput();
    }

    /** Ends the connection so that the other side sees it as broken. */
    public void reset() throws IOException {
        socket.setSoLinger(true, 0);
        socket.close();
    }

    /** The next answer, which may also be one with status 100. */
    public @Nullable RawAnswer readFirst() throws IOException {
        return read(true);
    }

    /**
     * The next final answer.
     *
     * @return null if the connection was closed before it
     * @throws BrokenAnswerException if it begins and doesn't end
     * @throws IOException if the connection broke before it
     */
    public @Nullable RawAnswer read() throws IOException {
        return read(false);
    }

    private @Nullable RawAnswer read(boolean interim) throws IOException {
        int first = in.read();
        if (first < 0) {
            return null;
        }
        try {
            return readAfter(first, interim);
        } catch (IOException | NumberFormatException e) {
            throw new BrokenAnswerException(e);
        }
    }

    private RawAnswer readAfter(int first, boolean interim) throws IOException {
        String start = (char) first + line();
        String[] words = start.split(" ", 3);
        if (words.length < 2 || !words[0].equals("HTTP/1.1")) {
            throw new IOException("not a status line: " + start);
        }
        int status = Integer.parseInt(words[1]);
        Map<String, String> headers = new HashMap<>();
        for (String line = line(); !line.isEmpty(); line = line()) {
            int colon = line.indexOf(':');
            headers.put(
                    line.substring(0, colon).toLowerCase(Locale.ROOT),
                    line.substring(colon + 1).strip());
        }
        if (status == 100) {
            return interim ? new RawAnswer(status, headers, "") : readAfter(in.read(), false);
        }
        String method = request == null ? null : request.group(1);
        boolean bodiless = "HEAD".equals(method) || status == 204;
        String body = bodiless ? "" : new String(content(headers), StandardCharsets.UTF_8);
        RawAnswer answer = new RawAnswer(status, headers, body);
        String path = request == null ? null : request.group(2);
        OBSERVERS.forEach(observer ->
                observer.seen(method, path, status, name -> headers.get(name.toLowerCase(Locale.ROOT)), answer.body()));
        return answer;
    }

    private byte[] content(Map<String, String> headers) throws IOException {
        if (headers.getOrDefault("content-type", "").startsWith("text/event-stream")) {
            return new byte[0]; // it has no end
        }
        if (headers.containsKey("content-length")) {
            return exactly(Integer.parseInt(headers.get("content-length")));
        }
        if (!"chunked".equals(headers.get("transfer-encoding"))) {
            return in.readAllBytes();
        }
        var content = new ByteArrayOutputStream();
        int size;
        do {
            size = Integer.parseInt(line(), 16);
            content.writeBytes(exactly(size));
            if (!line().isEmpty()) {
                throw new IOException("a chunk of another size than it says");
            }
        } while (size > 0);
        return content.toByteArray();
    }

    private byte[] exactly(int count) throws IOException {
        byte[] bytes = in.readNBytes(count);
        if (bytes.length < count) {
            throw new EOFException("in a body");
        }
        return bytes;
    }

    private String line() throws IOException {
        var line = new StringBuilder();
        for (int next = in.read(); next != '\n'; next = in.read()) {
            if (next < 0) {
                throw new EOFException("in a line");
            }
            line.append((char) next);
        }
        return line.toString().stripTrailing();
    }

    /** Whether the other side has ended the connection; waits for it as long as for an answer. */
    public boolean isEnded() {
        try {
            return in.read() < 0;
        } catch (SocketTimeoutException e) {
            return false;
        } catch (IOException e) {
            return true; // reset
        }
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }

    /** The connection ended, or fell silent, in the middle of an answer. */
    public static final class BrokenAnswerException extends IOException {

        private static final long serialVersionUID = 1;

        BrokenAnswerException(Exception cause) {
            super("the answer broke off", cause);
        }
    }
}
