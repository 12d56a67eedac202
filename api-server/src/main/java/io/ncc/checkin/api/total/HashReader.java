package io.ncc.checkin.api.total;

import io.lettuce.core.KeyValue;
import io.ncc.redis.RedisLink;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/** Reads fields of hashes, by their names: what isn't asked for, such as a password, never gets here. */
@Component
final class HashReader {

    private final RedisLink redis;

    HashReader(RedisLink redis) {
        this.redis = redis;
    }

    /** Those of the fields that the hash has; none if there is no hash. */
    CompletionStage<Fields> read(String key, String... names) {
        return redis.<List<KeyValue<String, String>>>send(commands -> commands.hmget(key, names))
                .thenApply(Fields::of);
    }

    /** Fields of a hash that other programs write, too: what isn't in its form is shown as absent. */
    record Fields(Map<String, String> values) {

        static Fields of(List<KeyValue<String, String>> values) {
            Map<String, String> present = new HashMap<>();
            for (KeyValue<String, String> value : values) {
                if (value.hasValue()) {
                    present.put(value.getKey(), value.getValue());
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
