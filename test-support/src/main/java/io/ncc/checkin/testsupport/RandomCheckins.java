package io.ncc.checkin.testsupport;

import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.api.sync.RedisCommands;
import io.ncc.checkin.model.Keys;
import java.util.Random;

/** Appends random checkins to the stream, up to 2,000 in one script, so that it is fast and several have the same millisecond. */
public final class RandomCheckins {

    private static final String STREAM = Keys.unpartitioned().checkins();
    private static final int MOST_AT_ONCE = 2_000;
    private static final String APPEND = """
            for i = 1, #ARGV, 3 do
              redis.call('XADD', KEYS[1], '*', 'userId', ARGV[i], 'locationId', ARGV[i + 1], 'starRating', ARGV[i + 2])
            end
            """;

    private final Random random;
    private final int users;
    private final int locations;

    /**
     * @param users their ids are from 1 to this
     * @param locations their ids are from 1 to this
     */
    public RandomCheckins(long seed, int users, int locations) {
        this.random = new Random(seed);
        this.users = users;
        this.locations = locations;
    }

    public void append(RedisCommands<String, String> redis, int count) {
        for (int done = 0; done < count; done += MOST_AT_ONCE) {
            String[] values = new String[3 * Math.min(MOST_AT_ONCE, count - done)];
            for (int i = 0; i < values.length; i += 3) {
                values[i] = Integer.toString(1 + random.nextInt(users));
                values[i + 1] = Integer.toString(1 + random.nextInt(locations));
                values[i + 2] = Integer.toString(random.nextInt(6));
            }
            redis.eval(APPEND, ScriptOutputType.STATUS, new String[] {STREAM}, values);
        }
    }
}
