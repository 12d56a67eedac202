package io.ncc.checkin.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

final class BenchmarksTest {

    @Test
    void entriesAreCountedOneByOne() {
        Benchmarks benchmarks = new Benchmarks();
        new CommandLine(benchmarks).parseArgs("--entries=1000000", "--warm-ups=0", "--rounds=1", "--seconds=2");

        assertThat(benchmarks.scale()).isEqualTo(new Scale(0, 1, 2, 1_000_000));
    }

    @ParameterizedTest
    @CsvSource({"--entries=20", "--entries=2000001", "--warm-ups=-1", "--rounds=0", "--seconds=0"})
    void whatIsOutOfRangeIsRefusedBeforeAnythingStarts(String option, @TempDir Path out) {
        StringWriter errors = new StringWriter();

        int status = new CommandLine(new Benchmarks())
                .setErr(new PrintWriter(errors))
                .execute(option, "--out=" + out, "--project=" + out, "processor");

        assertThat(status).isEqualTo(CommandLine.ExitCode.USAGE);
        assertThat(errors.toString()).contains(option.substring(0, option.indexOf('=')) + " must be");
        assertThat(out).isEmptyDirectory();
    }
}
