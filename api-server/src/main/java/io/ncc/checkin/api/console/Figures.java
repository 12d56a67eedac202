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
 * @param deadLetters null if their key is damaged
 * @param newestDead the newest dead letter; null if there is none
 * @param groupCount how many groups there are; {@code groups} may have fewer
 */
record Figures(
        long time,
        long length,
        @Nullable CheckinId firstId,
        @Nullable CheckinId lastId,
        @Nullable Long appended,
        @Nullable Long deadLetters,
        @Nullable NewestDead newestDead,
        long groupCount,
        List<Group> groups) {

    /** @param originalId of the entry, as it is known outside */
    record NewestDead(CheckinId id, String originalId, String reason) {}

    /**
     * A group.
     *
     * @param processor whether it is one of the processor's own. The totals and the checkpoint of others are null
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
            return new Figures(
                    time,
                    (Long) reply.get(1),
                    id(reply.get(2)),
                    id(reply.get(3)),
                    number(reply.get(4)),
                    number(reply.get(5)),
                    newestDead((List<?>) reply.get(6)),
                    (Long) reply.get(7),
                    ((List<?>) reply.get(8))
                            .stream().map(group -> group((List<?>) group)).toList());
        }

        private Group group(List<?> reply) {
            return new Group(
                    (String) reply.get(0),
                    (Long) reply.get(1) > 0,
                    (Long) reply.get(2),
                    number(reply.get(3)),
                    id(reply.get(4)),
                    behind((String) reply.get(5)),
                    number(reply.get(6)),
                    number(reply.get(7)),
                    number(reply.get(8)),
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

        private @Nullable NewestDead newestDead(List<?> reply) {
            if (reply.isEmpty()) {
                return null;
            }
            CheckinId id = CheckinId.of(partitions, partition, (String) reply.get(0));
            return new NewestDead(id, String.valueOf(id.outside((String) reply.get(1))), (String) reply.get(2));
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
