package io.ncc.checkin.receiver;

import io.ncc.checkin.testsupport.RealRedis;
import io.ncc.checkin.testsupport.RoleChecks;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

@Timeout(60)
final class RolesIT extends RoleChecks {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static StartedReceiver receiver;

    RolesIT() {
        super(ContractObserver.CONTRACT);
    }

    @BeforeAll
    static void start() {
        receiver = StartedReceiver.on(redis, settings().toArray(String[]::new));
    }

    @AfterAll
    static void stop() {
        receiver.close();
    }

    @Override
    protected String url(String path) {
        return receiver.url(path);
    }
}
