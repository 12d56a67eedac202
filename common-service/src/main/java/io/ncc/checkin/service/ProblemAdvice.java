package io.ncc.checkin.service;

import io.lettuce.core.RedisException;
import io.ncc.redis.RedisCondition;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.util.List;
import java.util.Objects;
import org.apache.catalina.connector.ClientAbortException;
import org.apache.tomcat.util.http.InvalidParameterException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.MediaType;
import org.springframework.http.ProblemDetail;
import org.springframework.http.ResponseEntity;
import org.springframework.http.converter.HttpMessageNotReadableException;
import org.springframework.web.ErrorResponse;
import org.springframework.web.ErrorResponseException;
import org.springframework.web.HttpRequestMethodNotSupportedException;
import org.springframework.web.bind.MissingServletRequestParameterException;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.RestControllerAdvice;
import org.springframework.web.context.request.ServletWebRequest;
import org.springframework.web.context.request.WebRequest;
import org.springframework.web.servlet.mvc.method.annotation.ResponseEntityExceptionHandler;
import tools.jackson.core.JacksonException;
import tools.jackson.core.exc.StreamConstraintsException;

/** Turns every error of a request into a {@link ProblemType}. No text of an exception reaches the client. */
@RestControllerAdvice
final class ProblemAdvice extends ResponseEntityExceptionHandler {

    private static final Logger log = LoggerFactory.getLogger(ProblemAdvice.class);

    private final LogLimit errors = new LogLimit();

    @Override
    protected @Nullable ResponseEntity<Object> handleHttpMessageNotReadable(
            HttpMessageNotReadableException e, HttpHeaders headers, HttpStatusCode status, WebRequest request) {
        if (e.getCause() instanceof StreamConstraintsException) {
            return answer(ProblemType.CONTENT_TOO_LARGE, e, request);
        }
        if (e.contains(SocketTimeoutException.class)) {
            return answer(ProblemType.REQUEST_TIMEOUT, e, request);
        }
        InvalidMember error = e.getCause() instanceof JacksonException cause
                ? InvalidMember.of(cause)
                : new InvalidMember("", "a JSON object is required");
        return handleExceptionInternal(e, ProblemType.invalidBody(List.of(error)), headers, status, request);
    }

    @ExceptionHandler
    @Nullable
    ResponseEntity<Object> handleRedis(RedisException e, WebRequest request) {
        RedisCondition condition = RedisCondition.of(e);
        if (!condition.isOutage()) {
            return handleUnexpected(e, request);
        }
        return answer(ProblemType.REDIS_UNAVAILABLE, e, request);
    }

    @Override
    protected @Nullable ResponseEntity<Object> handleMissingServletRequestParameter(
            MissingServletRequestParameterException e, HttpHeaders headers, HttpStatusCode status, WebRequest request) {
        ProblemDetail problem = ProblemType.invalidParameter(e.getParameterName(), "must be given")
                .getBody();
        return handleExceptionInternal(e, problem, headers, status, request);
    }

    /** Without Spring's warning: a client can send as many of these as it likes. */
    @Override
    protected @Nullable ResponseEntity<Object> handleHttpRequestMethodNotSupported(
            HttpRequestMethodNotSupportedException e, HttpHeaders headers, HttpStatusCode status, WebRequest request) {
        return handleExceptionInternal(e, null, headers, status, request);
    }

    /** The client disconnected before its request was complete, or fell silent. */
    @ExceptionHandler
    @Nullable
    ResponseEntity<Object> handleGone(ClientAbortException e, WebRequest request) {
        boolean silent = e.getCause() instanceof SocketTimeoutException;
        return answer(silent ? ProblemType.REQUEST_TIMEOUT : ProblemType.INVALID_REQUEST, e, request);
    }

    /** A query that Tomcat refuses, such as {@code ?a=%zz} or {@code ?=a}. */
    @ExceptionHandler
    @Nullable
    ResponseEntity<Object> handleRefusedQuery(InvalidParameterException e, WebRequest request) {
        String message = e.getCause() instanceof IOException
                ? "is not percent-encoded UTF-8"
                : "has a parameter without a name, or too many parameters";
        ErrorResponseException problem = ProblemType.invalidParameter("query", message);
        return handleExceptionInternal(e, problem.getBody(), problem.getHeaders(), problem.getStatusCode(), request);
    }

    @ExceptionHandler
    @Nullable
    ResponseEntity<Object> handleUnexpected(Exception e, WebRequest request) {
        if (errors.passes()) {
            log.error("A request failed for an unexpected reason: {}", request.getDescription(false), e);
        } else {
            log.debug("Another request failed for an unexpected reason: {}", request.getDescription(false), e);
        }
        return answer(ProblemType.INTERNAL_ERROR, e, request);
    }

    /** The answer to a failure that no {@code @ExceptionHandler} gets to see, because the thread of the request is gone. */
    ResponseEntity<Object> answerTo(Throwable failure, HttpServletRequest servletRequest) {
        WebRequest request = new ServletWebRequest(servletRequest);
        Throwable cause = RedisCondition.unwrapped(failure);
        ResponseEntity<Object> answer;
        if (cause instanceof ErrorResponseException problem) {
            answer = handleExceptionInternal(
                    problem, problem.getBody(), problem.getHeaders(), problem.getStatusCode(), request);
        } else if (cause instanceof RedisException redis) {
            answer = handleRedis(redis, request);
        } else {
            answer = handleUnexpected(cause instanceof Exception e ? e : new IllegalStateException(cause), request);
        }
        return Objects.requireNonNull(answer);
    }

    private @Nullable ResponseEntity<Object> answer(ProblemType type, Exception e, WebRequest request) {
        return handleExceptionInternal(e, type.problem(), type.headers(), type.status(), request);
    }

    /** Our own exceptions contain their problem. For any other, the problem of its status replaces its text. */
    @Override
    protected @Nullable ResponseEntity<Object> handleExceptionInternal(
            Exception e, @Nullable Object body, HttpHeaders headers, HttpStatusCode status, WebRequest request) {
        if (request instanceof ServletWebRequest web
                && web.getResponse() != null
                && web.getResponse().isCommitted()) {
            log.debug("The response is on its way already, so nobody gets to see this failure", e);
            return null;
        }
        ProblemType type = ProblemType.of(status);
        Object given = body == null && e instanceof ErrorResponse error ? error.getBody() : body;
        boolean ours = given instanceof ProblemDetail problem && ProblemType.isOurs(problem);
        Object answer = ours || type == null ? given : type.problem();
        if (answer instanceof ProblemDetail problem && request instanceof ServletWebRequest web) {
            problem.setInstance(instance(web.getRequest().getRequestURI()));
        }
        HttpHeaders all = new HttpHeaders();
        all.putAll(headers);
        all.setContentType(MediaType.APPLICATION_PROBLEM_JSON); // whatever the Accept header says
        return super.handleExceptionInternal(e, answer, all, status, request);
    }

    /** Spring would do that, too, but fail with a path such as {@code //}. */
    private static URI instance(String path) {
        try {
            return URI.create(path);
        } catch (IllegalArgumentException e) {
            return URI.create("/");
        }
    }
}
