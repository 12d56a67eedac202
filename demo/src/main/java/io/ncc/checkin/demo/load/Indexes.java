package io.ncc.checkin.demo.load;

import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.RedisException;
import io.lettuce.core.RedisFuture;
import io.lettuce.core.ScriptOutputType;
import io.ncc.checkin.demo.load.Targets.Target;
import io.ncc.checkin.model.IndexEntry;
import io.ncc.checkin.model.Keys;
import io.ncc.redis.LuaScript;
import io.ncc.redis.RedisCondition;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Writes users and locations together with the indexes that the API server finds them by. A hash and its index entries change in one script, so they
 * agree whatever fails, and whatever else runs.
 */
final class Indexes {

    private static final LuaScript PUT_USER = LuaScript.of(Indexes.class, "put", "put-user");
    private static final LuaScript PUT_LOCATION = LuaScript.of(Indexes.class, "put", "put-location");
    private static final LuaScript PRUNE = LuaScript.of(Indexes.class, "prune");

    private Indexes() {}

    /** To be done once for each connection, before the rest. */
    static void load(Target target) {
        List.of(PUT_USER, PUT_LOCATION, PRUNE).forEach(script -> script.load(target.redis()));
    }

    /** Fields of a hash: to set, to set if the hash hasn't got them, and to remove. */
    record Fields(Map<String, String> set, Map<String, String> setIfAbsent, List<String> removed) {

        /** If only the indexes are to be mended. */
        static final Fields NONE = new Fields(Map.of(), Map.of(), List.of());

        /** As put.lua takes them. */
        private List<String> arguments() {
            List<String> arguments = new ArrayList<>();
            arguments.add(Integer.toString(set.size()));
            arguments.add(Integer.toString(setIfAbsent.size()));
            set.forEach((name, value) -> arguments.addAll(List.of(name, value)));
            setIfAbsent.forEach((name, value) -> arguments.addAll(List.of(name, value)));
            arguments.addAll(removed);
            return arguments;
        }
    }

    /** Writes fields of a user, and nothing if it fails. May be in a transaction. */
    static RedisFuture<?> putUser(Target target, long id, Fields fields) {
        String[] keys = {target.keys().user(id), target.keys().emails()};
        return send(target, PUT_USER, keys, List.of(IndexEntry.digits(id)), fields);
    }

    /**
     * Writes fields of a location, and nothing if it fails. May be in a transaction. Fails if the location has another category than was said.
     *
     * @param before the category that it has; empty if it has none
     * @param category that it will have; not empty
     */
    static RedisFuture<?> putLocation(Target target, long id, String before, String category, Fields fields) {
        Keys names = target.keys();
        String[] keys = {
            names.location(id), names.categories(), names.places(), names.places(before), names.places(category)
        };
        return send(target, PUT_LOCATION, keys, List.of(Long.toString(id), IndexEntry.digits(id), before), fields);
    }

    /** Whether {@link #putLocation} failed because the location has another category than was said. */
    static boolean isChanged(RedisException failure) {
        return String.valueOf(failure.getMessage()).startsWith("CHANGED ");
    }

    private static RedisFuture<?> send(
            Target target, LuaScript script, String[] keys, List<String> first, Fields fields) {
        List<String> args = new ArrayList<>(first);
        args.addAll(fields.arguments());
        return target.pipeline().evalsha(script.digest(), ScriptOutputType.STATUS, keys, args.toArray(String[]::new));
    }

    /**
     * Removes entries from an index whose users or locations don't have their values. May not be in a transaction.
     *
     * @param field that has the value
     * @param hashes of each entry
     * @param values of each entry; empty if any value will do
     * @return how many were removed
     */
    static RedisFuture<Long> prune(
            Target target, String index, String field, List<String> entries, List<String> hashes, List<String> values) {
        List<String> keys = new ArrayList<>(List.of(index));
        keys.addAll(hashes);
        List<String> args = new ArrayList<>(List.of(field));
        for (int i = 0; i < entries.size(); i++) {
            args.addAll(List.of(entries.get(i), values.get(i)));
        }
        return target.pipeline()
                .evalsha(
                        PRUNE.digest(),
                        ScriptOutputType.INTEGER,
                        keys.toArray(String[]::new),
                        args.toArray(String[]::new));
    }

    /**
     * The categories that locations have; those without one are left out, and so are those that are no hashes: {@link #putLocation} names them.
     *
     * @param ids some hundred at most
     */
    static Map<Long, String> categories(Target target, List<Long> ids) {
        Map<Long, RedisFuture<String>> replies = new HashMap<>();
        ids.forEach(id -> replies.put(id, target.pipeline().hget(target.keys().location(id), "category")));
        Map<Long, String> categories = new HashMap<>();
        replies.forEach((id, reply) -> {
            try {
                String category = target.await(reply);
                if (category != null) {
                    categories.put(id, category);
                }
            } catch (RedisCommandExecutionException e) {
                if (RedisCondition.of(e) != RedisCondition.WRONG_TYPE) {
                    throw e;
                }
            }
        });
        return categories;
    }
}
