package io.ncc.checkin.system.ledger;

import static org.awaitility.Awaitility.await;

import io.lettuce.core.RedisException;
import io.lettuce.core.sentinel.api.StatefulRedisSentinelConnection;
import io.lettuce.core.sentinel.api.sync.RedisSentinelCommands;
import io.ncc.checkin.localredis.LocalRedis;
import io.ncc.checkin.testsupport.FaultProxy;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A primary, a replica, and a Sentinel. Each node has a proxy, its door, through which the other node and Sentinel reach it. */
final class RedisPair extends RedisNodes {

    static final String NAME = "checkins";

    private static final int NODES = 2;

    private final List<LocalRedis> nodes = new ArrayList<>();
    private final List<FaultProxy> doors = new ArrayList<>();
    private final @Nullable LocalRedis sentinel;

    RedisPair(Setup setup) {
        super(setup.partitions());
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

    @Override
    List<LocalRedis> nodes() {
        return nodes;
    }

    LocalRedis sentinel() {
        return Objects.requireNonNull(sentinel);
    }

    @Override
    List<Integer> primaries() {
        return Collections.nCopies(partitions().count(), primary());
    }

    /** The number of the node that Sentinel takes for the primary. */
    private int primary() {
        return onSentinel(commands -> {
            int port = ((InetSocketAddress) commands.getMasterAddrByName(NAME)).getPort();
            return doors.get(0).port() == port ? 0 : 1;
        });
    }

    @Override
    int replicaOf(int primary) {
        return 1 - primary;
    }

    @Override
    void cutOff(int node) {
        doors.get(node).refuse();
    }

    @Override
    void reconnect(int node) {
        doors.get(node).accept();
    }

    @Override
    Route newRoute() {
        Map<String, String> ports = new HashMap<>();
        List<FaultProxy> toNodes = new ArrayList<>();
        for (int i = 0; i < NODES; i++) {
            var proxy = new FaultProxy("127.0.0.1", nodes.get(i).port());
            toNodes.add(proxy);
            ports.put(Integer.toString(doors.get(i).port()), Integer.toString(proxy.port()));
        }
        var toSentinel = new FaultProxy("127.0.0.1", sentinel().port(), ports);
        return new Route(
                toNodes,
                List.of(toSentinel),
                List.of(
                        "--spring.data.redis.sentinel.master=" + NAME,
                        "--spring.data.redis.sentinel.nodes=127.0.0.1:" + toSentinel.port()));
    }

    <T> T onSentinel(Function<RedisSentinelCommands<String, String>, T> question) {
        try (StatefulRedisSentinelConnection<String, String> connection =
                client.connectSentinel(uri(sentinel().port()))) {
            return question.apply(connection.sync());
        }
    }

    @Override
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
        super.close();
    }
}
