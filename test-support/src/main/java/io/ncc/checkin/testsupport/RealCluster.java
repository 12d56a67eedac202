package io.ncc.checkin.testsupport;

import static org.awaitility.Awaitility.await;

import io.lettuce.core.ClientOptions;
import io.lettuce.core.MaintNotificationsConfig;
import io.lettuce.core.MigrateArgs;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.cluster.SlotHash;
import io.lettuce.core.codec.StringCodec;
import io.lettuce.core.output.StatusOutput;
import io.lettuce.core.protocol.CommandArgs;
import io.lettuce.core.protocol.CommandType;
import io.lettuce.core.resource.ClientResources;
import io.lettuce.core.resource.Delay;
import io.ncc.checkin.localredis.LocalCluster;
import io.ncc.checkin.localredis.LocalRedis;
import io.ncc.checkin.localredis.RedisBinary;
import io.ncc.checkin.localredis.RedisVersion;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A real Redis Cluster for the tests of one class. At the start of each, all nodes run, all slots are served, every replica has a link to its
 * primary, and there are no keys:
 *
 * <pre>{@code
 * @RegisterExtension
 * static final RealCluster cluster = RealCluster.withReplicas();
 * }</pre>
 *
 * <p>The nodes are processes of the server that {@link RedisBinary#chosen} gives, with a node timeout of two seconds, unless a setting
 * changes it. Which node is the primary
 * of a slot may change in a test, and stays so. A test undoes its other changes, such as settings and users.
 */
public final class RealCluster implements BeforeAllCallback, BeforeEachCallback {

    private static final Logger log = LoggerFactory.getLogger(RealCluster.class);
    private static final Duration COMMAND_LIMIT = Duration.ofSeconds(10);
    private static final Duration CHANGE_LIMIT = Duration.ofSeconds(20);

    /** An append-only file outlives the server, not the machine. */
    private static final Map<String, String> DEFAULTS = Map.of("appendfsync", "no");

    private final boolean replicas;
    private final Map<String, String> settings;
    private @Nullable Connected connected;
    private @Nullable SlotMove move;

    private RealCluster(boolean replicas, Map<String, String> settings) {
        this.replicas = replicas;
        this.settings = settings;
    }

    /** Three primaries. */
    public static RealCluster withoutReplicas() {
        return new RealCluster(false, DEFAULTS);
    }

    /** Three primaries, each with a replica. */
    public static RealCluster withReplicas() {
        return new RealCluster(true, DEFAULTS);
    }

    /** The same with a directive of redis.conf, whose value is written as it is there. */
    public RealCluster setting(String name, String value) {
        var all = new LinkedHashMap<>(settings);
        all.put(name, value);
        return new RealCluster(replicas, all);
    }

    @Override
    public void beforeAll(ExtensionContext context) {
        // as for a RealRedis
        context.getStore(ExtensionContext.Namespace.create(RealCluster.class)).computeIfAbsent(this, key -> start());
    }

    private AutoCloseable start() {
        LocalCluster.Builder builder = LocalCluster.with(RedisBinary.chosen());
        settings.forEach(builder::setting);
        LocalCluster cluster = (replicas ? builder.replicas() : builder).start();
        try {
            connected = Connected.to(cluster);
        } catch (RuntimeException e) {
            cluster.close();
            throw e;
        }
        log.info(
                "Redis {} as a cluster on the ports {}",
                version(),
                nodes().stream().map(Node::port).toList());
        return this::close;
    }

    private void close() {
        connected().close();
        connected = null;
    }

    @Override
    public void beforeEach(ExtensionContext context) {
        for (Node node : nodes()) {
            if (node.isRunning()) {
                node.resume();
            } else {
                node.start();
            }
        }
        if (move != null) {
            move.cancel();
        }
        awaitReady();
        nodes().stream().filter(Node::isPrimary).forEach(node -> node.commands().flushall());
    }

    private Connected connected() {
        if (connected == null) {
            throw new IllegalStateException("No cluster: a RealCluster must be a static field with @RegisterExtension");
        }
        return connected;
    }

    /** All nodes; after the start of the cluster, the first three are the primaries. */
    public List<Node> nodes() {
        return connected().nodes;
    }

    public RedisVersion version() {
        return nodes().get(0).redis.version();
    }

    /** Waits until all nodes run, agree which node has which slots, and all replicas have a link to their primary. */
    public void awaitReady() {
        connected().cluster.awaitReady();
    }

    /** The primary of the key's slot, as the cluster sees it; for a while, that may be one that is killed or paused. */
    public Node primaryOf(String key) {
        long slot = SlotHash.getSlot(key);
        for (Object element : witness().commands().clusterSlots()) {
            List<?> range = (List<?>) element; // first slot, last slot, primary, replicas
            if ((Long) range.get(0) <= slot && slot <= (Long) range.get(1)) {
                return at((Long) ((List<?>) range.get(2)).get(1));
            }
        }
        throw new IllegalStateException("No node has the slot of " + key);
    }

    /** The replica of that primary. */
    public Node replicaOf(String key) {
        Node primary = primaryOf(key);
        return nodes().stream()
                .filter(node -> node.answers() && node.isReplicaOf(primary))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException(primary + " has no replica"));
    }

    /** Commands for keys in the slot of this key, at its primary. */
    public RedisCommands<String, String> commands(String key) {
        return primaryOf(key).commands();
    }

    /** A key whose slot this primary has. */
    public String keyOf(Node primary) {
        return IntStream.range(0, 10_000)
                .mapToObj(i -> "key-" + i)
                .filter(key -> primaryOf(key).equals(primary))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException(primary + " has no slots"));
    }

    /** A node that knows how the cluster is. */
    private Node witness() {
        return nodes().stream()
                .filter(Node::answers)
                .filter(node -> node.commands().clusterInfo().contains("cluster_state:ok"))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("No node sees the cluster in order"));
    }

    private Node at(long port) {
        return nodes().stream()
                .filter(node -> node.port() == port)
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("No node has the port " + port));
    }

    /** Makes the replica of the key's primary the primary, as an operator would, and waits until it is. */
    public void failOver(String key) {
        Node replica = replicaOf(key);
        replica.commands().clusterFailover(false);
        awaitPrimary(key, replica);
    }

    /** Waits until the cluster sees this node as the primary of the key's slot. */
    public void awaitPrimary(String key, Node node) {
        await().atMost(CHANGE_LIMIT)
                .pollInterval(Duration.ofMillis(10))
                .until(() -> node.isPrimary() && primaryOf(key).equals(node));
    }

    /** The ways to move a slot that this server has. */
    public List<WayToMove> waysToMove() {
        return connected().waysToMove;
    }

    /** How a slot is moved. */
    public enum WayToMove {
        /** By SETSLOT and MIGRATE: meanwhile, some keys are at one node, and some at the other. */
        KEY_BY_KEY,
        /** By MIGRATESLOTS of Valkey 9. */
        ATOMICALLY
    }

    /** Moves the key's slot to another primary, with all its keys, and waits until the cluster knows it. */
    public void moveSlotOf(String key, Node target, WayToMove way) {
        switch (way) {
            case KEY_BY_KEY -> beginToMoveSlotOf(key, target).finish();
            case ATOMICALLY -> {
                int slot = SlotHash.getSlot(key);
                primaryOf(key)
                        .commands()
                        .dispatch(
                                CommandType.CLUSTER,
                                new StatusOutput<>(StringCodec.UTF8),
                                new CommandArgs<>(StringCodec.UTF8)
                                        .add("MIGRATESLOTS")
                                        .add("SLOTSRANGE")
                                        .add(slot)
                                        .add(slot)
                                        .add("NODE")
                                        .add(target.id()));
            }
        }
        awaitPrimary(key, target);
    }

    /** Begins to move the key's slot to another primary key by key. One move at a time; the next test ends one that isn't finished. */
    public SlotMove beginToMoveSlotOf(String key, Node target) {
        move = new SlotMove(SlotHash.getSlot(key), primaryOf(key), target);
        return move;
    }

    /** A slot that is on its way to another primary. */
    public final class SlotMove {

        private final int slot;
        private final Node source;
        private final Node target;

        private SlotMove(int slot, Node source, Node target) {
            this.slot = slot;
            this.source = source;
            this.target = target;
            target.commands().clusterSetSlotImporting(slot, source.id());
            source.commands().clusterSetSlotMigrating(slot, target.id());
        }

        /** Moves these keys. */
        public void move(String... keys) {
            source.commands()
                    .migrate("127.0.0.1", target.port(), 0, COMMAND_LIMIT.toMillis(), MigrateArgs.Builder.keys(keys));
        }

        /** Moves the remaining keys, and then the slot. */
        public void finish() {
            for (List<String> keys = remaining(); !keys.isEmpty(); keys = remaining()) {
                move(keys.toArray(String[]::new));
            }
            target.commands().clusterSetSlotNode(slot, target.id());
            nodes().stream()
                    .filter(node -> !node.equals(target) && node.isPrimary())
                    .forEach(node -> node.commands().clusterSetSlotNode(slot, target.id()));
            move = null;
        }

        private List<String> remaining() {
            return source.commands().clusterGetKeysInSlot(slot, 100);
        }

        /** Keys that were moved are lost. */
        private void cancel() {
            source.commands().clusterSetSlotStable(slot);
            target.commands().clusterSetSlotStable(slot);
            move = null;
        }
    }

    /** A server of the cluster. */
    public static final class Node {

        private final LocalRedis redis;
        private final StatefulRedisConnection<String, String> connection;
        private boolean paused;

        private Node(LocalRedis redis, RedisClient client) {
            this.redis = redis;
            this.connection = client.connect(RedisURI.builder()
                    .withHost("127.0.0.1")
                    .withPort(redis.port())
                    .withTimeout(COMMAND_LIMIT)
                    .build());
        }

        public int port() {
            return redis.port();
        }

        /** For clients: {@code redis://127.0.0.1:<port>}. */
        public String uri() {
            return "redis://127.0.0.1:" + port();
        }

        /** How the other nodes call it. */
        public String id() {
            return commands().clusterMyId();
        }

        public boolean isRunning() {
            return redis.isRunning();
        }

        private boolean answers() {
            return isRunning() && !paused;
        }

        /** Whether it takes itself for a primary. */
        public boolean isPrimary() {
            return commands().role().get(0).equals("master");
        }

        private boolean isReplicaOf(Node primary) {
            List<Object> role = commands().role(); // of a replica: "slave", host and port of its primary
            return role.get(0).equals("slave") && role.get(2).equals((long) primary.port());
        }

        /** Commands on a connection of the test's own, which reconnects by itself, as that of a {@link RealRedis}. */
        public RedisCommands<String, String> commands() {
            return connection.sync();
        }

        /** Ends the server with SIGKILL, paused or not. */
        public void kill() {
            redis.kill();
            paused = false;
        }

        /** Starts the killed server with its data. */
        public void start() {
            redis.startAgain();
        }

        /** Freezes the server: connections stay open, and nothing is answered. */
        public void pause() {
            redis.pause();
            paused = true;
        }

        /** Lets a paused server go on; nothing to do for one that isn't. */
        public void resume() {
            redis.resume();
            paused = false;
        }

        @Override
        public String toString() {
            return "node on port " + port();
        }
    }

    /** A cluster and a connection to each node. */
    private record Connected(
            LocalCluster cluster,
            ClientResources resources,
            RedisClient client,
            List<Node> nodes,
            List<WayToMove> waysToMove) {

        static Connected to(LocalCluster cluster) {
            // by default Lettuce waits longer from attempt to attempt, in the end for half a minute
            ClientResources resources = ClientResources.builder()
                    .reconnectDelay(Delay.constant(Duration.ofMillis(20)))
                    .build();
            RedisClient client = RedisClient.create(resources);
            client.setOptions(ClientOptions.builder()
                    .maintNotificationsConfig(MaintNotificationsConfig.disabled())
                    .build());
            List<Node> nodes =
                    cluster.nodes().stream().map(node -> new Node(node, client)).toList();
            return new Connected(
                    cluster, resources, client, nodes, waysToMove(nodes.get(0).commands()));
        }

        private static List<WayToMove> waysToMove(RedisCommands<String, String> commands) {
            boolean atomically = commands.commandInfo("cluster|migrateslots").stream()
                    .anyMatch(found -> found instanceof List<?> description && !description.isEmpty());
            return atomically ? List.of(WayToMove.values()) : List.of(WayToMove.KEY_BY_KEY);
        }

        void close() {
            client.shutdown(0, 2, TimeUnit.SECONDS);
            resources.shutdown(0, 2, TimeUnit.SECONDS).awaitUninterruptibly();
            cluster.close();
        }
    }
}
