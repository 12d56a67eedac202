package io.ncc.checkin.api.console;

import io.ncc.checkin.api.partition.CheckinId;
import io.ncc.checkin.model.Partitions;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How the stream of one partition stands, at one moment.
 *
 * @param time of its server, in milliseconds since 1970
 * @param appended how many entries were ever appended; null before Redis 7.0, which doesn't know
 * @param deadLetters those of each of the processor's groups
 * @param groupCount how many groups there are; {@code groups} may have fewer
 */
record Figures(
        long time,
        long length,
        @Nullable CheckinId firstId,
        @Nullable CheckinId lastId,
        @Nullable Long appended,
        List<DeadLetters> deadLetters,
        long groupCount,
        List<Group> groups) {

    /**
     * The dead letters of a group.
     *
     * @param count null if their key is damaged
     * @param newest null if there is none
     */
    record DeadLetters(
            String group, @Nullable Long count, @Nullable NewestDead newest) {}

    /** @param originalId of the entry, as it is known outside */
    record NewestDead(String group, CheckinId id, String originalId, String reason) {}

    /**
     * A group.
     *
     * @param processor whether it is one of the processor's own. The totals, the checkpoint and the dead letters of others are null
     * @param dead how many entries ever became dead letters
     * @param deadLetters how many of them there are now
     * @param behind the age of the oldest entry that is not settled, in milliseconds, 0 if all are; null if it isn't known
     * @param consumerCount how many consumers there are; {@code consumers} may have fewer
     * @param entries the first of those that are pending, ascending by id
     */
    record Group(
            String name,
            boolean processor,
            long pending,
            @Nullable Long lag,
            @Nullable CheckinId checkpoint,
            @Nullable Long behind,
            @Nullable Long applied,
            @Nullable Long skipped,
            @Nullable Long dead,
            @Nullable Long deadLetters,
            long consumerCount,
            List<Consumer> consumers,
            List<Entry> entries) {}

    record Consumer(String name, long idle, long pending) {}

    record Entry(CheckinId id, String consumer, long idle, long deliveries) {}

    /** Reads what console.lua returns. */
    static Figures of(Partitions partitions, int partition, List<?> reply) {
        return new Parser(partitions, partition, (Long) reply.get(0)).figures(reply);
    }

    private record Parser(Partitions partitions, int partition, long time) {

        Figures figures(List<?> reply) {
            List<DeadLetters> deadLetters = ((List<?>) reply.get(5))
                    .stream().map(group -> deadLetters((List<?>) group)).toList();
            return new Figures(
                    time,
                    (Long) reply.get(1),
                    id(reply.get(2)),
                    id(reply.get(3)),
                    number(reply.get(4)),
                    deadLetters,
                    (Long) reply.get(6),
                    ((List<?>) reply.get(7))
                            .stream()
                                    .map(group -> group((List<?>) group, deadLetters))
                                    .toList());
        }

        /** @param deadLetters those of each of the processor's groups, in the order of their numbers */
        private Group group(List<?> reply, List<DeadLetters> deadLetters) {
            int own = ((Long) reply.get(1)).intValue();
            return new Group(
                    (String) reply.get(0),
                    own > 0,
                    (Long) reply.get(2),
                    number(reply.get(3)),
                    id(reply.get(4)),
                    behind((String) reply.get(5)),
                    number(reply.get(6)),
                    number(reply.get(7)),
                    number(reply.get(8)),
                    own > 0 ? deadLetters.get(own - 1).count() : null,
                    (Long) reply.get(9),
                    ((List<?>) reply.get(10))
                            .stream()
                                    .map(consumer -> consumer((List<?>) consumer))
                                    .toList(),
                    ((List<?>) reply.get(11))
                            .stream().map(entry -> entry((List<?>) entry)).toList());
        }

        private static Consumer consumer(List<?> reply) {
            return new Consumer((String) reply.get(0), (Long) reply.get(1), (Long) reply.get(2));
        }

        private Entry entry(List<?> reply) {
            return new Entry(
                    CheckinId.of(partitions, partition, (String) reply.get(0)),
                    (String) reply.get(1),
                    (Long) reply.get(2),
                    (Long) reply.get(3));
        }

        private DeadLetters deadLetters(List<?> reply) {
            String group = (String) reply.get(0);
            return new DeadLetters(group, number(reply.get(1)), newestDead(group, (List<?>) reply.get(2)));
        }

        private @Nullable NewestDead newestDead(String group, List<?> reply) {
            if (reply.isEmpty()) {
                return null;
            }
            CheckinId id = CheckinId.of(partitions, partition, (String) reply.get(0));
            return new NewestDead(group, id, String.valueOf(id.outside((String) reply.get(1))), (String) reply.get(2));
        }

        private @Nullable CheckinId id(Object text) {
            return text.equals("") ? null : CheckinId.of(partitions, partition, (String) text);
        }

        private @Nullable Long behind(String oldest) {
            return switch (oldest) {
                case "?" -> null;
                case "" -> Long.valueOf(0);
                default ->
                    Long.valueOf(
                            CheckinId.of(partitions, partition, oldest).entry().ageAt(time));
            };
        }

        private static @Nullable Long number(Object text) {
            return text.equals("") ? null : Long.valueOf((String) text);
        }
    }
}
