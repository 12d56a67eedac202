package io.ncc.checkin.service;

import io.lettuce.core.RedisException;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.ProblemDetail;
import org.springframework.http.ResponseEntity;
import org.springframework.http.converter.HttpMessageNotReadableException;
import org.springframework.validation.FieldError;
import org.springframework.web.ErrorResponseException;
import org.springframework.web.bind.MethodArgumentNotValidException;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.RestControllerAdvice;
import org.springframework.web.context.request.WebRequest;
import org.springframework.web.servlet.mvc.method.annotation.ResponseEntityExceptionHandler;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JacksonException.Reference;
import tools.jackson.core.exc.InputCoercionException;
import tools.jackson.core.exc.StreamReadException;
import tools.jackson.databind.exc.MismatchedInputException;
import tools.jackson.databind.exc.UnrecognizedPropertyException;

/** Turns every error of a request into a {@link ProblemType}. No text of an exception reaches the client. */
@RestControllerAdvice
final class ProblemAdvice extends ResponseEntityExceptionHandler {

    private static final Logger log = LoggerFactory.getLogger(ProblemAdvice.class);

    @Override
    protected @Nullable ResponseEntity<Object> handleMethodArgumentNotValid(
            MethodArgumentNotValidException e, HttpHeaders headers, HttpStatusCode status, WebRequest request) {
        List<ProblemType.InvalidMember> errors = e.getBindingResult().getFieldErrors().stream()
                .sorted(Comparator.comparing(FieldError::getField))
                .map(error -> new ProblemType.InvalidMember(
                        "/" + error.getField().replace('.', '/'), String.valueOf(error.getDefaultMessage())))
                .toList();
        return handleExceptionInternal(e, ProblemType.invalidBody(errors), headers, status, request);
    }

    @Override
    protected @Nullable ResponseEntity<Object> handleHttpMessageNotReadable(
            HttpMessageNotReadableException e, HttpHeaders headers, HttpStatusCode status, WebRequest request) {
        ProblemType.InvalidMember error = e.getCause() instanceof JacksonException cause
                ? new ProblemType.InvalidMember(pointer(cause), message(cause))
                : new ProblemType.InvalidMember("", "a JSON object is required");
        return handleExceptionInternal(e, ProblemType.invalidBody(List.of(error)), headers, status, request);
    }

    private static String pointer(JacksonException e) {
        StringBuilder pointer = new StringBuilder();
        for (Reference reference : e.getPath()) {
            String name = reference.getPropertyName();
            pointer.append('/').append(name == null ? String.valueOf(reference.getIndex()) : escape(name));
        }
        return pointer.toString();
    }

    /** As RFC 6901, section 3, has it. */
    private static String escape(String name) {
        return name.replace("~", "~0").replace("/", "~1");
    }

    private static String message(JacksonException e) {
        if (e instanceof UnrecognizedPropertyException) {
            return "is not a known member";
        }
        if (e instanceof InputCoercionException) {
            return "is out of range";
        }
        if (e instanceof MismatchedInputException mismatch) {
            Class<?> wanted = mismatch.getTargetType();
            boolean number = wanted != null && (wanted.isPrimitive() || Number.class.isAssignableFrom(wanted));
            return number ? "must be an integer" : "must be one JSON object";
        }
        if (e instanceof StreamReadException && e.getLocation() != null) {
            return "is not well-formed JSON at line " + e.getLocation().getLineNr() + ", column "
                    + e.getLocation().getColumnNr();
        }
        return "is not well-formed JSON";
    }

    @ExceptionHandler
    @Nullable
    ResponseEntity<Object> handleRedis(RedisException e, WebRequest request) {
        RedisCondition condition = RedisCondition.of(e);
        if (!condition.isOutage()) {
            return handleUnexpected(e, request);
        }
        ProblemType type = ProblemType.REDIS_UNAVAILABLE;
        return handleExceptionInternal(e, type.problem(), type.headers(), type.status(), request);
    }

    @ExceptionHandler
    @Nullable
    ResponseEntity<Object> handleUnexpected(Exception e, WebRequest request) {
        log.error("A request failed for an unexpected reason: {}", request.getDescription(false), e);
        ProblemType type = ProblemType.INTERNAL_ERROR;
        return handleExceptionInternal(e, type.problem(), type.headers(), type.status(), request);
    }

    /** What we throw ourselves has its problem with it; what Spring answers by itself gets the type of its status in place of its text. */
    @Override
    protected @Nullable ResponseEntity<Object> handleExceptionInternal(
            Exception e, @Nullable Object body, HttpHeaders headers, HttpStatusCode status, WebRequest request) {
        ProblemType type = ProblemType.of(status);
        boolean ours = e instanceof ErrorResponseException
                || (body instanceof ProblemDetail problem && ProblemType.isOurs(problem));
        Object answer = ours || type == null ? body : type.problem();
        return super.handleExceptionInternal(e, answer, headers, status, request);
    }
}
