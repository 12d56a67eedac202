package io.ncc.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lettuce.core.RedisURI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class ClusterSlotsTest {

    private static final RedisURI ASKED = RedisURI.builder()
            .withHost("asked.example.org")
            .withPort(6379)
            .withSsl(true)
            .withVerifyPeer(false)
            .withAuthentication("app", "secret")
            .withClientName("client")
            .withTimeout(Duration.ofSeconds(7))
            .build();

    private static List<Object> range(long first, long last, List<?>... servers) {
        List<Object> range = new ArrayList<>(List.of(first, last));
        range.addAll(List.of(servers));
        return range;
    }

    private static List<?> server(@Nullable String host, long port) {
        return Arrays.asList(host, port, "id", List.of("ip", "10.0.0.9"));
    }

    private static String address(RedisURI node) {
        return node.getHost() + " " + node.getPort();
    }

    @Test
    void theFirstServerOfARangeIsThePrimaryOfItsSlots() {
        ClusterSlots slots = ClusterSlots.of(
                List.of(
                        range(0, 5460, server("10.0.0.1", 7001), server("10.0.0.4", 7004)),
                        range(5461, 5461, server("10.0.0.2", 7002)),
                        range(10923, 16383, server("10.0.0.1", 7001))),
                ASKED);
        assertThat(address(slots.primaryOf(0))).isEqualTo("10.0.0.1 7001");
        assertThat(address(slots.primaryOf(5460))).isEqualTo("10.0.0.1 7001");
        assertThat(address(slots.primaryOf(5461))).isEqualTo("10.0.0.2 7002");
        assertThat(address(slots.primaryOf(16383))).isEqualTo("10.0.0.1 7001");
        assertThat(slots.nodes().stream().map(ClusterSlotsTest::address))
                .containsExactly("asked.example.org 6379", "10.0.0.1 7001", "10.0.0.4 7004", "10.0.0.2 7002");
    }

    @Test
    void aSlotWithoutANodeIsAnOutage() {
        ClusterSlots slots = ClusterSlots.of(List.of(range(0, 5460, server("10.0.0.1", 7001))), ASKED);
        assertThatThrownBy(() -> slots.primaryOf(5461))
                .hasMessageContaining("5461")
                .satisfies(e -> assertThat(RedisCondition.of(e)).isEqualTo(RedisCondition.CLUSTER_DOWN));
    }

    @ParameterizedTest
    @CsvSource({
        "10.0.0.1, 10.0.0.1",
        "node1.example.org, node1.example.org",
        "2001:db8::1, 2001:db8::1",
        "?, 10.0.0.9", // cluster-preferred-endpoint-type hostname, without a host name
        "'', asked.example.org", // its own address, which it doesn't know yet
        ", asked.example.org" // cluster-preferred-endpoint-type unknown-endpoint
    })
    void aHostIsFoundWhateverItIsCalled(@Nullable String host, String expected) {
        RedisURI primary = ClusterSlots.of(List.of(range(0, 16383, server(host, 7001))), ASKED)
                .primaryOf(9);
        assertThat(address(primary)).isEqualTo(expected + " 7001");
    }

    @Test
    void credentialsTlsAndTimeoutAreThoseOfTheNodeThatWasAsked() {
        RedisURI primary = ClusterSlots.of(List.of(range(0, 16383, server("10.0.0.1", 7001))), ASKED)
                .primaryOf(9);
        assertThat(primary.isSsl()).isTrue();
        assertThat(primary.getVerifyMode()).isEqualTo(ASKED.getVerifyMode());
        assertThat(primary.getCredentialsProvider()).isSameAs(ASKED.getCredentialsProvider());
        assertThat(primary.getClientName()).isEqualTo("client");
        assertThat(primary.getTimeout()).isEqualTo(Duration.ofSeconds(7));
    }
}
