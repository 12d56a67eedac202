package io.ncc.checkin.localredis;

import static io.ncc.checkin.localredis.Conversation.ask;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** Run with each binary that this machine has, or with the demanded one. At the same time, as they mostly wait for the nodes to see each other. */
@Timeout(60)
@Execution(ExecutionMode.CONCURRENT)
@ParameterizedClass
@MethodSource("binaries")
final class LocalClusterIT {

    private final RedisBinary binary;

    LocalClusterIT(RedisBinary binary) {
        this.binary = binary;
    }

    static List<RedisBinary> binaries() {
        return RedisBinary.all();
    }

    @Test
    void aReplicaTakesOverForAKilledPrimaryWhichComesBackAsItsReplica() {
        try (var cluster = LocalCluster.with(binary).replicas().start()) {
            assertThat(cluster.nodes()).hasSize(6);
            LocalRedis primary = cluster.nodes().get(0);
            LocalRedis replica = cluster.nodes().get(3);
            assertThat(ask(primary, "SET {a}key value"))
                    .as("a slot of the third primary")
                    .startsWith("-MOVED 15495 ");
            assertThat(ask(primary, "SET {b}key value")).isEqualTo("+OK");
            await().untilAsserted(() -> assertThat(ask(replica, "DBSIZE")).isEqualTo(":1"));

            primary.kill();
            await().atMost(Duration.ofSeconds(20)).until(() -> ask(replica, "GET {b}key"), "value"::equals);
            assertThat(ask(cluster.nodes().get(1), "CLUSTER INFO"))
                    .as("the others go on")
                    .contains("cluster_state:ok");

            primary.startAgain();
            cluster.awaitReady();
            assertThat(ask(primary, "INFO replication")).contains("role:slave");
        }
    }

    @Test
    void withoutReplicasThePrimariesServeAllSlotsAndCloseLeavesNothing() {
        var cluster = LocalCluster.with(binary).setting("maxmemory", "50mb").start();
        try (cluster) {
            assertThat(cluster.nodes())
                    .hasSize(3)
                    .allSatisfy(node ->
                            assertThat(ask(node, "CONFIG GET maxmemory")).isEqualTo("52428800"));
            assertThat(cluster.nodes().stream().map(node -> ask(node, "SET {a}key value")))
                    .containsOnlyOnce("+OK");
            cluster.nodes().get(1).pause();
            cluster.nodes().get(2).kill();
        }
        assertThat(cluster.nodes()).allSatisfy(node -> {
            assertThat(node.isRunning()).isFalse();
            assertThat(node.folder()).doesNotExist();
        });
    }

    @Test
    void aServerThatDoesNotStartIsQuotedFromItsLog() {
        assertThatThrownBy(() ->
                        LocalCluster.with(binary).setting("maxmemory", "lots").start())
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("FATAL CONFIG FILE ERROR");
    }
}
