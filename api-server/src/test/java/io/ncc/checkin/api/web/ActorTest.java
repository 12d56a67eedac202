package io.ncc.checkin.api.web;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.springframework.mock.web.MockHttpServletRequest;

final class ActorTest {

    private final MockHttpServletRequest request = new MockHttpServletRequest();

    @Test
    void whoIsKnownIsNamed() {
        request.setUserPrincipal(() -> "operator");
        assertThat(Actor.of(request)).isEqualTo("operator");
    }

    @Test
    void whoIsNotKnownHasAnAddress() {
        request.setRemoteAddr("192.0.2.7");
        assertThat(Actor.of(request)).isEqualTo("someone at 192.0.2.7");
    }

    @Test
    void aNameIsNoLineOfTheLog() {
        request.setUserPrincipal(() -> "x\n2026 INFO all is well");
        assertThat(Actor.of(request)).isEqualTo("x?2026 INFO all is well");
    }
}
