package io.ncc.checkin.receiver;

import io.ncc.checkin.service.InvalidMember;
import io.ncc.checkin.service.ProblemType;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.ProblemDetail;
import org.springframework.web.ErrorResponseException;

/**
 * A request whose body can't be read to its end, so that what came of it and isn't stored yet must not be: either nobody would learn of it, or it can't be
 * trusted.
 */
final class BrokenRequestException extends ErrorResponseException {

    private static final long serialVersionUID = 1;

    private BrokenRequestException(HttpStatusCode status, ProblemDetail problem, @Nullable IOException cause) {
        super(status, problem, cause);
    }

    /** A body that is damaged: only at its end it shows whether what came before is what the client sent. */
    static BrokenRequestException damaged(String message) {
        ErrorResponseException problem = ProblemType.invalidMembers(List.of(new InvalidMember("", message)));
        return new BrokenRequestException(problem.getStatusCode(), problem.getBody(), null);
    }

    /** The client is gone or silent, or the framing is wrong. Tomcat has decided on the answer, with 400 or 408, and throws away any other. */
    static BrokenRequestException of(IOException cause) {
        // Tomcat wraps the timeout
        boolean silent = cause instanceof SocketTimeoutException || cause.getCause() instanceof SocketTimeoutException;
        ProblemType type = silent ? ProblemType.REQUEST_TIMEOUT : ProblemType.INVALID_REQUEST;
        return new BrokenRequestException(type.status(), type.problem(), cause);
    }
}
