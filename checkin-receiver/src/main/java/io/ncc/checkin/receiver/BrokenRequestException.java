package io.ncc.checkin.receiver;

import io.ncc.checkin.service.ProblemType;
import java.io.IOException;
import java.net.SocketTimeoutException;
import org.springframework.web.ErrorResponseException;

/**
 * A request whose body can't be read to its end: the client is gone or silent, or the framing is wrong. Tomcat has decided on the answer
 * by then, with 400 or 408, and whatever else is answered is thrown away.
 */
final class BrokenRequestException extends ErrorResponseException {

    private static final long serialVersionUID = 1;

    private BrokenRequestException(ProblemType type, IOException cause) {
        super(type.status(), type.problem(), cause);
    }

    static BrokenRequestException of(IOException cause) {
        // Tomcat wraps the timeout
        boolean silent = cause instanceof SocketTimeoutException || cause.getCause() instanceof SocketTimeoutException;
        return new BrokenRequestException(silent ? ProblemType.REQUEST_TIMEOUT : ProblemType.INVALID_REQUEST, cause);
    }
}
