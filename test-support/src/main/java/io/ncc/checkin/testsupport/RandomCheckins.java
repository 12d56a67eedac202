package io.ncc.checkin.testsupport;

import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.api.sync.RedisCommands;
import io.ncc.checkin.model.Partitions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.IntFunction;

/** Appends random checkins to the stream, up to 2,000 in one script, so that it is fast and several have the same millisecond. */
public final class RandomCheckins {

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
        append(Partitions.none(), partition -> redis, count);
    }

    /**
     * Appends to several partitions.
     *
     * @param redis the commands of the server that holds a partition
     */
    public void append(Partitions partitions, IntFunction<RedisCommands<String, String>> redis, int count) {
        for (int done = 0; done < count; done += MOST_AT_ONCE) {
            Map<Integer, List<String>> values = new TreeMap<>();
            for (int i = Math.min(MOST_AT_ONCE, count - done); i > 0; i--) {
                int user = 1 + random.nextInt(users);
                List<String> own = values.computeIfAbsent(partitions.ofUser(user), partition -> new ArrayList<>());
                own.add(Integer.toString(user));
                own.add(Integer.toString(1 + random.nextInt(locations)));
                own.add(Integer.toString(random.nextInt(6)));
            }
            values.forEach((partition, own) -> redis.apply(partition)
                    .eval(
                            APPEND,
                            ScriptOutputType.STATUS,
                            new String[] {partitions.keys(partition).checkins()},
                            own.toArray(String[]::new)));
        }
    }
}
