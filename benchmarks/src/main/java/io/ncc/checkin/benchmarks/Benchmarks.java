package io.ncc.checkin.benchmarks;

import io.ncc.checkin.benchmarks.contestant.BareClient;
import io.ncc.checkin.benchmarks.contestant.BatchScript;
import io.ncc.checkin.benchmarks.contestant.Contestant;
import io.ncc.checkin.benchmarks.contestant.EmptyReceiver;
import io.ncc.checkin.benchmarks.contestant.OneAtATime;
import io.ncc.checkin.benchmarks.contestant.SpringDataProcessor;
import io.ncc.checkin.benchmarks.report.Report;
import io.ncc.checkin.localredis.RedisBinary;
import io.ncc.checkin.testsupport.Jars;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** The command line. */
@Command(
        name = "benchmarks",
        mixinStandardHelpOptions = true,
        description =
                "Measures the services beside their peers and their ceilings. Starts what it needs, and stops it.")
public final class Benchmarks implements Callable<Integer> {

    private static final Map<String, Consumer<Lab>> ALL = new LinkedHashMap<>();

    static {
        ALL.put("processor", ProcessorBenchmark::backlog);
        ALL.put("processor-users", ProcessorBenchmark::users);
        ALL.put("processor-instances", ProcessorBenchmark::processors);
        ALL.put("processor-growth", ProcessorBenchmark::growth);
        ALL.put("boards", ProcessorBenchmark::boards);
        ALL.put("processor-latency", ProcessorBenchmark::latency);
        ALL.put("partitions", PartitionBenchmark::processor);
        ALL.put("partitions-location", PartitionBenchmark::location);
        ALL.put("partitions-primaries", PartitionBenchmark::primaries);
        ALL.put("receiver", ReceiverBenchmark::posts);
        ALL.put("receiver-durability", ReceiverBenchmark::durability);
        ALL.put("receiver-cold", ColdBenchmark::receiver);
        ALL.put("api", ApiBenchmark::reads);
        ALL.put("api-cold", ColdBenchmark::api);
        ALL.put("api-followers", ApiBenchmark::followers);
        ALL.put("api-many-followers", ApiBenchmark::manyFollowers);
        ALL.put("security", SecurityBenchmark::run);
        ALL.put("end-to-end", EndToEndBenchmark::run);
        ALL.put("startup", StartupBenchmark::run);
    }

    private static final List<String> MAIN = List.of("processor", "receiver", "api");

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    @Parameters(paramLabel = "NAME", description = "What to run; all if none is given")
    private List<String> names = List.of();

    @Option(
            names = "--quick",
            description =
                    "One short round, of the main three if no names are given: shows that it works, and judges no target")
    private boolean quick;

    @Option(names = "--warm-ups", description = "Rounds that don't count, 0 to 1,000")
    private @Nullable Integer warmUps;

    @Option(names = "--rounds", description = "Rounds that count, 1 to 1,000")
    private @Nullable Integer rounds;

    @Option(names = "--seconds", description = "How long a service is under load in each round, 1 to 1,000 seconds")
    private @Nullable Integer seconds;

    @Option(names = "--entries", description = "How many checkins a processor's backlog has, 1,000 to 2,000,000")
    private @Nullable Integer entries;

    @Option(
            names = "--out",
            description = "The folder for the results. Default: docs/benchmarks; with --quick, benchmarks/target/quick")
    private @Nullable Path out;

    @Option(
            names = "--project",
            defaultValue = ".",
            description = "The folder of the project, which has been packaged. Default: ${DEFAULT-VALUE}")
    private Path project = Path.of(".");

    public static void main(String[] args) {
        System.exit(new CommandLine(new Benchmarks())
                .addSubcommand(new ContestantCommand())
                .execute(args));
    }

    @Override
    public Integer call() throws IOException {
        names.stream().filter(name -> !ALL.containsKey(name)).findFirst().ifPresent(name -> {
            throw new ParameterException(
                    spec.commandLine(),
                    "There is no benchmark " + name + ". There are: " + String.join(" ", ALL.keySet()));
        });
        Scale scale = scale();
        PrintWriter console = spec.commandLine().getOut();
        Jars jars = new Jars(project);
        List<String> chosen = names.isEmpty() ? quick ? MAIN : List.copyOf(ALL.keySet()) : names;
        Path folder = out != null ? out : Path.of(quick ? "benchmarks/target/quick" : "docs/benchmarks");
        String targets = "";
        for (String name : chosen) {
            Report report = new Report(name, scale.tooLittle());
            try (Lab lab = new Lab(jars, scale, report, console)) {
                lab.say("-- %s, %d of %d".formatted(name, chosen.indexOf(name) + 1, chosen.size()));
                Objects.requireNonNull(ALL.get(name)).accept(lab);
            }
            report.write(folder, about(scale));
            targets = Report.writeIndex(folder, ALL.keySet());
        }
        console.println("\n" + targets + "\nThe results are in " + folder);
        return 0;
    }

    Scale scale() {
        Scale base = quick ? Scale.QUICK : Scale.FULL;
        return new Scale(
                within("--warm-ups", 0, 1_000, warmUps, base.warmUps()),
                within("--rounds", 1, 1_000, rounds, base.rounds()),
                within("--seconds", 1, 1_000, seconds, base.seconds()),
                within("--entries", 1_000, 2_000_000, entries, base.entries()));
    }

    private int within(String option, int least, int most, @Nullable Integer given, int otherwise) {
        if (given == null) {
            return otherwise;
        }
        if (given < least || given > most) {
            throw new ParameterException(
                    spec.commandLine(), "%s must be from %,d to %,d".formatted(option, least, most));
        }
        return given;
    }

    private Map<String, String> about(Scale scale) {
        Map<String, String> about = new LinkedHashMap<>();
        about.put("CPU", cpuName() + ", " + Runtime.getRuntime().availableProcessors() + " cores for everything");
        about.put("system", System.getProperty("os.name") + ' ' + System.getProperty("os.version"));
        about.put(
                "Java",
                System.getProperty("java.vm.name") + ' ' + Runtime.version() + ", "
                        + String.join(" ", Started.OPTIONS));
        about.put("Redis", RedisBinary.chosen().version() + ", no persistence unless said otherwise");
        about.put("rounds", "up to %d, after up to %d to warm up".formatted(scale.rounds(), scale.warmUps()));
        return about;
    }

    private static String cpuName() {
        try {
            return Files.readAllLines(Path.of("/proc/cpuinfo")).stream()
                    .filter(line -> line.startsWith("model name"))
                    .map(line -> line.substring(line.indexOf(':') + 1).strip())
                    .findFirst()
                    .orElse(System.getProperty("os.arch"));
        } catch (IOException e) {
            return System.getProperty("os.arch"); // not Linux
        }
    }

    @Command(name = "contestant", hidden = true)
    private static final class ContestantCommand implements Callable<Integer> {

        @Parameters(index = "0")
        private String name = "";

        @Parameters(index = "1")
        private int redisPort;

        @Parameters(index = "2", arity = "0..1", defaultValue = "0")
        private int port;

        @Override
        public Integer call() throws Exception {
            switch (name) {
                case "bare-client" -> Contestant.serve(new BareClient(redisPort, BatchScript.PROCESSOR));
                case "bare-client-minimal" -> Contestant.serve(new BareClient(redisPort, BatchScript.MINIMAL));
                case "one-at-a-time" -> Contestant.serve(new OneAtATime(redisPort));
                case "spring-data" -> Contestant.serve(new SpringDataProcessor(redisPort));
                case "empty-receiver" -> {
                    EmptyReceiver.run(port, redisPort);
                    Thread.currentThread().join(); // until it is killed
                }
                default -> throw new IllegalArgumentException(name);
            }
            return 0;
        }
    }
}
