package io.ncc.checkin.system.ledger;

import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.system.ledger.Fault.Target;
import io.ncc.checkin.system.ledger.History.Epoch;
import io.ncc.checkin.system.ledger.History.Strike;
import io.ncc.checkin.system.ledger.Readers.LatestRead;
import io.ncc.checkin.system.ledger.Readers.UserRead;
import io.ncc.checkin.system.ledger.Snapshot.Progress;
import io.ncc.checkin.system.ledger.Traffic.Accepted;
import io.ncc.checkin.testsupport.BoardsFold;
import io.ncc.checkin.testsupport.Ledger;
import io.ncc.checkin.testsupport.Ledger.Attempt;
import io.ncc.checkin.testsupport.Ledger.Posting;
import io.ncc.checkin.testsupport.Ledger.Result;
import io.ncc.checkin.testsupport.LiveFollower.Event;
import io.ncc.checkin.testsupport.SequentialFold;
import io.ncc.redis.StreamId;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.LongSummaryStatistics;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Compares the answers that clients got with the content of Redis, the hashes with the sequential fold, and the boards with theirs. */
final class LedgerCheck {

    private static final Pattern ID = Pattern.compile("[0-9]+-[0-9]+(-[0-9]+)?");

    /** Of a request, while there are faults. */
    private static final Pattern UNDERSTANDABLE_OUTCOME =
            Pattern.compile("202|503 [a-z-]+|no answer|207 of 202(, 503 [a-z-]+)+");

    /** Of an answer to {@code ?after}, while there are faults: also what was wiped out, what takes longer, and Redis being away. */
    private static final Set<Integer> UNDERSTANDABLE = Set.of(200, 404, 503, 504);

    /** How many times as long things may take as on two cores that do nothing else. */
    private static final int PATIENCE = Integer.getInteger("ledger.patience", 3);

    /** So long it may take until what was struck is as before. */
    private static final Duration RECOVERY = Duration.ofSeconds(5);

    /** So long a partition may refuse for no reason of its own. */
    static final Duration LONGEST_REFUSAL = Duration.ofMillis(300).multipliedBy(PATIENCE);

    /** So long an answer may take for no reason of its own. On two cores that do nothing else it takes 0.2 s at most. */
    static final Duration LONGEST_ANSWER = Duration.ofSeconds(1).multipliedBy(PATIENCE);

    private final Ledger ledger;
    private final History history;
    private final Partitions partitions;
    private final List<Epoch> epochs;

    /** At the end of each epoch. */
    private final List<Map<String, Checkin>> checkins;

    /** Of each partition, one for each time for which its keys were kept. */
    private final List<Map<String, Checkin>> streams;

    private final Map<String, Checkin> stored = new HashMap<>();
    private final List<Violation> violations = new ArrayList<>();

    LedgerCheck(Ledger ledger, History history) {
        this.ledger = ledger;
        this.history = history;
        this.partitions = history.partitions();
        this.epochs = history.epochs();
        this.checkins = epochs.stream().map(epoch -> epoch.checkins(partitions)).toList();
        this.streams = streams();
        streams.forEach(stored::putAll);
    }

    private List<Map<String, Checkin>> streams() {
        Map<Integer, List<Map<String, Checkin>>> byPartition = new TreeMap<>();
        for (int i = 0; i < epochs.size(); i++) {
            Epoch epoch = epochs.get(i);
            List<Map<String, Checkin>> some =
                    byPartition.computeIfAbsent(epoch.partition(), first -> new ArrayList<>());
            if (epoch.keysForgotten()) {
                some.add(new HashMap<>());
            }
            some.get(some.size() - 1).putAll(checkins.get(i));
        }
        return byPartition.values().stream().flatMap(List::stream).toList();
    }

    /** What is there in the end, in the order of the ids. */
    private Map<String, Checkin> last() {
        SortedMap<EntryId, String> ids = new TreeMap<>();
        Map<String, Checkin> all = new HashMap<>();
        history.last().forEach(epoch -> all.putAll(epoch.checkins(partitions)));
        all.keySet().forEach(id -> ids.put(EntryId.parse(id), id));
        Map<String, Checkin> inOrder = new LinkedHashMap<>();
        ids.values().forEach(id -> inOrder.put(id, Objects.requireNonNull(all.get(id))));
        return inOrder;
    }

    /** Of the last checkin that is there in the end. */
    Optional<String> lastId() {
        return last().keySet().stream().max(Comparator.comparing(EntryId::parse));
    }

    /** What is wrong with what is in Redis. */
    List<Violation> ofStored() {
        violations.clear();
        checkAnswers();
        for (Epoch epoch : epochs) {
            checkOrder(epoch);
            checkFold(epoch);
        }
        history.last().forEach(this::checkNothingUnsettled);
        checkShards();
        return List.copyOf(violations);
    }

    /** What is wrong with what readers were shown. */
    List<Violation> ofRead(Readers readers) {
        violations.clear();
        readers.users().forEach(this::checkUser);
        readers.differences(totals(), last()).forEach(difference -> add(Promise.READS_ARE_TRUE, difference));
        readers.latest().forEach(this::checkLatest);
        readers.surprises().forEach(surprise -> add(Promise.READS_ARE_TRUE, surprise));
        return List.copyOf(violations);
    }

    /** What is wrong with what a follower was shown. */
    List<Violation> ofFollowed(List<Event> seen) {
        return new LiveCheck(epochs, history)
                .violations(seen).stream()
                        .map(evidence -> new Violation(Promise.LIVE, evidence))
                        .toList();
    }

    /** The hashes of users, and the sums of the hashes of locations, by the path at which the API server shows them. */
    private Map<String, Map<String, String>> totals() {
        Map<String, Map<String, String>> all = new TreeMap<>();
        for (Epoch epoch : history.last()) {
            epoch.after().hashes().forEach((key, hash) -> {
                String path = key.replaceFirst("^ncc:(\\{[^}]*}:)?", "/").replace(':', '/');
                Map<String, String> shown = new HashMap<>(hash);
                shown.computeIfPresent("lastCheckinId", (name, id) -> partitions.idOutside(epoch.partition(), id));
                all.merge(path, shown, LedgerCheck::sum);
            });
        }
        return all;
    }

    private static Map<String, String> sum(Map<String, String> share, Map<String, String> other) {
        long checkins = sum(share, other, "numCheckins");
        long stars = sum(share, other, "numStars");
        Map<String, String> sum = new HashMap<>(share);
        sum.put("numCheckins", Long.toString(checkins));
        sum.put("numStars", Long.toString(stars));
        sum.put("averageStars", Long.toString(Math.floorDiv(2 * stars + checkins, 2 * checkins)));
        return sum;
    }

    private static long sum(Map<String, String> share, Map<String, String> other, String name) {
        return Long.parseLong(share.getOrDefault(name, "0")) + Long.parseLong(other.getOrDefault(name, "0"));
    }

    private void add(Promise promise, String evidence) {
        violations.add(new Violation(promise, evidence));
    }

    private void checkAnswers() {
        ledger.violations(streams, this::mayBeLost).forEach(evidence -> add(Promise.ACCEPTED_IS_STORED, evidence));
        ledger.outcomes().forEach((outcome, times) -> {
            if (!UNDERSTANDABLE_OUTCOME.matcher(outcome).matches()) {
                add(Promise.ACCEPTED_IS_STORED, times + " answers were " + outcome);
            }
        });
    }

    private boolean mayBeLost(Attempt attempt, Checkin checkin) {
        return history.isWeakened(
                Promise.ACCEPTED_IS_STORED, partitions.ofUser(checkin.userId()), attempt.started(), attempt.answered());
    }

    /** What a partition has accepted of an attempt. */
    private record Share(Attempt attempt, EntryId first, EntryId last) {}

    /** Of those that were sent once: a repeat gets the id of its first time. */
    private void checkOrder(Epoch epoch) {
        List<Share> shares = ledger.postings().stream()
                .filter(posting -> posting.attempts().size() == 1)
                .flatMap(posting -> share(posting, epoch).stream())
                .sorted(Comparator.comparingLong(share -> share.attempt.started()))
                .toList();
        var underWay = new PriorityQueue<Share>(Comparator.comparingLong(share -> share.attempt.answered()));
        EntryId highest = new EntryId(StreamId.ZERO, 0);
        for (Share share : shares) {
            while (!underWay.isEmpty() && underWay.element().attempt.answered() < share.attempt.started()) {
                EntryId last = underWay.remove().last;
                highest = last.compareTo(highest) > 0 ? last : highest;
            }
            if (share.first.compareTo(highest) < 0) {
                add(Promise.IDS_GROW, share.attempt + " was sent after " + highest + " had been accepted");
            }
            underWay.add(share);
        }
    }

    /** Empty if nothing of it was accepted by the partition in that time, or if something of that is gone. */
    private Optional<Share> share(Posting posting, Epoch epoch) {
        Attempt attempt = posting.attempts().get(0);
        List<EntryId> ids = new ArrayList<>();
        for (int i = 0; i < posting.checkins().size(); i++) {
            Checkin checkin = posting.checkins().get(i);
            Result result = attempt.results().get(i);
            if (result.isAccepted() && partitions.ofUser(checkin.userId()) == epoch.partition()) {
                if (!checkin.equals(stored.get(result.id()))) {
                    return Optional.empty();
                }
                ids.add(EntryId.parse(result.id()));
            }
        }
        boolean isOfIt = !ids.isEmpty()
                && epoch.after().entries().containsKey(ids.get(0).inStream().toString());
        return isOfIt ? Optional.of(new Share(attempt, ids.get(0), ids.get(ids.size() - 1))) : Optional.empty();
    }

    private void checkFold(Epoch epoch) {
        Snapshot before = epoch.before();
        Snapshot after = epoch.after();
        SequentialFold totals = SequentialFold.over(before.hashes(), partitions.keys(epoch.partition()));
        settled(epoch, Keys.GROUP).forEach(totals::add);
        totals.differences(after.hashes()).forEach(difference -> add(Promise.FOLD, difference));
        checkCounts(epoch, Keys.GROUP, totals.applied(), totals.dead());

        BoardsFold boards = BoardsFold.over(before.boards(), partitions.keys(epoch.partition()));
        settled(epoch, Keys.BOARDS_GROUP).forEach(boards::add);
        boards.differences(after.boards()).forEach(difference -> add(Promise.BOARDS, difference));
        checkCounts(epoch, Keys.BOARDS_GROUP, boards.applied(), boards.dead());

        epoch.checkins(partitions).forEach((id, checkin) -> {
            if (partitions.ofUser(checkin.userId()) != epoch.partition()) {
                add(Promise.PARTITION, id + ' ' + checkin + " is not of this partition");
            }
        });
    }

    private static Map<String, Map<String, String>> settled(Epoch epoch, String group) {
        Progress progress = epoch.after().of(group);
        Map<String, Map<String, String>> settled =
                new LinkedHashMap<>(epoch.after().entries());
        settled.keySet().removeIf(id -> !progress.isSettled(id));
        return settled;
    }

    /**
     * Whether a group has counted right.
     *
     * @param checkins of what is settled
     * @param others that are settled, and none
     */
    private void checkCounts(Epoch epoch, String group, long checkins, long others) {
        Progress before = epoch.before().of(group);
        Progress after = epoch.after().of(group);
        long entries = epoch.after().entries().size();
        long unsettled = entries - settled(epoch, group).size();
        long applied = after.total("applied") - before.total("applied");
        long dead = after.total("dead") - before.total("dead");
        long lost = after.total("lost") - before.total("lost");
        int deadLetters = after.dead().size() - before.dead().size();
        if (applied + dead + lost + unsettled != entries
                || applied != checkins
                || dead != others
                || dead != deadLetters
                || lost != 0) {
            add(
                    Promise.COUNTS,
                    group + ": " + entries + " entries, of which " + checkins + " are settled checkins, " + others
                            + " settled and none, " + unsettled + " unsettled; counted as applied " + applied
                            + ", dead " + dead + ", lost " + lost + "; dead letters: " + deadLetters
                            + ", in partition " + epoch.partition());
        }
    }

    private void checkNothingUnsettled(Epoch last) {
        Snapshot end = last.after();
        for (String group : Snapshot.GROUPS) {
            end.entries().keySet().stream()
                    .filter(id -> !end.of(group).isSettled(id))
                    .forEach(id -> add(Promise.COUNTS, id + " is unsettled in the end, for " + group));
        }
    }

    private void checkUser(UserRead read) {
        Accepted after = read.after();
        if (!UNDERSTANDABLE.contains(read.status()) && !(read.status() == 400 && isAnothers(after))) {
            add(Promise.READ_YOUR_WRITES, "answered with " + read.status() + ": " + read);
        }
        boolean wasThere = IntStream.range(0, epochs.size())
                .anyMatch(i -> epochs.get(i).contains(read.from(), read.to())
                        && after.checkin().equals(checkins.get(i).get(after.id())));
        boolean mayBeBehind = history.isWeakened(
                Promise.READS_ARE_TRUE, partitions.ofUser(after.checkin().userId()), read.from(), read.to());
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
        return ID.matcher(id).matches() && EntryId.parse(id).compareTo(EntryId.parse(other)) >= 0;
    }

    private void checkLatest(LatestRead read) {
        if (!read.checkin().equals(stored.get(read.id()))
                && !history.isWeakened(
                        Promise.READS_ARE_TRUE, EntryId.parse(read.id()).partition(), read.from(), read.to())) {
            add(Promise.READS_ARE_TRUE, "the latest checkin was " + read);
        }
    }

    /** What strikes one shard of a cluster must not be noticed by the others. */
    private void checkShards() {
        for (Strike strike : history.strikes()) {
            Elsewhere elsewhere = elsewhere(strike);
            // one refusal, or one late answer, may be due to the machine
            elsewhere.refused.forEach((partition, attempts) -> {
                if (spanOf(attempts).compareTo(LONGEST_REFUSAL) > 0) {
                    add(Promise.SHARDS, strike + " was noticed by partition " + partition + ": " + attempts);
                }
            });
            List<Attempt> late = elsewhere.single.stream()
                    .filter(attempt -> attempt.took().compareTo(LONGEST_ANSWER) > 0)
                    .toList();
            if (late.size() > 1) {
                add(Promise.SHARDS, strike + " was noticed by others, which answered late: " + late);
            }
        }
    }

    /**
     * What was answered, while something was struck, for partitions that nothing had struck.
     *
     * @param refused by partition
     * @param single the requests with one checkin: a batch waits for the slowest partition
     */
    private record Elsewhere(Map<Integer, List<Attempt>> refused, List<Attempt> single) {

        Duration longest() {
            return single.stream().map(Attempt::took).max(Duration::compareTo).orElse(Duration.ZERO);
        }
    }

    private Elsewhere elsewhere(Strike strike) {
        Map<Integer, List<Attempt>> refused = new TreeMap<>();
        List<Attempt> single = new ArrayList<>();
        for (Posting posting : ledger.postings()) {
            for (Attempt attempt : posting.attempts()) {
                if (attempt.answered() < strike.from() || attempt.started() > strike.to()) {
                    continue;
                }
                for (int i = 0; i < posting.checkins().size(); i++) {
                    int partition = partitions.ofUser(posting.checkins().get(i).userId());
                    if (history.strikes().stream().anyMatch(other -> isNoticed(other, attempt, partition))) {
                        continue;
                    }
                    if (!attempt.results().get(i).isAccepted()) {
                        refused.computeIfAbsent(partition, first -> new ArrayList<>())
                                .add(attempt);
                    }
                    if (posting.checkins().size() == 1) {
                        single.add(attempt);
                    }
                }
            }
        }
        return new Elsewhere(refused, single);
    }

    /** From the first answer to the last. */
    private static Duration spanOf(List<Attempt> attempts) {
        LongSummaryStatistics times =
                attempts.stream().mapToLong(Attempt::answered).summaryStatistics();
        return Duration.ofNanos(times.getMax() - times.getMin());
    }

    private static boolean isNoticed(Strike strike, Attempt attempt, int partition) {
        return strike.partitions().contains(partition)
                && attempt.answered() >= strike.from()
                && attempt.started() <= strike.to() + RECOVERY.toNanos();
    }

    /** For how long each partition refused, strike by strike, and how long answers took in the others. */
    List<String> refusals() {
        return history.strikes().stream()
                .filter(strike -> strike.fault().target() == Target.REDIS)
                .map(strike -> strike + ": " + refusals(strike))
                .toList();
    }

    private String refusals(Strike strike) {
        Map<Integer, Duration> spans = new TreeMap<>();
        Map<Integer, Long> firsts = new HashMap<>();
        for (Posting posting : ledger.postings()) {
            for (Attempt attempt : posting.attempts()) {
                boolean meanwhile = attempt.answered() >= strike.from() && attempt.started() <= strike.to();
                if (!meanwhile
                        || attempt.isAccepted()
                        || posting.checkins().size() > 1) { // a batch waits for the slowest
                    continue;
                }
                int partition = partitions.ofUser(posting.checkins().get(0).userId());
                long first = firsts.merge(partition, attempt.started(), Math::min);
                spans.merge(partition, Duration.ofNanos(attempt.answered() - first), LedgerCheck::longer);
            }
        }
        String refused = spans.entrySet().stream()
                .map(span -> span.getKey() + " for " + span.getValue().toMillis() + " ms")
                .collect(Collectors.joining(", "));
        return "refused by partition " + (refused.isEmpty() ? "none" : refused)
                + (strike.partitions().size() == partitions.count() ? "" : "; " + elsewhereOf(strike));
    }

    private String elsewhereOf(Strike strike) {
        Elsewhere elsewhere = elsewhere(strike);
        String refused = elsewhere.refused.values().stream()
                .map(LedgerCheck::spanOf)
                .max(Duration::compareTo)
                .map(longest -> ", and refused for up to " + longest.toMillis() + " ms")
                .orElse("");
        return "others answered within " + elsewhere.longest().toMillis() + " ms" + refused;
    }

    private static Duration longer(Duration one, Duration other) {
        return one.compareTo(other) > 0 ? one : other;
    }

    /** How much of what was accepted is gone, and out of how much, strike by strike. */
    List<String> losses() {
        Map<Strike, Loss> losses = new LinkedHashMap<>();
        for (Posting posting : ledger.postings()) {
            for (Attempt attempt : posting.attempts()) {
                for (int i = 0; i < posting.checkins().size(); i++) {
                    Checkin checkin = posting.checkins().get(i);
                    Result result = attempt.results().get(i);
                    if (result.isAccepted()) {
                        // after a failover an id may be another checkin's
                        var loss = new Loss(checkin.equals(stored.get(result.id())) ? 0 : 1, 1);
                        history.causeOfLoss(partitions.ofUser(checkin.userId()), attempt.started(), attempt.answered())
                                .ifPresent(strike -> losses.merge(strike, loss, Loss::plus));
                    }
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

    /** Figures of the run. */
    String summary() {
        long accepted = ledger.postings().stream()
                .filter(Posting::isAccepted)
                .mapToLong(posting -> posting.checkins().size())
                .sum();
        return accepted + " checkins accepted, " + stored.size() + " stored in " + epochs.size() + " epochs, requests "
                + ledger.outcomes();
    }
}
