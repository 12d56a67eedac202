package io.ncc.checkin.api.board;

import io.ncc.checkin.service.ProblemType;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import org.jspecify.annotations.Nullable;

/** The time that a ranking is about. */
enum Window {
    /** The current clock hour and the one before. */
    HOUR("1h", Duration.ofHours(1)),
    /** The current clock hour and the 23 before. */
    DAY("24h", Duration.ofHours(23)),
    ALL("all", null);

    private final String text;
    private final @Nullable Duration before;

    /** @param before how long it begins before the current clock hour */
    Window(String text, @Nullable Duration before) {
        this.text = text;
        this.before = before;
    }

    /** All time where it isn't given. */
    static Window parse(@Nullable String text) {
        for (Window window : values()) {
            if (window.text.equals(text)) {
                return window;
            }
        }
        if (text == null) {
            return ALL;
        }
        throw ProblemType.invalidParameter("window", "must be 1h, 24h or all");
    }

    /** When it begins; null for all time. */
    @Nullable
    Instant since(Instant now) {
        return before == null ? null : now.truncatedTo(ChronoUnit.HOURS).minus(before);
    }
}
