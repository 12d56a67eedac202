package io.ncc.checkin.benchmarks;

import io.lettuce.core.api.sync.RedisCommands;
import io.ncc.checkin.benchmarks.load.Answers;
import io.ncc.checkin.benchmarks.load.HttpLoad;
import io.ncc.checkin.benchmarks.load.Requests;
import io.ncc.checkin.benchmarks.measure.Contest;
import io.ncc.checkin.benchmarks.measure.Sample;
import io.ncc.checkin.localredis.LocalRedis;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/** The first requests after a start, beside those of a service that is warm. */
final class ColdBenchmark {

    private static final int FIRST = 10_000;

    private ColdBenchmark() {}

    static void receiver(Lab lab) {
        LocalRedis redis = lab.redis();
        RedisCommands<String, String> commands = lab.commands(redis);
        run(
                lab,
                redis,
                "checkin-receiver",
                "POST /checkins",
                Requests::checkins,
                round -> () -> ReceiverBenchmark.storing(commands, 1, round));
    }

    static void api(Lab lab) {
        LocalRedis redis = lab.redis();
        ApiBenchmark.fill(lab.commands(redis));
        run(lab, redis, "api-server", "GET /users/{id}", Requests::users, UnaryOperator.identity());
    }

    /** @param checked makes a round that also checks its result */
    private static void run(
            Lab lab,
            LocalRedis redis,
            String service,
            String route,
            Supplier<Supplier<byte[]>> requests,
            UnaryOperator<Supplier<Sample>> checked) {
        Scale scale = lab.scale();
        Map<String, Supplier<Lab.Server>> contestants = new LinkedHashMap<>();
        List<String> plain = StartupBenchmark.plain(lab, service);
        contestants.put(service + ", " + StartupBenchmark.PLAIN, () -> StartupBenchmark.start(service, plain, redis));
        List<String> cached = StartupBenchmark.withCache(lab, service, redis);
        contestants.put(
                service + ", " + StartupBenchmark.cacheName(), () -> StartupBenchmark.start(service, cached, redis));
        lab.installed(Peer.EXPRESS, Peer.FASTIFY)
                .forEach(peer -> contestants.put(peer.title(), () -> lab.peer(peer, redis)));

        Contest cold = new Contest("The first %,d %s after a start".formatted(FIRST, route), "requests");
        contestants.forEach((name, start) ->
                cold.add(name, checked.apply(() -> first(lab, redis, start, requests.get()))));
        Contest.Result first = cold.run(0, scale.rounds(), lab::say);

        Contest warm = new Contest(route + ", warm", "requests");
        contestants.forEach((name, start) -> {
            Lab.Server server = lab.started(start.get());
            warm.add(name, checked.apply(() -> lab.load(redis, server, requests.get())));
        });
        lab.report()
                .coldAndWarm(
                        first,
                        warm.run(scale.warmUps(), scale.rounds(), lab::say),
                        FIRST,
                        "Over 64 connections. Each round starts the service anew; it is ready before the first request.");
    }

    private static Sample first(Lab lab, LocalRedis redis, Supplier<Lab.Server> start, Supplier<byte[]> requests) {
        try (Lab.Server server = start.get();
                HttpLoad load = new HttpLoad(server.port(), Lab.CONNECTIONS)) {
            Sample.Meter meter = lab.meter(redis, server.process());
            Answers answers = load.closedLoop(FIRST, requests).requireNoFailure("port " + server.port());
            return new Sample(answers.perSecond(), meter.cores(), answers.latency());
        }
    }
}
