package io.ncc.checkin.api.board;

import io.lettuce.core.KeyValue;
import io.ncc.checkin.model.Partitions;
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
        return all(users.stream()
                .map(user -> {
                    int partition = partitions.ofUser(user.id());
                    return read(partition, partitions.keys(partition).user(user.id()), fields);
                })
                .toList());
    }

    /** Those of the fields that each location has, in the order of the ids. */
    CompletionStage<List<Map<String, String>>> ofLocations(List<Long> ids, String... fields) {
        return all(ids.stream()
                .map(id -> {
                    int partition = partitions.ofLocation(id);
                    return read(partition, partitions.keys(partition).location(id), fields);
                })
                .toList());
    }

    /** None, if the key is no hash: one that is damaged must not hide the others. */
    private CompletableFuture<Map<String, String>> read(int partition, String key, String... fields) {
        return redis.of(partition)
                .<List<KeyValue<String, String>>>send(commands -> commands.hmget(key, fields))
                .thenApply(values -> {
                    Map<String, String> present = new HashMap<>();
                    values.forEach(value -> value.ifHasValue(text -> present.put(value.getKey(), text)));
                    return present;
                })
                .exceptionallyCompose(failure -> RedisCondition.of(failure) == RedisCondition.WRONG_TYPE
                        ? CompletableFuture.completedFuture(Map.of())
                        : CompletableFuture.failedFuture(failure))
                .toCompletableFuture();
    }

    private static <T> CompletionStage<List<T>> all(List<CompletableFuture<T>> reads) {
        return CompletableFuture.allOf(reads.toArray(CompletableFuture[]::new))
                .thenApply(done -> reads.stream().map(CompletableFuture::join).toList());
    }
}
