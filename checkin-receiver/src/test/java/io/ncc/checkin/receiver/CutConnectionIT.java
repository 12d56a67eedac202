package io.ncc.checkin.receiver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ncc.checkin.testsupport.Clients;
import io.ncc.checkin.testsupport.Ledger;
import io.ncc.checkin.testsupport.RealRedis;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** {@code -Dcut.seed=} repeats the pauses between the cuts, {@code -Dcut.cuts=} makes more of them. */
@Timeout(value = 60, unit = TimeUnit.MINUTES)
final class CutConnectionIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final Logger log = LoggerFactory.getLogger(CutConnectionIT.class);

    private static final long SEED = Long.getLong("cut.seed", System.nanoTime());
    private static final int CUTS =
            Integer.getInteger("cut.cuts", 20); // the pause after each gets longer, up to a second
    private static final int CLIENTS = 16;

    private static TestReceiver receiver;

    @BeforeAll
    static void start() {
        receiver = new TestReceiver(redis);
    }

    @AfterAll
    static void stop() {
        receiver.close();
    }

    @Test
    void aWriteWhoseConnectionIsCutIsNeitherLostNorRepeated() throws Exception {
        log.info("-Dcut.seed={}", SEED);
        var random = new Random(SEED);
        var ledger = new Ledger();
        var over = new AtomicBoolean();
        var accepted = new AtomicLong();
        long cut = 0;
        try (var clients = new Clients(CLIENTS, receiver::port, (client, number) -> {
            while (!over.get()) {
                Ledger.Attempt attempt = client.send(ledger.open(number % 4 == 0 ? 20 : 1, number % 2 == 0));
                if (attempt.isAccepted()) {
                    accepted.incrementAndGet();
                } else {
                    Thread.sleep(10); // while there is no connection, answers come at once
                }
            }
        })) {
            while (cut < CUTS) {
                long before = accepted.get();
                await().pollInterval(Duration.ofMillis(1))
                        .atMost(Duration.ofSeconds(10))
                        .until(() -> accepted.get() > before); // writes are under way again
                LockSupport.parkNanos(random.nextInt(3_000_000));
                cut += redis.killConnections();
            }
            over.set(true);
            clients.awaitEnd(10);
        }

        log.info("{} connections were cut: {}", cut, ledger.outcomes());
        ledger.requireKept(Stream.read(redis));
        assertThat(ledger.outcomes().keySet())
                .contains("202", "503 outcome-unknown")
                .isSubsetOf("202", "503 outcome-unknown", "503 redis-unavailable");
        assertThat(ledger.outcomes().get("503 outcome-unknown"))
                .as("cut while in flight")
                .isGreaterThan(CUTS / 4);
        assertThat(receiver.errors()).isEmpty();
    }
}
