package io.ncc.checkin.api.console;

import io.ncc.checkin.api.partition.CheckinId;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * How everything stands at one moment: the sum of all partitions that answered.
 *
 * @param time of Redis, in milliseconds; with partitions, the highest of their servers
 * @param away the partitions that couldn't be read; the figures are those of the others
 * @param accepted how many entries were ever appended; before Redis 7.0, those that the stream had when the API server started, and those since
 * @param deadLetters how many there are of all groups; null if that isn't known
 * @param moreGroups how many groups are left out
 */
record Sample(
        long time,
        boolean available,
        List<Integer> away,
        long length,
        long maxLength,
        @Nullable CheckinId firstId,
        @Nullable CheckinId lastId,
        long accepted,
        Rates rates,
        @Nullable Long deadLetters,
        List<Group> groups,
        long moreGroups) {

    private static final int MOST_CONSUMERS = 100;
    private static final int MOST_ENTRIES = 50;

    /** For the time in which no partition can be read. */
    record Outage(@Nullable Long time, boolean available, long since, String reason) {

        /** @param since in milliseconds of this server */
        Outage(long since, String reason) {
            this(null, false, since, reason);
        }
    }

    /** Per second, since the sample before and in the mean of ten seconds. Null where that isn't known. */
    record Rates(
            @Nullable Double accepted,
            @Nullable Double accepted10,
            @Nullable Double applied,
            @Nullable Double applied10) {}

    /**
     * A group.
     *
     * @param behind the age of the oldest entry that is not settled, in milliseconds
     * @param drain in how many seconds it will have nothing left to do, going by the last ten; null if it isn't catching up
     * @param moreConsumers how many consumers are left out
     */
    record Group(
            String name,
            boolean processor,
            @Nullable Long applied,
            @Nullable Long skipped,
            @Nullable Long dead,
            @Nullable Long deadLetters,
            @Nullable Long behind,
            @Nullable CheckinId checkpoint,
            @Nullable Long lag,
            long pending,
            @Nullable Long drain,
            List<Figures.Consumer> consumers,
            long moreConsumers,
            List<Figures.Entry> entries) {

        Group withDrain(@Nullable Long seconds) {
            return new Group(
                    name,
                    processor,
                    applied,
                    skipped,
                    dead,
                    deadLetters,
                    behind,
                    checkpoint,
                    lag,
                    pending,
                    seconds,
                    consumers,
                    moreConsumers,
                    entries);
        }
    }

    /** The groups of all partitions, each in sum, without {@link Group#drain}. */
    static List<Group> groups(List<Figures> partitions) {
        Map<String, List<Figures.Group>> byName = new LinkedHashMap<>();
        partitions.stream()
                .flatMap(figures -> figures.groups().stream())
                .forEach(group -> byName.computeIfAbsent(group.name(), name -> new ArrayList<>())
                        .add(group));
        return byName.values().stream().map(Sample::sum).toList();
    }

    private static Group sum(List<Figures.Group> shares) {
        List<Figures.Consumer> consumers = consumers(shares);
        return new Group(
                shares.get(0).name(),
                shares.get(0).processor(),
                sum(shares.stream().map(Figures.Group::applied)),
                sum(shares.stream().map(Figures.Group::skipped)),
                sum(shares.stream().map(Figures.Group::dead)),
                sum(shares.stream().map(Figures.Group::deadLetters)),
                behind(shares),
                checkpoint(shares),
                sum(shares.stream().map(Figures.Group::lag)),
                shares.stream().mapToLong(Figures.Group::pending).sum(),
                null,
                consumers,
                Math.max(
                        0,
                        shares.stream()
                                        .mapToLong(Figures.Group::consumerCount)
                                        .max()
                                        .orElse(0)
                                - consumers.size()),
                shares.stream()
                        .flatMap(share -> share.entries().stream())
                        .sorted(Comparator.comparing(Figures.Entry::id))
                        .limit(MOST_ENTRIES)
                        .toList());
    }

    /** Not known if one is not known. */
    static @Nullable Long sum(Stream<@Nullable Long> values) {
        long sum = 0;
        for (Long value : (Iterable<@Nullable Long>) values::iterator) {
            if (value == null) {
                return null;
            }
            sum += value;
        }
        return sum;
    }

    private static @Nullable Long behind(List<Figures.Group> shares) {
        long highest = 0;
        for (Figures.Group share : shares) {
            Long behind = share.behind();
            if (behind == null) {
                return null;
            }
            highest = Math.max(highest, behind);
        }
        return highest;
    }

    /** Of the processor's groups, how far the last one is behind; null if there is none, or if of one of them it isn't known. */
    static @Nullable Long furthestBehind(List<Group> groups) {
        Long furthest = null;
        for (Group group : groups) {
            if (group.processor()) {
                Long behind = group.behind();
                if (behind == null) {
                    return null;
                }
                furthest = furthest == null ? behind : Long.valueOf(Math.max(furthest, behind));
            }
        }
        return furthest;
    }

    /** That of the partition that is furthest behind. One of which all is settled holds nothing up. */
    private static @Nullable CheckinId checkpoint(List<Figures.Group> shares) {
        List<Figures.Group> unsettled = shares.stream()
                .filter(share -> !Objects.equals(share.behind(), 0L))
                .toList();
        if (unsettled.isEmpty()) {
            return shares.stream()
                    .map(Figures.Group::checkpoint)
                    .filter(Objects::nonNull)
                    .max(Comparator.naturalOrder())
                    .orElse(null);
        }
        return unsettled.stream().anyMatch(share -> share.checkpoint() == null)
                ? null
                : unsettled.stream()
                        .map(Figures.Group::checkpoint)
                        .filter(Objects::nonNull)
                        .min(Comparator.naturalOrder())
                        .orElse(null);
    }

    /** Each once, by name. If there are too many, those that hold most, or were active last. */
    private static List<Figures.Consumer> consumers(List<Figures.Group> shares) {
        Map<String, Figures.Consumer> byName = new LinkedHashMap<>();
        shares.stream()
                .flatMap(share -> share.consumers().stream())
                .forEach(consumer -> byName.merge(
                        consumer.name(),
                        consumer,
                        (one, other) -> new Figures.Consumer(
                                one.name(), Math.min(one.idle(), other.idle()), one.pending() + other.pending())));
        return byName.values().stream()
                .sorted(Comparator.comparingLong(Figures.Consumer::pending)
                        .reversed()
                        .thenComparingLong(Figures.Consumer::idle))
                .limit(MOST_CONSUMERS)
                .sorted(Comparator.comparing(Figures.Consumer::name))
                .toList();
    }

    static @Nullable CheckinId lowest(List<Figures> partitions, Function<Figures, @Nullable CheckinId> id) {
        return partitions.stream()
                .map(id)
                .filter(Objects::nonNull)
                .min(Comparator.naturalOrder())
                .orElse(null);
    }

    static @Nullable CheckinId highest(List<Figures> partitions, Function<Figures, @Nullable CheckinId> id) {
        return partitions.stream()
                .map(id)
                .filter(Objects::nonNull)
                .max(Comparator.naturalOrder())
                .orElse(null);
    }
}
