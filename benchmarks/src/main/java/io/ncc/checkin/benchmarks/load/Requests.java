package io.ncc.checkin.benchmarks.load;

import java.nio.charset.StandardCharsets;
import java.util.Random;
import java.util.UUID;
import java.util.function.Supplier;

/** Requests as they go over the wire. */
public final class Requests {

    public static final int USERS = 1_000;
    public static final int LOCATIONS = 200;

    private static final long SEED = 1;

    private Requests() {}

    public static byte[] get(String path) {
        return ("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n").getBytes(StandardCharsets.US_ASCII);
    }

    public static byte[] post(String path, String contentType, String headers, String body) {
        return ("POST " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: " + contentType + "\r\nContent-Length: "
                        + body.length() + "\r\n" + headers + "\r\n" + body)
                .getBytes(StandardCharsets.US_ASCII);
    }

    /** The same requests with a bearer token. */
    public static Supplier<byte[]> withToken(String token, Supplier<byte[]> requests) {
        String header = "Authorization: Bearer " + token + "\r\n";
        return () -> {
            String request = new String(requests.get(), StandardCharsets.US_ASCII);
            int headers = request.indexOf("\r\n") + 2;
            return (request.substring(0, headers) + header + request.substring(headers))
                    .getBytes(StandardCharsets.US_ASCII);
        };
    }

    public static Supplier<byte[]> checkins() {
        Random random = new Random(SEED);
        return () -> post("/checkins", "application/json", "", checkin(random));
    }

    /** Each with an Idempotency-Key of its own. */
    public static Supplier<byte[]> checkinsWithKeys() {
        Random random = new Random(SEED);
        UUID run = UUID.randomUUID(); // a key that was there before would append nothing
        long[] number = new long[1];
        return () -> post(
                "/checkins",
                "application/json",
                "Idempotency-Key: " + run + '-' + number[0]++ + "\r\n",
                checkin(random));
    }

    public static Supplier<byte[]> batches(int size) {
        Random random = new Random(SEED);
        return () -> {
            StringBuilder lines = new StringBuilder(60 * size);
            for (int i = 0; i < size; i++) {
                lines.append(checkin(random)).append('\n');
            }
            return post("/checkins/batch", "application/x-ndjson", "", lines.toString());
        };
    }

    public static Supplier<byte[]> users() {
        Random random = new Random(SEED);
        return () -> get("/users/" + (1 + random.nextInt(USERS)));
    }

    public static Supplier<byte[]> locations() {
        Random random = new Random(SEED);
        return () -> get("/locations/" + (1 + random.nextInt(LOCATIONS)));
    }

    private static String checkin(Random random) {
        return "{\"userId\":" + (1 + random.nextInt(USERS)) + ",\"locationId\":" + (1 + random.nextInt(LOCATIONS))
                + ",\"starRating\":" + random.nextInt(6) + '}';
    }
}
