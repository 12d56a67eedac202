package io.ncc.checkin.receiver;

import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.service.ProblemType;
import io.ncc.checkin.service.security.Caller;
import io.ncc.checkin.service.security.Role;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.web.ErrorResponseException;

/** Whether a caller may store a checkin: with the role {@link Role#WRITE} any, with {@link Role#OWN} those of one user. */
final class OwnCheckins {

    private OwnCheckins() {}

    /**
     * The problem of a checkin that isn't the caller's, else null.
     *
     * @param caller null if nobody was asked for a token
     */
    static @Nullable ErrorResponseException refusal(@Nullable Caller caller, Checkin checkin) {
        if (caller == null || caller.mayWriteFor(checkin.userId())) {
            return null;
        }
        ErrorResponseException problem =
                ProblemType.FORBIDDEN.exception("The token permits checkins of the user " + caller.user() + " only.");
        problem.getHeaders()
                .set(
                        HttpHeaders.WWW_AUTHENTICATE,
                        "Bearer error=\"insufficient_scope\", scope=\"" + Role.WRITE.getAuthority() + '"');
        return problem;
    }
}
