package io.ncc.checkin.receiver;

import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.service.AsyncAnswers;
import io.ncc.checkin.service.InvalidMember;
import io.ncc.checkin.service.ProblemType;
import io.ncc.checkin.service.QueryParameters;
import io.ncc.checkin.service.security.Caller;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.util.unit.DataSize;
import org.springframework.web.ErrorResponseException;
import org.springframework.web.HttpMediaTypeNotAcceptableException;
import org.springframework.web.HttpMediaTypeNotSupportedException;
import org.springframework.web.HttpRequestHandler;
import org.springframework.web.HttpRequestMethodNotSupportedException;
import org.springframework.web.servlet.mvc.condition.ConsumesRequestCondition;
import org.springframework.web.servlet.mvc.condition.ProducesRequestCondition;
import tools.jackson.core.JacksonException;

/** Takes one checkin. It is asked for far more often than anything else, so it is a plain handler: it does without the layers around a method. */
final class CheckinController implements HttpRequestHandler {

    private static final ConsumesRequestCondition JSON_BODY =
            new ConsumesRequestCondition(MediaType.APPLICATION_JSON_VALUE);
    private static final ProducesRequestCondition JSON_ANSWER =
            new ProducesRequestCondition(MediaType.APPLICATION_JSON_VALUE);

    private final Appenders appenders;
    private final @Nullable URI apiBaseUrl;
    private final DataSize maxBodySize;
    private final Duration bodyTimeout;
    private final RequestMemory memory;
    private final AsyncAnswers answers;

    CheckinController(Appenders appenders, ReceiverProperties properties, RequestMemory memory, AsyncAnswers answers) {
        this.appenders = appenders;
        this.memory = memory;
        this.answers = answers;
        this.apiBaseUrl = properties.apiBaseUrl();
        this.maxBodySize = properties.maxBodySize();
        this.bodyTimeout = properties.bodyTimeout();
    }

    @Override
    public void handleRequest(HttpServletRequest request, HttpServletResponse response)
            throws ServletException, IOException {
        if (request.getMethod().equals("OPTIONS")) {
            response.setHeader(HttpHeaders.ALLOW, "POST,OPTIONS");
            return;
        }
        requirePostOfJson(request);
        QueryParameters.requireNone(request);
        Caller caller = Caller.of(request); // the threads that come later don't know it
        String idempotencyKey = IdempotencyKey.of(request);
        ContentCoding.requireNone(request);
        ArrivingBody body = new ArrivingBody(request, maxBodySize, bodyTimeout, memory);
        boolean whole = body.isThere();
        answers.answer(request, response, body.content().thenCompose(bytes -> append(bytes, caller, idempotencyKey)));
        if (!whole) {
            body.readOn();
        }
    }

    /** What Spring checks for a method with annotations. */
    private static void requirePostOfJson(HttpServletRequest request) throws ServletException {
        if (!request.getMethod().equals("POST")) {
            throw new HttpRequestMethodNotSupportedException(request.getMethod(), List.of("POST"));
        }
        if (JSON_BODY.getMatchingCondition(request) == null) {
            throw new HttpMediaTypeNotSupportedException(request.getContentType(), List.of(MediaType.APPLICATION_JSON));
        }
        if (JSON_ANSWER.getMatchingCondition(request) == null) {
            throw new HttpMediaTypeNotAcceptableException(List.of(MediaType.APPLICATION_JSON));
        }
    }

    private CompletionStage<ResponseEntity<AcceptedCheckin>> append(
            byte[] body, @Nullable Caller caller, @Nullable String idempotencyKey) {
        Checkin checkin = read(body);
        ErrorResponseException refusal = OwnCheckins.refusal(caller, checkin);
        if (refusal != null) {
            throw refusal;
        }
        CheckinAppender appender = appenders.of(appenders.partitionOf(checkin));
        return appender.append(List.of(checkin), idempotencyKey).thenApply(ids -> accepted(appender, ids.get(0)));
    }

    private ResponseEntity<AcceptedCheckin> accepted(CheckinAppender appender, IdRun run) {
        if (run.isRefused()) {
            throw ProblemType.REPEAT.exception();
        }
        String id = appender.idOutside(run.get(0));
        ResponseEntity.BodyBuilder answer = ResponseEntity.accepted();
        if (apiBaseUrl != null) {
            answer.header(HttpHeaders.LOCATION, apiBaseUrl + "/checkins/" + id);
        }
        return answer.body(new AcceptedCheckin(id));
    }

    private static Checkin read(byte[] body) {
        try {
            return CheckinReader.read(body, 0, body.length);
        } catch (JacksonException e) {
            throw ProblemType.invalidMembers(List.of(InvalidMember.of(e)));
        } catch (InvalidCheckinException e) {
            throw ProblemType.invalidMembers(e.errors());
        }
    }

    /** @param id the id of the checkin in the stream */
    record AcceptedCheckin(String id) {}
}
