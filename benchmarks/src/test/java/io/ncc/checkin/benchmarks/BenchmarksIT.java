package io.ncc.checkin.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The runnable jar, as a user runs it, but with as little load as can be: it shows that the benchmarks work, not how quick anything is. */
@Timeout(1_800)
final class BenchmarksIT {

    private static final Path TARGET = Path.of("target");

    /** All benchmarks, which takes much longer, or that of the receiver. */
    private static final boolean ALL = Boolean.getBoolean("benchmarks.all");

    private static final String RECEIVER = "Receiver: single POSTs over 64 connections";

    @Test
    void whatIsMeasuredIsWrittenDown(@TempDir Path out) throws Exception {
        String output = run(out, 0, ALL ? new String[0] : new String[] {"receiver"});

        Collection<String> receivers = contestants(out, "receiver", RECEIVER);
        assertThat(receivers).contains("empty endpoint (ceiling)", "checkin-receiver");
        for (Peer peer : Peer.values()) { // without Node.js or its packages, it says so
            assertThat(receivers.contains(peer.title()))
                    .as(peer.title())
                    .isNotEqualTo(output.contains("Without " + peer.title() + ": "));
        }
        assertThat(results(out, "receiver")
                        .at("/" + RECEIVER + "/contestants/checkin-receiver/0/perSecond")
                        .asDouble())
                .isPositive();
        assertThat(Files.readString(out.resolve("README.md")))
                .contains("| receiver: of an empty endpoint | at least 0.9 |")
                .contains("[receiver](receiver.md)")
                .contains("| not judged |", "rounds: 1 instead of at least 3")
                .doesNotContain("| yes |", "| **no** |");
        assertThat(Files.readString(out.resolve("receiver.md"))).contains("| checkin-receiver |", "(receiver.svg)");
        assertThat(Files.readString(out.resolve("receiver-latency.svg")))
                .startsWith("<")
                .contains("<svg");
        if (ALL) {
            assertThat(contestants(out, "processor", "Processor: a backlog, stream to hashes"))
                    .contains(
                            "bare client (ceiling)",
                            "bare client, minimal script",
                            "checkin-processor",
                            "Spring Data container",
                            "one at a time");
            assertThat(Files.readString(out.resolve("README.md")))
                    .contains("| processor: of a bare client with the same script | at least 0.95 |")
                    .contains("| processor: of a bare client with a minimal script | at least 0.95 |");
            assertThat(contestants(out, "partitions", "Processor: a backlog, by the number of partitions"))
                    .contains("no partitions", "P = 1", "P = 64");
            assertThat(Files.readString(out.resolve("partitions-primaries.md"))).contains("| 3 primaries |");
            assertThat(contestants(out, "receiver-cold", "The first 10,000 POST /checkins after a start"))
                    .contains("checkin-receiver, plain jar");
            assertThat(Files.readString(out.resolve("README.md")))
                    .contains("[end-to-end](end-to-end.md)", "[startup](startup.md)");
        }
    }

    private static Collection<String> contestants(Path out, String benchmark, String title) {
        return results(out, benchmark)
                .at("/" + title.replace("/", "~1") + "/contestants")
                .propertyNames();
    }

    private static JsonNode results(Path out, String benchmark) {
        return JsonMapper.builder().build().readTree(out.resolve(benchmark + ".json"));
    }

    @Test
    void anUnknownNameIsRefusedBeforeAnythingStarts(@TempDir Path out) throws Exception {
        assertThat(run(out, 2, "no-such-benchmark"))
                .contains("There is no benchmark no-such-benchmark", "processor-latency");
        assertThat(out).isEmptyDirectory();
    }

    private static String run(Path out, int expectedStatus, String... names) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-jar",
                TARGET.resolve("benchmarks.jar").toString(),
                "--project=" + Path.of(".."),
                "--out=" + out,
                "--warm-ups=0",
                "--rounds=1",
                "--seconds=1",
                "--entries=20000"));
        command.addAll(List.of(names));
        Path log = Files.createTempFile("benchmarks", ".log");
        ProcessBuilder builder =
                new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile());
        // for all the JVMs that it starts: they take longer to start than to run
        builder.environment()
                .put(
                        "JDK_JAVA_OPTIONS",
                        "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:+UnlockDiagnosticVMOptions -XX:-BytecodeVerificationRemote");
        Process process = builder.start();
        try {
            assertThat(process.waitFor(ALL ? 25 : 8, TimeUnit.MINUTES)).isTrue();
            String output = Files.readString(log);
            assertThat(process.exitValue()).as(output).isEqualTo(expectedStatus);
            return output;
        } finally {
            process.destroyForcibly();
            Files.delete(log);
        }
    }
}
