package io.ncc.checkin.api.total;

import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.protocol.CommandType;
import io.ncc.checkin.service.PartitionLinks;
import io.ncc.redis.LuaScript;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/** Reads fields of hashes, by their names: what isn't asked for, such as a password, never gets here. */
@Component
final class HashReader {

    private final LuaScript script = LuaScript.of(HashReader.class, "hashes");
    private final PartitionLinks redis;

    HashReader(PartitionLinks redis) {
        this.redis = redis;
    }

    /** Those of the fields that the hash has; none if there is no hash. */
    CompletionStage<Fields> read(int partition, String key, FieldNames names) {
        return redis.of(partition)
                .<Map<String, String>>send(
                        commands -> commands.dispatch(CommandType.HMGET, names.output(), names.argumentsFor(key)))
                .thenApply(Fields::new);
    }

    /** What each partition has of a key of the same kind, read from all at the same time. */
    CompletionStage<List<Fields>> readAll(IntFunction<String> key, IntFunction<FieldNames> names) {
        return redis.ofAll(partition -> read(partition, key.apply(partition), names.apply(partition)));
    }

    /**
     * What each partition has of many keys of the same kind, read from all at the same time.
     *
     * @param keys of a partition, some hundred at most
     * @return by partition, in the order of its keys
     */
    CompletionStage<List<List<Fields>>> readMany(IntFunction<String[]> keys, FieldNames fields) {
        String[] names = fields.toArray();
        return redis.ofAll(partition -> redis.of(partition)
                .<List<Object>>send(
                        commands -> script.run(commands, ScriptOutputType.MULTI, keys.apply(partition), names))
                .thenApply(replies -> replies.stream()
                        .map(values -> Fields.of(names, (List<?>) values))
                        .toList()));
    }

    /** The sum of a number, of those that have it; null if none has it, or if one has something else. */
    static @Nullable Long sum(List<Fields> shares, String name) {
        Long sum = null;
        for (Fields share : shares) {
            if (share.text(name) != null) {
                Long number = share.number(name);
                if (number == null) {
                    return null;
                }
                sum = sum == null ? number : Long.valueOf(sum + number);
            }
        }
        return sum;
    }

    /** Fields of a hash that other programs write, too: what isn't in its form is shown as absent. */
    record Fields(Map<String, String> values) {

        static Fields of(String[] names, List<?> values) {
            Map<String, String> present = new HashMap<>();
            for (int i = 0; i < values.size(); i++) {
                Object value = values.get(i);
                if (value != null) {
                    present.put(names[i], (String) value);
                }
            }
            return new Fields(present);
        }

        boolean isEmpty() {
            return values.isEmpty();
        }

        @Nullable
        String text(String name) {
            return values.get(name);
        }

        @Nullable
        Long number(String name) {
            String text = values.get(name);
            if (text == null) {
                return null;
            }
            try {
                return Long.valueOf(text);
            } catch (NumberFormatException e) {
                return null;
            }
        }
    }
}
