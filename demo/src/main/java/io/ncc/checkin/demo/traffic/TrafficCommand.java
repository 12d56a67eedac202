package io.ncc.checkin.demo.traffic;

import io.ncc.checkin.demo.Version;
import java.io.PrintWriter;
import java.net.URI;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.concurrent.Callable;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.convert.DurationStyle;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** The command {@code traffic}. */
@Command(
        name = "traffic",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        description = {
            "Posts random checkins to a receiver at a steady rate, and prints a line a second.",
            "Ends at --count, --duration or Ctrl-C. A receiver that is away doesn't end it: what fails is counted."
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:every checkin that was sent was accepted", "1:some were refused or failed", "2:wrong usage"})
public final class TrafficCommand implements Callable<Integer> {

    @Spec
    @SuppressWarnings("NullAway.Init") // by picocli
    private CommandSpec spec;

    @Option(
            names = "--rate",
            paramLabel = "N",
            description = "Checkins per second, 1 to " + TrafficPlan.MAX_RATE + "; ${DEFAULT-VALUE} by default.")
    private int rate = 50;

    @Option(
            names = "--url",
            paramLabel = "URL",
            description = "The receiver, ${DEFAULT-VALUE} by default. Checkins are posted to URL/checkins.")
    private URI url = URI.create("http://localhost:8082");

    @Option(
            names = "--token",
            paramLabel = "TOKEN",
            defaultValue = "${env:CHECKINS_TOKEN}",
            description =
                    "The bearer token to send, by default that of the environment variable CHECKINS_TOKEN, which others"
                            + " on this machine can't read.")
    private @Nullable String token;

    @ArgGroup
    private End end = new End();

    @Option(names = "--users", paramLabel = "N", description = "User ids are 1 to N; ${DEFAULT-VALUE} by default.")
    private long users = 1_000;

    @Option(
            names = "--locations",
            paramLabel = "N",
            description = "Location ids are 1 to N; ${DEFAULT-VALUE} by default.")
    private long locations = 200;

    @Option(names = "--seed", paramLabel = "N", description = "The same checkins for the same N; random by default.")
    private long seed = ThreadLocalRandom.current().nextLong(1_000_000);

    @Override
    public Integer call() throws InterruptedException {
        TrafficPlan plan = plan();
        PrintWriter out = spec.commandLine().getOut();
        out.printf("%d checkins/s to %s, seed %d%n", plan.rate(), plan.target(), plan.seed());
        Traffic traffic = new Traffic(plan, token, out::println);
        // At Ctrl-C too, the summary is printed.
        Runtime.getRuntime().addShutdownHook(new Thread(traffic::close));
        traffic.start();
        traffic.await(end.duration);
        traffic.close();
        Totals totals = traffic.totals();
        return totals.accepted() == totals.sent() ? 0 : 1;
    }

    private TrafficPlan plan() {
        String base = url.toString();
        try {
            URI target = URI.create((base.endsWith("/") ? base : base + '/') + "checkins");
            return new TrafficPlan(target, rate, end.count, users, locations, seed);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage(), e);
        }
    }

    /** Without either, only Ctrl-C ends it. */
    private static final class End {

        @Option(names = "--count", paramLabel = "N", description = "Ends after N checkins.")
        private long count = Long.MAX_VALUE;

        @Option(
                names = "--duration",
                paramLabel = "TIME",
                converter = DurationConverter.class,
                description = "Ends after this time, such as 60s, 5m or 1h.")
        private Duration duration = ChronoUnit.FOREVER.getDuration();
    }

    private static final class DurationConverter implements ITypeConverter<Duration> {

        @Override
        public Duration convert(String value) {
            try {
                Duration duration = DurationStyle.detectAndParse(value, ChronoUnit.SECONDS);
                if (duration.isNegative() || duration.isZero()) {
                    throw new TypeConversionException("must be longer than nothing");
                }
                return duration;
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException("'" + value + "' is not a duration such as 60s, 5m or 1h");
            }
        }
    }
}
