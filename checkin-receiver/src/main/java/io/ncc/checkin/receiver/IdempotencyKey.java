package io.ncc.checkin.receiver;

import io.ncc.checkin.service.ProblemType;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.web.ErrorResponseException;

/** What a client sends so that a request which it sends again takes effect once. */
final class IdempotencyKey {

    static final String HEADER = "Idempotency-Key";

    private static final Pattern VISIBLE_ASCII = Pattern.compile("[!-~]{1,255}");

    private IdempotencyKey() {}

    /** @throws ErrorResponseException a problem, if there is something that isn't one */
    static void requireValid(@Nullable String key) {
        if (key != null && !VISIBLE_ASCII.matcher(key).matches()) {
            throw ProblemType.invalidParameter(HEADER, "must be 1 to 255 visible ASCII characters");
        }
    }
}
