package io.ncc.checkin.benchmarks;

import io.lettuce.core.api.sync.RedisCommands;
import io.ncc.checkin.benchmarks.load.Followers;
import io.ncc.checkin.benchmarks.load.Requests;
import io.ncc.checkin.benchmarks.measure.Contest;
import io.ncc.checkin.benchmarks.measure.Sample;
import io.ncc.checkin.localredis.LocalRedis;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.testsupport.RandomCheckins;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;

/** From Redis to an HTTP answer. */
final class ApiBenchmark {

    private static final Keys KEYS = Keys.unpartitioned();
    private static final String OURS = "api-server";
    private static final String USER = "GET /users/{id}";
    private static final String EXPRESS = Peer.EXPRESS.title();
    private static final int FOLLOWERS = 100;
    private static final int ENTRIES = 10_000;
    private static final int STEP = 100;
    private static final int MANY = 500;
    private static final int DEAF = 10;
    private static final int COMES_BACK = 20;
    private static final int PER_SECOND = 1_000;

    /** So many entries may be on their way: more, and a follower that is a little behind would be dropped. */
    private static final int AHEAD = 500;

    private ApiBenchmark() {}

    static void reads(Lab lab) {
        Scale scale = lab.scale();
        LocalRedis redis = lab.redis();
        fill(lab.commands(redis));
        Lab.Server ours = lab.service("api-server", redis);
        Map<Peer, Lab.Server> peers = lab.peers(redis, Peer.values());
        Map<String, Supplier<byte[]>> reads = new LinkedHashMap<>();
        reads.put(USER, Requests.users());
        reads.put("GET /checkins/latest", () -> Requests.get("/checkins/latest"));
        reads.put("GET /checkins?limit=100", () -> Requests.get("/checkins?limit=100"));
        reads.forEach((name, requests) -> {
            Contest contest = new Contest("API: " + name + " over 64 connections", "requests")
                    .add(OURS, () -> lab.load(redis, ours, requests));
            peers.forEach((peer, server) -> {
                if (peer == Peer.EXPRESS || name.equals(USER)) { // Fastify has this route only
                    contest.add(peer.title(), () -> lab.load(redis, server, requests));
                }
            });
            Contest.Result result = contest.run(scale.warmUps(), scale.rounds(), lab::say);
            lab.report().contest(result, peers.containsKey(Peer.EXPRESS) ? EXPRESS : OURS, "");
            if (name.equals(USER) && peers.containsKey(Peer.EXPRESS)) {
                lab.report().target("API: " + USER + ", times " + EXPRESS, 3.5, result.ratio(OURS, EXPRESS));
            }
            if (name.equals(USER) && peers.containsKey(Peer.FASTIFY)) {
                String fastify = Peer.FASTIFY.title();
                lab.report()
                        .target(
                                "API: " + USER + ", times " + fastify + ", one process",
                                1.3,
                                result.ratio(OURS, fastify));
            }
        });
    }

    static void fill(RedisCommands<String, String> commands) {
        for (int id = 1; id <= Requests.USERS; id++) {
            commands.hset(
                    KEYS.user(id),
                    Map.of(
                            "id", Integer.toString(id),
                            "firstName", "Ada",
                            "lastName", "Lovelace",
                            "email", "ada" + id + "@example.com",
                            "password", "$2a$10$" + "x".repeat(53),
                            "numCheckins", "5",
                            "lastCheckin", "1609602085397",
                            "lastCheckinId", "1609602085397-0",
                            "lastSeenAt", "171"));
        }
        new RandomCheckins(1, Requests.USERS, Requests.LOCATIONS).append(commands, 1_000);
    }

    /** One stream of events to many clients. */
    static void followers(Lab lab) {
        Scale scale = lab.scale();
        LocalRedis redis = lab.redis();
        RedisCommands<String, String> commands = lab.commands(redis);
        Lab.Server ours = lab.service("api-server", redis);
        Contest contest = new Contest("API: 100 followers of GET /checkins/stream", "events")
                .add(OURS, () -> follow(lab, redis, commands, ours));
        Map<Peer, Lab.Server> peers = lab.peers(redis, Peer.EXPRESS);
        peers.values().forEach(server -> contest.add(EXPRESS, () -> follow(lab, redis, commands, server)));
        lab.report()
                .contest(
                        contest.run(scale.warmUps(), scale.rounds(), lab::say),
                        peers.isEmpty() ? OURS : EXPRESS,
                        "10,000 entries, appended as quickly as the slowest follower sees them; each sees all, in order.");
    }

    private static Sample follow(Lab lab, LocalRedis redis, RedisCommands<String, String> commands, Lab.Server server) {
        RandomCheckins checkins = new RandomCheckins(1, Requests.USERS, Requests.LOCATIONS);
        try (Followers followers = new Followers(server.port(), FOLLOWERS)) {
            long before = untilConnected(commands, checkins, followers);
            long most = before;
            Sample.Meter meter = lab.meter(redis, server.process());
            long start = System.nanoTime();
            long deadline = start + TimeUnit.SECONDS.toNanos(60);
            for (int appended = 0; most < before + ENTRIES; most = followers.fewestSeen()) {
                if (System.nanoTime() > deadline) {
                    throw new IllegalStateException(
                            "Of %,d events, a follower saw %,d".formatted(ENTRIES, most - before));
                }
                if (appended < ENTRIES && appended - (most - before) < AHEAD) {
                    checkins.append(commands, STEP);
                    appended += STEP;
                } else {
                    LockSupport.parkNanos(TimeUnit.MICROSECONDS.toNanos(200));
                }
            }
            double seconds = (System.nanoTime() - start) / 1e9;
            requireNothingWrong(followers);
            return new Sample(FOLLOWERS * (most - before) / seconds, meter.cores(), null);
        }
    }

    private static void requireNothingWrong(Followers followers) {
        if (followers.wrong() > 0) {
            throw new IllegalStateException(
                    followers.wrong() + " events came twice, out of order, or with a gap before them");
        }
    }

    /** At a steady rate, with some that stop reading and some that come back again and again. */
    static void manyFollowers(Lab lab) {
        int seconds = 12 * lab.scale().seconds();
        LocalRedis redis = lab.redis();
        RedisCommands<String, String> commands = lab.commands(redis);
        Lab.Server server = lab.service("api-server", redis);
        RandomCheckins checkins = new RandomCheckins(1, Requests.USERS, Requests.LOCATIONS);
        try (Followers steady = new Followers(server.port(), MANY);
                Followers deaf = new Followers(server.port(), DEAF);
                Followers restless = new Followers(server.port(), 1)) {
            long before = untilConnected(commands, checkins, steady, deaf, restless);
            Sample.Meter meter = lab.meter(redis, server.process());
            long start = System.nanoTime();
            for (int second = 0; second < seconds; second++) {
                if (second == 1) {
                    deaf.stopReading();
                }
                for (int step = 0; step < 50; step++) {
                    checkins.append(commands, PER_SECOND / 50);
                    if (step == 25 && second * COMES_BACK / seconds != (second + 1) * COMES_BACK / seconds) {
                        restless.comeBack();
                    }
                    long due =
                            start + TimeUnit.SECONDS.toNanos(second) + TimeUnit.MILLISECONDS.toNanos(20L * (step + 1));
                    LockSupport.parkNanos(Math.max(0, due - System.nanoTime()));
                }
            }
            Map<String, Double> cores = meter.cores();
            long all = before + (long) seconds * PER_SECOND;
            awaitAll(steady, all);
            awaitAll(restless, all);
            requireNothingWrong(steady);
            requireNothingWrong(restless);
            deaf.readAgain();
            LockSupport.parkNanos(TimeUnit.SECONDS.toNanos(3));
            long stillThere = deaf.connected();
            lab.say("API: %d followers at %d/s for %d s: cores %s".formatted(MANY, PER_SECOND, seconds, cores));
            lab.report()
                    .table(
                            "API: %d followers at %,d checkins a second for %d seconds"
                                    .formatted(MANY, PER_SECOND, seconds),
                            "Each saw every entry once and in order; so did one that came back %d times. %d stopped reading after a second: they are dropped once the buffers of the system and of the service are full."
                                    .formatted(COMES_BACK, DEAF),
                            List.of(
                                    "events",
                                    "cores: service",
                                    "cores: load",
                                    "of %d that don't read, dropped".formatted(DEAF)),
                            List.of(List.of(
                                    "%,d".formatted(MANY * (all - before)),
                                    String.format(Locale.ROOT, "%.2f", cores.get("service")),
                                    String.format(Locale.ROOT, "%.2f", cores.get("load")),
                                    Long.toString(DEAF - stillThere))));
        }
    }

    /** Appends until each of them has seen something, and the same number of entries; returns that number. */
    private static long untilConnected(
            RedisCommands<String, String> commands, RandomCheckins checkins, Followers... all) {
        for (Followers some : all) {
            while (some.fewestSeen() == 0) {
                checkins.append(commands, 1);
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
            }
        }
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(300));
        return all[0].fewestSeen();
    }

    private static void awaitAll(Followers followers, long count) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (followers.fewestSeen() < count) {
            if (System.nanoTime() > deadline) {
                throw new IllegalStateException(
                        "Of %,d events, a follower saw %,d".formatted(count, followers.fewestSeen()));
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
        }
    }
}
