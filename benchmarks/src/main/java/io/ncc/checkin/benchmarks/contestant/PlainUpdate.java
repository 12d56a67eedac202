package io.ncc.checkin.benchmarks.contestant;

import io.ncc.checkin.model.Keys;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Objects;

/** The script that counts one checkin, {@code one.lua}, and what it is given. */
final class PlainUpdate {

    static final String SOURCE = read();

    private static final Keys KEYS = Keys.unpartitioned();

    private PlainUpdate() {}

    private static String read() {
        try (InputStream in = Objects.requireNonNull(PlainUpdate.class.getResourceAsStream("/lua/one.lua"))) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static String[] keys(Map<String, String> fields) {
        return new String[] {
            KEYS.user(Long.parseLong(field(fields, "userId"))),
            KEYS.location(Long.parseLong(field(fields, "locationId")))
        };
    }

    static String[] args(String id, Map<String, String> fields) {
        return new String[] {
            id,
            id.substring(0, id.indexOf('-')),
            field(fields, "userId"),
            field(fields, "locationId"),
            field(fields, "starRating")
        };
    }

    private static String field(Map<String, String> fields, String name) {
        return Objects.requireNonNull(fields.get(name), name);
    }
}
