package io.ncc.checkin.demo;

import io.lettuce.core.RedisClient;
import io.ncc.checkin.api.ApiApplication;
import io.ncc.checkin.demo.load.Kind;
import io.ncc.checkin.demo.load.LoadException;
import io.ncc.checkin.demo.load.Loader;
import io.ncc.checkin.demo.load.SampleData;
import io.ncc.checkin.demo.traffic.Traffic;
import io.ncc.checkin.demo.traffic.TrafficPlan;
import io.ncc.checkin.localredis.LocalRedis;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.processor.ProcessorApplication;
import io.ncc.checkin.receiver.ReceiverApplication;
import io.ncc.redis.SingleRedis;
import java.io.PrintWriter;
import java.net.URI;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.EnumSet;

/** Redis, the sample data, the three services and a little traffic, all in this process. */
final class RunAll implements AutoCloseable {

    private static final int CHECKINS_PER_SECOND = 5;
    private static final long SEED = 42;

    private final Ports ports;
    private final PrintWriter out;
    private final Deque<AutoCloseable> running = new ArrayDeque<>();

    RunAll(Ports ports, PrintWriter out) {
        this.ports = ports;
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
            LocalRedis redis = started(LocalRedis.start());
            out.printf("Redis %s on port %d%n", redis.version(), redis.port());
            String url = "redis://127.0.0.1:" + redis.port();
            load(url);
            started(ApiApplication.run(arguments(url, ports.api)));
            started(ProcessorApplication.run(arguments(url, ports.processor)));
            started(ReceiverApplication.run(
                    arguments(url, ports.receiver, "--checkin.receiver.api-base-url=http://localhost:" + ports.api)));
            Traffic traffic = started(new Traffic(plan(), line -> {}));
            traffic.start();
            printWhatToTry(redis.port());
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    private <T extends AutoCloseable> T started(T part) {
        running.push(part);
        return part;
    }

    private void load(String url) {
        RedisClient client = RedisClient.create(url);
        try (Loader loader = Loader.connect(Partitions.none(), new SingleRedis(client), out)) {
            loader.load(SampleData.create(), EnumSet.allOf(Kind.class), false);
        } catch (LoadException e) {
            throw new IllegalStateException(e);
        } finally {
            client.shutdown();
        }
    }

    private static String[] arguments(String redisUrl, int port, String... more) {
        String[] common = {
            "--spring.data.redis.url=" + redisUrl,
            "--server.port=" + port,
            "--spring.main.register-shutdown-hook=false", // this class stops them, in its order
            "--logging.level.root=warn"
        };
        String[] all = new String[common.length + more.length];
        System.arraycopy(common, 0, all, 0, common.length);
        System.arraycopy(more, 0, all, common.length, more.length);
        return all;
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

    private void printWhatToTry(int redisPort) {
        out.printf("""

                Everything runs, with %d checkins a second. Try:

                  curl -s localhost:%2$d/checkins -H 'Content-Type: application/json' -d '{"userId":789,"locationId":171,"starRating":5}'
                  curl -s localhost:%3$d/users/789
                  curl -s localhost:%3$d/checkins/latest

                  http://localhost:%2$d/docs    the receiver's API
                  http://localhost:%3$d/docs    the API server's API
                  http://localhost:%4$d/actuator/health
                  redis-cli -p %5$d

                Ctrl-C stops it all.
                """, CHECKINS_PER_SECOND, ports.receiver, ports.api, ports.processor, redisPort);
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
