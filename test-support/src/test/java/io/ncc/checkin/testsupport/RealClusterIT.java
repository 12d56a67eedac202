package io.ncc.checkin.testsupport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lettuce.core.RedisCommandExecutionException;
import io.ncc.checkin.testsupport.RealCluster.Node;
import io.ncc.checkin.testsupport.RealCluster.SlotMove;
import io.ncc.checkin.testsupport.RealCluster.WayToMove;
import java.util.List;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** In this order, because each test begins with what the one before has left. */
@Timeout(60)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
final class RealClusterIT {

    @RegisterExtension
    static final RealCluster cluster = RealCluster.withReplicas().setting("maxmemory", "50mb");

    private static final String KEY = "{tag}key";

    private static void assertWorkingAndEmpty() {
        for (Node primary : cluster.nodes().stream().filter(Node::isPrimary).toList()) {
            assertThat(primary.commands().dbsize()).isZero();
            assertThat(primary.commands().set(cluster.keyOf(primary), "value")).isEqualTo("OK");
            assertThat(primary.commands().configGet("maxmemory")).containsEntry("maxmemory", "52428800");
        }
        assertThat(cluster.replicaOf(KEY).commands().role()).contains("connected");
    }

    private static Node primaryWithout(String key) {
        return cluster.nodes().stream()
                .filter(node -> node.isPrimary() && !node.equals(cluster.primaryOf(key)))
                .findFirst()
                .orElseThrow();
    }

    static List<WayToMove> waysToMove() {
        return cluster.waysToMove();
    }

    @Test
    @Order(1)
    void aPrimaryTakesTheKeysOfItsSlotsOnly() {
        assertWorkingAndEmpty();
        assertThat(cluster.commands(KEY).set(KEY, "value")).isEqualTo("OK");
        assertThatThrownBy(() -> primaryWithout(KEY).commands().set(KEY, "value"))
                .isInstanceOf(RedisCommandExecutionException.class)
                .hasMessageStartingWith("MOVED ");
    }

    @Test
    @Order(2)
    void aReplicaCanBeMadeThePrimary() {
        cluster.commands(KEY).set(KEY, "value");
        Node replica = cluster.replicaOf(KEY);
        cluster.failOver(KEY);
        assertThat(cluster.primaryOf(KEY)).isEqualTo(replica);
        assertThat(cluster.commands(KEY).get(KEY)).isEqualTo("value");
    }

    @ParameterizedTest
    @Order(3)
    @MethodSource("waysToMove")
    void aSlotIsMovedWithItsKeys(WayToMove way) {
        for (int i = 0; i < 250; i++) {
            cluster.commands(KEY).set("{tag}" + i, "value");
        }
        Node source = cluster.primaryOf(KEY);
        Node target = primaryWithout(KEY);
        cluster.moveSlotOf(KEY, target, way);
        assertThat(target.commands().dbsize()).isEqualTo(250);
        assertThat(source.commands().dbsize()).isZero();
    }

    @Test
    @Order(4)
    void aMoveCanBeLeftUnfinished() {
        cluster.commands(KEY).set(KEY, "value");
        Node source = cluster.primaryOf(KEY);
        SlotMove move = cluster.beginToMoveSlotOf(KEY, primaryWithout(KEY));
        assertThat(source.commands().get(KEY)).isEqualTo("value");
        move.move(KEY);
        assertThatThrownBy(() -> source.commands().get(KEY)).hasMessageStartingWith("ASK ");
    }

    @Test
    @Order(5)
    void afterThatAPrimaryCanBePaused() {
        assertWorkingAndEmpty();
        cluster.primaryOf(KEY).pause();
    }

    @Test
    @Order(6)
    void afterThatAPrimaryCanBeKilled() {
        assertWorkingAndEmpty();
        Node replica = cluster.replicaOf(KEY);
        cluster.primaryOf(KEY).kill();
        cluster.awaitPrimary(KEY, replica);
    }

    @Test
    @Order(7)
    void afterThatItIsStillWorkingAndEmpty() {
        assertWorkingAndEmpty();
    }
}
