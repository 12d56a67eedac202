package io.ncc.checkin.receiver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ncc.checkin.testsupport.Clients;
import io.ncc.checkin.testsupport.Ledger;
import io.ncc.checkin.testsupport.RawConnection;
import io.ncc.checkin.testsupport.RealRedis;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Redis is given every kind of trouble while many clients post, and the stream must be what the answers say.
 *
 * <p>{@code -Dfaults.seed=} repeats the faults of a run, {@code -Dfaults.seconds=} makes it longer.
 */
@Timeout(value = 60, unit = TimeUnit.MINUTES)
final class FaultsIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final Logger log = LoggerFactory.getLogger(FaultsIT.class);

    private static final long SEED = Long.getLong("faults.seed", System.nanoTime());
    private static final Duration LENGTH = Duration.ofSeconds(Integer.getInteger("faults.seconds", 10));
    private static final int CLIENTS = 64;
    private static final int BATCH = 20;

    /** Twice {@code spring.data.redis.timeout}, for the wait for the write before and one's own, and a second for the machine. */
    private static final Duration DEADLINE = Duration.ofSeconds(5);

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
    void whateverHappensToRedisTheStreamIsWhatTheAnswersSay() throws Exception {
        log.info("-Dfaults.seed={} -Dfaults.seconds={}", SEED, LENGTH.toSeconds());
        var ledger = new Ledger();
        var over = new AtomicBoolean();
        List<Fault> done = new ArrayList<>();
        try (var clients = new Clients(CLIENTS, receiver::port, (client, number) -> {
            var random = new Random(SEED + number);
            while (!over.get()) {
                post(client, ledger, number, random);
            }
        })) {
            var random = new Random(SEED);
            long end = System.nanoTime() + LENGTH.toNanos();
            while (System.nanoTime() < end) {
                List<Fault> faults = new ArrayList<>(List.of(Fault.values()));
                Collections.shuffle(faults, random);
                for (Fault fault : faults) {
                    Thread.sleep(100 + random.nextInt(500));
                    log.info("Fault: {}", fault);
                    fault.happen(random);
                    done.add(fault);
                }
            }
            over.set(true);
            clients.awaitEnd(30); // those with a key are sent until they are accepted
        }

        log.info("{} faults: {}; the longest took {}", done.size(), ledger.outcomes(), ledger.longest());
        String seed = "-Dfaults.seed=" + SEED;
        ledger.requireKept(Stream.read(redis));
        assertThat(ledger.outcomes().keySet())
                .as(seed)
                .contains("202", "503 outcome-unknown", "503 redis-unavailable", "503 redis-read-only")
                .contains("503 redis-out-of-memory")
                .allMatch(outcome -> outcome.equals("202") || outcome.startsWith("503 "));
        assertThat(ledger.longest()).as(seed).isLessThan(DEADLINE);
        assertThat(ledger.postings().stream()
                        .filter(posting -> posting.attempts().size() > 1))
                .as("%s: postings that were sent again", seed)
                .isNotEmpty()
                .allMatch(Ledger.Posting::isAccepted);
        assertThat(receiver.errors()).as(seed).isEmpty();
        var after = new Ledger();
        await().atMost(Duration.ofSeconds(15)).until(() -> {
            try (var connection = new RawConnection(receiver.port())) {
                return after.open(1, false).send(connection).isAccepted();
            }
        });
    }

    /** Half of the clients post single checkins without a key, a quarter single ones with a key, and a quarter batches with a key. */
    private static void post(Clients.Client client, Ledger ledger, int number, Random random) throws Exception {
        boolean keyed = number % 2 == 0;
        Ledger.Posting posting = ledger.open(number % 4 == 0 ? BATCH : 1, keyed);
        Ledger.Attempt attempt = client.send(posting);
        for (int retries = 0; keyed && !attempt.isAccepted() && retries < 1_000; retries++) {
            Thread.sleep(10 + random.nextInt(40));
            attempt = client.send(posting);
        }
        if (keyed && random.nextInt(20) == 0) {
            client.send(posting); // as if the answer had been lost
        }
        Thread.sleep(random.nextInt(attempt.isAccepted() ? 20 : 50));
    }

    private enum Fault {
        STOPPED {
            @Override
            void happen(Random random) throws InterruptedException {
                redis.stop();
                Thread.sleep(random.nextInt(800));
                redis.start();
            }
        },
        KILLED {
            @Override
            void happen(Random random) throws InterruptedException {
                redis.kill(); // what it has answered is on disk
                Thread.sleep(random.nextInt(400));
                redis.start();
            }
        },
        FROZEN {
            @Override
            void happen(Random random) throws InterruptedException {
                redis.pause();
                Thread.sleep(100 + random.nextInt(1_400));
                redis.resume();
            }
        },
        CLIENTS_PAUSED {
            @Override
            void happen(Random random) throws InterruptedException {
                int millis = 100 + random.nextInt(1_000);
                redis.commands().clientPause(millis);
                Thread.sleep(millis);
            }
        },
        OUT_OF_MEMORY {
            @Override
            void happen(Random random) throws InterruptedException {
                redis.fillMemory();
                Thread.sleep(200 + random.nextInt(600));
                redis.releaseMemory();
            }
        },
        READ_ONLY {
            @Override
            void happen(Random random) throws InterruptedException {
                redis.commands().replicaof("127.0.0.1", 1);
                Thread.sleep(200 + random.nextInt(600));
                redis.commands().replicaofNoOne();
            }
        },
        CONNECTIONS_CUT {
            @Override
            void happen(Random random) throws InterruptedException {
                for (int i = 1 + random.nextInt(5); i > 0; i--) {
                    redis.killConnections();
                    Thread.sleep(random.nextInt(60));
                }
            }
        },
        SCRIPTS_FLUSHED {
            @Override
            void happen(Random random) {
                redis.commands().scriptFlush();
            }
        },
        SCRIPTS_FLUSHED_AND_FROZEN {
            @Override
            void happen(Random random) throws InterruptedException {
                redis.commands().scriptFlush();
                redis.pause();
                Thread.sleep(400 + random.nextInt(400));
                redis.resume();
            }
        };

        abstract void happen(Random random) throws InterruptedException;
    }
}
