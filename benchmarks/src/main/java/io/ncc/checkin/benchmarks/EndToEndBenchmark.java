package io.ncc.checkin.benchmarks;

import io.ncc.checkin.benchmarks.load.HttpLoad;
import io.ncc.checkin.benchmarks.load.Requests;
import io.ncc.checkin.benchmarks.measure.Sample;
import io.ncc.checkin.benchmarks.report.Line;
import io.ncc.checkin.localredis.LocalRedis;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.HdrHistogram.Histogram;

/** From the moment at which a POST is due until a GET shows the checkin, with all three services and Redis on this machine. */
final class EndToEndBenchmark {

    private static final int READING_CONNECTIONS = 16;

    /** Of the checkins, one in so many is asked for: to read each of them would be another load. */
    private static final int SAMPLED = 20;

    private static final Pattern USER = Pattern.compile("\"userId\":([0-9]+)");
    private static final Pattern ID = Pattern.compile("\"id\":\"([0-9]+-[0-9]+)\"");

    private EndToEndBenchmark() {}

    static void run(Lab lab) {
        Scale scale = lab.scale();
        LocalRedis redis = lab.redis();
        Lab.Server receiver = lab.service("checkin-receiver", redis, "--checkin.receiver.max-length=1000000000");
        Lab.Server processor = lab.service("checkin-processor", redis);
        Lab.Server api = lab.service("api-server", redis);
        double highest = 0;
        for (int round = 0; round <= scale.warmUps() / 2; round++) {
            highest = highest(lab, receiver);
            visible(lab, receiver, api, highest / 2); // the reads have to be warm, too
        }
        lab.say("End to end: %,.0f POSTs/s at most".formatted(highest));
        List<Line> lines = new ArrayList<>();
        for (int percent : new int[] {10, 50, 80}) {
            double perSecond = highest * percent / 100;
            Sample.Meter meter = lab.meter(redis, receiver.process(), processor.process(), api.process());
            Histogram latency = visible(lab, receiver, api, perSecond);
            String title = "%d %%: %,.0f/s".formatted(percent, perSecond);
            lab.say("End to end: %s: p50 %.2f ms, p99 %.2f ms, cores %s"
                    .formatted(
                            title,
                            latency.getValueAtPercentile(50) / 1e6,
                            latency.getValueAtPercentile(99) / 1e6,
                            meter.cores()));
            lines.add(Line.percentiles(title, latency));
        }
        lab.report()
                .percentiles("end-to-end", "From a POST to a GET that shows it, at shares of the highest rate", lines);
    }

    private static double highest(Lab lab, Lab.Server receiver) {
        try (HttpLoad posts = new HttpLoad(receiver.port(), Lab.CONNECTIONS)) {
            return posts.closedLoop(lab.scale().load(), Requests.checkins())
                    .requireNoFailure("POST")
                    .perSecond();
        }
    }

    private static Histogram visible(Lab lab, Lab.Server receiver, Lab.Server api, double perSecond) {
        int[] accepted = new int[1];
        try (HttpLoad reads = new HttpLoad(api.port(), READING_CONNECTIONS);
                HttpLoad posts = new HttpLoad(receiver.port(), Lab.CONNECTIONS, (request, status, body) -> {
                    if (status == 202 && accepted[0]++ % SAMPLED == 0) {
                        String path = "/users/" + found(USER, request.text()) + "?wait=5s&after=" + found(ID, body);
                        reads.send(new HttpLoad.Request(Requests.get(path), request.due()));
                    }
                })) {
            posts.openLoop(perSecond, lab.scale().load(), Requests.checkins()).requireNoFailure("POST");
            return reads.finish().requireNoFailure("GET after POST").latency();
        }
    }

    private static String found(Pattern pattern, String text) {
        Matcher matcher = pattern.matcher(text);
        if (!matcher.find()) {
            throw new IllegalStateException("There is no " + pattern + " in " + text);
        }
        return matcher.group(1);
    }
}
