package io.ncc.checkin.demo;

import static org.assertj.core.api.Assertions.assertThat;

import io.ncc.checkin.demo.load.SampleData;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.testsupport.RealCluster;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import picocli.CommandLine;

@Timeout(120)
final class ClusterLoadIT {

    @RegisterExtension
    static final RealCluster cluster = RealCluster.withoutReplicas();

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int load(String... arguments) {
        return DemoApplication.commandLine()
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .setColorScheme(CommandLine.Help.defaultColorScheme(CommandLine.Help.Ansi.OFF))
                .execute(arguments);
    }

    private static String addresses() {
        return "--spring.data.redis.cluster.nodes="
                + cluster.nodes().stream()
                        .map(node -> "127.0.0.1:" + node.port())
                        .collect(Collectors.joining(","));
    }

    @Test
    void eachPartitionIsLoadedWhereItsSlotIs() {
        Partitions partitions = Partitions.of(16);

        assertThat(load("load", "all", "--checkin.partitions=16", addresses()))
                .as(err.toString())
                .isZero();

        assertThat(err.toString()).isEmpty();
        assertThat(IntStream.range(0, 16)
                        .mapToObj(partition -> partitions.keys(partition).checkins())
                        .mapToLong(stream -> cluster.commands(stream).xlen(stream))
                        .sum())
                .isEqualTo(SampleData.CHECKINS);
        Keys home = partitions.keys(partitions.ofUser(789));
        assertThat(cluster.commands(home.user(789)).hget(home.user(789), "id")).isEqualTo("789");
        assertThat(cluster.nodes().stream()
                        .mapToLong(
                                node -> node.commands().keys("ncc:{*}:users:*").size())
                        .sum())
                .isEqualTo(SampleData.USERS);

        assertThat(load("load", "indexes", "--checkin.partitions=16", addresses()))
                .as(err.toString())
                .isZero();
        assertThat(out.toString()).endsWith("1,000 users and 200 locations indexed, 0 stale entries removed\n");
    }

    @Test
    void aNodeThatIsTakenForASingleServerIsRefused() {
        assertThat(load(
                        "load",
                        "all",
                        "--spring.data.redis.url=" + cluster.nodes().get(0).uri()))
                .isEqualTo(1);

        assertThat(err.toString().lines())
                .singleElement()
                .satisfies(line -> assertThat(line)
                        .startsWith("Redis is refused: ")
                        .contains("is a node of a Redis Cluster")
                        .contains("spring.data.redis.cluster.nodes"));
    }

    @Test
    void aPartitionThatIsAwayIsOneLineAndNothingIsWritten() {
        Keys keys = Partitions.of(16).keys(15);
        cluster.primaryOf(keys.checkins()).kill();

        assertThat(load("load", "all", "--checkin.partitions=16", addresses())).isEqualTo(1);

        assertThat(err.toString().lines())
                .singleElement()
                .satisfies(line -> assertThat(line).startsWith("Redis: "));
        assertThat(out.toString()).isEmpty();
    }
}
