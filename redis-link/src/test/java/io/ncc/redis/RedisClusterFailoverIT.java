package io.ncc.redis;

import static org.assertj.core.api.Assertions.assertThat;

import io.lettuce.core.ClientOptions;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.SocketOptions;
import io.ncc.checkin.testsupport.RealCluster;
import io.ncc.checkin.testsupport.RealCluster.Node;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The replica of a primary takes over: the links to that primary follow, and the links to the others notice nothing. */
@Timeout(60)
final class RedisClusterFailoverIT {

    @RegisterExtension
    static final RealCluster cluster = RealCluster.withReplicas();

    private static final Logger log = LoggerFactory.getLogger(RedisClusterFailoverIT.class);

    /** Node timeout, election, the command that waits longest, and the connects until then. */
    private static final Duration FAILOVER_LIMIT = Duration.ofSeconds(10);

    /** A pause of another link. It only has to be less than any timeout, because the machine may be busy. */
    private static final Duration NOTHING = Duration.ofMillis(500);

    private final RedisClient client = RedisClient.create();
    private Node primary;
    private Node replica;
    private Pulse affected;
    private Pulse other;

    @BeforeEach
    void start() {
        client.setOptions(LinkOptions.apply(ClientOptions.builder(), Duration.ofSeconds(1))
                .socketOptions(SocketOptions.builder()
                        .connectTimeout(Duration.ofSeconds(1))
                        .build())
                .build());
        List<Node> primaries = cluster.nodes().stream().filter(Node::isPrimary).toList();
        primary = primaries.get(0);
        String key = cluster.keyOf(primary);
        replica = cluster.replicaOf(key);
        // the only configured node is the one that goes
        var servers = new RedisCluster(client, List.of(RedisURI.create(primary.uri())));
        affected = new Pulse(servers, key);
        other = new Pulse(servers, cluster.keyOf(primaries.get(1)));
    }

    @AfterEach
    void stop() {
        affected.close();
        other.close();
        client.shutdown(0, 1, TimeUnit.SECONDS);
    }

    private void assertThatTheLinkFollowsWithin(Duration limit) {
        cluster.awaitPrimary(affected.key(), replica);
        affected.awaitBeat();
        assertThat(portOf(affected.link())).isEqualTo(replica.port());
        log.info(
                "Failover: {} without a write, then at the replica; {} at another primary; conditions {}",
                affected.longestPause(),
                other.longestPause(),
                affected.conditions());
        assertThat(affected.longestPause()).isLessThan(limit);
        assertThat(affected.conditions()).allMatch(RedisCondition::isOutage);
        assertThat(other.longestPause()).isLessThan(NOTHING);
        assertThat(other.conditions()).isEmpty();
    }

    private static int portOf(RedisLink link) {
        return Integer.parseInt(link.call(commands -> commands.info("server"))
                .lines()
                .filter(line -> line.startsWith("tcp_port:"))
                .findFirst()
                .orElseThrow()
                .substring("tcp_port:".length()));
    }

    @Test
    void whenAnOperatorAsksForIt() {
        cluster.failOver(affected.key());
        assertThatTheLinkFollowsWithin(Duration.ofSeconds(1));
        assertThat(affected.conditions()).contains(RedisCondition.MOVED);
    }

    @Test
    void whenThePrimaryIsKilled() {
        primary.kill();
        assertThatTheLinkFollowsWithin(FAILOVER_LIMIT);
    }

    @Test
    void whenThePrimaryIsFrozen() {
        primary.pause();
        assertThatTheLinkFollowsWithin(FAILOVER_LIMIT);
    }
}
