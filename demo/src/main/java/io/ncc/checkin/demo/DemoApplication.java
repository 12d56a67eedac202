package io.ncc.checkin.demo;

import io.ncc.checkin.demo.load.LoadCommand;
import io.ncc.checkin.demo.load.PartitionCommand;
import io.ncc.checkin.demo.traffic.TrafficCommand;
import io.ncc.checkin.model.Partitions;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import org.springframework.core.NestedExceptionUtils;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The command line. It is parsed before any Spring context starts, so that help and usage errors come at once. */
@Command(
        name = "demo",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        subcommands = {LoadCommand.class, PartitionCommand.class, TrafficCommand.class, TokenCommand.class},
        description = {
            "Without a command: runs Redis, the three services, the sample data and some live traffic. Ctrl-C stops everything."
        },
        synopsisSubcommandLabel = "[COMMAND]",
        commandListHeading = "%nCommands:%n",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:done", "1:failed; a line on the error output says why", "2:wrong usage"},
        footer = {"", "\"demo COMMAND --help\" describes a command."})
final class DemoApplication implements Callable<Integer> {

    private static final int PARTITIONS_OF_CLUSTER = 16;

    @Spec
    @SuppressWarnings("NullAway.Init") // by picocli
    private CommandSpec spec;

    @Option(
            names = "--cluster",
            description =
                    "Runs a Redis Cluster of three primaries and three replicas instead of one Redis server, with "
                            + PARTITIONS_OF_CLUSTER + " partitions unless --partitions is given.")
    private boolean cluster;

    @Option(
            names = {"--partitions", "--checkin.partitions"},
            paramLabel = "P",
            description = "How many partitions there are, 1 to " + Partitions.MOST
                    + ". Without this option and --cluster there is one stream without a partition.")
    private @Nullable Integer partitions;

    public static void main(String[] args) {
        System.exit(commandLine().execute(args));
    }

    static CommandLine commandLine() {
        return new CommandLine(new DemoApplication())
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setUsageHelpAutoWidth(true);
    }

    /** Runs everything until this process is told to end. */
    @Override
    public Integer call() throws InterruptedException {
        var all = new RunAll(
                RunAll.Ports.DEFAULT, cluster, partitions(), spec.commandLine().getOut());
        try {
            all.start();
        } catch (RuntimeException e) {
            spec.commandLine()
                    .getErr()
                    .println("The demo could not start: "
                            + NestedExceptionUtils.getMostSpecificCause(e).getMessage());
            return 1;
        }
        Runtime.getRuntime().addShutdownHook(new Thread(all::close, "stop"));
        new CountDownLatch(1).await();
        return 0;
    }

    private Partitions partitions() {
        if (partitions == null) {
            return cluster ? Partitions.of(PARTITIONS_OF_CLUSTER) : Partitions.none();
        }
        try {
            return Partitions.of(partitions);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), "--" + e.getMessage(), e);
        }
    }
}
