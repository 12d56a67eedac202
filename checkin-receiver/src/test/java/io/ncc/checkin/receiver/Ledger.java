package io.ncc.checkin.receiver;

import static org.assertj.core.api.Assertions.assertThat;

import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.receiver.RawConnection.BrokenAnswerException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Every posting of a test, every answer to it, and what follows from the answers for the stream. Each checkin has a user of its own. */
final class Ledger {

    private final Queue<Posting> postings = new ConcurrentLinkedQueue<>();
    private final AtomicLong users = new AtomicLong();

    /** A posting that is yet to be sent. */
    Posting open(int checkins, boolean keyed) {
        long from = users.getAndAdd(checkins);
        List<Checkin> all = LongStream.rangeClosed(from + 1, from + checkins)
                .mapToObj(user -> new Checkin(user, 1 + user % 97, (int) (user % 6)))
                .toList();
        var posting = new Posting(all, keyed ? "key-" + from : null);
        postings.add(posting);
        return posting;
    }

    Collection<Posting> postings() {
        return postings;
    }

    /** How often each outcome came, for people. */
    Map<String, Long> outcomes() {
        return postings.stream()
                .flatMap(posting -> posting.attempts.stream())
                .collect(Collectors.groupingBy(Attempt::name, TreeMap::new, Collectors.counting()));
    }

    Duration longest() {
        return postings.stream()
                .flatMap(posting -> posting.attempts.stream())
                .map(Attempt::took)
                .max(Duration::compareTo)
                .orElse(Duration.ZERO);
    }

    /** Fails unless the stream is what the answers promise. */
    void requireKept(Map<String, Checkin> stream) {
        Map<Long, List<String>> idsOfUser = new HashMap<>();
        stream.forEach((id, checkin) -> idsOfUser
                .computeIfAbsent(checkin.userId(), user -> new ArrayList<>())
                .add(id));
        long expectedAtMost = 0;
        for (Posting posting : postings) {
            posting.requireKept(stream, idsOfUser);
            expectedAtMost += posting.checkins.size();
        }
        assertThat(stream.size()).as("entries").isLessThanOrEqualTo((int) expectedAtMost);
    }

    /** Checkins that are sent in one request, again and again if they have a key. For one thread at a time. */
    static final class Posting {

        private final List<Checkin> checkins;
        private final @Nullable String key;
        private final List<Attempt> attempts = new ArrayList<>();

        Posting(List<Checkin> checkins, @Nullable String key) {
            this.checkins = checkins;
            this.key = key;
        }

        /** Sends it and notes the answer, or that there is none; the connection is useless then. */
        Attempt send(RawConnection connection) throws BrokenAnswerException {
            long start = System.nanoTime();
            long sent = Long.MAX_VALUE;
            Attempt attempt = null;
            try {
                connection.send(request());
                sent = System.nanoTime();
                RawAnswer answer = connection.read();
                if (answer != null) {
                    attempt = Attempt.of(answer, start, sent);
                }
            } catch (BrokenAnswerException e) {
                throw e;
            } catch (IOException e) {
                // the connection was closed before the answer
            }
            if (attempt == null) {
                attempt = new Attempt(0, "", List.of(), start, sent, System.nanoTime(), true);
            }
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

        List<Attempt> attempts() {
            return attempts;
        }

        boolean isAccepted() {
            return attempts.stream().anyMatch(Attempt::isAccepted);
        }

        private void requireKept(Map<String, Checkin> stream, Map<Long, List<String>> idsOfUser) {
            boolean maybe = attempts.stream().anyMatch(Attempt::isOutcomeUnknown);
            long times =
                    attempts.stream().filter(attempt -> !attempt.isRefused()).count();
            for (int i = 0; i < checkins.size(); i++) {
                Checkin checkin = checkins.get(i);
                List<String> ids = idsOfUser.getOrDefault(checkin.userId(), List.of());
                if (isAccepted() || maybe) {
                    // more than once only where it was sent more than once, and had no key
                    assertThat((long) ids.size())
                            .as("%s in the stream", this)
                            .isLessThanOrEqualTo(key == null ? times : 1);
                } else {
                    assertThat(ids)
                            .as("%s, which was refused, in the stream", this)
                            .isEmpty();
                }
                for (Attempt attempt : attempts) {
                    if (attempt.isAccepted()) {
                        assertThat(ids).as("%s in the stream", this).contains(attempt.ids.get(i));
                        assertThat(stream.get(attempt.ids.get(i)))
                                .as("%s in the stream", this)
                                .isEqualTo(checkin);
                    }
                }
            }
            long stored = checkins.stream()
                    .filter(checkin -> idsOfUser.containsKey(checkin.userId()))
                    .count();
            assertThat(stored).as("all of %s or nothing", this).isIn(0L, (long) checkins.size());
        }

        @Override
        public String toString() {
            return checkins.size() + " from user " + checkins.get(0).userId() + " on, key " + key + ": " + attempts;
        }
    }

    /**
     * A request and its answer.
     *
     * @param status 0 if the connection was closed without an answer
     * @param problem the type of the problem; empty for none
     * @param sent when the request was handed over, by {@link System#nanoTime}; the far future if it could not be
     */
    record Attempt(
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

        boolean isAccepted() {
            return status == 202;
        }

        boolean isOutcomeUnknown() {
            return status == 0 || problem.equals(OUTCOME_UNKNOWN);
        }

        boolean isRefused() {
            return !isAccepted() && !isOutcomeUnknown();
        }

        Duration took() {
            return Duration.ofNanos(answered - started);
        }

        String name() {
            return status == 0 ? "no answer" : problem.isEmpty() ? Integer.toString(status) : status + " " + problem;
        }
    }
}
