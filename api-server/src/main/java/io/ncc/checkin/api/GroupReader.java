package io.ncc.checkin.api;

import io.lettuce.core.RedisCommandExecutionException;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.service.RedisCondition;
import io.ncc.checkin.service.RedisLink;
import io.swagger.v3.oas.annotations.media.Schema;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Reads what Redis knows about the consumer groups of the stream. */
final class GroupReader {

    private final RedisLink redis;
    private final String stream;

    GroupReader(RedisLink redis, Keys keys) {
        this.redis = redis;
        this.stream = keys.checkins();
    }

    /** The consumers of a group; empty if there is no such group. */
    Optional<List<GroupConsumer>> consumers(String group) {
        List<Object> reply;
        try {
            reply = redis.call(commands -> commands.xinfoConsumers(stream, group));
        } catch (RedisCommandExecutionException e) {
            if (RedisCondition.of(e) == RedisCondition.NO_GROUP) {
                return Optional.empty();
            }
            throw e;
        }
        return Optional.of(reply.stream().map(GroupConsumer::from).toList());
    }

    /**
     * @param pending entries delivered to the consumer and not acknowledged yet
     * @param idle milliseconds since the consumer last did something, as the server counts: before 7.2 a poll that found nothing is not
     *     counted, so a large value says nothing about its health
     */
    @Schema(name = "Consumer")
    record GroupConsumer(String name, long pending, long idle) {

        private static GroupConsumer from(Object reply) {
            List<?> namesAndValues = (List<?>) reply;
            Map<Object, Object> values = new HashMap<>();
            for (int i = 0; i < namesAndValues.size(); i += 2) {
                values.put(namesAndValues.get(i), namesAndValues.get(i + 1));
            }
            return new GroupConsumer(
                    String.valueOf(values.get("name")), (Long) values.getOrDefault("pending", 0L), (Long)
                            values.getOrDefault("idle", 0L));
        }
    }
}
