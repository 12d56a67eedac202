package io.ncc.redis;

import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.RedisCommandInterruptedException;
import io.lettuce.core.RedisConnectionException;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.lettuce.core.cluster.SlotHash;
import io.lettuce.core.codec.RedisCodec;
import io.lettuce.core.codec.StringCodec;
import java.time.Duration;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The nodes of a Redis Cluster. Each connection goes to the node that is the primary of the key's slot at that moment: a node of the cluster is
 * asked before each connect. The connection knows nothing of the cluster. If the slot moves, commands fail with {@link RedisCondition#MOVED},
 * and {@link RedisLink} connects again.
 */
public final class RedisCluster implements RedisServers {

    private static final Logger log = LoggerFactory.getLogger(RedisCluster.class);

    /** How long one node alone is asked. A frozen node delays a connect by this time. */
    private static final Duration PATIENCE = Duration.ofMillis(200);

    /**
     * The longest time for a node to answer the question where a slot is, and to accept a connection. It doesn't hold for the first connection, which
     * may take as long as a command may: the first TLS handshake of a JVM can take a second, as it loads classes.
     */
    private static final Duration LIMIT = Duration.ofSeconds(1);

    private final RedisClient client;
    private final List<RedisURI> seeds;
    private final RepeatedErrors refusals = new RepeatedErrors();
    private final NodeRequirements requirements = new NodeRequirements();
    private final ServerSettings settings = new ServerSettings();
    private volatile List<RedisURI> nodes; // in the order in which they are asked
    private volatile boolean wasConnected;

    /**
     * @param client for its resources and options; its own address, if it has one, is not used
     * @param seeds one or more nodes of the cluster, with the credentials and the TLS settings of all nodes
     */
    public RedisCluster(RedisClient client, List<RedisURI> seeds) {
        if (seeds.isEmpty()) {
            throw new IllegalArgumentException("no nodes");
        }
        this.client = client;
        this.seeds = List.copyOf(seeds);
        this.nodes = this.seeds;
    }

    @Override
    public RedisConnector holding(String key) {
        int slot = SlotHash.getSlot(key);
        return codec -> Handshakes.connect(() -> connect(slot, codec));
    }

    private StatefulRedisConnection<String, String> connect(int slot, RedisCodec<String, String> codec) {
        RedisURI primary = slots().primaryOf(slot);
        StatefulRedisConnection<String, String> connection = client.connect(codec, withinLimit(primary));
        wasConnected = true;
        try {
            connection.setTimeout(primary.getTimeout());
            requirements.check(address(primary), connection.sync());
            settings.look(address(primary), connection.sync());
            return connection;
        } catch (RuntimeException e) {
            connection.close();
            throw e;
        }
    }

    /**
     * What the first node that answers says. If a node gives no answer soon, the next one is asked as well. A node that has lost contact to the
     * majority of the cluster is passed over: it doesn't know which slots have got another primary.
     */
    private ClusterSlots slots() {
        BlockingQueue<Answer> answers = new LinkedBlockingQueue<>();
        Iterator<RedisURI> next = nodes.iterator();
        Throwable failure = null;
        Duration limit = LIMIT;
        int outstanding = 0;
        do {
            if (next.hasNext()) {
                RedisURI node = next.next();
                limit = limitOf(node);
                ask(node, answers);
                outstanding++;
            }
            Answer answer = poll(answers, next.hasNext() ? PATIENCE : limit);
            if (answer != null) {
                outstanding--;
                if (answer.slots != null) {
                    remember(answer.slots);
                    return answer.slots;
                }
                failure = moreTelling(failure, Objects.requireNonNull(answer.failure));
            } else if (!next.hasNext()) {
                break; // those that haven't answered will not
            }
        } while (next.hasNext() || outstanding > 0);
        if (failure instanceof UnfitServerException unfit) {
            throw unfit;
        }
        throw new RedisConnectionException("No node of the cluster says where the slots are", failure);
    }

    /** A node that refuses says why. That says more than a node that is away. */
    private static Throwable moreTelling(@Nullable Throwable failure, Throwable next) {
        if (failure == null
                || next instanceof UnfitServerException
                || RedisCondition.of(failure) == RedisCondition.AWAY) {
            return next;
        }
        return failure;
    }

    /** Either what a node says, or why it doesn't. */
    private record Answer(
            @Nullable ClusterSlots slots, @Nullable Throwable failure) {}

    private static @Nullable Answer poll(BlockingQueue<Answer> answers, Duration limit) {
        try {
            return answers.poll(limit.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new RedisCommandInterruptedException(e);
        }
    }

    @SuppressWarnings("FutureReturnValueIgnored") // nobody waits for the connection to close
    private void ask(RedisURI node, BlockingQueue<Answer> answers) {
        client.connectAsync(StringCodec.UTF8, withinLimit(node))
                .thenCompose(connection ->
                        ask(node, connection.async()).whenComplete((slots, failure) -> connection.closeAsync()))
                .whenComplete((slots, failure) ->
                        answers.add(new Answer(slots, failure == null ? null : RedisCondition.unwrapped(failure))));
    }

    private CompletionStage<ClusterSlots> ask(RedisURI node, RedisAsyncCommands<String, String> commands) {
        CompletionStage<Boolean> hasMajority = commands.clusterInfo()
                .thenApply(info -> !info.contains("cluster_state:fail"))
                .exceptionally(this::unknown);
        return commands.clusterSlots()
                .exceptionallyCompose(failure -> named(node, failure))
                .thenCombine(hasMajority, (slots, has) -> {
                    if (!has) {
                        throw new RedisCommandExecutionException(
                                "CLUSTERDOWN " + address(node) + " reports cluster_state:fail");
                    }
                    return ClusterSlots.of(slots, node);
                });
    }

    /** A node that may not be asked is taken for one with a majority. */
    private boolean unknown(Throwable failure) {
        Throwable cause = RedisCondition.unwrapped(failure);
        if (RedisCondition.of(cause) == RedisCondition.FORBIDDEN
                && refusals.isDue(String.valueOf(cause.getMessage()))) {
            log.warn("Nodes without contact to the majority of the cluster can't be told: {}", cause.getMessage());
        }
        return true;
    }

    /** The error of a server that is no node has no code. */
    private static <T> CompletionStage<T> named(RedisURI node, Throwable failure) {
        Throwable cause = RedisCondition.unwrapped(failure);
        if (String.valueOf(cause.getMessage()).contains("cluster support disabled")) {
            cause = new UnfitServerException(
                    address(node)
                            + " is configured as a node of a Redis Cluster, and has cluster-enabled no. Configure it as a single server.");
        }
        return CompletableFuture.failedFuture(cause);
    }

    private static String address(RedisURI node) {
        return node.getHost() + ':' + node.getPort();
    }

    /** The node that has answered is the first to be asked the next time, the seeds are the last. */
    private void remember(ClusterSlots slots) {
        Set<RedisURI> known = new LinkedHashSet<>(slots.nodes());
        known.addAll(seeds);
        nodes = List.copyOf(known);
    }

    private RedisURI withinLimit(RedisURI node) {
        RedisURI limited = RedisURI.builder(node).withTimeout(limitOf(node)).build();
        Handshakes.resolveCredentials(limited);
        return limited;
    }

    private Duration limitOf(RedisURI node) {
        boolean isLimited = wasConnected && node.getTimeout().compareTo(LIMIT) > 0;
        return isLimited ? LIMIT : node.getTimeout();
    }
}
