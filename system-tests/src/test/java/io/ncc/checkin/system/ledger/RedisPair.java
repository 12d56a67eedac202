package io.ncc.checkin.system.ledger;

import static org.awaitility.Awaitility.await;

import io.lettuce.core.ClientOptions;
import io.lettuce.core.MaintNotificationsConfig;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisException;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.sentinel.api.StatefulRedisSentinelConnection;
import io.lettuce.core.sentinel.api.sync.RedisSentinelCommands;
import io.ncc.checkin.localredis.LocalRedis;
import io.ncc.checkin.localredis.RedisBinary;
import io.ncc.checkin.testsupport.FaultProxy;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A primary, a replica, and a Sentinel. Each node has a proxy, its door, through which the other node and Sentinel reach it. A closed door cuts
 * the node off from these, but not from its clients.
 */
final class RedisPair implements AutoCloseable {

    static final String NAME = "checkins";

    private static final int NODES = 2;
    private static final Duration COMMAND_LIMIT = Duration.ofSeconds(5);
    private static final Duration LIMIT = Duration.ofSeconds(60);

    private final RedisBinary binary = RedisBinary.chosen();
    private final List<LocalRedis> nodes = new ArrayList<>();
    private final List<FaultProxy> doors = new ArrayList<>();
    private final RedisClient client = RedisClient.create();
    private final @Nullable LocalRedis sentinel;

    RedisPair(Setup setup) {
        client.setOptions(ClientOptions.builder()
                .autoReconnect(false)
                .maintNotificationsConfig(MaintNotificationsConfig.disabled())
                .build());
        try {
            for (int i = 0; i < NODES; i++) {
                startNode(setup);
            }
            sentinel = LocalRedis.with(binary)
                    .sentinel()
                    .setting(
                            "sentinel monitor",
                            NAME + " 127.0.0.1 " + doors.get(0).port() + " 1")
                    .setting(
                            "sentinel down-after-milliseconds",
                            NAME + ' ' + setup.downAfter().toMillis())
                    .setting("sentinel failover-timeout", NAME + " 2000")
                    .start();
            awaitWhole();
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    private void startNode(Setup setup) {
        int port = LocalRedis.freePort();
        var door = new FaultProxy("127.0.0.1", port);
        doors.add(door);
        LocalRedis.Builder node = LocalRedis.with(binary)
                .port(port)
                .setting("appendfsync", setup.appendfsync())
                .setting("replica-announce-ip", "127.0.0.1")
                .setting("replica-announce-port", Integer.toString(door.port()))
                .setting("repl-ping-replica-period", "1")
                .setting("repl-diskless-sync-delay", "0");
        if (!nodes.isEmpty()) {
            node.setting("replicaof", "127.0.0.1 " + doors.get(0).port());
        }
        nodes.add(node.start());
    }

    String version() {
        return binary.version().toString();
    }

    List<LocalRedis> nodes() {
        return nodes;
    }

    LocalRedis sentinel() {
        return Objects.requireNonNull(sentinel);
    }

    /** By which Sentinel and the other node come to this one. */
    FaultProxy door(int node) {
        return doors.get(node);
    }

    /** The number of the node that Sentinel takes for the primary. */
    int primary() {
        return onSentinel(commands -> {
            int port = ((InetSocketAddress) commands.getMasterAddrByName(NAME)).getPort();
            return doors.get(0).port() == port ? 0 : 1;
        });
    }

    <T> T onSentinel(Function<RedisSentinelCommands<String, String>, T> question) {
        try (StatefulRedisSentinelConnection<String, String> connection =
                client.connectSentinel(uri(sentinel().port()))) {
            return question.apply(connection.sync());
        }
    }

    /** Runs commands on one node. */
    <T> T on(int node, Function<RedisCommands<String, String>, T> commands) {
        try (StatefulRedisConnection<String, String> connection =
                client.connect(uri(nodes.get(node).port()))) {
            return commands.apply(connection.sync());
        }
    }

    <T> T onPrimary(Function<RedisCommands<String, String>, T> commands) {
        return on(primary(), commands);
    }

    /** Runs commands on the primary, again and again until they succeed: what was done before may not be mended yet. */
    void untilDoneOnPrimary(Consumer<RedisCommands<String, String>> commands) {
        await("Redis to take a command")
                .atMost(LIMIT)
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(5))
                .ignoreExceptionsInstanceOf(RedisException.class)
                .until(() -> onPrimary(it -> {
                    commands.accept(it);
                    return true;
                }));
    }

    private static RedisURI uri(int port) {
        return RedisURI.builder()
                .withHost("127.0.0.1")
                .withPort(port)
                .withTimeout(COMMAND_LIMIT)
                .build();
    }

    /** Waits until another node than this is the primary. */
    void awaitPrimaryOtherThan(int node) {
        await("a failover")
                .atMost(LIMIT)
                .pollDelay(Duration.ZERO)
                .ignoreExceptionsInstanceOf(RedisException.class)
                .until(() -> primary() != node);
    }

    /** Waits until there is a primary and the other node has what it has. */
    void awaitWhole() {
        await("a primary with its replica")
                .atMost(LIMIT)
                .pollDelay(Duration.ZERO)
                .ignoreExceptionsInstanceOf(RedisException.class)
                .until(this::isWhole);
    }

    private boolean isWhole() {
        int primary = primary();
        return on(primary, commands -> commands.info("replication")).contains("role:master")
                && on(1 - primary, commands -> commands.info("replication")).contains("master_link_status:up")
                && knowsReplica();
    }

    /** Without it, Sentinel has no one to promote. */
    private boolean knowsReplica() {
        return onSentinel(commands -> commands.replicas(NAME)).stream()
                .anyMatch(replica -> "slave".equals(replica.get("flags")));
    }

    @Override
    public void close() {
        if (sentinel != null) {
            sentinel.close();
        }
        nodes.forEach(LocalRedis::close);
        doors.forEach(FaultProxy::close);
        client.shutdown(0, 2, TimeUnit.SECONDS);
    }
}
