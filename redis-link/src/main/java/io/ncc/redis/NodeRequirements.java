package io.ncc.redis;

import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.api.sync.RedisCommands;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a node of a cluster must be like. What the server doesn't tell is logged as a warning. */
final class NodeRequirements {

    private static final Logger log = LoggerFactory.getLogger(NodeRequirements.class);

    private static final String FULL_COVERAGE = "cluster-require-full-coverage";

    /** They may crash when a slot moves while a client is blocked on a stream in it (Redis pull request 13311, Valkey 526). */
    private static final Pattern CRASHING_REDIS = Pattern.compile("7\\.2\\.[0-6]");

    private static final Pattern CRASHING_VALKEY = Pattern.compile("7\\.2\\.[0-5]");

    private final AtomicBoolean warned = new AtomicBoolean();

    /**
     * Checks a node.
     *
     * @throws UnfitServerException if it must not be used
     */
    void check(String address, RedisCommands<String, String> commands) {
        checkVersion(address, permitted("INFO", () -> commands.info("server")));
        String coverage =
                permitted("CONFIG GET", () -> commands.configGet(FULL_COVERAGE).getOrDefault(FULL_COVERAGE, ""));
        if (coverage.equals("yes")) {
            throw new UnfitServerException(address + " has " + FULL_COVERAGE
                    + " yes, so it refuses commands when another" + " primary is lost. Set it to no on all nodes.");
        }
    }

    /** @param info the reply to INFO server */
    static void checkVersion(String address, String info) {
        String valkey = ServerSettings.fieldOf(info, "valkey_version").orElse("");
        String redis = ServerSettings.fieldOf(info, "redis_version").orElse(""); // a Valkey has both
        boolean crashing = valkey.isEmpty()
                ? CRASHING_REDIS.matcher(redis).matches()
                : CRASHING_VALKEY.matcher(valkey).matches();
        if (crashing) {
            throw new UnfitServerException(
                    address + " is a " + (valkey.isEmpty() ? "Redis " + redis : "Valkey " + valkey)
                            + ", which may crash when a slot moves. Use Redis 7.2.7, Valkey 7.2.6, or a newer one.");
        }
    }

    /** A managed server may refuse such a command. */
    private String permitted(String name, Supplier<String> question) {
        try {
            return question.get();
        } catch (RedisCommandExecutionException e) {
            RedisCondition condition = RedisCondition.of(e);
            if (condition != RedisCondition.FORBIDDEN && condition != RedisCondition.UNEXPECTED) {
                throw e; // such as BUSY
            }
            if (!warned.getAndSet(true)) {
                log.warn(
                        "Redis doesn't allow {} here. Make sure that all nodes have {} no, and that none is a Redis 7.2.0 to 7.2.6.",
                        name,
                        FULL_COVERAGE);
            }
            return "";
        }
    }
}
