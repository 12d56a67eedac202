package io.ncc.checkin.benchmarks.contestant;

import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.lettuce.core.RedisClient;
import io.lettuce.core.StreamMessage;
import io.lettuce.core.api.sync.RedisCommands;
import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.CheckinCodec;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.processor.CheckinProjection;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;

/**
 * The ceiling: what Redis can do with the processor's script. All commands are put together beforehand and only sent, some ahead of the replies,
 * which are not looked at. Nobody could work like that: it has to know what it will read.
 */
public final class BareClient implements Contestant {

    private static final int BATCH = 1_000;
    private static final int BATCHES_AHEAD = 4;

    private final Keys keys = Keys.unpartitioned();
    private final int port;
    private final RedisCommands<String, String> redis;
    private final String digest;
    private final List<byte[]> calls = new ArrayList<>();

    public BareClient(int port) throws IOException {
        this.port = port;
        redis = RedisClient.create("redis://127.0.0.1:" + port).connect().sync();
        digest = redis.scriptLoad(script("settled") + '\n' + script("settle") + '\n' + script("apply") + '\n');
    }

    private static String script(String name) throws IOException {
        try (InputStream in = CheckinProjection.class.getResourceAsStream("/lua/" + name + ".lua")) {
            if (in == null) {
                throw new IOException(name + ".lua is not on the class path");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @Override
    public void prepare(int entries) {
        calls.clear();
        String last = lastDelivered();
        for (int done = 0; done < entries; done += BATCH) {
            int size = Math.min(BATCH, entries - done);
            List<StreamMessage<String, String>> batch = redis.xrange(
                    keys.checkins(),
                    Range.from(Range.Boundary.excluding(last), Range.Boundary.unbounded()),
                    Limit.from(size));
            last = batch.get(batch.size() - 1).getId();
            calls.add(encode(batch));
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

    private byte[] encode(List<StreamMessage<String, String>> batch) {
        Map<Long, Integer> users = new LinkedHashMap<>();
        Map<Long, Integer> locations = new LinkedHashMap<>();
        List<String> entries = new ArrayList<>();
        for (StreamMessage<String, String> entry : batch) {
            Checkin checkin;
            try {
                checkin = CheckinCodec.decode(entry.getBody());
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
            entries.add(number(users, checkin.userId()));
            entries.add(number(locations, checkin.locationId()));
            entries.add(Integer.toString(checkin.starRating()));
        }
        List<String> call = new ArrayList<>(List.of("EVALSHA", digest));
        call.add(Integer.toString(5 + users.size() + locations.size()));
        call.addAll(List.of(keys.checkins(), keys.checkpoint(), keys.settledRanges(), keys.totals(), keys.probe()));
        users.keySet().forEach(id -> call.add(keys.user(id)));
        locations.keySet().forEach(id -> call.add(keys.location(id)));
        call.addAll(List.of(Keys.GROUP, "1", "1", Integer.toString(batch.size()), ""));
        batch.forEach(entry -> call.add(entry.getId()));
        call.add(Integer.toString(users.size()));
        call.add(Integer.toString(locations.size()));
        users.keySet().forEach(id -> call.add(Long.toString(id)));
        locations.keySet().forEach(id -> call.add(Long.toString(id)));
        call.addAll(entries);

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

    private static String number(Map<Long, Integer> numbers, long id) {
        return Integer.toString(numbers.computeIfAbsent(id, unknown -> numbers.size() + 1));
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
