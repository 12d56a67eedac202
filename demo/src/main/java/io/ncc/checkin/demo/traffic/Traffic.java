package io.ncc.checkin.demo.traffic;

import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Posts random checkins to a receiver at a steady rate, each when its time has come, whether the ones before are answered or not.
 *
 * <p>When {@value #MAX_UNDER_WAY} are unanswered, or this program is too slow for the rate, a checkin is not made up for later: it counts as
 * not sent. A request that fails counts as failed and isn't repeated. One thread of its own sends and reports.
 */
public final class Traffic implements AutoCloseable {

    static final int MAX_UNDER_WAY = 256;

    private static final int ACCEPTED = 202;
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(2);
    private static final Duration REQUEST_TIMEOUT = Duration.ofSeconds(3);
    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

    private final TrafficPlan plan;
    private final Consumer<String> out;
    private final Random random;
    private final HttpRequest.Builder request;
    private final HttpClient client = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1) // or every new connection begins with an offer to upgrade
            .connectTimeout(CONNECT_TIMEOUT)
            .build();

    private final Semaphore permits = new Semaphore(MAX_UNDER_WAY);
    private final AtomicLong sent = new AtomicLong();
    private final AtomicLong notSent = new AtomicLong();
    private final LongAdder accepted = new LongAdder();
    private final LongAdder failed = new LongAdder();
    private final Map<Integer, LongAdder> refused = new ConcurrentHashMap<>();
    private volatile String lastFailure = "";

    private final Thread thread = new Thread(this::run, "traffic");
    private volatile boolean stopping;

    /**
     * Sends nothing yet.
     *
     * @param token the bearer token to send, null for none
     * @param out gets a line a second, a line when the receiver goes away or comes back, and a summary at the end
     */
    public Traffic(TrafficPlan plan, @Nullable String token, Consumer<String> out) {
        this.plan = plan;
        this.out = out;
        this.random = new Random(plan.seed());
        this.request = HttpRequest.newBuilder(plan.target())
                .timeout(REQUEST_TIMEOUT)
                .header("Content-Type", "application/json");
        if (token != null) {
            request.header("Authorization", "Bearer " + token);
        }
    }

    /** Begins to send and returns at once. */
    public void start() {
        thread.start();
    }

    /**
     * Waits until the whole plan was sent and answered.
     *
     * @return whether it was, within that time
     */
    boolean await(Duration atMost) throws InterruptedException {
        thread.join(TimeUnit.MILLISECONDS.convert(atMost)); // unlike toMillis, of any duration
        return !thread.isAlive();
    }

    /** Stops sending, waits for the answers that are still due and reports the summary. Harmless when repeated. */
    @Override
    public void close() {
        stopping = true;
        LockSupport.unpark(thread);
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Up to a few answers that come in meanwhile; exact after {@link #close()}. */
    Totals totals() {
        SortedMap<Integer, Long> byStatus = new TreeMap<>();
        refused.forEach((status, count) -> byStatus.put(status, count.sum()));
        long acceptedSoFar = accepted.sum();
        long failedSoFar = failed.sum();
        return new Totals(
                sent.get(), acceptedSoFar, byStatus, failedSoFar, notSent.get()); // sent last: none is answered before
    }

    private void run() {
        Report report = new Report(System.nanoTime());
        long interval = SECOND / plan.rate();
        long nextSend = System.nanoTime();
        long nextReport = nextSend + SECOND;
        while (!stopping && sent.get() < plan.count()) {
            long now = System.nanoTime();
            if (now - nextReport >= 0) {
                report.line(now);
                nextReport += SECOND;
            } else if (now - nextSend >= 0) {
                long missed = now - nextSend > SECOND ? (now - nextSend) / interval : 0;
                notSent.addAndGet(missed);
                nextSend += missed * interval;
                send();
                nextSend += interval;
            } else {
                LockSupport.parkNanos(this, Math.min(nextSend, nextReport) - now);
            }
        }
        awaitAnswers();
        report.summary(System.nanoTime());
    }

    @SuppressWarnings("FutureReturnValueIgnored") // answered() gets every outcome
    private void send() {
        if (!permits.tryAcquire()) {
            notSent.incrementAndGet();
            return;
        }
        sent.incrementAndGet();
        HttpRequest post =
                request.POST(BodyPublishers.ofString(randomCheckin())).build();
        client.sendAsync(post, BodyHandlers.discarding()).whenComplete(this::answered);
    }

    private String randomCheckin() {
        return "{\"userId\":" + (1 + random.nextLong(plan.users()))
                + ",\"locationId\":" + (1 + random.nextLong(plan.locations()))
                + ",\"starRating\":" + randomStars() + '}';
    }

    /** People go where they like it: the better of two throws. */
    private int randomStars() {
        return Math.max(random.nextInt(6), random.nextInt(6));
    }

    private void answered(@Nullable HttpResponse<Void> response, @Nullable Throwable failure) {
        if (response == null) {
            lastFailure = describe(failure);
            failed.increment();
        } else if (response.statusCode() == ACCEPTED) {
            accepted.increment();
        } else {
            refused.computeIfAbsent(response.statusCode(), status -> new LongAdder())
                    .increment();
        }
        permits.release();
    }

    private static String describe(@Nullable Throwable failure) {
        Throwable cause =
                failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
        if (cause == null) {
            return "unknown";
        }
        String name = cause.getClass().getSimpleName();
        return cause.getMessage() == null ? name : name + ": " + cause.getMessage();
    }

    private void awaitAnswers() {
        try {
            // longer than a request takes at most: afterwards nothing is under way
            permits.tryAcquire(MAX_UNDER_WAY, REQUEST_TIMEOUT.plusSeconds(1).toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** The lines that are printed, and what the last one said. */
    private final class Report {

        private final long start;
        private long lastTime;
        private Totals last = totals();
        private @Nullable Long awaySince;

        Report(long start) {
            this.start = start;
            this.lastTime = start;
        }

        void line(long now) {
            Totals totals = totals();
            receiverState(totals, now);
            double rate = (totals.sent() - last.sent()) * (double) SECOND / (now - lastTime);
            long missed = totals.notSent() - last.notSent();
            out.accept(String.format(Locale.ROOT, "%4d s: %,.0f/s, %s", (now - start) / SECOND, rate, totals)
                    + (missed == 0 ? "" : String.format(Locale.ROOT, "; can't keep the rate: %,d not sent", missed)));
            last = totals;
            lastTime = now;
        }

        void summary(long now) {
            Totals totals = totals();
            double seconds = (now - start) / (double) SECOND;
            out.accept(String.format(
                    Locale.ROOT,
                    "ended after %.1f s, %,.0f/s: %s, not sent %,d",
                    seconds,
                    totals.sent() / seconds,
                    totals,
                    totals.notSent()));
        }

        private void receiverState(Totals totals, long now) {
            boolean answers = totals.answered() > last.answered();
            if (awaySince == null && !answers && totals.failed() > last.failed()) {
                awaySince = now;
                out.accept("receiver away (" + lastFailure + "): going on");
            } else if (awaySince != null && answers) {
                out.accept("receiver back after " + (now - awaySince) / SECOND + " s");
                awaySince = null;
            }
        }
    }
}
