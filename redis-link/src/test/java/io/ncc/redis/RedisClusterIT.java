package io.ncc.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.lettuce.core.ClientOptions;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisException;
import io.lettuce.core.RedisURI;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.SocketOptions;
import io.lettuce.core.StreamMessage;
import io.lettuce.core.XReadArgs;
import io.lettuce.core.XReadArgs.StreamOffset;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.cluster.SlotHash;
import io.lettuce.core.codec.StringCodec;
import io.lettuce.core.output.StatusOutput;
import io.lettuce.core.protocol.CommandArgs;
import io.lettuce.core.protocol.CommandType;
import io.lettuce.core.resource.ClientResources;
import io.ncc.checkin.localredis.LocalRedis;
import io.ncc.checkin.testsupport.FaultProxy;
import io.ncc.checkin.testsupport.RealCluster;
import io.ncc.checkin.testsupport.RealCluster.Node;
import io.ncc.checkin.testsupport.RealCluster.SlotMove;
import io.ncc.checkin.testsupport.RealCluster.WayToMove;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.slf4j.LoggerFactory;

@Timeout(60)
final class RedisClusterIT {

    @RegisterExtension
    static final RealCluster cluster = RealCluster.withoutReplicas();

    private static final Duration LIMIT = Duration.ofSeconds(10);
    private static final String KEY = "{tag}key";
    private static final String OTHER_KEY = "{tag}other";

    private static final RedisClient client = RedisClient.create();

    private final List<RedisLink> links = new ArrayList<>();

    @BeforeAll
    static void setOptions() {
        client.setOptions(LinkOptions.apply(ClientOptions.builder(), Duration.ofSeconds(2))
                .socketOptions(SocketOptions.builder()
                        .connectTimeout(Duration.ofSeconds(1))
                        .build())
                .build());
    }

    @AfterAll
    static void shutDown() {
        client.shutdown(0, 1, TimeUnit.SECONDS);
    }

    @AfterEach
    void stop() {
        links.forEach(RedisLink::stop);
    }

    private static RedisCluster servers() {
        return servers(uri -> {});
    }

    private static RedisCluster servers(Consumer<RedisURI> change) {
        RedisURI seed = RedisURI.create(cluster.nodes().get(0).uri());
        change.accept(seed);
        return new RedisCluster(client, List.of(seed));
    }

    private RedisLink link(String key) {
        RedisLink link = new RedisLink("test", servers().holding(key));
        links.add(link);
        link.start();
        assertThat(link.isConnected()).isTrue();
        return link;
    }

    private static int portOf(StatefulRedisConnection<String, String> connection) {
        return Integer.parseInt(ServerSettings.fieldOf(connection.sync().info("server"), "tcp_port")
                .orElseThrow());
    }

    private static Node primaryWithout(String key) {
        return cluster.nodes().stream()
                .filter(node -> !node.equals(cluster.primaryOf(key)))
                .findFirst()
                .orElseThrow();
    }

    private static void assertThatItFailsAs(RedisCondition condition, Runnable command) {
        assertThatThrownBy(command::run)
                .satisfies(e -> assertThat(RedisCondition.of(e)).as("%s", e).isEqualTo(condition));
    }

    private static void setEverywhere(String setting, String value) {
        cluster.nodes().forEach(node -> node.commands().configSet(setting, value));
    }

    @Test
    void aConnectionGoesToTheNodeThatHasTheKey() {
        assertThatEachKeyIsFound();
    }

    private static void assertThatEachKeyIsFound() {
        var servers = servers();
        for (Node node : cluster.nodes()) {
            String key = cluster.keyOf(node);
            try (var connection = servers.holding(key).connect(StringCodec.UTF8)) {
                assertThat(portOf(connection)).isEqualTo(node.port());
                assertThat(connection.sync().set(key, "value")).isEqualTo("OK");
                assertThat(connection.sync().set("{" + key + "}another", "value"))
                        .isEqualTo("OK");
                assertThat(connection.getTimeout()).isEqualTo(RedisURI.DEFAULT_TIMEOUT_DURATION);
            }
        }
    }

    @Test
    void aDeadNodeAndAFrozenOneDelayTheFirstConnectForAMoment() {
        Node frozen = cluster.nodes().get(0);
        String key = cluster.keyOf(cluster.nodes().get(1));
        List<RedisURI> seeds = List.of(
                RedisURI.create("127.0.0.1", LocalRedis.freePort()),
                RedisURI.create(frozen.uri()),
                RedisURI.create(cluster.nodes().get(2).uri()));
        var servers = new RedisCluster(client, seeds);
        servers.holding(key).connect(StringCodec.UTF8).close();
        frozen.pause();
        assertThat(shortestTimeToConnect(() -> new RedisCluster(client, seeds), key))
                .isBetween(Duration.ofMillis(200), Duration.ofMillis(500));
        assertThat(shortestTimeToConnect(() -> servers, key))
                .as("the node that has answered is the first to be asked")
                .isLessThan(Duration.ofMillis(200));
    }

    /** As the first TLS handshake of a JVM does. */
    @Test
    void theFirstConnectionMayTakeLongerThanLaterOnes() {
        try (var slow = new FaultProxy("127.0.0.1", primaryWithout(KEY).port())) {
            RedisURI seed = RedisURI.create("127.0.0.1", slow.port());
            seed.setTimeout(LIMIT);
            var servers = new RedisCluster(client, List.of(seed));
            slow.delay(Duration.ofMillis(550)); // in each direction
            servers.holding(KEY).connect(StringCodec.UTF8).close();

            slow.delay(Duration.ZERO);
            cluster.primaryOf(KEY).pause();
            long start = System.nanoTime();
            assertThatItFailsAs(
                    RedisCondition.TIMEOUT, () -> servers.holding(KEY).connect(StringCodec.UTF8));
            assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(LIMIT.dividedBy(2));
        }
    }

    /** Not just one time: the machine may be busy. */
    private static Duration shortestTimeToConnect(Supplier<RedisServers> servers, String key) {
        return Stream.generate(servers)
                .limit(4)
                .map(each -> {
                    long start = System.nanoTime();
                    each.holding(key).connect(StringCodec.UTF8).close();
                    return Duration.ofNanos(System.nanoTime() - start);
                })
                .min(Comparator.naturalOrder())
                .orElseThrow();
    }

    /** The other nodes hear of a host name a moment later. Until then it is "?" there. */
    static List<String> endpointTypes() {
        return cluster.version().isAtLeast(7, 0) ? List.of("ip", "hostname", "unknown-endpoint") : List.of("");
    }

    @ParameterizedTest
    @MethodSource("endpointTypes")
    void whateverTheClusterCallsItsNodesTheyAreFound(String type) {
        if (!type.isEmpty()) {
            setEverywhere("cluster-announce-hostname", "localhost");
            setEverywhere("cluster-preferred-endpoint-type", type);
        }
        try {
            assertThatEachKeyIsFound();
        } finally {
            if (!type.isEmpty()) {
                setEverywhere("cluster-preferred-endpoint-type", "ip");
            }
        }
    }

    static List<WayToMove> waysToMove() {
        return cluster.waysToMove();
    }

    @ParameterizedTest
    @MethodSource("waysToMove")
    void aLinkFollowsASlotThatMoved(WayToMove way) {
        RedisLink link = link(KEY);
        link.call(commands -> commands.set(KEY, "value"));
        Node target = primaryWithout(KEY);
        cluster.moveSlotOf(KEY, target, way);
        assertThatItFailsAs(RedisCondition.MOVED, () -> link.call(commands -> commands.get(KEY)));
        await().atMost(LIMIT).until(link::isConnected);
        assertThat(portOf(link.connection())).isEqualTo(target.port());
        assertThat(link.<String>call(commands -> commands.get(KEY))).isEqualTo("value");
    }

    @ParameterizedTest
    @MethodSource("waysToMove")
    @SuppressWarnings("unchecked") // an array of offsets
    void aReadThatWaitsWhileItsSlotMovesEndsAtOnceAsAnOutage(WayToMove way) {
        RedisLink link = link(KEY);
        link.call(commands -> commands.xadd(KEY, "field", "value"));
        CompletableFuture<List<StreamMessage<String, String>>> read = link.send(commands ->
                        commands.xread(XReadArgs.Builder.block(LinkOptions.MAX_BLOCK), StreamOffset.latest(KEY)))
                .toCompletableFuture();
        await().atMost(LIMIT).until(() -> cluster.commands(KEY).clientList().contains("flags=b"));
        Node target = primaryWithout(KEY);
        long start = System.nanoTime();
        cluster.moveSlotOf(KEY, target, way);
        assertThat(read)
                .failsWithin(LIMIT)
                .withThrowableThat()
                .satisfies(e -> assertThat(RedisCondition.of(e))
                        .as("%s", e)
                        .isIn(RedisCondition.MOVED, RedisCondition.MIGRATING, RedisCondition.UNBLOCKED));
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(LinkOptions.MAX_BLOCK);
        await().atMost(LIMIT)
                .ignoreExceptionsInstanceOf(RedisException.class)
                .until(() -> link.<Long>call(commands -> commands.xlen(KEY)) == 1);
        assertThat(portOf(link.connection())).isEqualTo(target.port());
    }

    @Test
    void whileASlotIsMovedCommandsFailAndTheConnectionStays() {
        RedisLink link = link(KEY);
        link.call(commands -> commands.set(KEY, "value"));
        StatefulRedisConnection<String, String> connection = link.connection();
        Node target = primaryWithout(KEY);
        SlotMove move = cluster.beginToMoveSlotOf(KEY, target);

        assertThat(link.<String>call(commands -> commands.get(KEY))).isEqualTo("value");
        assertThatItFailsAs(RedisCondition.MIGRATING, () -> link.call(commands -> commands.get(OTHER_KEY))); // ASK
        assertThatItFailsAs(
                RedisCondition.MIGRATING, () -> link.call(commands -> commands.mget(KEY, OTHER_KEY))); // TRYAGAIN
        String read = "return redis.call('GET', KEYS[1])";
        assertThat(run(link, read, KEY)).isEqualTo("value");
        assertThatItFailsAs(RedisCondition.MIGRATING, () -> run(link, read, OTHER_KEY));
        assertThatItFailsAs(RedisCondition.MIGRATING, () -> run(link, read, KEY, OTHER_KEY));
        assertThat(link.connection()).isSameAs(connection);

        move.finish();
        cluster.awaitPrimary(KEY, target);
        assertThatItFailsAs(RedisCondition.MOVED, () -> run(link, read, KEY));
        await().atMost(LIMIT).until(link::isConnected);
        assertThat(run(link, read, KEY)).isEqualTo("value");
    }

    /** What a script has written until then stays written. */
    @Test
    void whileASlotIsMovedAScriptCantUseAKeyAgainThatItHasRemoved() {
        RedisLink link = link(KEY);
        link.call(commands -> commands.set(KEY, "value"));
        cluster.beginToMoveSlotOf(KEY, primaryWithout(KEY));
        String removeAndUse = "redis.call('DEL', KEYS[1]) return redis.call('SET', KEYS[1], 'value')";
        assertThatItFailsAs(RedisCondition.MIGRATING, () -> run(link, removeAndUse, KEY));
        assertThatItFailsAs(RedisCondition.MIGRATING, () -> link.call(commands -> commands.get(KEY)));
    }

    private static Object run(RedisLink link, String script, String... keys) {
        return link.<Object>call(commands -> commands.eval(script, ScriptOutputType.VALUE, keys));
    }

    @Test
    void keysOfSeveralSlotsAreAProgrammingError() {
        RedisLink link = link(KEY);
        assertThatItFailsAs(RedisCondition.UNEXPECTED, () -> link.call(commands -> commands.mget(KEY, "{gat}key")));
        assertThat(link.isConnected()).isTrue();
    }

    @Test
    void aSlotThatNoNodeServesIsAnOutage() {
        RedisLink link = link(KEY);
        int slot = SlotHash.getSlot(KEY);
        Node owner = cluster.primaryOf(KEY);
        cluster.nodes().forEach(node -> node.commands().clusterDelSlots(slot));
        try {
            assertThatItFailsAs(RedisCondition.CLUSTER_DOWN, () -> link.call(commands -> commands.get(KEY)));
            assertThatItFailsAs(RedisCondition.CLUSTER_DOWN, () -> link.call(commands -> commands.get(KEY)));
            assertThatItFailsAs(
                    RedisCondition.CLUSTER_DOWN, () -> servers().holding(KEY).connect(StringCodec.UTF8));
        } finally {
            owner.commands().clusterAddSlots(slot);
        }
        await().atMost(LIMIT)
                .ignoreExceptionsInstanceOf(RedisException.class)
                .until(() -> link.<String>call(commands -> commands.set(KEY, "value")), "OK"::equals);
    }

    @Test
    void aNodeThatHasLostTheMajorityIsNotUsed() {
        Node alone = cluster.primaryOf(KEY);
        RedisLink link = link(KEY);
        List<Node> others =
                cluster.nodes().stream().filter(node -> !node.equals(alone)).toList();
        others.forEach(Node::pause);
        await().atMost(LIMIT).until(() -> alone.commands().clusterInfo().contains("cluster_state:fail"));
        assertThatItFailsAs(RedisCondition.CLUSTER_DOWN, () -> link.call(commands -> commands.get(KEY)));
        assertThatItFailsAs(
                RedisCondition.CLUSTER_DOWN,
                () -> new RedisCluster(client, List.of(RedisURI.create(alone.uri())))
                        .holding(KEY)
                        .connect(StringCodec.UTF8));
        assertThat(link.isConnected()).isFalse();
        others.forEach(Node::resume);
        await().atMost(LIMIT)
                .ignoreExceptionsInstanceOf(RedisException.class)
                .until(() -> link.<String>call(commands -> commands.set(KEY, "value")), "OK"::equals);
    }

    @Test
    void aNodeThatStopsWhenAnotherIsLostIsRefused() {
        setEverywhere("cluster-require-full-coverage", "yes");
        try {
            assertThatThrownBy(() -> servers().holding(KEY).connect(StringCodec.UTF8))
                    .isInstanceOf(UnfitServerException.class)
                    .hasMessageContaining("cluster-require-full-coverage");
        } finally {
            setEverywhere("cluster-require-full-coverage", "no");
        }
    }

    @Test
    void aNodeIsRefusedAsASingleServer() {
        RedisClient single = RedisClient.create(cluster.nodes().get(0).uri());
        try (single) {
            assertThatThrownBy(() -> new SingleRedis(single).connect(StringCodec.UTF8))
                    .isInstanceOf(UnfitServerException.class)
                    .hasMessageContaining("spring.data.redis.cluster.nodes");
        }
    }

    @Test
    void aSingleServerIsRefusedAsANode() {
        try (var single = LocalRedis.start()) {
            var servers = new RedisCluster(client, List.of(RedisURI.create("127.0.0.1", single.port())));
            assertThatThrownBy(() -> servers.holding(KEY).connect(StringCodec.UTF8))
                    .isInstanceOf(UnfitServerException.class)
                    .hasMessageContaining("cluster-enabled");
        }
    }

    @Test
    void userAndPasswordAreThoseOfAllNodes() {
        allow("+@all", "-@dangerous", "+info", "+config|get", "+cluster|slots", "+cluster|info");
        try {
            for (Node node : cluster.nodes()) {
                String key = cluster.keyOf(node);
                try (var connection = servers(uri -> uri.setAuthentication("app", "secret".toCharArray()))
                        .holding(key)
                        .connect(StringCodec.UTF8)) {
                    assertThat(node.commands().clientList()).contains("user=app");
                    assertThat(portOf(connection)).isEqualTo(node.port());
                }
            }
            assertThatItFailsAs(
                    RedisCondition.FORBIDDEN,
                    () -> servers(uri -> uri.setAuthentication("app", "guess".toCharArray()))
                            .holding(KEY)
                            .connect(StringCodec.UTF8));
            List<RedisURI> oneAway = List.of(
                    RedisURI.create("redis://app:guess@127.0.0.1:1"),
                    RedisURI.create("redis://app:guess@127.0.0.1:"
                            + cluster.nodes().get(0).port()));
            assertThatItFailsAs(
                    RedisCondition.FORBIDDEN,
                    () -> new RedisCluster(client, oneAway).holding(KEY).connect(StringCodec.UTF8));
        } finally {
            cluster.nodes().forEach(node -> node.commands().aclDeluser("app"));
        }
    }

    @Test
    void theCredentialsOfAUrlAreResolvedBeforeTheHandshake() {
        allow("+@all");
        ClientResources resources = HandshakesIT.onABusyMachine();
        try (RedisClient busy = RedisClient.create(resources)) {
            busy.setOptions(client.getOptions());
            String seed = "127.0.0.1:" + cluster.nodes().get(0).port();
            for (var expected :
                    Map.of("secret", "PONG", "guess", RedisCondition.FORBIDDEN).entrySet()) {
                RedisURI uri = RedisURI.create("redis://app:" + expected.getKey() + '@' + seed);
                assertThat(HandshakesIT.outcomes(new RedisCluster(busy, List.of(uri)).holding(KEY)))
                        .containsExactly(expected.getValue());
            }
        } finally {
            cluster.nodes().forEach(node -> node.commands().aclDeluser("app"));
            resources.shutdown(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(5, TimeUnit.SECONDS);
        }
    }

    @Test
    void aNodeWhoseSettingsRiskTheLossOfDataIsNamedOnceWhoeverConnects() {
        Node risky = cluster.primaryOf(KEY);
        String elsewhere = cluster.keyOf(primaryWithout(KEY));
        Logger logger = (Logger) LoggerFactory.getLogger(ServerSettings.class);
        ListAppender<ILoggingEvent> events = listeningTo(logger);
        risky.commands().configSet("maxmemory-policy", "allkeys-lru");
        try {
            RedisCluster servers = servers();
            ServerSettings settings = new ServerSettings();
            for (String key : List.of(KEY, elsewhere, OTHER_KEY, elsewhere, KEY)) {
                try (var connection = servers.holding(key).connect(StringCodec.UTF8)) {
                    settings.accept(connection.sync());
                }
            }
            assertThat(events.list)
                    .extracting(ILoggingEvent::getFormattedMessage)
                    .filteredOn(line -> line.contains("maxmemory-policy"))
                    .singleElement()
                    .asString()
                    .contains(":" + risky.port() + " has maxmemory-policy allkeys-lru");
        } finally {
            logger.detachAppender(events);
            risky.commands().configSet("maxmemory-policy", "noeviction");
        }
    }

    private static ListAppender<ILoggingEvent> listeningTo(Logger logger) {
        ListAppender<ILoggingEvent> events = new ListAppender<>();
        events.start();
        logger.addAppender(events);
        return events;
    }

    @Test
    void whatAServerDoesNotTellIsWarnedOfOnce() {
        allow("+@all", "-@dangerous", "+cluster|slots");
        Logger logger = (Logger) LoggerFactory.getLogger(NodeRequirements.class);
        ListAppender<ILoggingEvent> events = listeningTo(logger);
        try {
            var servers = servers(uri -> uri.setAuthentication("app", "secret".toCharArray()));
            servers.holding(KEY).connect(StringCodec.UTF8).close();
            servers.holding(KEY).connect(StringCodec.UTF8).close();
            assertThat(events.list).singleElement().satisfies(event -> {
                assertThat(event.getLevel()).isEqualTo(Level.WARN);
                assertThat(event.getFormattedMessage()).contains("cluster-require-full-coverage no");
            });
        } finally {
            logger.detachAppender(events);
            cluster.nodes().forEach(node -> node.commands().aclDeluser("app"));
        }
    }

    /** Gives a user to each node. */
    private static void allow(String... rules) {
        for (Node node : cluster.nodes()) {
            CommandArgs<String, String> args =
                    new CommandArgs<>(StringCodec.UTF8).add("SETUSER").add("app");
            Stream.concat(Stream.of("reset", "on", ">secret", "~*", "&*"), Stream.of(rules))
                    .forEach(args::add);
            node.commands().dispatch(CommandType.ACL, new StatusOutput<>(StringCodec.UTF8), args);
        }
    }
}
