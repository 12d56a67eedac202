package io.ncc.checkin.demo;

import static org.assertj.core.api.Assertions.assertThat;

import io.ncc.checkin.service.security.TokenDigests;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

final class DemoApplicationTest {

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(String... arguments) {
        return DemoApplication.commandLine()
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .setColorScheme(CommandLine.Help.defaultColorScheme(CommandLine.Help.Ansi.OFF))
                .execute(arguments);
    }

    @Test
    void helpNamesTheCommandsAndExitCodes() {
        assertThat(run("--help")).isZero();
        assertThat(out.toString()).contains("Usage: demo", "load ", "traffic ", "Exit codes:");
        assertThat(err.toString()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"load", "partition", "traffic", "token"})
    void everyCommandHasHelp(String command) {
        assertThat(run(command, "--help")).isZero();
        assertThat(out.toString()).contains("Usage: demo " + command, "Exit codes:");
    }

    @Test
    void aTokenComesWithTheSettingsThatLetItIn() {
        assertThat(run("token", "--name=phone", "--roles=own,read", "--user=17"))
                .isZero();
        List<String> lines = out.toString().lines().toList();
        String token = lines.get(0);
        assertThat(token).matches("chk_[A-Za-z0-9_-]{43}");
        assertThat(lines.subList(1, lines.size()))
                .containsExactly(
                        "",
                        "checkin.security.tokens[0].name=phone",
                        "checkin.security.tokens[0].sha256=" + TokenDigests.of(token),
                        "checkin.security.tokens[0].roles=own,read",
                        "checkin.security.tokens[0].user=17");
        assertThat(run("token")).isZero();
        assertThat(out.toString().lines().filter(line -> line.startsWith("chk_")))
                .doesNotHaveDuplicates()
                .hasSize(2);
    }

    @Test
    void versionNamesProductAndJava() {
        assertThat(run("--version")).isZero();
        assertThat(out.toString()).contains("Checkins demo", "Java " + Runtime.version());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "--nonsense",
                "xyz",
                "token --roles=nonsense",
                "token --roles=own",
                "token --user=17",
                "token --name=a:b",
                "--partitions=0",
                "--cluster --partitions=257",
                "--checkin.partitions=x",
                "load",
                "load nonsense",
                "load all --nonsense",
                "load all --checkin.receiver.durability=fsync",
                "load all more",
                "load all --reset --if-absent",
                "partition",
                "partition --from localhost --checkin.partitions=4",
                "partition --from redis://localhost --nonsense",
                "traffic --nonsense",
                "traffic --rate 0",
                "traffic --rate 10001",
                "traffic --rate x",
                "traffic --url ftp://localhost",
                "traffic --url localhost:8082",
                "traffic --users 0",
                "traffic --count 0",
                "traffic --duration 0s",
                "traffic --duration soon",
                "traffic --count 5 --duration 5s"
            })
    void wrongUsageEndsWithTwoAndAnExplanation(String arguments) {
        assertThat(run(arguments.split(" "))).isEqualTo(2);
        assertThat(err.toString()).contains("Usage: demo").doesNotContain("\tat ");
        assertThat(out.toString()).isEmpty();
    }
}
