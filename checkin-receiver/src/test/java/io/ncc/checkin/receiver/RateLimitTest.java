package io.ncc.checkin.receiver;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class RateLimitTest {

    @Test
    void aClientIsAnAddressOfIpv4() {
        assertThat(RateLimit.clientOf("192.0.2.1")).isNotEqualTo(RateLimit.clientOf("192.0.2.2"));
        assertThat(RateLimit.clientOf("::ffff:192.0.2.1")).isNotEqualTo(RateLimit.clientOf("::ffff:192.0.2.2"));
    }

    @Test
    void aClientIsANetworkOf64BitsOfIpv6() {
        String client = RateLimit.clientOf("2001:db8:0:1::1");
        assertThat(RateLimit.clientOf("2001:db8:0:1:ffff:ffff:ffff:ffff")).isEqualTo(client);
        assertThat(RateLimit.clientOf("2001:0db8:0000:0001:0:0:0:2%eth0")).isEqualTo(client);
        assertThat(RateLimit.clientOf("2001:db8:0:2::1")).isNotEqualTo(client);
    }

    @Test
    void whatIsNoAddressStandsForItself() {
        assertThat(RateLimit.clientOf("a:b")).isEqualTo("a:b");
        assertThat(RateLimit.clientOf("unknown")).isEqualTo("unknown");
    }
}
