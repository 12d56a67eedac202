package io.ncc.checkin.api.deadletter;

import io.ncc.checkin.api.partition.CheckinId;
import java.util.ArrayList;
import java.util.List;

/**
 * An entry that could not be applied.
 *
 * @param id of the dead letter
 * @param originalId of the entry
 * @param reason why it could not be applied
 * @param deliveries how often it was delivered
 * @param consumer who had it
 * @param truncated whether fields of the entry are missing: at most 1,000 fields of 64 KB are kept, and at most 16 KB of an entry that was too
 *     large. Such a dead letter can't be replayed, nor can an entry that another program wrote into the stream of dead letters
 * @param fields of the entry, as they were; a name may stand twice
 */
record DeadLetter(
        CheckinId id,
        String originalId,
        String reason,
        long deliveries,
        String consumer,
        boolean truncated,
        List<Field> fields) {

    /** How many values stand before those of the entry: a name and a value for each of our own. */
    private static final int OWN = 10;

    private static final int MOST_FIELDS = 1000;

    /** Reads what set-aside.lua writes; what others wrote into the stream of dead letters is shown as far as it can be. */
    static DeadLetter from(CheckinId id, List<?> values) {
        List<Field> fields = new ArrayList<>();
        for (int i = OWN; i + 1 < values.size(); i += 2) {
            fields.add(new Field(String.valueOf(values.get(i)), String.valueOf(values.get(i + 1))));
        }
        return new DeadLetter(
                id,
                String.valueOf(id.outside(own(values, 0))),
                own(values, 1),
                number(own(values, 2)),
                own(values, 3),
                !isComplete(values, fields.size()),
                fields);
    }

    /** As replay.lua has it. */
    private static boolean isComplete(List<?> values, int fields) {
        return values.get(0).equals("originalId")
                && fields >= 1
                && fields <= MOST_FIELDS
                && values.size() == OWN + 2 * fields
                && own(values, 4).equals(Integer.toString(fields));
    }

    private static String own(List<?> values, int index) {
        int at = 2 * index + 1;
        return at < values.size() ? String.valueOf(values.get(at)) : "";
    }

    private static long number(String text) {
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException e) {
            return 0;
        }
    }

    record Field(String name, String value) {}
}
