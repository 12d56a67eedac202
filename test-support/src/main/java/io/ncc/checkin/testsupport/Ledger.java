package io.ncc.checkin.testsupport;

import static org.assertj.core.api.Assertions.assertThat;

import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.testsupport.RawConnection.BrokenAnswerException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Records every posting of a test and every answer to it, and checks that the stream agrees with the answers. No two checkins have the same pair
 * of user and location.
 */
public final class Ledger {

    private static final int USERS = 100;
    private static final long FIRST_OF_PAIRS = 1_000_000;

    private final Queue<Posting> postings = new ConcurrentLinkedQueue<>();
    private final AtomicLong checkins = new AtomicLong();
    private final AtomicLong pairs = new AtomicLong();

    /** A posting that is yet to be sent. */
    public Posting open(int count, boolean keyed) {
        long from = checkins.getAndAdd(count);
        List<Checkin> all = LongStream.range(from, from + count)
                .mapToObj(n -> new Checkin(1 + n % USERS, 1 + n / USERS, (int) (n % 6)))
                .toList();
        var posting = new Posting(all, keyed ? "key-" + from : null);
        postings.add(posting);
        return posting;
    }

    /** Two of a user who has no others, to be sent one after the other. */
    public List<Posting> openPair() {
        long user = FIRST_OF_PAIRS + pairs.getAndIncrement();
        List<Posting> both = LongStream.rangeClosed(1, 2)
                .mapToObj(location ->
                        new Posting(List.of(new Checkin(user, location, 5)), "pair-" + user + '-' + location))
                .toList();
        postings.addAll(both);
        return both;
    }

    public static boolean isOfAPair(Checkin checkin) {
        return checkin.userId() >= FIRST_OF_PAIRS;
    }

    public Collection<Posting> postings() {
        return postings;
    }

    /** How often each outcome came, for people. */
    public Map<String, Long> outcomes() {
        return postings.stream()
                .flatMap(posting -> posting.attempts.stream())
                .collect(Collectors.groupingBy(Attempt::name, TreeMap::new, Collectors.counting()));
    }

    public Duration longest() {
        return postings.stream()
                .flatMap(posting -> posting.attempts.stream())
                .map(Attempt::took)
                .max(Duration::compareTo)
                .orElse(Duration.ZERO);
    }

    /** Fails unless the stream is what the answers promise. */
    public void requireKept(Map<String, Checkin> stream) {
        assertThat(violations(List.of(stream), attempt -> false)).isEmpty();
    }

    /**
     * What in the stream is not as the answers promise.
     *
     * @param streams what the stream has held, by id: one map for as long as idempotency keys were kept
     * @param mayBeLost whether what an attempt was told to be stored may be missing all the same
     */
    public List<String> violations(List<Map<String, Checkin>> streams, Predicate<Attempt> mayBeLost) {
        List<String> violations = new ArrayList<>();
        List<Stored> stored = streams.stream().map(Stored::new).toList();
        Set<Checkin> known = new HashSet<>();
        for (Posting posting : postings) {
            posting.addViolations(stored, mayBeLost, violations);
            known.addAll(posting.checkins);
        }
        for (Map<String, Checkin> stream : streams) {
            stream.forEach((id, checkin) -> {
                if (!known.contains(checkin)) {
                    violations.add(id + ' ' + checkin + " is in the stream, and nobody has posted it");
                }
            });
        }
        return violations;
    }

    /** The entries of a stream, found by what they hold. */
    private static final class Stored {

        private final Map<String, Checkin> byId;
        private final Map<Checkin, List<String>> ids = new HashMap<>();

        Stored(Map<String, Checkin> byId) {
            this.byId = byId;
            byId.forEach((id, checkin) ->
                    ids.computeIfAbsent(checkin, first -> new ArrayList<>()).add(id));
        }

        List<String> idsOf(Checkin checkin) {
            return ids.getOrDefault(checkin, List.of());
        }
    }

    /** Checkins that are sent in one request, again and again if they have a key. For one thread at a time. */
    public static final class Posting {

        private final List<Checkin> checkins;
        private final @Nullable String key;
        private final List<Attempt> attempts = new ArrayList<>();

        Posting(List<Checkin> checkins, @Nullable String key) {
            this.checkins = checkins;
            this.key = key;
        }

        /**
         * Sends it and notes the answer, or that there is none; the connection is useless then.
         *
         * @throws BrokenAnswerException if the answer broke off, which is noted as none
         */
        public Attempt send(RawConnection connection) throws BrokenAnswerException {
            long start = System.nanoTime();
            long sent = Long.MAX_VALUE;
            try {
                connection.send(request());
                sent = System.nanoTime();
                RawAnswer answer = connection.read();
                if (answer != null) {
                    return noted(Attempt.of(answer, start, sent));
                }
            } catch (BrokenAnswerException e) {
                noted(Attempt.withoutAnswer(start, sent));
                throw e;
            } catch (IOException e) {
                // the connection was closed before the answer
            }
            return noted(Attempt.withoutAnswer(start, sent));
        }

        /** Notes an answer that came another way. */
        public void accepted(List<String> ids, long started) {
            noted(new Attempt(202, "", ids, started, started, System.nanoTime(), false));
        }

        private Attempt noted(Attempt attempt) {
            attempts.add(attempt);
            return attempt;
        }

        private byte[] request() {
            String[] headers = key == null ? new String[0] : new String[] {"Idempotency-Key: " + key};
            String body = checkins.stream()
                    .map(it -> "{\"userId\":" + it.userId() + ",\"locationId\":" + it.locationId() + ",\"starRating\":"
                            + it.starRating() + '}')
                    .collect(Collectors.joining("\n"));
            byte[] bytes = body.getBytes(StandardCharsets.US_ASCII);
            return checkins.size() == 1
                    ? RawConnection.post("/checkins", "application/json", bytes, headers)
                    : RawConnection.post("/checkins/batch", "application/x-ndjson", bytes, headers);
        }

        public List<Checkin> checkins() {
            return checkins;
        }

        public List<Attempt> attempts() {
            return attempts;
        }

        public boolean isAccepted() {
            return attempts.stream().anyMatch(Attempt::isAccepted);
        }

        private void addViolations(List<Stored> streams, Predicate<Attempt> mayBeLost, List<String> violations) {
            long most =
                    attempts.stream().filter(attempt -> !attempt.isRefused()).count();
            for (Checkin checkin : checkins) {
                long times = streams.stream()
                        .mapToLong(stream -> stream.idsOf(checkin).size())
                        .sum();
                if (times > most) {
                    violations.add(checkin + " was stored " + times + " times in all: " + this);
                }
            }
            for (Stored stream : streams) {
                long storedHere = 0;
                for (Checkin checkin : checkins) {
                    int times = stream.idsOf(checkin).size();
                    storedHere += Math.min(times, 1);
                    if (key != null && times > 1) {
                        violations.add(checkin + " is in the stream " + times + " times, as " + stream.idsOf(checkin)
                                + ": " + this);
                    }
                }
                if (storedHere > 0 && storedHere < checkins.size()) {
                    violations.add(storedHere + " of " + checkins.size() + " are in the stream, of " + this);
                }
            }
            for (Attempt attempt : attempts) {
                if (attempt.isAccepted() && !mayBeLost.test(attempt)) {
                    addMissing(attempt, streams, violations);
                }
            }
        }

        private void addMissing(Attempt attempt, List<Stored> streams, List<String> violations) {
            for (int i = 0; i < checkins.size(); i++) {
                String id = attempt.ids.get(i);
                Checkin checkin = checkins.get(i);
                if (streams.stream().noneMatch(stream -> checkin.equals(stream.byId.get(id)))) {
                    violations.add(id + ' ' + checkin + " was accepted and is not in the stream, of " + this);
                }
            }
        }

        @Override
        public String toString() {
            return "the posting of " + checkins.size() + " from " + checkins.get(0) + " on, key " + key + ": "
                    + attempts;
        }
    }

    /**
     * A request and its answer.
     *
     * @param status 0 if the connection was closed without an answer
     * @param problem the type of the problem; empty for none
     * @param sent when the request was handed over, by {@link System#nanoTime}; the far future if it could not be
     */
    public record Attempt(
            int status, String problem, List<String> ids, long started, long sent, long answered, boolean closes) {

        private static final String OUTCOME_UNKNOWN = "outcome-unknown";

        static Attempt of(RawAnswer answer, long started, long sent) {
            long now = System.nanoTime();
            boolean closes = answer.saysThatTheConnectionCloses();
            if (answer.isError()) {
                answer.requireProblem("a refusal");
                return new Attempt(answer.status(), answer.problemType(), List.of(), started, sent, now, closes);
            }
            JsonNode json = answer.json();
            List<String> ids = new ArrayList<>();
            if (json.has("id")) {
                ids.add(json.get("id").asString());
            } else {
                json.get("results").forEach(result -> ids.add(result.get("id").asString()));
            }
            return new Attempt(answer.status(), "", List.copyOf(ids), started, sent, now, closes);
        }

        static Attempt withoutAnswer(long started, long sent) {
            return new Attempt(0, "", List.of(), started, sent, System.nanoTime(), true);
        }

        public boolean isAccepted() {
            return status == 202;
        }

        public boolean isOutcomeUnknown() {
            return status == 0 || problem.equals(OUTCOME_UNKNOWN);
        }

        public boolean isRefused() {
            return !isAccepted() && !isOutcomeUnknown();
        }

        public Duration took() {
            return Duration.ofNanos(answered - started);
        }

        public String name() {
            return status == 0 ? "no answer" : problem.isEmpty() ? Integer.toString(status) : status + " " + problem;
        }

        @Override
        public String toString() {
            return ids.isEmpty() ? name() : name() + ' ' + ids;
        }
    }
}
