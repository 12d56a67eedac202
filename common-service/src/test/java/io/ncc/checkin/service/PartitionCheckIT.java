package io.ncc.checkin.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatNoException;

import io.lettuce.core.RedisClient;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.testsupport.RealRedis;
import io.ncc.redis.SingleRedis;
import io.ncc.redis.UnfitServerException;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

@Timeout(60)
final class PartitionCheckIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final Partitions FOUR = Partitions.of(4);

    private RedisClient client;

    @BeforeEach
    void open() {
        client = RedisClient.create(redis.uri());
    }

    @AfterEach
    void close() {
        client.shutdown();
    }

    /** As a service that was started just now. */
    private void greet(Partitions partitions, int partition) {
        new PartitionCheck(partitions, new SingleRedis(client)).of(partition).accept(redis.commands());
    }

    @Test
    void theFirstConnectionToAPartitionFixesTheNumberThereAndInTheFirstPartition() {
        greet(FOUR, 3);

        assertThat(redis.commands().keys("*"))
                .containsExactlyInAnyOrder(
                        FOUR.keys(0).partitions(), FOUR.keys(3).partitions());
        assertThat(redis.commands().get(FOUR.keys(3).partitions())).isEqualTo("4");
        Stream.of(Partitions.of(8), Partitions.none())
                .forEach(other -> assertThatExceptionOfType(UnfitServerException.class)
                        .isThrownBy(() -> greet(other, other.count() - 1))
                        .withMessageContaining(
                                "but Redis has 4 partitions, as " + FOUR.keys(0).partitions() + " says."));
    }

    @Test
    void whereTheNumberIsKnownNothingIsWrittenSoThatAFullMemoryOrAMissingReplicaDoesNotMatter() {
        FOUR.all().forEach(partition -> greet(FOUR, partition));
        redis.fillMemory();
        redis.commands().configSet("min-replicas-to-write", "1");
        try {
            assertThatNoException().isThrownBy(() -> FOUR.all().forEach(partition -> greet(FOUR, partition)));
        } finally {
            redis.commands().configSet("min-replicas-to-write", "0");
            redis.releaseMemory();
        }
    }

    @Test
    void aComparisonWritesNothing() {
        PartitionCheck check = new PartitionCheck(FOUR, new SingleRedis(client));
        assertThat(check.compare(3, redis.commands())).isFalse();
        assertThat(redis.commands().keys("*")).isEmpty();
        greet(FOUR, 3);
        assertThat(check.compare(3, redis.commands())).isTrue();
    }
}
