package io.ncc.checkin.api.console;

import io.ncc.checkin.api.console.Sample.Rates;
import io.ncc.checkin.api.partition.CheckinId;
import io.ncc.checkin.model.Keys;
import io.ncc.redis.RedisCondition;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Makes samples of what the partitions answer, one after the other, and keeps what it needs of those before: rates are differences of totals over
 * differences of Redis' time. A partition of which nothing was known before, or whose totals fell, begins anew: its rate isn't known, and never negative.
 */
final class Sampler {

    private static final long SECOND = 1000;
    private static final int FINE_STEPS = 600;
    private static final int COARSE_STEPS = 1080;
    private static final long MEAN_OF = 10 * SECOND;
    private static final long LEAST_FOR_DRAIN = 2 * SECOND;

    private final long maxLength;
    private final History fine = new History(SECOND, FINE_STEPS);
    private final History coarse = new History(10 * SECOND, COARSE_STEPS);
    private final @Nullable Figures[] before;

    /** Of each partition, the newest dead letter of each group that was seen. */
    private final List<Map<String, CheckinId>> newestDead;

    /** Of each group, how much it had to do at the last samples. */
    private final Map<String, Deque<Backlog>> backlogs = new HashMap<>();

    private final Deque<Interval> intervals = new ArrayDeque<>();
    private List<Integer> away = List.of();
    private long outageSince;
    private @Nullable Long base;
    private @Nullable Seen seenBefore;

    /** @param partitions how many there are */
    Sampler(int partitions, long maxLength) {
        this.maxLength = maxLength;
        this.before = new Figures[partitions];
        this.newestDead = Stream.<Map<String, CheckinId>>generate(HashMap::new)
                .limit(partitions)
                .toList();
    }

    /**
     * What came of a look.
     *
     * @param sample a {@link Sample}, or a {@link Sample.Outage}
     * @param claims what was claimed since the last look, as far as it shows
     * @param dead null if there are no new dead letters
     */
    record Observed(
            Record sample, List<Claim> claims, @Nullable Dead dead) {}

    /**
     * An entry was with one consumer at the last look, and is with another now.
     *
     * @param observed when, in milliseconds of Redis
     */
    record Claim(String group, CheckinId id, String from, String to, long deliveries, long observed) {}

    /** @param count how many are new */
    record Dead(long count, Figures.NewestDead newest) {}

    /** How many entries the tail of the stream had seen. */
    private record Seen(long count, long time) {}

    /** @param counted whether it is the number of entries; else, before Redis 7.0, it is the age of the oldest */
    private record Backlog(long time, boolean counted, double amount) {}

    private record Interval(
            long from,
            long to,
            @Nullable Double accepted,
            @Nullable Double applied) {}

    /** @param seen how many entries the tail of the stream has seen */
    Observed observe(List<FiguresReader.Answer> answers, long seen) {
        List<Figures> there = answers.stream()
                .map(FiguresReader.Answer::figures)
                .filter(Objects::nonNull)
                .toList();
        if (there.isEmpty()) {
            return outage(answers);
        }
        outageSince = 0;
        List<Integer> awayNow = new ArrayList<>();
        for (int partition = 0; partition < answers.size(); partition++) {
            if (answers.get(partition).figures() == null) {
                awayNow.add(partition);
            }
        }
        if (!awayNow.equals(away)) {
            away = awayNow;
            backlogs.clear(); // that of other partitions isn't comparable
        }
        long time = there.stream().mapToLong(Figures::time).max().orElseThrow();
        List<Claim> claims = new ArrayList<>();
        for (int partition = 0; partition < answers.size(); partition++) {
            claims.addAll(claims(before[partition], answers.get(partition).figures()));
        }
        Dead dead = dead(answers);
        Sample sample = sample(answers, there, time, seen);
        for (int partition = 0; partition < answers.size(); partition++) {
            before[partition] = answers.get(partition).figures();
        }
        seenBefore = new Seen(seen, time);
        return new Observed(sample, claims, dead);
    }

    private Observed outage(List<FiguresReader.Answer> answers) {
        Arrays.fill(before, null);
        seenBefore = null;
        backlogs.clear();
        intervals.clear();
        if (outageSince == 0) {
            outageSince = System.currentTimeMillis();
        }
        Throwable trouble = Objects.requireNonNull(answers.get(0).trouble());
        return new Observed(
                new Sample.Outage(outageSince, RedisCondition.of(trouble).name()), List.of(), null);
    }

    private Sample sample(List<FiguresReader.Answer> answers, List<Figures> there, long time, long seen) {
        long length = there.stream().mapToLong(Figures::length).sum();
        if (base == null) {
            base = length - seen;
        }
        Long appended = Sample.sum(there.stream().map(Figures::appended));
        Double accepted = appended == null ? rateOfSeen(seen, time) : rate(answers, Figures::appended);
        Double applied = rate(answers, Sampler::applied);
        List<Sample.Group> groups = Sample.groups(there).stream()
                .map(group -> group.withDrain(drain(group, time)))
                .toList();
        backlogs.keySet().retainAll(groups.stream().map(Sample.Group::name).toList());
        Long last = lastTime();
        long from = last == null ? time : last;
        Sample.Group own = groups.stream()
                .filter(group -> group.name().equals(Keys.GROUP))
                .findFirst()
                .orElse(null);
        Long behind = Sample.furthestBehind(groups);
        Long pending = own == null ? null : Long.valueOf(own.pending());
        fine.add(from, time, accepted, applied, behind, pending);
        coarse.add(from, time, accepted, applied, behind, pending);
        intervals.add(new Interval(from, time, accepted, applied));
        intervals.removeIf(interval -> interval.to <= time - MEAN_OF || interval.to > time);
        return new Sample(
                time,
                true,
                away,
                length,
                maxLength,
                Sample.lowest(there, Figures::firstId),
                Sample.highest(there, Figures::lastId),
                appended == null ? base + seen : appended,
                new Rates(rounded(accepted), mean(Interval::accepted), rounded(applied), mean(Interval::applied)),
                Sample.sum(there.stream()
                        .flatMap(figures -> figures.deadLetters().stream())
                        .map(Figures.DeadLetters::count)),
                groups,
                Math.max(0, there.stream().mapToLong(Figures::groupCount).max().orElseThrow() - groups.size()));
    }

    private @Nullable Long lastTime() {
        return Arrays.stream(before)
                .filter(Objects::nonNull)
                .map(Figures::time)
                .max(Long::compare)
                .orElse(null);
    }

    private @Nullable Double rateOfSeen(long seen, long time) {
        return seenBefore == null ? null : perSecond(seenBefore.count, seen, seenBefore.time, time);
    }

    /** The sum of those partitions that answered now and before; null if there is none, or if of one of them it isn't known. */
    private @Nullable Double rate(List<FiguresReader.Answer> answers, Function<Figures, @Nullable Long> total) {
        Double sum = null;
        for (int partition = 0; partition < before.length; partition++) {
            Figures then = before[partition];
            Figures now = answers.get(partition).figures();
            if (then != null && now != null) {
                Double one = perSecond(total.apply(then), total.apply(now), then.time(), now.time());
                if (one == null) {
                    return null;
                }
                sum = sum == null ? one : Double.valueOf(sum + one);
            }
        }
        return sum;
    }

    private static @Nullable Double perSecond(@Nullable Long then, @Nullable Long now, long from, long to) {
        return then == null || now == null || now < then || to <= from
                ? null
                : Double.valueOf((double) (now - then) * SECOND / (to - from));
    }

    /** Of the group that keeps the totals; nothing was applied where there isn't one. */
    private static @Nullable Long applied(Figures figures) {
        return totalOf(Keys.GROUP, figures, Figures.Group::applied);
    }

    private static @Nullable Long totalOf(String name, Figures figures, Function<Figures.Group, @Nullable Long> total) {
        for (Figures.Group group : figures.groups()) {
            if (group.name().equals(name)) {
                return total.apply(group);
            }
        }
        return 0L;
    }

    private @Nullable Double mean(Function<Interval, @Nullable Double> rate) {
        double amount = 0;
        double millis = 0;
        for (Interval interval : intervals) {
            Double perSecond = rate.apply(interval);
            if (perSecond != null) {
                amount += perSecond * (interval.to - interval.from);
                millis += interval.to - interval.from;
            }
        }
        return millis > 0 ? rounded(amount / millis) : null;
    }

    private static @Nullable Double rounded(@Nullable Double perSecond) {
        return perSecond == null ? null : Double.valueOf(History.rounded(perSecond));
    }

    private @Nullable Long drain(Sample.Group group, long time) {
        Long lag = group.lag();
        Long behind = group.behind();
        if (lag == null && behind == null) {
            return null;
        }
        boolean counted = lag != null;
        long amount = lag != null ? lag + group.pending() : Objects.requireNonNull(behind);
        Backlog now = new Backlog(time, counted, amount);
        Deque<Backlog> past = backlogs.computeIfAbsent(group.name(), name -> new ArrayDeque<>());
        past.removeIf(backlog -> backlog.counted != counted || backlog.time > time || backlog.time < time - MEAN_OF);
        past.add(now);
        if (now.amount == 0) {
            return 0L;
        }
        Backlog first = past.element();
        double fallen = first.amount - now.amount;
        return time - first.time < LEAST_FOR_DRAIN || fallen <= 0
                ? null
                : Long.valueOf((long) Math.ceil(now.amount * (time - first.time) / fallen / SECOND));
    }

    private static List<Claim> claims(@Nullable Figures then, @Nullable Figures now) {
        List<Claim> claims = new ArrayList<>();
        if (then == null || now == null) {
            return claims;
        }
        for (Figures.Group group : now.groups()) {
            Map<CheckinId, String> holders = then.groups().stream()
                    .filter(other -> other.name().equals(group.name()))
                    .flatMap(other -> other.entries().stream())
                    .collect(Collectors.toMap(Figures.Entry::id, Figures.Entry::consumer));
            for (Figures.Entry entry : group.entries()) {
                String from = holders.get(entry.id());
                if (from != null && !from.equals(entry.consumer())) {
                    claims.add(new Claim(
                            group.name(), entry.id(), from, entry.consumer(), entry.deliveries(), now.time()));
                }
            }
        }
        return claims;
    }

    private @Nullable Dead dead(List<FiguresReader.Answer> answers) {
        long count = 0;
        Figures.NewestDead newest = null;
        for (int partition = 0; partition < before.length; partition++) {
            Figures then = before[partition];
            Figures now = answers.get(partition).figures();
            if (now == null) {
                continue;
            }
            for (Figures.NewestDead letter : unseen(now, newestDead.get(partition))) {
                if (then != null) {
                    Long deadThen = totalOf(letter.group(), then, Figures.Group::dead);
                    Long deadNow = totalOf(letter.group(), now, Figures.Group::dead);
                    count += deadThen == null || deadNow == null ? 1 : Math.max(1, deadNow - deadThen);
                    newest = newest == null || newest.id().compareTo(letter.id()) < 0 ? letter : newest;
                }
            }
        }
        return newest == null ? null : new Dead(count, newest);
    }

    /** The newest dead letter of each group, if it wasn't seen before. */
    private static List<Figures.NewestDead> unseen(Figures now, Map<String, CheckinId> seen) {
        List<Figures.NewestDead> unseen = new ArrayList<>();
        for (Figures.DeadLetters letters : now.deadLetters()) {
            Figures.NewestDead newest = letters.newest();
            CheckinId last = seen.get(letters.group());
            if (newest != null && (last == null || last.compareTo(newest.id()) < 0)) {
                seen.put(letters.group(), newest.id());
                unseen.add(newest);
            }
        }
        return unseen;
    }

    History.View fine() {
        return fine.view();
    }

    History.View coarse() {
        return coarse.view();
    }
}
