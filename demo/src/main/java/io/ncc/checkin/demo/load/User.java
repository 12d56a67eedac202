package io.ncc.checkin.demo.load;

import io.ncc.redis.StreamId;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A user as a record of the loader.
 *
 * @param password bcrypt, or plain text that is still to be hashed: {@link #hasPlainPassword()}
 * @param lastCheckin milliseconds since the epoch
 * @param lastCheckinId orders checkins within the millisecond of {@code lastCheckin}
 * @param lastSeenAt id of a location
 */
public record User(
        long id,
        String firstName,
        String lastName,
        String email,
        String password,
        long numCheckins,
        @Nullable Long lastCheckin,
        @Nullable StreamId lastCheckinId,
        @Nullable Long lastSeenAt) {

    private static final Pattern BCRYPT = Pattern.compile("\\$2[aby]\\$\\d\\d\\$[./A-Za-z0-9]{53}");

    boolean hasPlainPassword() {
        return !BCRYPT.matcher(password).matches();
    }

    User withPassword(String hash) {
        return new User(id, firstName, lastName, email, hash, numCheckins, lastCheckin, lastCheckinId, lastSeenAt);
    }

    /** The hash fields that belong to the loader. */
    Map<String, String> profile() {
        Map<String, String> fields = new LinkedHashMap<>();
        fields.put("id", Long.toString(id));
        fields.put("firstName", firstName);
        fields.put("lastName", lastName);
        fields.put("email", email);
        fields.put("password", password);
        return fields;
    }

    /** The hash fields that belong to the processor; null for those that this record doesn't have. */
    Map<String, @Nullable String> counters() {
        Map<String, @Nullable String> fields = new LinkedHashMap<>();
        fields.put("numCheckins", Long.toString(numCheckins));
        fields.put("lastCheckin", text(lastCheckin));
        fields.put("lastCheckinId", text(lastCheckinId));
        fields.put("lastSeenAt", text(lastSeenAt));
        return fields;
    }

    private static @Nullable String text(@Nullable Object value) {
        return value == null ? null : value.toString();
    }

    /** Leaves out the password, which may be plain text. */
    @Override
    public String toString() {
        return "User[id=" + id + ", email=" + email + ']';
    }
}
