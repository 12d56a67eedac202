package io.ncc.checkin.api.checkin;

import io.lettuce.core.Range;
import io.ncc.checkin.api.partition.CheckinId;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.service.ProblemType;
import io.ncc.redis.StreamId;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import org.jspecify.annotations.Nullable;
import org.springframework.web.ErrorResponseException;

/**
 * Where a walk through the stream goes on. It names ids and no offsets, so that entries that are appended or trimmed meanwhile are neither
 * repeated nor do they shift anything.
 *
 * @param from the lowest id that is still to be seen
 * @param to the highest id that is still to be seen
 */
record Cursor(CheckinId from, CheckinId to, boolean newestFirst, int limit) {

    private static final String SEPARATOR = "_";

    /** The walk after this id was seen. */
    Cursor after(CheckinId id) {
        return newestFirst ? new Cursor(from, id.previous(), true, limit) : new Cursor(id.next(), to, false, limit);
    }

    /**
     * What of the walk is left in a partition.
     *
     * @param last the last id there that was seen; null if none was
     * @return null if nothing is left
     */
    @Nullable
    Range<String> in(int partition, @Nullable StreamId last) {
        StreamId lowest = from.lowestIn(partition);
        StreamId highest = to.highestIn(partition);
        if (last != null && newestFirst) {
            highest = last.previous();
        } else if (last != null) {
            lowest = last.next();
        }
        boolean isOver = lowest.compareTo(highest) > 0 || lowest.equals(last) || highest.equals(last);
        return isOver ? null : Range.create(lowest.toString(), highest.toString());
    }

    /** For a URL. */
    @Override
    public String toString() {
        String text = String.join(
                SEPARATOR, newestFirst ? "d" : "a", Integer.toString(limit), from.toString(), to.toString());
        return Base64.getUrlEncoder().withoutPadding().encodeToString(text.getBytes(StandardCharsets.US_ASCII));
    }

    /** @throws ErrorResponseException a problem, if it is none that was made by {@link #toString} */
    static Cursor parse(String text, Partitions partitions) {
        try {
            String[] parts =
                    new String(Base64.getUrlDecoder().decode(text), StandardCharsets.US_ASCII).split(SEPARATOR, -1);
            int limit = Integer.parseInt(parts[1]);
            boolean valid = parts.length == 4
                    && (parts[0].equals("a") || parts[0].equals("d"))
                    && limit >= 1
                    && limit <= CheckinReader.MAX_PAGE;
            if (valid) {
                return new Cursor(
                        CheckinId.parse(parts[2], partitions),
                        CheckinId.parse(parts[3], partitions),
                        parts[0].equals("d"),
                        limit);
            }
        } catch (IllegalArgumentException | ArrayIndexOutOfBoundsException e) {
            // said below
        }
        throw ProblemType.invalidParameter("cursor", "must be one that an answer gave as next");
    }
}
