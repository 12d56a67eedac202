package io.ncc.checkin.testsupport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.testcontainers.containers.GenericContainer;

final class ServerSourceTest {

    @Test
    void aDemandedServerThatIsMissingIsAnErrorThatNamesTheDemand() {
        assertThatThrownBy(() -> ServerSource.demanded("/nowhere/redis-server"))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageStartingWith("checkins.test.redis=/nowhere/redis-server can't be had:");
    }

    @Test
    void theReaperIsTheOneThatTestcontainersStarts() throws ReflectiveOperationException {
        var constructor =
                Class.forName("org.testcontainers.utility.RyukContainer").getDeclaredConstructor();
        constructor.setAccessible(true);
        assertThat(((GenericContainer<?>) constructor.newInstance()).getImage())
                .asString()
                .contains(ContainerServer.REAPER_IMAGE);
    }

    @Test
    void aServerOutsideOfItsTestClassIsAnErrorThatSaysWhy() {
        assertThatThrownBy(() -> RealRedis.server().port())
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("must be a static field with @RegisterExtension");
    }
}
