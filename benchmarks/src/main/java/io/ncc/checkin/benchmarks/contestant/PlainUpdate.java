package io.ncc.checkin.benchmarks.contestant;

import io.ncc.checkin.model.Keys;
import java.util.Map;
import java.util.Objects;

/** What the script that counts one checkin, {@code one.lua}, is given. */
final class PlainUpdate {

    private static final Keys KEYS = Keys.unpartitioned();

    private PlainUpdate() {}

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
