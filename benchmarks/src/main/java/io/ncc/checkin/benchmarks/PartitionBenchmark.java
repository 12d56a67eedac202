package io.ncc.checkin.benchmarks;

import io.lettuce.core.api.sync.RedisCommands;
import io.ncc.checkin.benchmarks.load.Requests;
import io.ncc.checkin.benchmarks.measure.Contest;
import io.ncc.checkin.benchmarks.measure.Spread;
import io.ncc.checkin.model.Partitions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;

/** What partitions cost on one Redis, and what more primaries give. */
final class PartitionBenchmark {

    private static final String NONE = "no partitions";
    private static final int AT_ONCE = 1_000;

    /** As many on each primary of one, two and three. */
    private static final Partitions OF_CLUSTER = Partitions.of(12);

    private PartitionBenchmark() {}

    private static Map<String, Partitions> forms() {
        Map<String, Partitions> forms = new LinkedHashMap<>();
        forms.put(NONE, Partitions.none());
        for (int count : new int[] {1, 4, 16, 64}) {
            forms.put("P = " + count, Partitions.of(count));
        }
        return forms;
    }

    /** By their number, on one Redis. */
    static void processor(Lab lab) {
        Scale scale = lab.scale();
        int entries = scale.entries();
        Contest backlog = new Contest("Processor: a backlog, by the number of partitions", "checkins");
        Contest single = new Contest("Processor: checkins one by one, by the number of partitions", "checkins");
        forms().forEach((name, partitions) -> {
            ProcessorStage stage = new ProcessorStage(lab, lab.server(), partitions).addProcessor();
            backlog.add(name, () -> stage.drainByProcessors(1, entries, Requests.USERS, entries / 10));
            single.add(name, () -> stage.applyAsTheyCome(AT_ONCE, scale.load(), Requests.USERS));
        });
        Contest.Result ofBacklog = backlog.run(scale.warmUps(), scale.rounds(), lab::say);
        Contest.Result one = single.run(0, scale.rounds(), lab::say);
        lab.report()
                .contest(
                        ofBacklog,
                        NONE,
                        "%,d checkins of 1,000 users at 200 locations, on one Redis; the clock starts when a tenth is applied."
                                .formatted(entries));
        lab.report()
                .contest(
                        one,
                        NONE,
                        "1,000 a second, each in an XADD of its own, so that batches are as small as can be.");
        costs(
                lab,
                "CPU time of Redis for a checkin, in µs",
                List.of("to read and apply it, in a backlog", "to append, read and apply it, one by one"),
                List.of(ofBacklog, one));
        lab.report()
                .target(
                        "partitions: the backlog rate of P = 16 on one Redis, of that without partitions",
                        0.9,
                        ofBacklog.ratio("P = 16", NONE));
    }

    /** A location is the sum of what the partitions have of it. */
    static void location(Lab lab) {
        Contest contest =
                new Contest("API: GET /locations/{id} over 64 connections, by the number of partitions", "requests");
        forms().forEach((name, partitions) -> {
            Servers redis = lab.server();
            fillLocations(redis.commands(partitions), partitions);
            Lab.Server server = lab.service("api-server", redis, partitions);
            contest.add(name, () -> lab.load(redis.all(), server, Requests.locations()));
        });
        Contest.Result result = contest.run(lab.scale().warmUps(), lab.scale().rounds(), lab::say);
        lab.report().contest(result, NONE, "All on one Redis.");
        costs(lab, "CPU time of Redis for a location, in µs", List.of("to read it"), List.of(result));
    }

    private static void fillLocations(List<RedisCommands<String, String>> commands, Partitions partitions) {
        for (int partition = 0; partition < partitions.count(); partition++) {
            for (int id = 1; id <= Requests.LOCATIONS; id++) {
                String key = partitions.keys(partition).location(id);
                commands.get(partition)
                        .hset(
                                key,
                                Map.of(
                                        "id", Integer.toString(id),
                                        "numCheckins", "5",
                                        "numStars", "20",
                                        "averageStars", "4"));
                if (partitions.ofLocation(id) == partition) {
                    commands.get(partition)
                            .hset(key, Map.of("name", "Acorn Books", "category", "retail", "location", "-122.27,37.8"));
                }
            }
        }
    }

    /** By the number of servers. */
    static void primaries(Lab lab) {
        Scale scale = lab.scale();
        int entries = scale.entries();
        Contest contest = new Contest("Processor: a backlog, by the number of primaries", "checkins");
        for (int count = 1; count <= 3; count++) {
            ProcessorStage stage = new ProcessorStage(lab, lab.cluster(count), OF_CLUSTER).addProcessor();
            contest.add(
                    count == 1 ? "1 primary" : count + " primaries",
                    () -> stage.drainByProcessors(1, entries, Requests.USERS, entries / 10));
        }
        Contest.Result result = contest.run(scale.warmUps(), scale.rounds(), lab::say);
        lab.report()
                .contest(
                        result,
                        "1 primary",
                        "12 partitions, and one processor for all. All servers and the processor share the cores, so what counts is the cost of a checkin.");
        costs(lab, "CPU time of all primaries for a checkin, in µs", List.of("to read and apply it"), List.of(result));
    }

    private static void costs(Lab lab, String title, List<String> columns, List<Contest.Result> results) {
        List<List<String>> rows = new ArrayList<>();
        for (String contestant : results.get(0).samples().keySet()) {
            List<String> row = new ArrayList<>(List.of(contestant));
            results.forEach(result -> row.add(
                    String.format(Locale.ROOT, "%.1f", cost(result, contestant).median())));
            rows.add(row);
        }
        lab.report()
                .table(title, "", Stream.concat(Stream.of(""), columns.stream()).toList(), rows);
    }

    private static Spread cost(Contest.Result result, String contestant) {
        return Spread.of(Objects.requireNonNull(result.samples().get(contestant)).stream()
                .map(sample -> 1e6 * sample.cores().getOrDefault("Redis", 0.0) / sample.perSecond())
                .toList());
    }
}
