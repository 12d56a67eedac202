package io.ncc.checkin.service.security;

import java.security.SecureRandom;
import java.util.Base64;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The bearer token of a session: {@code chs_<user>_<secret>}. The id of the user is in it because the session is in their partition.
 *
 * @param text what the client sends
 */
public record SessionToken(String text, long user) {

    private static final int BYTES = 32;
    private static final Pattern FORM = Pattern.compile("chs_([0-9]+)_[A-Za-z0-9_-]{43}");
    private static final SecureRandom RANDOM = new SecureRandom();

    static SessionToken random(long user) {
        byte[] secret = new byte[BYTES];
        RANDOM.nextBytes(secret);
        return new SessionToken(
                "chs_" + user + '_' + Base64.getUrlEncoder().withoutPadding().encodeToString(secret), user);
    }

    /** Null if it is a token of another kind. */
    public static @Nullable SessionToken parse(String text) {
        Matcher matcher = FORM.matcher(text);
        Long user = matcher.matches() ? Caller.userId(matcher.group(1)) : null;
        return user == null ? null : new SessionToken(text, user);
    }

    /** What Redis has in place of it. */
    String digest() {
        return TokenDigests.of(text);
    }

    /** Without the secret. */
    @Override
    public String toString() {
        return "SessionToken[user=" + user + ']';
    }
}
