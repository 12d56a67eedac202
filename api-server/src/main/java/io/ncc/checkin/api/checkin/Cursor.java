package io.ncc.checkin.api.checkin;

import io.ncc.checkin.service.ProblemType;
import io.ncc.redis.StreamId;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import org.springframework.web.ErrorResponseException;

/**
 * Where a walk through the stream goes on. It names ids and no offsets, so that entries that are appended or trimmed meanwhile are neither
 * repeated nor do they shift anything.
 *
 * @param from the lowest id that is still to be seen
 * @param to the highest id that is still to be seen
 */
record Cursor(StreamId from, StreamId to, boolean newestFirst, int limit) {

    private static final String SEPARATOR = "_";

    /** The walk after this id was seen; after the highest there is nothing left of it. */
    Cursor after(StreamId id) {
        if (!newestFirst && id.equals(StreamId.HIGHEST)) {
            return new Cursor(id, StreamId.ZERO, false, limit);
        }
        return newestFirst
                ? new Cursor(from, before(id), true, limit)
                : new Cursor(
                        new StreamId(id.sequence() == -1 ? id.millis() + 1 : id.millis(), id.sequence() + 1),
                        to,
                        false,
                        limit);
    }

    private static StreamId before(StreamId id) {
        return new StreamId(id.sequence() == 0 ? id.millis() - 1 : id.millis(), id.sequence() - 1);
    }

    /** For a URL. */
    @Override
    public String toString() {
        String text = String.join(
                SEPARATOR, newestFirst ? "d" : "a", Integer.toString(limit), from.toString(), to.toString());
        return Base64.getUrlEncoder().withoutPadding().encodeToString(text.getBytes(StandardCharsets.US_ASCII));
    }

    /** @throws ErrorResponseException a problem, if it is none that was made by {@link #toString} */
    static Cursor parse(String text) {
        try {
            String[] parts =
                    new String(Base64.getUrlDecoder().decode(text), StandardCharsets.US_ASCII).split(SEPARATOR, -1);
            int limit = Integer.parseInt(parts[1]);
            boolean valid = parts.length == 4
                    && (parts[0].equals("a") || parts[0].equals("d"))
                    && limit >= 1
                    && limit <= CheckinReader.MAX_PAGE;
            if (valid) {
                return new Cursor(StreamId.parse(parts[2]), StreamId.parse(parts[3]), parts[0].equals("d"), limit);
            }
        } catch (IllegalArgumentException | ArrayIndexOutOfBoundsException e) {
            // said below
        }
        throw ProblemType.invalidParameter("cursor", "must be one that an answer gave as next");
    }
}
