package io.ncc.checkin.localredis;

import java.util.Comparator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A version of Redis or Valkey. Their numbers are compared as if they were one product's: Valkey 7.2 continues Redis 7.2. */
public record RedisVersion(int major, int minor, int patch) implements Comparable<RedisVersion> {

    private static final Pattern FORM = Pattern.compile("(\\d{1,9})\\.(\\d{1,9})\\.(\\d{1,9})");
    private static final Pattern IN_VERSION_LINE = Pattern.compile("\\bv=(\\S+)");
    private static final Comparator<RedisVersion> ORDER = Comparator.comparingInt(RedisVersion::major)
            .thenComparingInt(RedisVersion::minor)
            .thenComparingInt(RedisVersion::patch);

    /**
     * Reads a version as {@code INFO} gives it: {@code "7.0.15"}.
     *
     * @throws IllegalArgumentException if the text is anything else
     */
    public static RedisVersion parse(String text) {
        Matcher matcher = FORM.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException("not a version of the form 7.0.15: " + text);
        }
        return new RedisVersion(
                Integer.parseInt(matcher.group(1)),
                Integer.parseInt(matcher.group(2)),
                Integer.parseInt(matcher.group(3)));
    }

    /** Reads what {@code redis-server --version} prints: {@code "Redis server v=7.0.15 sha=00000000:0 malloc=..."}. */
    static RedisVersion parseVersionLine(String line) {
        Matcher matcher = IN_VERSION_LINE.matcher(line);
        if (!matcher.find()) {
            throw new IllegalArgumentException("no v=<version> in: " + line);
        }
        return parse(matcher.group(1));
    }

    public boolean isAtLeast(int major, int minor) {
        return compareTo(new RedisVersion(major, minor, 0)) >= 0;
    }

    @Override
    public int compareTo(RedisVersion other) {
        return ORDER.compare(this, other);
    }

    @Override
    public String toString() {
        return major + "." + minor + "." + patch;
    }
}
