package io.ncc.checkin.benchmarks;

import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.sync.RedisCommands;
import io.ncc.checkin.benchmarks.load.Answers;
import io.ncc.checkin.benchmarks.load.HttpLoad;
import io.ncc.checkin.benchmarks.measure.Sample;
import io.ncc.checkin.benchmarks.report.Report;
import io.ncc.checkin.localredis.LocalCluster;
import io.ncc.checkin.localredis.LocalRedis;
import io.ncc.checkin.localredis.RedisBinary;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.testsupport.Jars;
import io.ncc.redis.RedisCluster;
import io.ncc.redis.SingleRedis;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Starts what one benchmark needs, and stops it all at its end. */
final class Lab implements AutoCloseable {

    static final int CONNECTIONS = 64;

    private final Jars jars;
    private final Scale scale;
    private final Report report;
    private final PrintWriter out;
    private final Deque<AutoCloseable> running = new ArrayDeque<>();

    Lab(Jars jars, Scale scale, Report report, PrintWriter out) {
        this.jars = jars;
        this.scale = scale;
        this.report = report;
        this.out = out;
    }

    Jars jars() {
        return jars;
    }

    Scale scale() {
        return scale;
    }

    Report report() {
        return report;
    }

    void say(String line) {
        out.println(line);
        out.flush();
    }

    <T extends AutoCloseable> T started(T part) {
        running.push(part);
        return part;
    }

    /** The newest Redis there is, without persistence: its own speed is the ceiling. */
    LocalRedis redis() {
        return redis("appendonly", "no");
    }

    LocalRedis redis(String setting, String value) {
        return started(
                LocalRedis.with(RedisBinary.chosen()).setting(setting, value).start());
    }

    RedisCommands<String, String> commands(LocalRedis redis) {
        return client(redis).connect().sync();
    }

    private RedisClient client(LocalRedis redis) {
        RedisClient client = RedisClient.create(uri(redis));
        started(client::shutdown);
        return client;
    }

    private static RedisURI uri(LocalRedis redis) {
        return RedisURI.create("127.0.0.1", redis.port());
    }

    Servers server() {
        LocalRedis redis = redis();
        return new Servers(
                List.of(redis), new SingleRedis(client(redis)), List.of("--spring.data.redis.port=" + redis.port()));
    }

    /** Without replicas and persistence. */
    Servers cluster(int primaries) {
        List<LocalRedis> nodes = started(LocalCluster.with(RedisBinary.chosen())
                        .primaries(primaries)
                        .setting("appendonly", "no")
                        .start())
                .nodes();
        return new Servers(
                nodes,
                new RedisCluster(
                        client(nodes.get(0)), nodes.stream().map(Lab::uri).toList()),
                List.of("--spring.data.redis.cluster.nodes="
                        + nodes.stream().map(node -> "127.0.0.1:" + node.port()).collect(Collectors.joining(","))));
    }

    Server service(String module, Servers redis, Partitions partitions, String... settings) {
        List<String> all = new ArrayList<>(redis.settings());
        if (partitions.arePartitioned()) {
            all.add("--checkin.partitions=" + partitions.count());
        }
        all.addAll(List.of(settings));
        int port = LocalRedis.freePort();
        return new Server(port, started(Started.service(jars, module, port, all)));
    }

    Server service(String module, LocalRedis redis, String... settings) {
        List<String> all = new ArrayList<>(List.of("--spring.data.redis.port=" + redis.port()));
        all.addAll(List.of(settings));
        int port = LocalRedis.freePort();
        return new Server(port, started(Started.service(jars, module, port, all)));
    }

    Server emptyReceiver(LocalRedis redis) {
        int port = LocalRedis.freePort();
        List<String> command = contestant("empty-receiver", redis.port());
        command.add(Integer.toString(port));
        return new Server(port, started(Started.server("empty-receiver", command, Map.of(), port, "/")));
    }

    /** A program of this jar. */
    Started program(String name, LocalRedis redis) {
        return started(Started.program(name, contestant(name, redis.port())));
    }

    private List<String> contestant(String name, int redisPort) {
        List<String> command = Started.javaCommand();
        command.addAll(List.of(
                "-cp",
                System.getProperty("java.class.path"),
                mainClass(),
                "contestant",
                name,
                Integer.toString(redisPort)));
        return command;
    }

    /** From the runnable jar this program was started by its launcher, which has to start the other, too. */
    private static String mainClass() {
        return System.getProperty("java.class.path").endsWith("benchmarks.jar")
                ? "org.springframework.boot.loader.launch.JarLauncher"
                : Benchmarks.class.getName();
    }

    /** Starts those of these peers that can be installed; for the others, says why not. */
    Map<Peer, Server> peers(LocalRedis redis, Peer... peers) {
        Map<Peer, Server> servers = new EnumMap<>(Peer.class);
        installed(peers).forEach(peer -> servers.put(peer, started(peer(peer, redis))));
        return servers;
    }

    /** Those of these peers that are installed, or can be; for the others, says why not. */
    List<Peer> installed(Peer... peers) {
        // each folder is tried once: without a network, npm takes a minute
        Map<Path, Optional<String>> folders = new HashMap<>();
        List<Peer> installed = new ArrayList<>();
        for (Peer peer : peers) {
            Optional<String> failure = folders.computeIfAbsent(peer.folder(jars.project()), Peer::install);
            failure.ifPresent(why -> say("Without " + peer.title() + ": " + why));
            if (failure.isEmpty()) {
                installed.add(peer);
            }
        }
        return installed;
    }

    /** Starts a peer that is installed; the caller stops it. */
    Server peer(Peer peer, LocalRedis redis) {
        int port = LocalRedis.freePort();
        return new Server(port, peer.start(jars.project(), redis, port));
    }

    /** The processor time of these from now on; with that of this program, which makes the load. */
    Sample.Meter meter(LocalRedis redis, Started... services) {
        return meter(List.of(redis), services);
    }

    /** The processor time of these from now on; with that of this program, which makes the load. */
    Sample.Meter meter(List<LocalRedis> redis, Started... services) {
        Map<String, List<Long>> all = new LinkedHashMap<>();
        all.put("Redis", redis.stream().map(LocalRedis::pid).toList());
        all.put(
                "service",
                Stream.of(services).flatMap(service -> service.pids().stream()).toList());
        all.put("load", List.of(ProcessHandle.current().pid()));
        return new Sample.Meter(all);
    }

    /** As many requests as a server can take over 64 connections, for a round. */
    Sample load(LocalRedis redis, Server server, Supplier<byte[]> requests) {
        return load(List.of(redis), server, requests);
    }

    /** As many requests as a server can take over 64 connections, for a round. */
    Sample load(List<LocalRedis> redis, Server server, Supplier<byte[]> requests) {
        try (HttpLoad load = new HttpLoad(server.port(), CONNECTIONS)) {
            Sample.Meter meter = meter(redis, server.process());
            Answers answers = load.closedLoop(scale.load(), requests).requireNoFailure("port " + server.port());
            return new Sample(answers.perSecond(), meter.cores(), answers.latency());
        }
    }

    @Override
    public void close() {
        while (!running.isEmpty()) {
            try {
                running.pop().close();
            } catch (Exception e) {
                say("could not stop a part: " + e.getMessage());
            }
        }
    }

    record Server(int port, Started process) implements AutoCloseable {

        @Override
        public void close() {
            process.close();
        }
    }
}
