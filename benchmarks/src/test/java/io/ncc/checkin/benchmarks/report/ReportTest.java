package io.ncc.checkin.benchmarks.report;

import static org.assertj.core.api.Assertions.assertThat;

import io.ncc.checkin.benchmarks.measure.Contest;
import io.ncc.checkin.benchmarks.measure.Sample;
import io.ncc.checkin.benchmarks.measure.Spread;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.HdrHistogram.Histogram;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ReportTest {

    @Test
    void aTargetIsMetOrNot(@TempDir Path folder) throws IOException {
        write(folder, "long", Optional.empty());
        assertThat(Report.writeIndex(folder, List.of("long")))
                .contains("| quick | at least 2.0 | 2.00 | 1.00 to 3.00 | yes |")
                .contains("| slow | at least 2.5 | 2.00 | 1.00 to 3.00 | **no** |")
                .contains("| late | less than 5.0 | 5.00 |  | **no** |")
                .doesNotContain("Not judged");
    }

    @Test
    void aRunThatIsTooShortHasFiguresAndNoVerdict(@TempDir Path folder) throws IOException {
        write(folder, "short", Optional.of("rounds: 1"));
        assertThat(Report.writeIndex(folder, List.of("short")))
                .contains("| quick | at least 2.0 | 2.00 | 1.00 to 3.00 | not judged |")
                .contains("| late | less than 5.0 | 5.00 |  | not judged |")
                .endsWith("\nNot judged, because the run was too short: rounds: 1.\n")
                .doesNotContain("| yes |", "| **no** |");
        assertThat(Files.readString(folder.resolve("short.json"))).contains("\"met\" : null");
    }

    @Test
    void verdictsOfALongRunRemainBesideAShortOne(@TempDir Path folder) throws IOException {
        write(folder, "long", Optional.empty());
        write(folder, "short", Optional.of("rounds: 1"));
        assertThat(Report.writeIndex(folder, List.of("long", "short"))).contains("| yes |", "| not judged |");
    }

    private static void write(Path folder, String name, Optional<String> tooLittle) throws IOException {
        Report report = new Report(name, tooLittle);
        report.target("quick", 2, new Spread(2, 1, 3));
        report.target("slow", 2.5, new Spread(2, 1, 3));
        report.targetAtMost("late", 5, 5);
        report.write(folder, Map.of());
    }

    @Test
    void whatTheFirstRequestsTookIsBesideTheWarmFigures(@TempDir Path folder) throws IOException {
        Report report = new Report("cold", Optional.empty());
        report.coldAndWarm(
                new Contest.Result("Cold", "requests", Map.of("a", List.of(sample(4_000, 3), sample(5_000, 3)))),
                new Contest.Result("Warm", "requests", Map.of("a", List.of(sample(20_000, 2)))),
                10_000,
                "");
        report.write(folder, Map.of());
        assertThat(Files.readString(folder.resolve("cold.md")))
                .contains("| a | 2.22 s | 2.00 to 2.50 | 3.00 ms | 3.00 ms | 20,000 | 2.00 ms | 2.00 ms |");
        assertThat(Files.readString(folder.resolve("cold.json"))).contains("\"Cold\"", "\"Warm\"");
    }

    private static Sample sample(double perSecond, long milliseconds) {
        Histogram latency = new Histogram(3);
        latency.recordValue(1_000_000 * milliseconds);
        return new Sample(perSecond, Map.of(), latency);
    }
}
