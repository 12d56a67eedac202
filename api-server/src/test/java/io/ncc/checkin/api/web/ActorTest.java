package io.ncc.checkin.api.web;

import static org.assertj.core.api.Assertions.assertThat;

import io.ncc.checkin.service.security.Caller;
import io.ncc.checkin.service.security.Role;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.springframework.mock.web.MockHttpServletRequest;
import org.springframework.security.core.context.SecurityContextImpl;
import org.springframework.security.web.context.RequestAttributeSecurityContextRepository;

final class ActorTest {

    private final MockHttpServletRequest request = new MockHttpServletRequest();

    private void authenticate(String name) {
        request.setAttribute(
                RequestAttributeSecurityContextRepository.DEFAULT_REQUEST_ATTR_NAME,
                new SecurityContextImpl(new Caller(name, Set.of(Role.OPERATE), null)));
    }

    @Test
    void whoIsKnownIsNamed() {
        authenticate("operator");
        assertThat(Actor.of(request)).isEqualTo("operator");
    }

    @Test
    void whoIsNotKnownHasAnAddress() {
        request.setRemoteAddr("192.0.2.7");
        assertThat(Actor.of(request)).isEqualTo("someone at 192.0.2.7");
    }

    @Test
    void aNameIsNoLineOfTheLog() {
        authenticate("x\n2026 INFO all is well");
        assertThat(Actor.of(request)).isEqualTo("x?2026 INFO all is well");
    }
}
