package io.ncc.checkin.benchmarks.contestant;

import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.lettuce.core.RedisClient;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.sync.RedisCommands;
import io.ncc.checkin.model.Keys;
import io.ncc.engine.Entry;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;

/**
 * The ceiling: what Redis can do with a script. All commands are put together beforehand and only sent, some ahead of the replies,
 * which are not looked at. Nobody could work like that: it has to know what it will read.
 */
public final class BareClient implements Contestant {

    private static final int BATCH = 1_000;
    private static final int BATCHES_AHEAD = 4;

    private final Keys keys = Keys.unpartitioned();
    private final int port;
    private final BatchScript script;
    private final StatefulRedisConnection<String, String> connection;
    private final RedisCommands<String, String> redis;
    private final String digest;
    private final List<byte[]> calls = new ArrayList<>();

    public BareClient(int port, BatchScript script) {
        this.port = port;
        this.script = script;
        connection = RedisClient.create("redis://127.0.0.1:" + port).connect();
        redis = connection.sync();
        digest = redis.scriptLoad(script.text());
    }

    @Override
    public void prepare(int entries) {
        calls.clear();
        String last = lastDelivered();
        for (int done = 0; done < entries; done += BATCH) {
            int size = Math.min(BATCH, entries - done);
            List<Entry> batch = redis
                    .xrange(
                            keys.checkins(),
                            Range.from(Range.Boundary.excluding(last), Range.Boundary.unbounded()),
                            Limit.from(size))
                    .stream()
                    .map(message -> new Entry(message.getId(), message.getBody(), 1))
                    .toList();
            last = batch.get(batch.size() - 1).id();
            calls.add(encode(batch));
            script.prepare(connection.async(), batch);
        }
    }

    private String lastDelivered() {
        for (Object group : redis.xinfoGroups(keys.checkins())) {
            List<?> info = (List<?>) group;
            if (info.get(info.indexOf("name") + 1).equals(Keys.GROUP)) {
                return (String) info.get(info.indexOf("last-delivered-id") + 1);
            }
        }
        throw new IllegalStateException("There is no group " + Keys.GROUP);
    }

    private byte[] encode(List<Entry> batch) {
        List<String> call = new ArrayList<>(List.of("EVALSHA", digest));
        script.addKeysAndArgs(call, batch);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        write(
                bytes,
                List.of(
                        "XREADGROUP",
                        "GROUP",
                        Keys.GROUP,
                        "bare",
                        "COUNT",
                        Integer.toString(batch.size()),
                        "STREAMS",
                        keys.checkins(),
                        ">"));
        write(bytes, call);
        return bytes.toByteArray();
    }

    private static void write(ByteArrayOutputStream bytes, List<String> command) {
        StringBuilder text =
                new StringBuilder().append('*').append(command.size()).append("\r\n");
        for (String word : command) {
            text.append('$').append(word.length()).append("\r\n").append(word).append("\r\n");
        }
        bytes.writeBytes(text.toString().getBytes(StandardCharsets.US_ASCII));
    }

    @Override
    public void drain(int entries) throws Exception {
        Semaphore ahead = new Semaphore(BATCHES_AHEAD);
        ExecutorService reader = Executors.newSingleThreadExecutor();
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.setTcpNoDelay(true);
            Replies replies = new Replies(socket.getInputStream());
            Future<?> allRead = reader.submit(() -> {
                for (int i = 0; i < calls.size(); i++) {
                    replies.skip();
                    replies.skip();
                    ahead.release();
                }
                return null;
            });
            OutputStream out = socket.getOutputStream();
            for (byte[] call : calls) {
                ahead.acquire();
                out.write(call);
            }
            allRead.get();
        } finally {
            reader.shutdownNow();
        }
    }

    /** Replies in RESP2. */
    private static final class Replies {

        private final InputStream in;

        Replies(InputStream in) {
            this.in = new BufferedInputStream(in, 1 << 16);
        }

        /** @throws IOException if the reply is an error */
        void skip() throws IOException {
            int type = in.read();
            if (type == '-') {
                throw new IOException("Redis refused: " + line());
            }
            switch (type) {
                case '*' -> {
                    for (int left = Integer.parseInt(line()); left > 0; left--) {
                        skip();
                    }
                }
                case '$' -> {
                    int length = Integer.parseInt(line());
                    if (length >= 0) {
                        in.skipNBytes(length + 2L);
                    }
                }
                case ':', '+' -> line();
                default -> throw new IOException("No reply: " + type);
            }
        }

        private String line() throws IOException {
            StringBuilder line = new StringBuilder();
            for (int next = in.read(); next != '\r'; next = in.read()) {
                if (next < 0) {
                    throw new IOException("The connection ended");
                }
                line.append((char) next);
            }
            in.skipNBytes(1);
            return line.toString();
        }
    }
}
