package io.ncc.checkin.benchmarks;

import io.lettuce.core.api.sync.RedisCommands;
import io.ncc.checkin.benchmarks.load.Requests;
import io.ncc.checkin.benchmarks.measure.Contest;
import io.ncc.checkin.localredis.LocalRedis;
import io.ncc.checkin.service.security.TokenDigests;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/** What it costs to ask who is there. */
final class SecurityBenchmark {

    private static final String OPEN = "open";
    private static final String PROTECTED = "protected mode, no token";
    private static final String TOKEN = "a token";

    /** As long as those of {@code demo.jar token}. */
    private static final String SECRET = "chk_" + "x".repeat(43);

    private static final double SHARE = 0.9;

    private SecurityBenchmark() {}

    static void run(Lab lab) {
        Scale scale = lab.scale();
        LocalRedis redis = lab.redis();
        RedisCommands<String, String> commands = lab.commands(redis);
        Contest posts = new Contest("Security: single POSTs over 64 connections", "checkins");
        for (String access : new String[] {OPEN, PROTECTED, TOKEN}) {
            Lab.Server server = lab.service(
                    "checkin-receiver", redis, settings(access, "write", "--checkin.receiver.max-length=1000000000"));
            posts.add(
                    access,
                    () -> ReceiverBenchmark.storing(
                            commands, 1, () -> lab.load(redis, server, requests(access, Requests.checkins()))));
        }
        Contest.Result result = posts.run(scale.warmUps(), scale.rounds(), lab::say);
        lab.report().contest(result, OPEN, "Each 202 is in the stream.");
        lab.report().target("POST /checkins with a token, of open", SHARE, result.ratio(TOKEN, OPEN));

        ApiBenchmark.fill(commands);
        Contest reads = new Contest("Security: GET /users/{id} over 64 connections", "requests");
        for (String access : new String[] {OPEN, PROTECTED, TOKEN}) {
            Lab.Server server = lab.service("api-server", redis, settings(access, "read"));
            reads.add(access, () -> lab.load(redis, server, requests(access, Requests.users())));
        }
        result = reads.run(scale.warmUps(), scale.rounds(), lab::say);
        lab.report().contest(result, OPEN, "");
        lab.report().target("GET /users/{id} with a token, of open", SHARE, result.ratio(TOKEN, OPEN));
    }

    private static String[] settings(String access, String role, String... more) {
        List<String> settings = new ArrayList<>(List.of(more));
        if (access.equals(OPEN)) {
            settings.add("--checkin.security.mode=open");
        } else if (access.equals(TOKEN)) {
            settings.add("--checkin.security.tokens[0].name=benchmark");
            settings.add("--checkin.security.tokens[0].sha256=" + TokenDigests.of(SECRET));
            settings.add("--checkin.security.tokens[0].roles=" + role);
        }
        return settings.toArray(String[]::new);
    }

    private static Supplier<byte[]> requests(String access, Supplier<byte[]> requests) {
        return access.equals(TOKEN) ? Requests.withToken(SECRET, requests) : requests;
    }
}
