package io.ncc.checkin.receiver;

import io.ncc.checkin.service.ProblemType;
import io.ncc.checkin.service.security.Caller;
import jakarta.servlet.http.HttpServletRequest;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.web.ErrorResponseException;

/** What a client sends so that a request which it sends again takes effect once. */
final class IdempotencyKey {

    static final String HEADER = "Idempotency-Key";

    private static final Pattern VISIBLE_ASCII = Pattern.compile("[!-~]{1,255}");

    private IdempotencyKey() {}

    /**
     * The key of a request, or null if it has none. Each caller has keys of their own: before the key is the name, and a space, which no key has.
     *
     * @throws ErrorResponseException a problem, if there is something that isn't one
     */
    static @Nullable String of(HttpServletRequest request) {
        String key = request.getHeader(HEADER);
        if (key != null && !VISIBLE_ASCII.matcher(key).matches()) {
            throw ProblemType.invalidParameter(HEADER, "must be 1 to 255 visible ASCII characters");
        }
        Caller caller = key == null ? null : Caller.of(request);
        return caller == null ? key : caller.name() + ' ' + key;
    }
}
