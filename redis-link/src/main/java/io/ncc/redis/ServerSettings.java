package io.ncc.redis;

import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.api.sync.RedisCommands;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Logs a warning for server settings that risk the loss of data. To be used as a {@linkplain RedisLink#greetedWith greeting}. It passes over the
 * nodes of a cluster, as {@link RedisCluster} looks at them itself: it knows their addresses.
 */
public final class ServerSettings implements Consumer<RedisCommands<String, String>> {

    private static final Logger log = LoggerFactory.getLogger(ServerSettings.class);

    private static final String UNKNOWN = "unknown";

    private final RepeatedErrors refusals = new RepeatedErrors();

    /** By server. They are not logged again at a reconnect. */
    private final Map<String, List<String>> logged = new HashMap<>();

    @Override
    public void accept(RedisCommands<String, String> commands) {
        if (!infoOf(commands, "cluster", "cluster_enabled").equals("1")) {
            look("Redis", commands);
        }
    }

    /** @param server its name in the log */
    void look(String server, RedisCommands<String, String> commands) {
        logNew(server, warningsOf(server, commands));
    }

    private synchronized void logNew(String server, List<String> current) {
        List<String> before = logged.getOrDefault(server, List.of());
        current.stream().filter(warning -> !before.contains(warning)).forEach(log::warn);
        logged.put(server, current);
    }

    private List<String> warningsOf(String server, RedisCommands<String, String> commands) {
        List<String> found = new ArrayList<>();
        String policy = infoOf(commands, "memory", "maxmemory_policy");
        if (!policy.equals(UNKNOWN) && !policy.equals("noeviction")) {
            found.add(server + " has maxmemory-policy " + policy
                    + ": it may evict the stream with its groups. Set noeviction.");
        }
        boolean noLog = infoOf(commands, "persistence", "aof_enabled").equals("0");
        if (noLog
                && ask(() -> commands.configGet("save").getOrDefault("save", UNKNOWN))
                        .isEmpty()) {
            found.add(server + " writes nothing to disk: a restart loses everything. Set appendonly yes.");
        }
        return found;
    }

    private String infoOf(RedisCommands<String, String> commands, String section, String field) {
        return fieldOf(ask(() -> commands.info(section)), field).orElse(UNKNOWN);
    }

    /** A field of the reply to INFO. */
    public static Optional<String> fieldOf(String info, String field) {
        return info.lines()
                .filter(line -> line.startsWith(field + ':'))
                .map(line -> line.substring(field.length() + 1))
                .findFirst();
    }

    /** A managed server may not have such a command, and a user may not run it. */
    private String ask(Supplier<String> question) {
        try {
            return question.get();
        } catch (RedisCommandExecutionException e) {
            if (RedisCondition.of(e) == RedisCondition.FORBIDDEN && refusals.isDue(String.valueOf(e.getMessage()))) {
                log.info("Settings of Redis that risk the loss of data can't be looked for: {}", e.getMessage());
            }
            return UNKNOWN;
        }
    }
}
