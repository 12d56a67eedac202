package io.ncc.checkin.api.console;

import io.lettuce.core.ScriptOutputType;
import io.ncc.checkin.api.projection.ProjectionGroup;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.service.PartitionLinks;
import io.ncc.engine.GroupKeys;
import io.ncc.redis.LuaScript;
import io.ncc.redis.RedisCondition;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/** Reads how the stream stands, in all partitions, with one script in each. */
@Component
final class FiguresReader {

    private static final String[] GROUPS =
            Arrays.stream(ProjectionGroup.values()).map(ProjectionGroup::text).toArray(String[]::new);

    private final LuaScript script = LuaScript.of(FiguresReader.class, "settled", "console");
    private final PartitionLinks redis;
    private final Partitions partitions;

    FiguresReader(PartitionLinks redis, Partitions partitions) {
        this.redis = redis;
        this.partitions = partitions;
    }

    /**
     * What one partition has to say.
     *
     * @param figures null if it can't be read
     * @param trouble why not, else null
     */
    record Answer(@Nullable Figures figures, @Nullable Throwable trouble) {}

    /** In the order of the partitions. It never fails. */
    CompletionStage<List<Answer>> read() {
        return redis.ofAll(partition -> read(partition)
                .handle((figures, failure) ->
                        new Answer(figures, failure == null ? null : RedisCondition.unwrapped(failure))));
    }

    private CompletionStage<Figures> read(int partition) {
        Keys keys = partitions.keys(partition);
        List<String> scriptKeys = new ArrayList<>(List.of(keys.checkins()));
        for (ProjectionGroup group : ProjectionGroup.values()) {
            GroupKeys own = group.keys(keys);
            scriptKeys.addAll(List.of(own.checkpoint(), own.settledRanges(), own.totals(), own.deadLetters()));
        }
        return redis.of(partition)
                .<List<Object>>send(commands ->
                        script.run(commands, ScriptOutputType.MULTI, scriptKeys.toArray(String[]::new), GROUPS))
                .thenApply(reply -> Figures.of(partitions, partition, reply));
    }

    /**
     * The server of the first partition.
     *
     * @param name such as Redis 7.0.15
     * @param cli how redis-cli is called on its machine
     */
    record Server(String name, String cli) {}

    CompletionStage<Server> server() {
        return redis.of(0).send(commands -> commands.info("server")).thenApply(info -> {
            Map<String, String> values = info.lines()
                    .filter(line -> line.contains(":"))
                    .collect(Collectors.toMap(
                            line -> line.substring(0, line.indexOf(':')),
                            line -> line.substring(line.indexOf(':') + 1),
                            (first, second) -> first));
            return new Server(name(values), cli(values));
        });
    }

    private static String name(Map<String, String> info) {
        String valkey = info.get("valkey_version"); // which also tells the Redis that it is compatible with
        return valkey == null ? "Redis " + info.get("redis_version") : "Valkey " + valkey;
    }

    private static String cli(Map<String, String> info) {
        String port = info.getOrDefault("tcp_port", "");
        return "redis-cli" + (port.isEmpty() || port.equals("6379") ? "" : " -p " + port)
                + ("cluster".equals(info.get("redis_mode")) ? " -c" : "");
    }
}
