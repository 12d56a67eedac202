package io.ncc.checkin.receiver;

import io.ncc.checkin.service.ProblemType;
import jakarta.servlet.http.HttpServletRequest;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import org.springframework.http.HttpHeaders;
import org.springframework.web.ErrorResponseException;

/** How a body is encoded, as in <a href="https://www.rfc-editor.org/rfc/rfc9110#section-8.4">RFC 9110, section 8.4</a>. */
final class ContentCoding {

    private static final String GZIP = "gzip";
    private static final String IDENTITY = "identity";

    private ContentCoding() {}

    /**
     * Whether a body is encoded with gzip, and not as it is.
     *
     * @throws ErrorResponseException a problem, if it is encoded with anything else
     */
    static boolean isGzip(HttpServletRequest request) {
        List<String> codings = codings(request);
        if (!codings.isEmpty() && !codings.equals(List.of(GZIP))) {
            throw unsupported("A body may only be encoded with gzip, and once.", GZIP);
        }
        return !codings.isEmpty();
    }

    /** @throws ErrorResponseException a problem, if the body is not sent as it is */
    static void requireNone(HttpServletRequest request) {
        if (!codings(request).isEmpty()) {
            throw unsupported("A single checkin can't be compressed.", IDENTITY);
        }
    }

    private static List<String> codings(HttpServletRequest request) {
        if (request.getHeader(HttpHeaders.CONTENT_ENCODING) == null) {
            return List.of();
        }
        return Collections.list(request.getHeaders(HttpHeaders.CONTENT_ENCODING)).stream()
                .flatMap(line -> Arrays.stream(line.split(",")))
                .map(coding -> coding.strip().toLowerCase(Locale.ROOT))
                .filter(coding -> !coding.isEmpty() && !coding.equals(IDENTITY))
                .map(coding -> coding.equals("x-gzip") ? GZIP : coding)
                .toList();
    }

    private static ErrorResponseException unsupported(String detail, String accepted) {
        ErrorResponseException problem = ProblemType.UNSUPPORTED_MEDIA_TYPE.exception(detail);
        problem.getHeaders().set(HttpHeaders.ACCEPT_ENCODING, accepted);
        return problem;
    }
}
