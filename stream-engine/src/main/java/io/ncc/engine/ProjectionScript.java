package io.ncc.engine;

import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.ncc.engine.Projection.Outcome;
import io.ncc.engine.Projection.Rejected;
import io.ncc.redis.LuaScript;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Runs the script of a projection, with {@code settled.lua} and {@code settle.lua} prepended. These settle the entries; the script itself only
 * checks and writes the projection's own keys.
 */
public final class ProjectionScript {

    private final LuaScript script;
    private final GroupKeys keys;
    private final Mode mode;

    /**
     * @param owner a class on whose class path the script is
     * @param name the name in {@code lua/<name>.lua}
     */
    public ProjectionScript(Class<?> owner, String name, GroupKeys keys, Mode mode) {
        this.script = LuaScript.of(owner, "settled", "settle", name);
        this.keys = keys;
        this.mode = mode;
    }

    public GroupKeys keys() {
        return keys;
    }

    /**
     * Runs the script on a batch, unless none of its entries can be decoded.
     *
     * @param undecodable the entries of the batch that can't be decoded; they stay pending, and the outcome has them as rejected
     * @param ownKeys the keys of the projection
     * @param ownArgs the arguments of the projection
     */
    public CompletionStage<Outcome> run(
            RedisAsyncCommands<String, String> commands,
            Batch batch,
            List<Rejected> undecodable,
            List<String> ownKeys,
            List<String> ownArgs) {
        if (undecodable.size() == batch.size()) {
            return CompletableFuture.completedFuture(new Outcome(0, 0, 0, undecodable));
        }
        List<String> scriptKeys = new ArrayList<>(5 + ownKeys.size());
        scriptKeys.addAll(Arrays.asList(keys.state()));
        scriptKeys.addAll(ownKeys);
        List<String> args = new ArrayList<>(5 + batch.size() + ownArgs.size());
        args.add(keys.group());
        args.add(mode.mustBePending());
        args.add(batch.contiguous() ? "1" : "0");
        args.add(Integer.toString(batch.size()));
        args.add(numbersOf(undecodable, batch));
        for (Entry entry : batch.entries()) {
            args.add(entry.id());
        }
        args.addAll(ownArgs);
        return script.<List<Object>>run(
                        commands,
                        ScriptOutputType.MULTI,
                        scriptKeys.toArray(String[]::new),
                        args.toArray(String[]::new))
                .thenApply(reply -> outcome(reply, undecodable));
    }

    private static String numbersOf(List<Rejected> some, Batch batch) {
        if (some.isEmpty()) {
            return "";
        }
        Set<String> ids = some.stream().map(Rejected::id).collect(Collectors.toSet());
        return IntStream.rangeClosed(1, batch.size())
                .filter(number -> ids.contains(batch.entries().get(number - 1).id()))
                .mapToObj(Integer::toString)
                .collect(Collectors.joining(" "));
    }

    private static Outcome outcome(List<Object> reply, List<Rejected> undecodable) {
        List<Rejected> rejected = new ArrayList<>(undecodable);
        List<?> left = (List<?>) reply.get(2);
        for (int i = 0; i < left.size(); i += 2) {
            rejected.add(new Rejected((String) left.get(i), (String) left.get(i + 1)));
        }
        return new Outcome((Long) reply.get(0), (Long) reply.get(1), 0, rejected);
    }
}
