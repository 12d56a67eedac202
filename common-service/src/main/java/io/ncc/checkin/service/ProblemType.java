package io.ncc.checkin.service;

import java.net.URI;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.ProblemDetail;
import org.springframework.web.ErrorResponseException;

/**
 * The kinds of error answer, as <a href="https://www.rfc-editor.org/rfc/rfc9457">RFC 9457</a> problems. Type and title are fixed;
 * {@code docs/problems.md} explains each.
 */
public enum ProblemType {
    INVALID_REQUEST(HttpStatus.BAD_REQUEST, "Invalid request", "The request is invalid."),
    UNAUTHENTICATED(HttpStatus.UNAUTHORIZED, "Unauthenticated", "The request must have a bearer token."),
    LOGIN_REFUSED(HttpStatus.UNAUTHORIZED, "Login refused", "The e-mail address or the password is wrong."),
    FORBIDDEN(HttpStatus.FORBIDDEN, "Forbidden", "The token doesn't permit this."),
    PROTECTED_MODE(
            HttpStatus.FORBIDDEN,
            "Protected mode",
            "This service takes requests of its own machine only, and this one came through a proxy. For others, it needs"
                    + " checkin.security.tokens, an issuer of JWTs, or checkin.security.mode=open."),
    FOREIGN_PAGE(
            HttpStatus.FORBIDDEN,
            "Foreign page",
            "A page of another site made this request in a browser, and it could change something."),
    READ_ONLY(HttpStatus.FORBIDDEN, "Read only", "This server changes nothing. The request could change something."),
    NOT_FOUND(HttpStatus.NOT_FOUND, "Not found", "There is no such resource."),
    METHOD_NOT_ALLOWED(HttpStatus.METHOD_NOT_ALLOWED, "Method not allowed", "The resource doesn't have this method."),
    NOT_ACCEPTABLE(
            HttpStatus.NOT_ACCEPTABLE,
            "Not acceptable",
            "The resource can't answer with a media type that was asked for."),
    CONFLICT(HttpStatus.CONFLICT, "Conflict", "The state of the resource doesn't allow this."),
    REPEAT(
            HttpStatus.CONFLICT,
            "Repeat",
            "This user has checked in at this location only just now. This request stored nothing."),
    GONE(HttpStatus.GONE, "Gone", "The resource was there, and no longer is."),
    MISDIRECTED_REQUEST(
            HttpStatus.MISDIRECTED_REQUEST,
            "Misdirected request",
            "This service doesn't go by the name in the Host header. checkin.security.allowed-hosts can allow it."),
    CONTENT_TOO_LARGE(HttpStatus.CONTENT_TOO_LARGE, "Content too large", "The body is too large."),
    REQUEST_TIMEOUT(HttpStatus.REQUEST_TIMEOUT, "Request timeout", "The request didn't arrive in time."),
    IDEMPOTENCY_MISMATCH(
            HttpStatus.UNPROCESSABLE_CONTENT,
            "Idempotency mismatch",
            "The Idempotency-Key was used before, with other values. Nothing was stored."),
    TOO_MANY_REQUESTS(HttpStatus.TOO_MANY_REQUESTS, "Too many requests", "This client has sent too many requests."),
    UNSUPPORTED_MEDIA_TYPE(
            HttpStatus.UNSUPPORTED_MEDIA_TYPE,
            "Unsupported media type",
            "The resource doesn't take a body of this media type."),
    INTERNAL_ERROR(
            HttpStatus.INTERNAL_SERVER_ERROR,
            "Internal error",
            "The request failed for a reason that lies with the server."),
    REDIS_UNAVAILABLE(
            HttpStatus.SERVICE_UNAVAILABLE, "Redis unavailable", "Redis can't answer at the moment. Try again later."),
    REDIS_READ_ONLY(
            HttpStatus.SERVICE_UNAVAILABLE,
            "Redis read-only",
            "Redis takes no writes here, as it is a replica. Nothing was stored. Try again later."),
    REDIS_OUT_OF_MEMORY(
            HttpStatus.SERVICE_UNAVAILABLE,
            "Redis out of memory",
            "The memory of Redis is full. Nothing was stored. Try again later."),
    MEMORY_LIMIT(
            HttpStatus.SERVICE_UNAVAILABLE,
            "Memory limit",
            "More of the memory of Redis is in use than is allowed. Nothing was stored. Try again later."),
    STREAM_FULL(
            HttpStatus.SERVICE_UNAVAILABLE, "Stream full", "The stream is full. Nothing was stored. Try again later."),
    QUEUE_FULL(
            HttpStatus.SERVICE_UNAVAILABLE,
            "Queue full",
            "Too many requests wait for Redis. Nothing was stored. Try again later."),
    OVERLOADED(
            HttpStatus.SERVICE_UNAVAILABLE,
            "Overloaded",
            "The requests that are being received hold as much memory as they may. Try again later."),
    IDS_EXHAUSTED(
            HttpStatus.SERVICE_UNAVAILABLE,
            "Ids exhausted",
            "The stream can't have any more entries until an operator has seen to it. Nothing was stored."),
    DURABILITY_UNAVAILABLE(
            HttpStatus.SERVICE_UNAVAILABLE,
            "Durability unavailable",
            "Redis can't guarantee the configured durability. Nothing was stored. Try again later."),
    OUTCOME_UNKNOWN(
            HttpStatus.SERVICE_UNAVAILABLE, "Outcome unknown", "It is not known whether the request took effect."),
    TOKEN_UNVERIFIED(
            HttpStatus.SERVICE_UNAVAILABLE,
            "Token unverified",
            "The token can't be verified at the moment. Try again later."),
    LOGINS_BUSY(
            HttpStatus.SERVICE_UNAVAILABLE, "Logins busy", "Too many passwords are being checked. Try again later."),
    RANKINGS_BUSY(
            HttpStatus.SERVICE_UNAVAILABLE,
            "Rankings busy",
            "Too many rankings wait for others to be added up. Try again later."),
    TOO_MANY_LISTENERS(
            HttpStatus.SERVICE_UNAVAILABLE,
            "Too many listeners",
            "The maximum number of clients follow the stream already. Try again later."),
    RECEIVER_UNAVAILABLE(
            HttpStatus.SERVICE_UNAVAILABLE,
            "Receiver unavailable",
            "The receiver gave no answer. It is not known whether the checkin was stored."),
    NOT_YET(HttpStatus.GATEWAY_TIMEOUT, "Not yet", "The checkin is stored and was not applied in time. Try again.");

    private static final String URI_PREFIX = "urn:checkins:problem:";
    private static final String RETRY_AFTER_SECONDS = "1";

    private final HttpStatus status;
    private final String title;
    private final String detail;
    private final URI uri;

    ProblemType(HttpStatus status, String title, String detail) {
        this.status = status;
        this.title = title;
        this.detail = detail;
        this.uri = URI.create(URI_PREFIX + slug());
    }

    /** The last part of the type's URI, which documents and metrics use as a name. */
    public String slug() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** The exception to throw while a request is handled. A 503 or 504 has {@code Retry-After}. */
    public ErrorResponseException exception() {
        return exception(detail);
    }

    /** The same, with a detail for this case. */
    public ErrorResponseException exception(String detail) {
        ErrorResponseException exception = new ErrorResponseException(status, problem(detail), null);
        exception.getHeaders().putAll(headers());
        return exception;
    }

    /** A 400 that names one path variable, query parameter or header. */
    public static ErrorResponseException invalidParameter(String name, String message) {
        ErrorResponseException exception = INVALID_REQUEST.exception("A parameter of the request is invalid.");
        exception.getBody().setProperty("errors", List.of(new InvalidParameter(name, message)));
        return exception;
    }

    /** A 400 that names members of the body. */
    public static ErrorResponseException invalidMembers(List<InvalidMember> errors) {
        return new ErrorResponseException(INVALID_REQUEST.status, invalidBody(errors), null);
    }

    static ProblemDetail invalidBody(List<InvalidMember> errors) {
        ProblemDetail problem = INVALID_REQUEST.problem("The body of the request is invalid.");
        problem.setProperty("errors", errors);
        return problem;
    }

    /** The problem with the type's general detail. */
    public ProblemDetail problem() {
        return problem(detail);
    }

    private ProblemDetail problem(String detail) {
        ProblemDetail problem = ProblemDetail.forStatusAndDetail(status, detail);
        problem.setType(uri);
        problem.setTitle(title);
        return problem;
    }

    HttpHeaders headers() {
        HttpHeaders headers = new HttpHeaders();
        if (status == HttpStatus.SERVICE_UNAVAILABLE || status == HttpStatus.GATEWAY_TIMEOUT) {
            headers.set(HttpHeaders.RETRY_AFTER, RETRY_AFTER_SECONDS);
        }
        return headers;
    }

    public HttpStatus status() {
        return status;
    }

    /** The type of a problem; of one that is of no type here, the general one of a failure. */
    public static ProblemType of(ErrorResponseException problem) {
        for (ProblemType type : values()) {
            if (type.uri.equals(problem.getBody().getType())) {
                return type;
            }
        }
        return INTERNAL_ERROR;
    }

    /** The general type of a status that the framework answers with by itself. */
    static @Nullable ProblemType of(HttpStatusCode status) {
        for (ProblemType type : values()) {
            if (type.status.value() == status.value()) {
                return type;
            }
        }
        return null;
    }

    static boolean isOurs(ProblemDetail problem) {
        return problem.getType() != null && problem.getType().toString().startsWith(URI_PREFIX);
    }

    record InvalidParameter(String parameter, String message) {}
}
