package io.ncc.checkin.testsupport;

import static org.assertj.core.api.Assertions.assertThat;

import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.testsupport.RawConnection.BrokenAnswerException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiPredicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
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
    private final Partitions partitions;

    /** Of a system without partitions. */
    public Ledger() {
        this(Partitions.none());
    }

    public Ledger(Partitions partitions) {
        this.partitions = partitions;
    }

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
        assertThat(violations(List.of(stream), (attempt, checkin) -> false)).isEmpty();
    }

    /**
     * What in the stream is not as the answers promise.
     *
     * @param streams what a stream has held, by id: one map for each partition and for as long as its idempotency keys were kept
     * @param mayBeLost whether a checkin that an attempt was told to be stored may be missing all the same
     */
    public List<String> violations(List<Map<String, Checkin>> streams, BiPredicate<Attempt, Checkin> mayBeLost) {
        List<String> violations = new ArrayList<>();
        List<Stored> stored = streams.stream().map(Stored::new).toList();
        Set<Checkin> known = new HashSet<>();
        for (Posting posting : postings) {
            addViolations(posting, stored, mayBeLost, violations);
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

    private void addViolations(
            Posting posting, List<Stored> streams, BiPredicate<Attempt, Checkin> mayBeLost, List<String> violations) {
        for (int i = 0; i < posting.checkins.size(); i++) {
            int place = i;
            Checkin checkin = posting.checkins.get(i);
            long most = posting.attempts.stream()
                    .filter(attempt -> !attempt.results.get(place).isRefused())
                    .count();
            long times = streams.stream()
                    .mapToLong(stream -> stream.idsOf(checkin).size())
                    .sum();
            if (times > most) {
                violations.add(checkin + " was stored " + times + " times in all: " + posting);
            }
            for (Attempt attempt : posting.attempts) {
                Result result = attempt.results.get(i);
                if (result.isAccepted()
                        && streams.stream().noneMatch(stream -> checkin.equals(stream.byId.get(result.id)))
                        && !mayBeLost.test(attempt, checkin)) {
                    violations.add(result.id + ' ' + checkin + " was accepted and is not in the stream, of " + posting);
                }
            }
        }
        Collection<List<Checkin>> shares = posting.checkins.stream()
                .collect(Collectors.groupingBy(checkin -> partitions.ofUser(checkin.userId())))
                .values();
        for (Stored stream : streams) {
            shares.forEach(share -> addViolationsOfShare(posting, share, stream, violations));
        }
    }

    /** What a partition gets of a posting is stored as a whole or not at all; if it has a key, once. */
    private static void addViolationsOfShare(
            Posting posting, List<Checkin> share, Stored stream, List<String> violations) {
        long storedHere = 0;
        for (Checkin checkin : share) {
            List<String> ids = stream.idsOf(checkin);
            storedHere += Math.min(ids.size(), 1);
            if (posting.key != null && ids.size() > 1) {
                violations.add(checkin + " is in the stream " + ids.size() + " times, as " + ids + ": " + posting);
            }
        }
        if (storedHere > 0 && storedHere < share.size()) {
            violations.add(storedHere + " of " + share.size() + " are in the stream, of " + posting);
        }
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
                    return answered(answer, start, sent);
                }
            } catch (BrokenAnswerException e) {
                noted(Attempt.withoutAnswer(checkins.size(), start, sent));
                throw e;
            } catch (IOException e) {
                // the connection was closed before the answer
            }
            return noted(Attempt.withoutAnswer(checkins.size(), start, sent));
        }

        /** Notes an answer that came just now. */
        public Attempt answered(RawAnswer answer, long started, long sent) {
            return noted(Attempt.of(answer, checkins.size(), started, sent));
        }

        /** Notes that it was accepted in another way. */
        public void accepted(List<String> ids, long started) {
            List<Result> results = ids.stream().map(Result::accepted).toList();
            noted(new Attempt(202, results, started, started, System.nanoTime(), false));
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

        @Override
        public String toString() {
            return "the posting of " + checkins.size() + " from " + checkins.get(0) + " on, key " + key + ": "
                    + attempts;
        }
    }

    /**
     * What a client was told of one checkin.
     *
     * @param status 0 if there was no answer
     * @param problem the type of the problem; empty for none
     * @param id empty unless it was accepted
     */
    public record Result(int status, String problem, String id) {

        private static final String OUTCOME_UNKNOWN = "outcome-unknown";

        static Result accepted(String id) {
            return new Result(202, "", id);
        }

        static Result of(JsonNode json) {
            return json.has("id") ? accepted(json.get("id").asString()) : ofProblem(json.get("problem"));
        }

        private static Result ofProblem(JsonNode problem) {
            String type = problem.get("type").asString();
            return new Result(problem.get("status").asInt(), type.substring(type.lastIndexOf(':') + 1), "");
        }

        public boolean isAccepted() {
            return status == 202;
        }

        /** Told that it isn't stored. */
        public boolean isRefused() {
            return status != 0 && !isAccepted() && !problem.equals(OUTCOME_UNKNOWN);
        }

        @Override
        public String toString() {
            return status == 0 ? "no answer" : problem.isEmpty() ? Integer.toString(status) : status + " " + problem;
        }
    }

    /**
     * A request and its answer.
     *
     * @param status 0 if the connection was closed without an answer
     * @param results one for each checkin
     * @param sent when the request was handed over, by {@link System#nanoTime}; the far future if it could not be
     */
    public record Attempt(int status, List<Result> results, long started, long sent, long answered, boolean closes) {

        static Attempt of(RawAnswer answer, int checkins, long started, long sent) {
            long now = System.nanoTime();
            boolean closes = answer.saysThatTheConnectionCloses();
            List<Result> results;
            if (answer.isError()) {
                answer.requireProblem("a refusal");
                results = Collections.nCopies(checkins, Result.ofProblem(answer.json()));
            } else if (answer.json().has("id")) {
                results = List.of(Result.of(answer.json()));
            } else {
                JsonNode all = answer.json().get("results");
                JsonNode cutOff = answer.json(); // with the problem, if there are fewer results
                results = IntStream.range(0, checkins)
                        .mapToObj(i -> Result.of(i < all.size() ? all.get(i) : cutOff))
                        .toList();
            }
            return new Attempt(answer.status(), results, started, sent, now, closes);
        }

        static Attempt withoutAnswer(int checkins, long started, long sent) {
            List<Result> results = Collections.nCopies(checkins, new Result(0, "", ""));
            return new Attempt(0, results, started, sent, System.nanoTime(), true);
        }

        /** All of it. */
        public boolean isAccepted() {
            return status == 202;
        }

        public Duration took() {
            return Duration.ofNanos(answered - started);
        }

        /** What was told, without the ids. */
        public String name() {
            String all =
                    results.stream().map(Result::toString).distinct().sorted().collect(Collectors.joining(", "));
            return status == 207 ? "207 of " + all : all;
        }

        @Override
        public String toString() {
            List<String> ids = results.stream().map(Result::id).toList();
            return status == 202 || status == 207 ? name() + ' ' + ids : name();
        }
    }
}
