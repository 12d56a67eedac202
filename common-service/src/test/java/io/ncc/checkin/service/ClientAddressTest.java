package io.ncc.checkin.service;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class ClientAddressTest {

    @Test
    void aClientIsAnAddressOfIpv4() {
        assertThat(ClientAddress.of("192.0.2.1")).isNotEqualTo(ClientAddress.of("192.0.2.2"));
        assertThat(ClientAddress.of("::ffff:192.0.2.1")).isNotEqualTo(ClientAddress.of("::ffff:192.0.2.2"));
    }

    @Test
    void aClientIsANetworkOf64BitsOfIpv6() {
        String client = ClientAddress.of("2001:db8:0:1::1");
        assertThat(ClientAddress.of("2001:db8:0:1:ffff:ffff:ffff:ffff")).isEqualTo(client);
        assertThat(ClientAddress.of("2001:0db8:0000:0001:0:0:0:2%eth0")).isEqualTo(client);
        assertThat(ClientAddress.of("2001:db8:0:2::1")).isNotEqualTo(client);
    }

    @Test
    void whatIsNoAddressStandsForItself() {
        assertThat(ClientAddress.of("a:b")).isEqualTo("a:b");
        assertThat(ClientAddress.of("unknown")).isEqualTo("unknown");
    }
}
