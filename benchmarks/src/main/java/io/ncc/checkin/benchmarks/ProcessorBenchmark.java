package io.ncc.checkin.benchmarks;

import io.lettuce.core.Consumer;
import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.lettuce.core.XClaimArgs;
import io.lettuce.core.XReadArgs;
import io.lettuce.core.api.sync.RedisCommands;
import io.ncc.checkin.benchmarks.load.Requests;
import io.ncc.checkin.benchmarks.measure.Contest;
import io.ncc.checkin.benchmarks.measure.Sample;
import io.ncc.checkin.benchmarks.measure.Spread;
import io.ncc.checkin.benchmarks.report.Line;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.Partitions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.HdrHistogram.Histogram;

/** From the stream to the hashes. */
final class ProcessorBenchmark {

    private static final Keys KEYS = Keys.unpartitioned();
    private static final String OURS = "checkin-processor";
    private static final String CEILING = "bare client (ceiling)";
    private static final String MINIMAL = "bare client, minimal script";

    /** The slow ones get a smaller backlog, whatever the others get: what counts is how many a second. */
    private static final int MOST_FOR_SLOW = 2_500;

    private ProcessorBenchmark() {}

    static void backlog(Lab lab) {
        Scale scale = lab.scale();
        int entries = scale.entries();
        int fewer = Math.min(entries, MOST_FOR_SLOW);
        ProcessorStage stage = new ProcessorStage(lab).addProcessor();
        Started bare = lab.program("bare-client", stage.redis());
        Started minimal = lab.program("bare-client-minimal", stage.redis());
        Started springData = lab.program("spring-data", stage.redis());
        Started oneAtATime = lab.program("one-at-a-time", stage.redis());
        Contest.Result result = new Contest("Processor: a backlog, stream to hashes", "checkins")
                .add(CEILING, () -> stage.drainBy(bare, entries, Requests.USERS))
                .add(MINIMAL, () -> stage.drainBy(minimal, entries, Requests.USERS))
                .add(OURS, () -> stage.drainByProcessors(1, entries, Requests.USERS))
                .add("Spring Data container", () -> stage.drainBy(springData, fewer, Requests.USERS))
                .add("one at a time", () -> stage.drainBy(oneAtATime, fewer, Requests.USERS))
                .run(scale.warmUps(), scale.rounds(), lab::say);
        lab.report()
                .contest(
                        result,
                        CEILING,
                        "A backlog of %,d checkins of 1,000 users at 200 locations; %,d for the two slow ones."
                                .formatted(entries, fewer));
        lab.report().bars("processor", result);
        lab.report().target("processor: of a bare client with the same script", 0.95, result.ratio(OURS, CEILING));
        lab.report().target("processor: of a bare client with a minimal script", 0.95, result.ratio(OURS, MINIMAL));
        lab.report().target("processor: times one at a time", 40, result.ratio(OURS, "one at a time"));
        lab.report().target("processor: times Spring Data's container", 5, result.ratio(OURS, "Spring Data container"));
    }

    static void users(Lab lab) {
        Scale scale = lab.scale();
        int entries = scale.entries();
        List<double[]> ours = new ArrayList<>();
        List<double[]> ceiling = new ArrayList<>();
        ProcessorStage stage = new ProcessorStage(lab).addProcessor();
        Started bare = lab.program("bare-client", stage.redis());
        warmUp(scale, () -> stage.drainByProcessors(1, entries, Requests.USERS));
        for (int users : new int[] {1, 10, 100, 1_000, 1_000_000}) {
            Contest.Result result = new Contest("Processor: %,d users".formatted(users), "checkins")
                    .add(CEILING, () -> stage.drainBy(bare, entries, users))
                    .add(OURS, () -> stage.drainByProcessors(1, entries, users))
                    .run(1, Math.max(1, scale.rounds() / 2), lab::say);
            lab.report().contest(result, CEILING, "");
            ceiling.add(new double[] {users, result.perSecond(CEILING).median()});
            ours.add(new double[] {users, result.perSecond(OURS).median()});
        }
        stage.check();
        lab.report()
                .lines(
                        "users",
                        "Processor: by the number of users",
                        "users",
                        "checkins/s",
                        List.of(new Line(CEILING, ceiling), new Line(OURS, ours)));
    }

    /** Each has a Redis and a processor of its own. */
    static void boards(Lab lab) {
        Scale scale = lab.scale();
        int entries = scale.entries();
        String totals = "totals alone";
        String both = "totals and boards";
        Map<String, Set<String>> projections = new LinkedHashMap<>();
        projections.put(totals, Set.of(ProcessorStage.TOTALS));
        projections.put("boards alone", Set.of(ProcessorStage.BOARDS));
        projections.put(both, Set.of(ProcessorStage.TOTALS, ProcessorStage.BOARDS));
        Contest contest = new Contest("Processor: a backlog, by projections", "checkins");
        projections.forEach((name, some) -> {
            ProcessorStage stage = new ProcessorStage(lab, lab.server(), Partitions.none(), some).addProcessor();
            contest.add(name, () -> stage.drainByProcessors(1, entries, Requests.USERS));
        });
        Contest.Result result = contest.run(scale.warmUps(), scale.rounds(), lab::say);
        lab.report()
                .contest(
                        result,
                        totals,
                        "A backlog of %,d checkins of 1,000 users at 200 locations. A checkin counts when all projections have applied it."
                                .formatted(entries));
        lab.report().target("processor: totals and boards, of totals alone", 0.5, result.ratio(both, totals));
    }

    static void processors(Lab lab) {
        Scale scale = lab.scale();
        int entries = scale.entries();
        ProcessorStage stage = new ProcessorStage(lab);
        for (int i = 0; i < 4; i++) {
            stage.addProcessor();
        }
        Contest contest = new Contest("Processor: several at once", "checkins");
        for (int count : new int[] {1, 2, 4}) {
            contest.add(Integer.toString(count), () -> stage.drainByProcessors(count, entries, Requests.USERS));
        }
        Contest.Result result = contest.run(scale.warmUps(), scale.rounds(), lab::say);
        lab.report()
                .contest(
                        result,
                        "1",
                        "They share the cores with Redis: more processors are for a failover, not for more of one Redis.");
    }

    /** How the cost of a checkin grows with what is around it. */
    static void growth(Lab lab) {
        List<Line> lines = new ArrayList<>();
        int entries = lab.scale().entries();
        ProcessorStage stage = new ProcessorStage(lab).addProcessor("--checkin.processor.claim-after=1h");
        warmUp(lab.scale(), () -> stage.drainByProcessors(1, entries, Requests.USERS));

        List<double[]> byBacklog = new ArrayList<>();
        for (int backlog : new int[] {entries / 50, entries / 5, entries, 2 * entries}) {
            byBacklog.add(cost(lab, stage, "a backlog of %,d".formatted(backlog), backlog, backlog));
        }
        lines.add(new Line("entries in the backlog", byBacklog));

        List<double[]> byGroups = new ArrayList<>();
        int groups = 0;
        for (int goal : new int[] {1, 10, 100}) {
            for (; groups < goal; groups++) {
                stage.commands().xgroupCreate(XReadArgs.StreamOffset.latest(KEYS.checkins()), "other" + groups);
            }
            byGroups.add(cost(lab, stage, "%,d other groups".formatted(goal), entries, goal));
        }
        for (; groups > 0; groups--) {
            stage.commands().xgroupDestroy(KEYS.checkins(), "other" + (groups - 1));
        }
        lines.add(new Line("other groups", byGroups));

        List<double[]> byPending = new ArrayList<>();
        stage.keepEntries();
        for (int goal : new int[] {1_000, 10_000, 100_000}) {
            stage.drainByProcessors(1, goal, Requests.USERS);
            makePendingAgain(stage.commands(), goal);
            byPending.add(cost(lab, stage, "%,d pending elsewhere".formatted(goal), entries, goal));
        }
        lines.add(new Line("pending entries of another consumer", byPending));
        lab.report().lines("growth", "Processor: the cost of a checkin", "how many", "µs", lines);
    }

    private static double[] cost(Lab lab, ProcessorStage stage, String what, int entries, int x) {
        Spread perSecond = new Contest("Processor: " + what, "checkins")
                .add(OURS, () -> stage.drainByProcessors(1, entries, Requests.USERS))
                .run(0, Math.max(1, lab.scale().rounds() / 2), lab::say)
                .perSecond(OURS);
        return new double[] {x, 1e6 / perSecond.median()};
    }

    /** The newest entries, which are applied already: they change nothing when they are claimed, and have to be looked through until then. */
    private static void makePendingAgain(RedisCommands<String, String> commands, int count) {
        Consumer<String> elsewhere = Consumer.from(Keys.GROUP, "elsewhere");
        List<String> ids = new ArrayList<>();
        commands.xrevrange(KEYS.checkins(), Range.<String>unbounded(), Limit.from(count))
                .forEach(entry -> ids.add(entry.getId()));
        for (int from = 0; from < ids.size(); from += 1_000) {
            commands.xclaim(
                    KEYS.checkins(),
                    elsewhere,
                    XClaimArgs.Builder.minIdleTime(0).force().justid(),
                    ids.subList(from, Math.min(from + 1_000, ids.size())).toArray(String[]::new));
        }
    }

    private static void warmUp(Scale scale, Runnable round) {
        for (int i = 0; i < scale.warmUps(); i++) {
            round.run();
        }
    }

    /** From XADD to the hash, at a rate that leaves the processor idle most of the time. */
    static void latency(Lab lab) {
        int perSecond = 1_000;
        Duration duration = lab.scale().load().multipliedBy(lab.scale().rounds());
        ProcessorStage stage = new ProcessorStage(lab).addProcessor();
        warmUp(lab.scale(), () -> stage.drainByProcessors(1, lab.scale().entries(), Requests.USERS));
        Started processor = stage.resumeOne();
        XaddToHash checkins = new XaddToHash(lab.commands(stage.redis()), stage::applied);
        checkins.run(perSecond, Duration.ofSeconds(3));
        Sample.Meter meter = lab.meter(stage.redis(), processor);
        Histogram latency = checkins.run(perSecond, duration);
        Sample sample = new Sample(perSecond, meter.cores(), latency);
        lab.say("Processor: XADD to hash: p50 %.2f ms, p99 %.2f ms"
                .formatted(latency.getValueAtPercentile(50) / 1e6, latency.getValueAtPercentile(99) / 1e6));
        Contest.Result result = new Contest.Result(
                "Processor: from XADD to the hash, at 1,000 a second", "checkins", Map.of(OURS, List.of(sample)));
        lab.report().contest(result, OURS, "Seen by a client that asks for the totals all the time.");
        lab.report().targetAtMost("processor: XADD to hash, p50 in ms", 1, latency.getValueAtPercentile(50) / 1e6);
        lab.report().targetAtMost("processor: XADD to hash, p99 in ms", 5, latency.getValueAtPercentile(99) / 1e6);
    }
}
