package io.ncc.checkin.system.ledger;

import static org.awaitility.Awaitility.await;

import io.lettuce.core.MigrateArgs;
import io.lettuce.core.RedisException;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.cluster.SlotHash;
import io.lettuce.core.codec.StringCodec;
import io.lettuce.core.output.StatusOutput;
import io.lettuce.core.protocol.CommandArgs;
import io.lettuce.core.protocol.CommandType;
import io.ncc.checkin.localredis.LocalCluster;
import io.ncc.checkin.localredis.LocalRedis;
import io.ncc.checkin.localredis.RedisBinary;
import io.ncc.checkin.testsupport.FaultProxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * A Redis Cluster of three primaries with a replica each. Each node has two doors: for clients and its replica, and for what the nodes tell each
 * other. A node that is cut off is known by the address from which it connects, which is its own.
 */
final class RedisShards extends RedisNodes {

    private static final Duration PATIENCE = Duration.ofSeconds(1);
    private static final Duration MOVE_LIMIT = Duration.ofSeconds(20);
    private static final int KEYS_AT_ONCE = 100;

    private final LocalCluster cluster;

    /** By the port of the node to which they lead: that for clients, or that for other nodes. */
    private final Map<Integer, FaultProxy> doors = new ConcurrentHashMap<>();

    RedisShards(Setup setup) {
        super(setup.partitions());
        try {
            cluster = LocalCluster.with(binary)
                    .replicas()
                    .setting("appendfsync", setup.appendfsync())
                    .setting("repl-ping-replica-period", "1")
                    .settings(this::settings)
                    .start();
        } catch (RuntimeException e) {
            super.close();
            throw e;
        }
    }

    private Map<String, String> settings(int port) {
        Map<String, String> settings = new ConcurrentHashMap<>(Map.of(
                "cluster-announce-port", Integer.toString(open(port).port()),
                "cluster-announce-bus-port",
                        Integer.toString(open(port + LocalCluster.BUS_OFFSET).port())));
        if (canCutOff()) {
            settings.put("bind-source-addr", sourceOf(port));
        }
        return settings;
    }

    private FaultProxy open(int port) {
        return doors.computeIfAbsent(port, first -> new FaultProxy("127.0.0.1", port));
    }

    /** An address of this machine that no other node has. */
    private static String sourceOf(int port) {
        return "127.1." + port / 256 + '.' + port % 256;
    }

    /** Whether a node can have an address of its own. */
    static boolean canCutOff() {
        return RedisBinary.chosen().version().isAtLeast(7, 0)
                && System.getProperty("os.name").equals("Linux");
    }

    /** Valkey 9 can. */
    static boolean canMoveSlotsAtomically() {
        return RedisBinary.chosen().version().isAtLeast(9, 0);
    }

    @Override
    List<LocalRedis> nodes() {
        return cluster.nodes();
    }

    private FaultProxy door(int node) {
        return doorTo(nodes().get(node).port());
    }

    private FaultProxy busDoor(int node) {
        return doorTo(nodes().get(node).port() + LocalCluster.BUS_OFFSET);
    }

    private FaultProxy doorTo(int port) {
        FaultProxy door = doors.get(port);
        if (door == null) {
            throw new IllegalStateException("No door leads to " + port);
        }
        return door;
    }

    @Override
    List<Integer> primaries() {
        List<?> slots = clusterSlots();
        return partitions().all().stream()
                .map(partition -> nodes(slots, slotOf(partition)).get(0))
                .toList();
    }

    @Override
    int replicaOf(int primary) {
        return clusterSlots().stream()
                .map(RedisShards::rangeOf)
                .map(range -> nodes(range.subList(2, range.size())))
                .filter(nodes -> nodes.get(0) == primary && nodes.size() > 1)
                .findFirst()
                .orElseThrow(() -> new RedisException("No replica is known of node " + primary))
                .get(1);
    }

    /** What the first node says that takes part in the cluster. */
    private List<?> clusterSlots() {
        for (LocalRedis node : nodes()) {
            RedisURI uri = uri(node.port());
            uri.setTimeout(PATIENCE);
            try (StatefulRedisConnection<String, String> connection = client.connect(uri)) {
                if (connection.sync().clusterInfo().contains("cluster_state:ok")) {
                    return connection.sync().clusterSlots();
                }
            } catch (RedisException e) {
                // the next one may know
            }
        }
        throw new RedisException("No node knows where the slots are");
    }

    private List<Integer> nodes(List<?> slots, int slot) {
        return slots.stream()
                .map(RedisShards::rangeOf)
                .filter(range -> (Long) range.get(0) <= slot && slot <= (Long) range.get(1))
                .findFirst()
                .map(range -> nodes(range.subList(2, range.size())))
                .orElseThrow(() -> new RedisException("No node has slot " + slot));
    }

    /** First slot, last slot, primary, replicas. */
    private static List<?> rangeOf(Object range) {
        return (List<?>) range;
    }

    private List<Integer> nodes(List<?> servers) {
        return servers.stream()
                .map(server -> (Long) ((List<?>) server).get(1))
                .map(port -> IntStream.range(0, nodes().size())
                        .filter(node -> door(node).port() == port)
                        .findFirst()
                        .orElseThrow())
                .toList();
    }

    private int slotOf(int partition) {
        return SlotHash.getSlot(partitions().keys(partition).checkins());
    }

    @Override
    void cutOff(int node) {
        door(node).refuse();
        busDoor(node).refuse();
        String source = sourceOf(nodes().get(node).port());
        doors.values().forEach(door -> door.refuseFrom(source));
    }

    @Override
    void reconnect(int node) {
        String source = sourceOf(nodes().get(node).port());
        doors.values().forEach(door -> door.acceptFrom(source));
        door(node).accept();
        busDoor(node).accept();
    }

    /** Lets the replica get nothing more from this primary. */
    void stopReplication(int primary) {
        door(primary).refuse();
    }

    /** Undoes that. */
    void resumeReplication(int primary) {
        door(primary).accept();
    }

    @Override
    void awaitWhole() {
        cluster.awaitReady();
    }

    /** Through a proxy to each node. What CLUSTER SLOTS says of the doors, these say of themselves. */
    @Override
    Route newRoute() {
        Map<String, String> addresses = new ConcurrentHashMap<>();
        List<FaultProxy> toNodes = new ArrayList<>();
        for (int node = 0; node < nodes().size(); node++) {
            var proxy = new FaultProxy("127.0.0.1", nodes().get(node).port(), addresses);
            toNodes.add(proxy);
            addresses.put(address(door(node)), address(proxy));
        }
        String seeds =
                toNodes.stream().map(proxy -> "127.0.0.1:" + proxy.port()).collect(Collectors.joining(","));
        return new Route(toNodes, List.of(), List.of("--spring.data.redis.cluster.nodes=" + seeds));
    }

    private static String address(FaultProxy proxy) {
        return "127.0.0.1\r\n:" + proxy.port() + "\r\n";
    }

    /** Makes the replica the primary, as an operator would. */
    void failOver(int primary) {
        int replica = replicaOf(primary);
        int partition = partitionsAt(primary).get(0);
        on(replica, commands -> commands.clusterFailover(false));
        awaitPrimaryOtherThan(partition, primary);
    }

    /** Moves the slot of a partition by SETSLOT and MIGRATE. */
    void moveKeyByKey(int partition, int target) {
        int slot = slotOf(partition);
        int source = primaryOf(partition);
        String targetId = idOf(target);
        on(target, commands -> commands.clusterSetSlotImporting(slot, idOf(source)));
        on(source, commands -> commands.clusterSetSlotMigrating(slot, targetId));
        on(source, commands -> migrateAll(commands, slot, nodes().get(target).port()));
        on(target, commands -> commands.clusterSetSlotNode(slot, targetId));
        on(source, commands -> commands.clusterSetSlotNode(slot, targetId));
        primaries().stream()
                .distinct()
                .filter(node -> node != target && node != source)
                .forEach(node -> on(node, commands -> commands.clusterSetSlotNode(slot, targetId)));
        awaitMoved(partition, target);
    }

    private static int migrateAll(RedisCommands<String, String> source, int slot, int port) {
        int count = 0;
        for (List<String> keys = source.clusterGetKeysInSlot(slot, KEYS_AT_ONCE);
                !keys.isEmpty();
                keys = source.clusterGetKeysInSlot(slot, KEYS_AT_ONCE)) {
            source.migrate("127.0.0.1", port, 0, MOVE_LIMIT.toMillis(), MigrateArgs.Builder.keys(keys));
            count += keys.size();
        }
        return count;
    }

    /** Moves the slot of a partition by MIGRATESLOTS. */
    void moveAtomically(int partition, int target) {
        String slot = Integer.toString(slotOf(partition));
        on(
                primaryOf(partition),
                commands -> commands.dispatch(
                        CommandType.CLUSTER,
                        new StatusOutput<>(StringCodec.UTF8),
                        new CommandArgs<>(StringCodec.UTF8)
                                .add("MIGRATESLOTS")
                                .add("SLOTSRANGE")
                                .add(slot)
                                .add(slot)
                                .add("NODE")
                                .add(idOf(target))));
        awaitMoved(partition, target);
    }

    private void awaitMoved(int partition, int target) {
        await("the slot to be moved")
                .atMost(MOVE_LIMIT)
                .pollDelay(Duration.ZERO)
                .ignoreExceptionsInstanceOf(RedisException.class)
                .until(() -> primaryOf(partition) == target);
    }

    private String idOf(int node) {
        return on(node, RedisCommands::clusterMyId);
    }

    @Override
    public void close() {
        cluster.close();
        doors.values().forEach(FaultProxy::close);
        super.close();
    }
}
