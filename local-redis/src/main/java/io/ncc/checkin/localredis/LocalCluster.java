package io.ncc.checkin.localredis;

import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.IntFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A Redis Cluster of one's own: three primaries, or another number, with equally many slots each, and, if wanted, a replica for each of them. Each
 * node is a {@link LocalRedis}, so it listens on 127.0.0.1 only and never outlives this JVM.
 *
 * <p>The nodes find each other by the file in which a node keeps what it knows of the others. So the cluster is ready as soon as the servers
 * take part in it, which is two seconds after their start. Not thread-safe.
 */
public final class LocalCluster implements AutoCloseable {

    static final String NODES_FILE = "nodes.conf";

    private static final int DEFAULT_PRIMARIES = 3;
    private static final int SLOTS = 16_384;

    /** The port for the other nodes is so much above the port for clients. Only from 7.0 on it could be chosen. */
    public static final int BUS_OFFSET = 10_000;

    private static final int ATTEMPTS = 3;
    private static final Duration ANSWER_LIMIT = Duration.ofSeconds(1);
    private static final Duration READY_LIMIT = Duration.ofSeconds(30);
    private static final Duration PAUSE = Duration.ofMillis(20);

    /** A line of CLUSTER NODES: id, address, flags, primary, times, epoch, link, slots. Of a node that may have failed it has other flags. */
    private static final Pattern NODE =
            Pattern.compile("^(?<id>\\w{40}) \\S+ (?:myself,)?(?<role>(?:master|slave) (?:-|\\w{40}))"
                    + " \\d+ \\d+ \\d+ connected(?<slots>(?: \\d\\S*)*)");

    private final int primaries;
    private final List<LocalRedis> nodes;

    private LocalCluster(int primaries, List<LocalRedis> nodes) {
        this.primaries = primaries;
        this.nodes = nodes;
    }

    /**
     * Starts three primaries of the {@linkplain RedisBinary#chosen chosen} server.
     *
     * @throws IllegalStateException if a server doesn't start, or the cluster doesn't get ready
     */
    public static LocalCluster start() {
        return with(RedisBinary.chosen()).start();
    }

    public static Builder with(RedisBinary binary) {
        return new Builder(binary);
    }

    /** What may be chosen before the start. */
    public static final class Builder {

        private final RedisBinary binary;
        private final Map<String, String> settings = new LinkedHashMap<>();
        private int primaries = DEFAULT_PRIMARIES;
        private IntFunction<Map<String, String>> settingsOfNode = port -> Map.of();
        private boolean replicas;

        private Builder(RedisBinary binary) {
            this.binary = binary;
            settings.put("cluster-node-timeout", "2000");
            settings.put("cluster-require-full-coverage", "no"); // the loss of one primary must not stop the others
            settings.put("repl-diskless-sync-delay", "0");
        }

        /** How many primaries there are, three by default. With fewer, none can be replaced by its replica. */
        public Builder primaries(int count) {
            primaries = count;
            return this;
        }

        /** Gives each primary a replica. */
        public Builder replicas() {
            replicas = true;
            return this;
        }

        /** A directive of redis.conf for each node, as {@link LocalRedis.Builder#setting} takes it. */
        public Builder setting(String name, String value) {
            settings.put(name, value);
            return this;
        }

        /**
         * More directives of redis.conf for each node, such as the ports that it announces.
         *
         * @param settings for the node on this port
         */
        public Builder settings(IntFunction<Map<String, String>> settings) {
            settingsOfNode = settings;
            return this;
        }

        /**
         * Starts the nodes and waits until the cluster is {@linkplain LocalCluster#awaitReady ready}.
         *
         * @throws IllegalStateException if a server doesn't start, or the cluster doesn't get ready
         */
        public LocalCluster start() {
            for (int attempt = 1; ; attempt++) {
                var cluster = new LocalCluster(primaries, launch());
                try {
                    cluster.nodes.forEach(LocalRedis::awaitAnswer);
                    cluster.awaitReady();
                    return cluster;
                } catch (IllegalStateException e) {
                    cluster.close();
                    if (!LocalRedis.isPortTaken(e) || attempt == ATTEMPTS) {
                        throw e;
                    }
                }
            }
        }

        private List<LocalRedis> launch() {
            Set<Integer> ports = new HashSet<>();
            while (ports.size() < (replicas ? 2 * primaries : primaries)) {
                ports.add(LocalRedis.freePort(BUS_OFFSET));
            }
            Map<Integer, Map<String, String>> settingsByPort = new LinkedHashMap<>();
            ports.forEach(port -> settingsByPort.put(port, settingsOfNode.apply(port)));
            List<String> addresses = settingsByPort.entrySet().stream()
                    .map(node -> address(node.getKey(), node.getValue()))
                    .toList();
            List<LocalRedis> nodes = new ArrayList<>();
            settingsByPort.forEach((port, ofNode) -> {
                LocalRedis.Builder node = LocalRedis.with(binary)
                        .port(port)
                        .setting("cluster-enabled", "yes")
                        .setting("cluster-config-file", NODES_FILE)
                        .clusterNodes(nodesFile(primaries, addresses, nodes.size()));
                settings.forEach(node::setting);
                ofNode.forEach(node::setting);
                nodes.add(node.launch());
            });
            return nodes;
        }
    }

    /** Where the others find a node, as CLUSTER NODES has it. With {@code tls-cluster} that is its port for TLS. */
    private static String address(int port, Map<String, String> settings) {
        int own = Integer.parseInt(settings.getOrDefault("tls-port", Integer.toString(port)));
        return "127.0.0.1:" + settings.getOrDefault("cluster-announce-port", Integer.toString(own)) + '@'
                + settings.getOrDefault("cluster-announce-bus-port", Integer.toString(own + BUS_OFFSET));
    }

    /** The nodes as the one with this index knows them: the primaries, and then their replicas in the same order. */
    private static List<String> nodesFile(int primaries, List<String> addresses, int myself) {
        List<String> lines = new ArrayList<>();
        for (int i = 0; i < addresses.size(); i++) {
            int primary = i % primaries;
            String role = i < primaries ? "master -" : "slave " + id(primary);
            String slots = i < primaries ? " " + SLOTS * i / primaries + "-" + (SLOTS * (i + 1) / primaries - 1) : "";
            int epoch = primary + 1; // different for each primary
            lines.add(id(i) + " " + addresses.get(i) + " " + (i == myself ? "myself," : "") + role + " 0 0 " + epoch
                    + " connected" + slots);
        }
        lines.add("vars currentEpoch " + primaries + " lastVoteEpoch 0");
        return lines;
    }

    private static String id(int node) {
        return String.format(Locale.ROOT, "%040x", node + 1);
    }

    /** All nodes; after the start, the first ones are the primaries and the others their replicas in the same order. */
    public List<LocalRedis> nodes() {
        return List.copyOf(nodes);
    }

    /**
     * Waits until all nodes run, see all slots served and agree by whom, and all replicas have a link to their primary.
     *
     * @throws IllegalStateException if that takes too long; the message says what the nodes see
     */
    public void awaitReady() {
        long start = System.nanoTime();
        List<String> views = views();
        while (!isReady(views)) {
            if (System.nanoTime() - start > READY_LIMIT.toNanos()) {
                throw new IllegalStateException("The cluster isn't ready after " + READY_LIMIT.toSeconds() + " s:\n"
                        + String.join("\n", views));
            }
            sleep();
            views = views();
        }
    }

    private boolean isReady(List<String> views) {
        return views.stream().allMatch(this::isReady)
                && views.stream().map(LocalCluster::roles).distinct().count() == 1;
    }

    private boolean isReady(String view) {
        Set<String> roles = roles(view);
        return view.contains("cluster_state:ok")
                && view.contains("cluster_slots_ok:" + SLOTS)
                && !view.contains("master_link_status:down")
                && roles.size() == nodes.size()
                && roles.stream().filter(role -> role.startsWith("master ")).count() == primaries;
    }

    private List<String> views() {
        return nodes.stream().map(LocalCluster::view).toList();
    }

    private static String view(LocalRedis node) {
        try (var conversation = new Conversation(node.port(), ANSWER_LIMIT)) {
            return conversation.ask("CLUSTER INFO")
                    + conversation.ask("INFO replication")
                    + conversation.ask("CLUSTER NODES");
        } catch (UncheckedIOException e) {
            return node + " gives no answer: " + e.getMessage();
        }
    }

    /** Of the nodes that are all right: which are primaries, and of which slots, and which are replicas, and of whom. */
    private static Set<String> roles(String view) {
        Set<String> roles = new TreeSet<>();
        for (String line : view.split("\n")) {
            Matcher node = NODE.matcher(line);
            if (node.find()) {
                roles.add(node.group("role") + ' ' + node.group("id") + node.group("slots"));
            }
        }
        return roles;
    }

    private static void sleep() {
        try {
            Thread.sleep(PAUSE.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("Interrupted while waiting for a cluster", e);
        }
    }

    /** Kills the nodes, whatever state they are in, and deletes their folders. */
    @Override
    public void close() {
        nodes.forEach(LocalRedis::close);
    }

    @Override
    public String toString() {
        return "cluster of " + nodes;
    }
}
