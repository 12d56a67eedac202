package io.ncc.checkin.api.board;

import io.lettuce.core.KeyValue;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.service.AtOnce;
import io.ncc.checkin.service.PartitionLinks;
import io.ncc.redis.RedisCondition;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.springframework.stereotype.Component;

/** Reads what was loaded of users and locations. */
@Component
final class Names {

    private final PartitionLinks redis;
    private final Partitions partitions;

    Names(PartitionLinks redis, Partitions partitions) {
        this.redis = redis;
        this.partitions = partitions;
    }

    /** Those of the fields that each user has, in the order of the ids. */
    CompletionStage<List<Map<String, String>>> ofUsers(List<Ranked> users, String... fields) {
        return AtOnce.ask(users, user -> {
            int partition = partitions.ofUser(user.id());
            return read(partition, partitions.keys(partition).user(user.id()), fields);
        });
    }

    /** Those of the fields that each location has, in the order of the ids. */
    CompletionStage<List<Map<String, String>>> ofLocations(List<Long> ids, String... fields) {
        return AtOnce.ask(ids, id -> {
            int partition = partitions.ofLocation(id);
            return read(partition, partitions.keys(partition).location(id), fields);
        });
    }

    /** None, if the key is no hash: one that is damaged must not hide the others. */
    private CompletionStage<Map<String, String>> read(int partition, String key, String... fields) {
        return redis.of(partition)
                .<List<KeyValue<String, String>>>send(commands -> commands.hmget(key, fields))
                .thenApply(values -> {
                    Map<String, String> present = new HashMap<>();
                    values.forEach(value -> value.ifHasValue(text -> present.put(value.getKey(), text)));
                    return present;
                })
                .exceptionallyCompose(failure -> RedisCondition.of(failure) == RedisCondition.WRONG_TYPE
                        ? CompletableFuture.completedFuture(Map.of())
                        : CompletableFuture.failedFuture(failure));
    }
}
