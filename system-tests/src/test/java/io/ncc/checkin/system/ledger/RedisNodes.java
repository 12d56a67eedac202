package io.ncc.checkin.system.ledger;

import static org.awaitility.Awaitility.await;

import io.lettuce.core.ClientOptions;
import io.lettuce.core.MaintNotificationsConfig;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisException;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.sync.RedisCommands;
import io.ncc.checkin.localredis.LocalRedis;
import io.ncc.checkin.localredis.RedisBinary;
import io.ncc.checkin.model.Partitions;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * The nodes of Redis. Each partition is on a primary, and each primary has a replica. The nodes reach each other through proxies, so that one can
 * be cut off from the others, but not from its clients. Nodes are known by their number.
 */
abstract class RedisNodes implements AutoCloseable {

    static final Duration LIMIT = Duration.ofSeconds(60);

    private static final Duration COMMAND_LIMIT = Duration.ofSeconds(5);

    final RedisBinary binary = RedisBinary.chosen();
    final RedisClient client = RedisClient.create();
    private final Partitions partitions;

    RedisNodes(Partitions partitions) {
        this.partitions = partitions;
        client.setOptions(ClientOptions.builder()
                .autoReconnect(false)
                .maintNotificationsConfig(MaintNotificationsConfig.disabled())
                .build());
    }

    /** Starts those of a setup, and waits until they are whole. */
    static RedisNodes start(Setup setup) {
        return setup.isCluster() ? new RedisShards(setup) : new RedisPair(setup);
    }

    abstract List<LocalRedis> nodes();

    /** The nodes that are taken for the primaries, by partition. */
    abstract List<Integer> primaries();

    abstract int replicaOf(int primary);

    /** Lets no other node reach this one, nor this one any other. */
    abstract void cutOff(int node);

    /** Undoes that. */
    abstract void reconnect(int node);

    /** Waits until all nodes run, there is a primary for everything, and its replica has what it has. */
    abstract void awaitWhole();

    /** A way for a service, of its own. */
    abstract Route newRoute();

    String version() {
        return binary.version().toString();
    }

    int primaryOf(int partition) {
        return primaries().get(partition);
    }

    List<Integer> partitionsAt(int node) {
        List<Integer> primaries = primaries();
        return partitions.all().stream()
                .filter(partition -> primaries.get(partition) == node)
                .toList();
    }

    Partitions partitions() {
        return partitions;
    }

    /** Runs commands on one node. */
    <T> T on(int node, Function<RedisCommands<String, String>, T> commands) {
        try (StatefulRedisConnection<String, String> connection =
                client.connect(uri(nodes().get(node).port()))) {
            return commands.apply(connection.sync());
        }
    }

    <T> T onPrimary(int partition, Function<RedisCommands<String, String>, T> commands) {
        return on(primaryOf(partition), commands);
    }

    /**
     * Runs commands on the primary of a partition, again and again until they succeed: what was done before may not be mended yet.
     */
    void untilDoneOnPrimary(int partition, Consumer<RedisCommands<String, String>> commands) {
        await("Redis to take a command")
                .atMost(LIMIT)
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(5))
                .ignoreExceptionsInstanceOf(RedisException.class)
                .until(() -> onPrimary(partition, it -> {
                    commands.accept(it);
                    return true;
                }));
    }

    /** Runs commands on each primary. */
    void untilDoneOnPrimaries(Consumer<RedisCommands<String, String>> commands) {
        primaries().stream()
                .distinct()
                .forEach(node -> untilDoneOnPrimary(partitionsAt(node).get(0), commands));
    }

    static RedisURI uri(int port) {
        return RedisURI.builder()
                .withHost("127.0.0.1")
                .withPort(port)
                .withTimeout(COMMAND_LIMIT)
                .build();
    }

    /** Waits until another node than this is the primary. */
    void awaitPrimaryOtherThan(int partition, int node) {
        await("a failover")
                .atMost(LIMIT)
                .pollDelay(Duration.ZERO)
                .ignoreExceptionsInstanceOf(RedisException.class)
                .until(() -> primaryOf(partition) != node);
    }

    @Override
    public void close() {
        client.shutdown(0, 2, TimeUnit.SECONDS);
    }
}
