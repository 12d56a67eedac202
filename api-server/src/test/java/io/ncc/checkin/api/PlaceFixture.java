package io.ncc.checkin.api;

import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.api.sync.RedisCommands;
import io.ncc.checkin.model.IndexEntry;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.Partitions;
import java.util.Map;
import java.util.function.IntFunction;

/** Writes users and locations with their indexes, as the loader would. */
final class PlaceFixture {

    private static final String LOCATION = """
            local id, digits, category, longitude, latitude = unpack(ARGV)
            redis.call('HSET', KEYS[1], 'id', id, 'name', 'N' .. id, 'category', category, 'location', longitude .. ',' .. latitude,
                'numCheckins', 0, 'numStars', 0, 'averageStars', 0)
            redis.call('ZADD', KEYS[2], 0, '|' .. digits, 0, category .. '|' .. digits)
            redis.call('GEOADD', KEYS[3], longitude, latitude, id)
            redis.call('GEOADD', KEYS[4], longitude, latitude, id)
            """;

    private final Partitions partitions;
    private final IntFunction<RedisCommands<String, String>> commands;

    /** @param commands of the server of a partition */
    PlaceFixture(Partitions partitions, IntFunction<RedisCommands<String, String>> commands) {
        this.partitions = partitions;
        this.commands = commands;
    }

    void user(long id, String email) {
        int home = partitions.ofUser(id);
        Keys keys = partitions.keys(home);
        commands.apply(home).hset(keys.user(id), Map.of("id", Long.toString(id), "email", email));
        commands.apply(home).zadd(keys.emails(), 0, IndexEntry.of(IndexEntry.email(email), id));
    }

    /** A location with no checkins. */
    void location(long id, String category, double longitude, double latitude) {
        int home = partitions.ofLocation(id);
        Keys keys = partitions.keys(home);
        String[] all = {keys.location(id), keys.categories(), keys.places(), keys.places(category)};
        commands.apply(home)
                .eval(
                        LOCATION,
                        ScriptOutputType.STATUS,
                        all,
                        Long.toString(id),
                        IndexEntry.digits(id),
                        category,
                        Double.toString(longitude),
                        Double.toString(latitude));
    }

    /** A share of the checkins at a location, with its average, as a processor writes it. */
    void checkins(int partition, long location, long checkins, long stars) {
        commands.apply(partition)
                .hset(
                        partitions.keys(partition).location(location),
                        Map.of(
                                "id",
                                Long.toString(location),
                                "numCheckins",
                                Long.toString(checkins),
                                "numStars",
                                Long.toString(stars),
                                "averageStars",
                                Long.toString(checkins == 0 ? 0 : (2 * stars + checkins) / (2 * checkins))));
    }
}
