package io.ncc.checkin.system.ledger;

import static org.awaitility.Awaitility.await;

import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.testsupport.Clients;
import io.ncc.checkin.testsupport.Clients.Client;
import io.ncc.checkin.testsupport.Ledger;
import io.ncc.checkin.testsupport.Ledger.Attempt;
import io.ncc.checkin.testsupport.Ledger.Posting;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Clients that post to all receivers in turn. A third of the clients send batches; half of the clients use idempotency keys, and send each request
 * until it is accepted. One more client posts pairs: two checkins of a user who has no others.
 */
final class Traffic implements AutoCloseable {

    /** A checkin that was answered with 202. */
    record Accepted(String id, Checkin checkin) {}

    private static final int CLIENTS = 7;
    private static final int OF_PAIRS = CLIENTS - 1;
    private static final int MOST_IN_A_BATCH = 20;
    private static final int PAUSE_MILLIS = 40;
    private static final int PAUSE_AFTER_BATCH_MILLIS = 250;
    private static final int RETRY_MILLIS = 50;

    /** One in so many keyed requests is sent again although it was accepted, as if the answer had been lost. */
    private static final int REPEATED = 20;

    private static final long END_SECONDS = 120;

    private final Ledger ledger;
    private final BlockingQueue<Accepted> recent = new LinkedBlockingQueue<>(20);
    private final AtomicInteger turn = new AtomicInteger();
    private final AtomicInteger accepted = new AtomicInteger();
    private final Clients clients;
    private volatile boolean over;

    /** @param ports of the receivers */
    Traffic(Ledger ledger, List<Integer> ports, long seed) {
        this.ledger = ledger;
        this.clients =
                new Clients(CLIENTS, () -> ports.get(turn.getAndIncrement() % ports.size()), (client, number) -> {
                    var random = new Random(seed + number);
                    while (!over) {
                        if (number == OF_PAIRS) {
                            postPair(client, random);
                        } else {
                            post(client, number, random);
                        }
                    }
                });
    }

    private void post(Client client, int number, Random random) throws InterruptedException, IOException {
        boolean keyed = number % 2 == 0;
        boolean batch = number % 3 == 0;
        Posting posting = ledger.open(batch ? 1 + random.nextInt(MOST_IN_A_BATCH) : 1, keyed);
        Attempt attempt = keyed ? untilAccepted(client, posting, random) : send(client, posting);
        if (keyed && random.nextInt(REPEATED) == 0) {
            attempt = send(client, posting);
        }
        if (attempt != null && attempt.isAccepted()) {
            accepted.incrementAndGet();
            recent.offer(new Accepted(
                    attempt.results().get(0).id(), posting.checkins().get(0)));
        }
        Thread.sleep(1 + random.nextInt(2 * (batch ? PAUSE_AFTER_BATCH_MILLIS : PAUSE_MILLIS)));
    }

    private void postPair(Client client, Random random) throws InterruptedException, IOException {
        List<Posting> pair = ledger.openPair();
        Attempt first = untilAccepted(client, pair.get(0), random);
        untilAccepted(client, pair.get(1), random);
        recent.offer(
                new Accepted(first.results().get(0).id(), pair.get(0).checkins().get(0)));
        Thread.sleep(1 + random.nextInt(2 * PAUSE_AFTER_BATCH_MILLIS));
    }

    private static Attempt untilAccepted(Client client, Posting posting, Random random)
            throws InterruptedException, IOException {
        Attempt attempt = send(client, posting);
        while (attempt == null || !attempt.isAccepted()) {
            Thread.sleep(1 + random.nextInt(RETRY_MILLIS));
            client.close(); // the next receiver may do better
            attempt = send(client, posting);
        }
        return attempt;
    }

    /** Null if nobody could be asked, or the answer broke off, which the ledger knows. */
    private static @Nullable Attempt send(Client client, Posting posting) throws IOException {
        try {
            return client.send(posting);
        } catch (IOException e) {
            client.close();
            return null;
        }
    }

    void awaitAccepted(int requests) {
        int before = accepted.get();
        await("traffic").atMost(Duration.ofSeconds(60)).until(() -> accepted.get() >= before + requests);
    }

    /** One of the last that were accepted; null if there is none for a moment. */
    @Nullable
    Accepted recent() throws InterruptedException {
        return recent.poll(100, TimeUnit.MILLISECONDS);
    }

    /** Returns when what has a key is accepted. */
    void end() {
        over = true;
        try {
            clients.awaitEnd(END_SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        } catch (TimeoutException e) {
            throw new AssertionError(
                    "A keyed request was not accepted in " + END_SECONDS + " s after all was healed", e);
        }
    }

    @Override
    public void close() {
        over = true;
        clients.close();
    }
}
