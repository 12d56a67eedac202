package io.ncc.checkin.benchmarks;

import io.lettuce.core.api.sync.RedisCommands;
import io.ncc.checkin.benchmarks.load.Answers;
import io.ncc.checkin.benchmarks.load.HttpLoad;
import io.ncc.checkin.benchmarks.load.Requests;
import io.ncc.checkin.benchmarks.measure.Contest;
import io.ncc.checkin.benchmarks.measure.Sample;
import io.ncc.checkin.benchmarks.report.Line;
import io.ncc.checkin.localredis.LocalRedis;
import io.ncc.checkin.localredis.RedisBinary;
import io.ncc.checkin.model.Keys;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;

/** From an HTTP request to the stream. */
final class ReceiverBenchmark {

    private static final String STREAM = Keys.unpartitioned().checkins();
    private static final String OURS = "checkin-receiver";
    private static final String KEYED = "checkin-receiver, Idempotency-Key";
    private static final String CEILING = "empty endpoint (ceiling)";
    private static final String BATCH = "checkin-receiver, batches of 1,000";
    private static final int BATCH_CONNECTIONS = 8;
    private static final int BATCH_SIZE = 1_000;
    private static final String NO_LIMIT = "--checkin.receiver.max-length=1000000000";

    private ReceiverBenchmark() {}

    static void posts(Lab lab) {
        Scale scale = lab.scale();
        LocalRedis redis = lab.redis();
        RedisCommands<String, String> commands = lab.commands(redis);
        // one for each job, as the peers have: a JVM that has seen several kinds of requests compiles another code
        Lab.Server ours = lab.service("checkin-receiver", redis, NO_LIMIT);
        Lab.Server keyed = lab.service("checkin-receiver", redis, NO_LIMIT);
        Lab.Server batched = lab.service("checkin-receiver", redis, NO_LIMIT);
        Lab.Server empty = lab.emptyReceiver(redis);
        Map<Peer, Lab.Server> peers = lab.peers(redis, Peer.values());
        Contest contest = new Contest("Receiver: single POSTs over 64 connections", "checkins")
                .add(CEILING, () -> lab.load(redis, empty, Requests.checkins()))
                .add(OURS, () -> storing(commands, 1, () -> lab.load(redis, ours, Requests.checkins())))
                .add(KEYED, () -> storing(commands, 1, () -> lab.load(redis, keyed, Requests.checkinsWithKeys())))
                .add(BATCH, () -> storing(commands, BATCH_SIZE, () -> batches(lab, redis, batched)));
        peers.forEach((peer, server) -> contest.add(
                peer.title(), () -> storing(commands, 1, () -> lab.load(redis, server, Requests.checkins()))));
        Contest.Result result = contest.run(scale.warmUps(), scale.rounds(), lab::say);
        lab.report().contest(result, CEILING, "Each 202 is in the stream. Batches are NDJSON over 8 connections.");
        lab.report().bars("receiver", result);
        lab.report().target("receiver: of an empty endpoint", 0.9, result.ratio(OURS, CEILING));
        if (peers.containsKey(Peer.EXPRESS)) {
            String express = Peer.EXPRESS.title();
            lab.report().target("receiver: times " + express, 5, result.ratio(OURS, express));
            lab.report().target("receiver: batches, times Express' single POSTs", 15, result.ratio(BATCH, express));
        }
        if (peers.containsKey(Peer.FASTIFY)) {
            String fastify = Peer.FASTIFY.title();
            lab.report().target("receiver: times " + fastify + ", one process", 1.5, result.ratio(OURS, fastify));
        }
        peers.remove(Peer.FASTIFY_TWO_WORKERS); // the plot has one process of each
        latency(lab, commands, ours, peers, result);
    }

    /** At rates that are given, not taken: how long an answer takes depends on how busy the service is. */
    private static void latency(
            Lab lab,
            RedisCommands<String, String> commands,
            Lab.Server ours,
            Map<Peer, Lab.Server> peers,
            Contest.Result highest) {
        List<Line> lines = new ArrayList<>();
        double most = highest.perSecond(OURS).median();
        for (double share : new double[] {0.1, 0.5, 0.8}) {
            lines.add(atRate(lab, commands, OURS, ours, share * most));
        }
        peers.forEach((peer, server) -> {
            for (double share : new double[] {0.5, 0.8}) {
                double perSecond = share * highest.perSecond(peer.title()).median();
                lines.add(atRate(lab, commands, peer.title(), server, perSecond));
            }
        });
        lab.report().percentiles("receiver-latency", "Receiver: time to a 202 at a constant rate", lines);
    }

    private static Line atRate(
            Lab lab, RedisCommands<String, String> commands, String name, Lab.Server server, double perSecond) {
        commands.del(STREAM);
        try (HttpLoad load = new HttpLoad(server.port(), Lab.CONNECTIONS)) {
            Answers answers = load.openLoop(perSecond, lab.scale().load(), Requests.checkins())
                    .requireNoFailure(name);
            String title = "%s at %,.0f/s".formatted(name, perSecond);
            lab.say("%s: p50 %.2f ms, p99 %.2f ms"
                    .formatted(
                            title,
                            answers.latency().getValueAtPercentile(50) / 1e6,
                            answers.latency().getValueAtPercentile(99) / 1e6));
            return Line.percentiles(title, answers.latency());
        }
    }

    static void durability(Lab lab) {
        Scale scale = lab.scale();
        LocalRedis memory = lab.redis();
        LocalRedis primary = lab.redis("repl-diskless-sync-delay", "0");
        lab.started(LocalRedis.with(RedisBinary.chosen())
                .setting("replicaof", "127.0.0.1 " + primary.port())
                .start());
        LocalRedis synced = lab.redis("appendfsync", "always");
        Contest contest = new Contest("Receiver: what durability costs", "checkins");
        Map.of("memory", memory, "replica", primary, "fsync", synced).entrySet().stream()
                .sorted(Map.Entry.<String, LocalRedis>comparingByKey().reversed())
                .forEach(mode -> {
                    LocalRedis redis = mode.getValue();
                    RedisCommands<String, String> commands = lab.commands(redis);
                    Lab.Server server = lab.service(
                            "checkin-receiver", redis, NO_LIMIT, "--checkin.receiver.durability=" + mode.getKey());
                    contest.add(
                            mode.getKey(),
                            () -> storing(commands, 1, () -> lab.load(redis, server, Requests.checkins())));
                });
        lab.report()
                .contest(
                        contest.run(scale.warmUps(), scale.rounds(), lab::say),
                        "memory",
                        "replica: one WAIT for each write on the wire. fsync: a server that syncs its log before it answers.");
    }

    private static Sample batches(Lab lab, LocalRedis redis, Lab.Server server) {
        List<byte[]> prepared =
                new ArrayList<>(); // to make them takes the load generator longer than the receiver to take them
        Supplier<byte[]> fresh = Requests.batches(BATCH_SIZE);
        for (int i = 0; i < 50; i++) {
            prepared.add(fresh.get());
        }
        int[] next = new int[1];
        try (HttpLoad load = new HttpLoad(server.port(), BATCH_CONNECTIONS)) {
            Sample.Meter meter = lab.meter(redis, server.process());
            Answers answers = load.closedLoop(lab.scale().load(), () -> prepared.get(next[0]++ % prepared.size()))
                    .requireNoFailure("batches");
            return new Sample(BATCH_SIZE * answers.perSecond(), meter.cores(), answers.latency());
        }
    }

    /** @throws IllegalStateException if not each checkin that was accepted, and no other, is in the stream */
    static Sample storing(RedisCommands<String, String> commands, int perRequest, Supplier<Sample> round) {
        commands.flushall();
        Sample sample = round.get();
        long accepted = perRequest * Objects.requireNonNull(sample.latency()).getTotalCount();
        long stored = commands.xlen(STREAM);
        if (stored != accepted) {
            throw new IllegalStateException(
                    "%,d checkins were accepted, and %,d are stored".formatted(accepted, stored));
        }
        return sample;
    }
}
