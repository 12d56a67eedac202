package io.ncc.redis;

import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.RedisCommandInterruptedException;
import io.lettuce.core.RedisConnectionException;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.cluster.SlotHash;
import io.lettuce.core.codec.RedisCodec;
import io.lettuce.core.codec.StringCodec;
import java.time.Duration;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
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

    /** The longest time for a node to answer the question where a slot is, and to accept a connection. */
    private static final Duration LIMIT = Duration.ofSeconds(1);

    private static final String FULL_COVERAGE = "cluster-require-full-coverage";

    private final RedisClient client;
    private final List<RedisURI> seeds;
    private volatile List<RedisURI> nodes; // in the order in which they are asked
    private volatile boolean warned;

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
        return codec -> connect(slot, codec);
    }

    private StatefulRedisConnection<String, String> connect(int slot, RedisCodec<String, String> codec) {
        RedisURI primary = slots().primaryOf(slot);
        StatefulRedisConnection<String, String> connection = client.connect(codec, withinLimit(primary));
        try {
            connection.setTimeout(primary.getTimeout());
            requireFit(connection.sync());
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
        Iterator<RedisURI> others = nodes.iterator();
        Throwable failure = null;
        int waitingFor = 0;
        while (others.hasNext() || waitingFor > 0) {
            if (others.hasNext()) {
                ask(others.next(), answers);
                waitingFor++;
            }
            Answer answer = poll(answers, others.hasNext() ? PATIENCE : LIMIT);
            if (answer == null) {
                if (others.hasNext()) {
                    continue;
                }
                break;
            }
            waitingFor--;
            ClusterSlots slots = answer.slots;
            if (slots != null) {
                remember(slots);
                return slots;
            }
            if (failure == null || answer.failure instanceof UnfitServerException) {
                failure = answer.failure;
            }
        }
        if (failure instanceof UnfitServerException unfit) {
            throw unfit;
        }
        throw new RedisConnectionException("No node of the cluster says where the slots are", failure);
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

    private static CompletionStage<ClusterSlots> ask(RedisURI node, RedisAsyncCommands<String, String> commands) {
        CompletionStage<Boolean> hasMajority = commands.clusterInfo()
                .thenApply(info -> !info.contains("cluster_state:fail"))
                .exceptionally(failure -> true); // not allowed to ask
        return commands.clusterSlots()
                .exceptionallyCompose(RedisCluster::named)
                .thenCombine(hasMajority, (slots, has) -> {
                    if (!has) {
                        throw new RedisCommandExecutionException(
                                "CLUSTERDOWN " + node.getHost() + ':' + node.getPort() + " reports cluster_state:fail");
                    }
                    return ClusterSlots.of(slots, node);
                });
    }

    private static <T> CompletionStage<T> named(Throwable failure) {
        Throwable cause = RedisCondition.unwrapped(failure);
        return CompletableFuture.failedFuture(
                String.valueOf(cause.getMessage()).contains("cluster support disabled")
                        ? new UnfitServerException(
                                "it is configured as a node of a Redis Cluster, and has cluster-enabled no."
                                        + " Set cluster-enabled yes, or configure it as a single server.")
                        : cause);
    }

    /** The node that has answered is the first to be asked the next time, the seeds are the last. */
    private void remember(ClusterSlots slots) {
        Set<RedisURI> known = new LinkedHashSet<>(slots.nodes());
        known.addAll(seeds);
        nodes = List.copyOf(known);
    }

    private static RedisURI withinLimit(RedisURI node) {
        return RedisURI.builder(node)
                .withTimeout(node.getTimeout().compareTo(LIMIT) < 0 ? node.getTimeout() : LIMIT)
                .build();
    }

    private void requireFit(RedisCommands<String, String> commands) {
        String server = permitted("INFO", () -> commands.info("server"));
        String valkey = ServerSettings.fieldOf(server, "valkey_version").orElse("");
        String redis = ServerSettings.fieldOf(server, "redis_version").orElse("");
        // a Valkey also reports the version of Redis that it is compatible with
        if (valkey.isEmpty() ? redis.matches("7\\.2\\.[0-6]") : valkey.matches("7\\.2\\.[0-5]")) {
            throw new UnfitServerException(
                    "it may crash when a slot moves while a client waits for new entries of a stream there."
                            + " In a cluster, use Redis 7.2.7 or Valkey 7.2.6 at least, not "
                            + (valkey.isEmpty() ? "Redis " + redis : "Valkey " + valkey) + ".");
        }
        String coverage =
                permitted("CONFIG GET", () -> commands.configGet(FULL_COVERAGE).getOrDefault(FULL_COVERAGE, ""));
        if (coverage.equals("yes")) {
            throw new UnfitServerException("with " + FULL_COVERAGE
                    + " yes, the loss of one part of the cluster would stop all others. Set it to no on each node.");
        }
    }

    /** A managed server may refuse such a command. */
    private String permitted(String name, Supplier<String> question) {
        try {
            return question.get();
        } catch (RedisCommandExecutionException e) {
            RedisCondition condition = RedisCondition.of(e);
            if (condition != RedisCondition.FORBIDDEN && condition != RedisCondition.UNEXPECTED) {
                throw e;
            }
            if (!warned) {
                log.warn(
                        "Redis doesn't allow {} here. Make sure that the nodes have {} no, and are not of Redis 7.2.0 to 7.2.6.",
                        name,
                        FULL_COVERAGE);
            }
            warned = true;
            return "";
        }
    }
}
