package io.ncc.checkin.demo.traffic;

import java.util.Locale;
import java.util.SortedMap;
import java.util.stream.Collectors;

/**
 * What became of the checkins so far. {@code sent} is the sum of accepted, refused, failed and {@link #underWay()}.
 *
 * @param refused by HTTP status: every answer but 202
 * @param failed ended without an answer
 * @param notSent were due, but could not be sent in time
 */
record Totals(long sent, long accepted, SortedMap<Integer, Long> refused, long failed, long notSent) {

    long answered() {
        return accepted + allRefused();
    }

    long underWay() {
        return sent - answered() - failed;
    }

    private long allRefused() {
        return refused.values().stream().mapToLong(Long::longValue).sum();
    }

    @Override
    public String toString() {
        String statuses = refused.entrySet().stream()
                .map(entry -> String.format(Locale.ROOT, "%d: %,d", entry.getKey(), entry.getValue()))
                .collect(Collectors.joining(", ", " (", ")"));
        return String.format(
                Locale.ROOT,
                "sent %,d, accepted %,d, refused %,d%s, failed %,d, under way %,d",
                sent,
                accepted,
                allRefused(),
                refused.isEmpty() ? "" : statuses,
                failed,
                underWay());
    }
}
