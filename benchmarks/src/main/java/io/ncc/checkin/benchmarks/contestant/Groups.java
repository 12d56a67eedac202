package io.ncc.checkin.benchmarks.contestant;

import io.lettuce.core.api.sync.RedisCommands;
import io.ncc.checkin.model.Keys;
import java.util.List;

/** The processor's consumer group, in which all contestants read. */
final class Groups {

    private static final String STREAM = Keys.unpartitioned().checkins();

    private Groups() {}

    static String lastDelivered(RedisCommands<String, String> redis) {
        for (Object group : redis.xinfoGroups(STREAM)) {
            List<?> info = (List<?>) group;
            if (info.get(info.indexOf("name") + 1).equals(Keys.GROUP)) {
                return (String) info.get(info.indexOf("last-delivered-id") + 1);
            }
        }
        throw new IllegalStateException("There is no group " + Keys.GROUP);
    }
}
