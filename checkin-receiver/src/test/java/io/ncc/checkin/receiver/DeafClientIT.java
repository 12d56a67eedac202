package io.ncc.checkin.receiver;

import static org.assertj.core.api.Assertions.assertThat;

import io.ncc.checkin.testsupport.DeafClient;
import io.ncc.checkin.testsupport.HttpAnswer;
import io.ncc.checkin.testsupport.RawConnection;
import io.ncc.checkin.testsupport.RealRedis;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Clients that send and never read. {@code -Ddeaf.seconds=} makes it longer. */
@Timeout(60)
final class DeafClientIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final Duration TIME = Duration.ofSeconds(Integer.getInteger("deaf.seconds", 2));

    /** Far below what a write that blocks takes here, and enough for a busy machine. */
    private static final Duration SOON = Duration.ofSeconds(4);

    private static final byte[] CHECKIN =
            RawConnection.post("/checkins", "application/json", RawConnection.bytes(StartedReceiver.checkin(1)));

    /** No body, so an error of the kind that is answered before anything waits for Redis. */
    private static final byte[] NO_CHECKIN = RawConnection.post("/checkins", "application/json", new byte[0]);

    private static StartedReceiver receiver;

    @BeforeAll
    static void start() {
        // answers with a long Location soon fill the 4 MB that the system keeps for a connection
        receiver = StartedReceiver.on(
                redis,
                "checkin.receiver.api-base-url=http://api/" + "a".repeat(100_000),
                "server.tomcat.max-http-response-header-size=128KB",
                "server.tomcat.connection-timeout=20s",
                "spring.data.redis.timeout=8s");
    }

    @AfterAll
    static void stop() {
        receiver.close();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 20})
    void nobodyElseNoticesAClientThatDoesNotRead(int number) throws Exception {
        assertThat(receiver.accepts()).isTrue(); // the first is always slow
        List<DeafClient> deaf = new ArrayList<>();
        try {
            for (int i = 0; i < number; i++) {
                deaf.add(new DeafClient(receiver.port(), i % 5 == 4 ? NO_CHECKIN : CHECKIN));
            }
            deaf.get(0).awaitFull();
            long end = System.nanoTime() + TIME.toNanos();
            int answers = 0;
            for (long start = System.nanoTime(); start < end; start = System.nanoTime(), answers++) {
                HttpAnswer answer = receiver.post(StartedReceiver.checkin(2));
                assertThat(answer.status())
                        .as("%s, after %s others", answer.body(), answers)
                        .isEqualTo(202);
                assertThat(Duration.ofNanos(System.nanoTime() - start))
                        .as("after %s others", answers)
                        .isLessThan(SOON);
                Thread.sleep(10); // the other tests need the CPU
            }
        } finally {
            for (DeafClient client : deaf) {
                client.close();
            }
        }
    }
}
