package io.ncc.checkin.receiver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ncc.checkin.testsupport.Clients;
import io.ncc.checkin.testsupport.Jars;
import io.ncc.checkin.testsupport.Ledger;
import io.ncc.checkin.testsupport.Ledger.Attempt;
import io.ncc.checkin.testsupport.RealRedis;
import io.ncc.checkin.testsupport.ServiceProcess;
import java.net.SocketException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A receiver that is asked to stop while clients post. */
@Timeout(120)
final class ShutdownIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final Logger log = LoggerFactory.getLogger(ShutdownIT.class);

    private static final Path JAR = new Jars(Path.of("..")).extracted("checkin-receiver");
    private static final int CLIENTS = 32;

    /** Less than a command may take, so that they are answered with 202. */
    private static final int UNDER_WAY_FOR_MILLIS = 300;

    private static final int SIGTERM = 128 + 15;

    @TempDir
    Path folder;

    @Test
    void whatWasSentBeforeTheEndIsAnsweredAndEveryAnswerIsKept() throws Exception {
        var ledger = new Ledger();
        var accepted = new AtomicInteger();
        long asked;
        try (var receiver = ServiceProcess.ofJar("receiver", folder, List.of(), JAR, TestReceiver.settings(redis))) {
            receiver.awaitUp();
            try (var clients = new Clients(CLIENTS, receiver::port, (client, number) -> {
                while (true) {
                    try {
                        Attempt attempt = client.send(ledger.open(number % 4 == 0 ? 20 : 1, number % 8 < 2));
                        if (attempt.isAccepted()) {
                            accepted.incrementAndGet();
                        } else if (attempt.status() == 0) {
                            client.close(); // and on with a new one, until there is none
                        }
                    } catch (SocketException e) { // there is nobody to connect to
                        return;
                    }
                }
            })) {
                await().atMost(Duration.ofSeconds(20)).until(() -> accepted.get() > 2_000);
                redis.commands().clientPause(UNDER_WAY_FOR_MILLIS);
                Thread.sleep(UNDER_WAY_FOR_MILLIS / 3); // now each client waits for an answer
                asked = System.nanoTime();
                receiver.stop();
                int exitCode = receiver.exitCodeWithin(Duration.ofSeconds(20));
                log.info(
                        "ended after {} ms with {}",
                        Duration.ofNanos(System.nanoTime() - asked).toMillis(),
                        exitCode);
                assertThat(exitCode).isIn(0, SIGTERM);
                clients.awaitEnd(20); // fails if an answer was broken off
            }
            assertThat(receiver.output()).doesNotContain(" ERROR ");
        }

        log.info("answers: {}", ledger.outcomes());
        ledger.requireKept(Stream.read(redis));
        List<Attempt> attempts = ledger.postings().stream()
                .flatMap(posting -> posting.attempts().stream())
                .toList();
        assertThat(attempts)
                .filteredOn(attempt -> attempt.sent() < asked)
                .as("sent before the stop")
                .isNotEmpty()
                .allMatch(attempt -> attempt.status() != 0, "was answered");
        assertThat(attempts)
                .filteredOn(attempt -> attempt.sent() < asked && attempt.answered() > asked)
                .as("under way at the stop")
                .hasSizeGreaterThan(CLIENTS / 2)
                .allMatch(Attempt::isAccepted);
        assertThat(ledger.outcomes().keySet()).allMatch(outcome -> outcome.matches("202|503 .*|no answer"));
    }
}
