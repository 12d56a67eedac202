package io.ncc.checkin.demo;

import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.ncc.checkin.api.ApiApplication;
import io.ncc.checkin.demo.load.Kind;
import io.ncc.checkin.demo.load.LoadException;
import io.ncc.checkin.demo.load.Loader;
import io.ncc.checkin.demo.load.SampleData;
import io.ncc.checkin.demo.traffic.Traffic;
import io.ncc.checkin.demo.traffic.TrafficPlan;
import io.ncc.checkin.localredis.LocalCluster;
import io.ncc.checkin.localredis.LocalRedis;
import io.ncc.checkin.localredis.RedisBinary;
import io.ncc.checkin.localredis.RedisVersion;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.processor.ProcessorApplication;
import io.ncc.checkin.receiver.ReceiverApplication;
import io.ncc.checkin.service.security.Access;
import io.ncc.redis.RedisCluster;
import io.ncc.redis.RedisServers;
import io.ncc.redis.SingleRedis;
import java.io.PrintWriter;
import java.net.URI;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.EnumSet;
import java.util.List;
import java.util.stream.Collectors;
import org.springframework.context.ConfigurableApplicationContext;

/** One Redis server or a cluster, the sample data, the three services and a little traffic, all in this process. */
final class RunAll implements AutoCloseable {

    private static final int CHECKINS_PER_SECOND = 5;
    private static final long SEED = 42;

    private static final String ADDRESS = "127.0.0.1";

    private final Ports ports;
    private final boolean cluster;
    private final Partitions partitions;
    private final PrintWriter out;
    private final Deque<AutoCloseable> running = new ArrayDeque<>();

    /**
     * Starts nothing yet.
     *
     * @param cluster whether to run a Redis Cluster instead of one server; then there must be partitions
     */
    RunAll(Ports ports, boolean cluster, Partitions partitions, PrintWriter out) {
        this.ports = ports;
        this.cluster = cluster;
        this.partitions = partitions;
        this.out = out;
    }

    record Ports(int api, int receiver, int processor) {

        static final Ports DEFAULT = new Ports(8081, 8082, 8083);
    }

    /**
     * Starts everything and returns when it serves.
     *
     * @throws RuntimeException if a part doesn't start, for instance because its port is taken; what was started has been stopped
     */
    void start() {
        try {
            List<Integer> redisPorts = startRedis();
            load(redisPorts);
            ConfigurableApplicationContext api = started(ApiApplication.run(arguments(
                    redisPorts, ports.api, "--checkin.api.receiver-base-url=http://localhost:" + ports.receiver)));
            started(ProcessorApplication.run(arguments(redisPorts, ports.processor)));
            started(ReceiverApplication.run(arguments(
                    redisPorts, ports.receiver, "--checkin.receiver.api-base-url=http://localhost:" + ports.api)));
            Traffic traffic = started(new Traffic(plan(), null, line -> {}));
            traffic.start();
            printWhatToTry(redisPorts.get(0), api.getBean(Access.class));
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /** Returns the ports of all servers. */
    private List<Integer> startRedis() {
        List<LocalRedis> servers = cluster
                ? started(LocalCluster.with(RedisBinary.chosen()).replicas().start())
                        .nodes()
                : List.of(started(LocalRedis.start()));
        List<Integer> redisPorts = servers.stream().map(LocalRedis::port).toList();
        RedisVersion version = servers.get(0).version();
        if (cluster) {
            out.printf(
                    "Redis Cluster %s, primaries on ports %s, replicas on ports %s%n",
                    version, redisPorts.subList(0, 3), redisPorts.subList(3, 6));
        } else {
            out.printf("Redis %s on port %d%n", version, redisPorts.get(0));
        }
        if (partitions.arePartitioned()) {
            out.printf("%d partitions%n", partitions.count());
        }
        return redisPorts;
    }

    private <T extends AutoCloseable> T started(T part) {
        running.push(part);
        return part;
    }

    private void load(List<Integer> redisPorts) {
        List<RedisURI> uris =
                redisPorts.stream().map(port -> RedisURI.create(ADDRESS, port)).toList();
        RedisClient client = RedisClient.create(uris.get(0));
        RedisServers servers = cluster ? new RedisCluster(client, uris) : new SingleRedis(client);
        try (Loader loader = Loader.connect(partitions, servers, out)) {
            loader.load(SampleData.dataset(), EnumSet.allOf(Kind.class), false);
        } catch (LoadException e) {
            throw new IllegalStateException(e);
        } finally {
            client.shutdown();
        }
    }

    private String[] arguments(List<Integer> redisPorts, int port, String... more) {
        List<String> all = new ArrayList<>(List.of(
                cluster
                        ? "--spring.data.redis.cluster.nodes="
                                + redisPorts.stream()
                                        .map(redisPort -> ADDRESS + ':' + redisPort)
                                        .collect(Collectors.joining(","))
                        : "--spring.data.redis.url=redis://" + ADDRESS + ':' + redisPorts.get(0),
                "--checkin.partitions=" + (partitions.arePartitioned() ? partitions.count() : ""),
                "--server.port=" + port,
                "--spring.main.register-shutdown-hook=false", // this class stops them, in its order
                "--logging.level.root=warn"));
        all.addAll(List.of(more));
        return all.toArray(String[]::new);
    }

    private TrafficPlan plan() {
        return new TrafficPlan(
                URI.create("http://localhost:" + ports.receiver + "/checkins"),
                CHECKINS_PER_SECOND,
                Long.MAX_VALUE,
                SampleData.USERS,
                SampleData.LOCATIONS,
                SEED);
    }

    private void printWhatToTry(int redisPort, Access access) {
        out.printf(
                """

                Everything runs, with %1$d checkins a second. Watch it at

                  http://localhost:%3$d/

                Access is %7$s.

                Try:

                  curl -s localhost:%2$d/checkins -H 'Content-Type: application/json' -d '{"userId":789,"locationId":171,"starRating":5}'
                  curl -s localhost:%3$d/users/789
                  curl -s localhost:%3$d/checkins/latest

                  http://localhost:%2$d/docs    the receiver's API
                  http://localhost:%3$d/docs    the API server's API
                  http://localhost:%4$d/actuator/health
                  redis-cli %5$s-p %6$d

                Ctrl-C stops it all.
                """,
                CHECKINS_PER_SECOND,
                ports.receiver,
                ports.api,
                ports.processor,
                cluster ? "-c " : "",
                redisPort,
                access);
        out.flush();
    }

    /** Stops what runs, the last one started first. */
    @Override
    public void close() {
        while (!running.isEmpty()) {
            AutoCloseable part = running.pop();
            try {
                part.close();
            } catch (Exception e) {
                out.println("could not stop " + part + ": " + e.getMessage());
            }
        }
        out.flush();
    }
}
