package io.ncc.checkin.system.ledger;

import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.system.ledger.History.Epoch;
import io.ncc.checkin.system.ledger.History.Strike;
import io.ncc.checkin.system.ledger.Readers.LatestRead;
import io.ncc.checkin.system.ledger.Readers.UserRead;
import io.ncc.checkin.system.ledger.Traffic.Accepted;
import io.ncc.checkin.testsupport.Ledger;
import io.ncc.checkin.testsupport.Ledger.Attempt;
import io.ncc.checkin.testsupport.Ledger.Posting;
import io.ncc.checkin.testsupport.SequentialFold;
import io.ncc.redis.StreamId;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/** Compares the answers that clients got with the content of Redis, and the hashes with the sequential fold. */
final class LedgerCheck {

    private static final Pattern ID = Pattern.compile("[0-9]+-[0-9]+");

    /** Of an answer to {@code ?after}, while there are faults: also what was wiped out, what takes longer, and Redis being away. */
    private static final Set<Integer> UNDERSTANDABLE = Set.of(200, 404, 503, 504);

    private final Ledger ledger;
    private final History history;
    private final List<Epoch> epochs;

    /** At the end of each epoch, and of each time for which keys were kept. */
    private final List<Map<String, Checkin>> checkins;

    private final List<Map<String, Checkin>> streams;
    private final Map<String, Checkin> stored = new HashMap<>();
    private final List<Violation> violations = new ArrayList<>();

    LedgerCheck(Ledger ledger, History history) {
        this.ledger = ledger;
        this.history = history;
        this.epochs = history.epochs();
        this.checkins = epochs.stream().map(epoch -> epoch.after().checkins()).toList();
        this.streams = streams();
        streams.forEach(stored::putAll);
    }

    private List<Map<String, Checkin>> streams() {
        List<Map<String, Checkin>> all = new ArrayList<>();
        for (int i = 0; i < epochs.size(); i++) {
            if (epochs.get(i).keysForgotten()) {
                all.add(new LinkedHashMap<>());
            }
            all.get(all.size() - 1).putAll(checkins.get(i));
        }
        return all;
    }

    /** Of the last checkin in the stream. */
    Optional<String> lastId() {
        List<String> ids = List.copyOf(checkins.get(checkins.size() - 1).keySet());
        return ids.isEmpty() ? Optional.empty() : Optional.of(ids.get(ids.size() - 1));
    }

    /** What is wrong with it all. */
    List<Violation> violations(Readers readers, Follower follower) {
        checkAnswers();
        for (Epoch epoch : epochs) {
            checkOrder(epoch);
            checkFold(epoch);
        }
        checkNothingUnsettled(epochs.get(epochs.size() - 1).after());
        readers.users().forEach(this::checkUser);
        readers.differences(epochs.get(epochs.size() - 1).after())
                .forEach(difference -> add(Promise.READS_ARE_TRUE, difference));
        readers.latest().forEach(this::checkLatest);
        readers.surprises().forEach(surprise -> add(Promise.READS_ARE_TRUE, surprise));
        new LiveCheck(epochs, history).violations(follower.events()).forEach(evidence -> add(Promise.LIVE, evidence));
        return violations;
    }

    private void add(Promise promise, String evidence) {
        violations.add(new Violation(promise, evidence));
    }

    private void checkAnswers() {
        ledger.violations(streams, this::mayBeLost).forEach(evidence -> add(Promise.ACCEPTED_IS_STORED, evidence));
        ledger.outcomes().forEach((outcome, times) -> {
            if (!outcome.matches("202|503 .*|no answer")) {
                add(Promise.ACCEPTED_IS_STORED, times + " answers were " + outcome);
            }
        });
    }

    boolean mayBeLost(Attempt attempt) {
        return history.isWeakened(Promise.ACCEPTED_IS_STORED, attempt.started(), attempt.answered());
    }

    /** Of those that were sent once: a repeat gets the id of its first time. */
    private void checkOrder(Epoch epoch) {
        List<Attempt> attempts = ledger.postings().stream()
                .filter(posting -> posting.attempts().size() == 1 && posting.isAccepted())
                .filter(posting -> missing(posting, posting.attempts().get(0)) == 0)
                .map(posting -> posting.attempts().get(0))
                .filter(attempt ->
                        epoch.after().entries().containsKey(attempt.ids().get(0)))
                .sorted(Comparator.comparingLong(Attempt::started))
                .toList();
        var underWay = new PriorityQueue<>(Comparator.comparingLong(Attempt::answered));
        StreamId highest = StreamId.ZERO;
        for (Attempt attempt : attempts) {
            while (!underWay.isEmpty() && underWay.element().answered() < attempt.started()) {
                StreamId last = last(underWay.remove());
                highest = last.compareTo(highest) > 0 ? last : highest;
            }
            if (StreamId.parse(attempt.ids().get(0)).compareTo(highest) < 0) {
                add(Promise.IDS_GROW, attempt + " was sent after " + highest + " had been accepted");
            }
            underWay.add(attempt);
        }
    }

    private static StreamId last(Attempt attempt) {
        return StreamId.parse(attempt.ids().get(attempt.ids().size() - 1));
    }

    private void checkFold(Epoch epoch) {
        Snapshot before = epoch.before();
        Snapshot after = epoch.after();
        SequentialFold fold = SequentialFold.over(before.hashes());
        long unsettled = 0;
        for (Map.Entry<String, Map<String, String>> entry : after.entries().entrySet()) {
            if (after.isSettled(entry.getKey())) {
                fold.add(entry.getKey(), entry.getValue());
            } else {
                unsettled++;
            }
        }
        fold.differences(after.hashes()).forEach(difference -> add(Promise.FOLD, difference));

        long applied = after.total("applied") - before.total("applied");
        long dead = after.total("dead") - before.total("dead");
        long lost = after.total("lost") - before.total("lost");
        if (applied + dead + lost + unsettled != after.entries().size()
                || applied != fold.applied()
                || dead != fold.dead()
                || dead != after.dead().size() - before.dead().size()
                || lost != 0) {
            add(
                    Promise.COUNTS,
                    after.entries().size() + " entries, of which " + fold.applied() + " are settled checkins, "
                            + fold.dead() + " settled and none, " + unsettled + " unsettled; counted as applied "
                            + applied + ", dead " + dead + ", lost " + lost + "; dead letters: "
                            + (after.dead().size() - before.dead().size()));
        }
    }

    private void checkNothingUnsettled(Snapshot end) {
        end.entries().keySet().stream()
                .filter(id -> !end.isSettled(id))
                .forEach(id -> add(Promise.COUNTS, id + " is unsettled in the end"));
    }

    private void checkUser(UserRead read) {
        Accepted after = read.after();
        if (!UNDERSTANDABLE.contains(read.status()) && !(read.status() == 400 && isAnothers(after))) {
            add(Promise.READ_YOUR_WRITES, "answered with " + read.status() + ": " + read);
        }
        boolean wasThere = IntStream.range(0, epochs.size())
                .anyMatch(i -> epochs.get(i).contains(read.from(), read.to())
                        && after.checkin().equals(checkins.get(i).get(after.id())));
        boolean mayBeBehind = history.isWeakened(Promise.READS_ARE_TRUE, read.from(), read.to());
        if (read.status() == 404 && wasThere && !mayBeBehind) {
            add(Promise.READ_YOUR_WRITES, "what was accepted is not known: " + read);
        }
        if (!read.isAnswered()) {
            return;
        }
        Checkin last = stored.get(read.lastCheckinId());
        long user = after.checkin().userId();
        boolean exists = last != null && last.userId() == user && last.locationId() == read.number("lastSeenAt");
        boolean tooMany = read.number("numCheckins")
                > stored.values().stream().filter(it -> it.userId() == user).count();
        if ((!exists || tooMany) && !mayBeBehind) {
            add(Promise.READS_ARE_TRUE, "the last checkin is " + last + ": " + read);
        }
        if (wasThere && !isAtLeast(read.lastCheckinId(), after.id())) {
            add(Promise.READ_YOUR_WRITES, "the answer is older: " + read);
        }
        if (wasThere && Ledger.isOfAPair(after.checkin())) {
            long expected = read.lastCheckinId().equals(after.id()) ? 1 : 2;
            if (read.number("numCheckins") != expected) {
                add(
                        Promise.READ_YOUR_WRITES,
                        "not " + expected + " of the two that this user has are counted: " + read);
            }
        }
    }

    /** After a failover an id that was accepted may be given to another checkin. */
    private boolean isAnothers(Accepted accepted) {
        return checkins.stream()
                .map(epoch -> epoch.get(accepted.id()))
                .anyMatch(it -> it != null && !it.equals(accepted.checkin()));
    }

    private static boolean isAtLeast(String id, String other) {
        return ID.matcher(id).matches() && StreamId.parse(id).compareTo(StreamId.parse(other)) >= 0;
    }

    private void checkLatest(LatestRead read) {
        if (!read.checkin().equals(stored.get(read.id()))
                && !history.isWeakened(Promise.READS_ARE_TRUE, read.from(), read.to())) {
            add(Promise.READS_ARE_TRUE, "the latest checkin was " + read);
        }
    }

    /** How much of what was accepted is gone, and out of how much, strike by strike. */
    List<String> losses() {
        Map<Strike, Loss> losses = new LinkedHashMap<>();
        for (Posting posting : ledger.postings()) {
            for (Attempt attempt : posting.attempts()) {
                if (attempt.isAccepted()) {
                    history.causeOfLoss(attempt.started(), attempt.answered())
                            .ifPresent(strike -> losses.merge(strike, lossOf(posting, attempt), Loss::plus));
                }
            }
        }
        return losses.entrySet().stream()
                .map(entry -> entry.getKey() + ": " + entry.getValue())
                .toList();
    }

    private record Loss(long gone, long accepted) {

        Loss plus(Loss other) {
            return new Loss(gone + other.gone, accepted + other.accepted);
        }

        @Override
        public String toString() {
            return gone + " of " + accepted + " that were accepted are gone";
        }
    }

    private Loss lossOf(Posting posting, Attempt attempt) {
        return new Loss(missing(posting, attempt), attempt.ids().size());
    }

    /** How many are not there. After a failover an id may be another checkin's. */
    private long missing(Posting posting, Attempt attempt) {
        return IntStream.range(0, attempt.ids().size())
                .filter(i -> !posting.checkins()
                        .get(i)
                        .equals(stored.get(attempt.ids().get(i))))
                .count();
    }

    /** Figures of the run. */
    String summary(Readers readers, Follower follower) {
        long accepted = ledger.postings().stream()
                .filter(Posting::isAccepted)
                .mapToLong(posting -> posting.checkins().size())
                .sum();
        return accepted + " checkins accepted, " + stored.size() + " stored in " + epochs.size() + " epochs, requests "
                + ledger.outcomes() + "; ?after " + readers.statuses() + ", latest "
                + readers.latest().size() + "; followed " + follower.events().size() + " events over "
                + follower.connections() + " connections";
    }
}
