package io.ncc.checkin.receiver;

import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.service.InvalidMember;
import io.ncc.checkin.service.ProblemType;
import jakarta.servlet.http.HttpServletRequest;
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
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;
import tools.jackson.core.JacksonException;

@RestController
final class CheckinController {

    private final CheckinAppender appender;
    private final Keys keys;
    private final @Nullable URI apiBaseUrl;
    private final DataSize maxBodySize;
    private final Duration bodyTimeout;

    CheckinController(CheckinAppender appender, Keys keys, ReceiverProperties properties) {
        this.appender = appender;
        this.keys = keys;
        this.apiBaseUrl = properties.apiBaseUrl();
        this.maxBodySize = properties.maxBodySize();
        this.bodyTimeout = properties.bodyTimeout();
    }

    @PostMapping(
            path = {"/checkins", "/api/checkin"},
            consumes = MediaType.APPLICATION_JSON_VALUE,
            produces = MediaType.APPLICATION_JSON_VALUE)
    CompletionStage<ResponseEntity<AcceptedCheckin>> post(HttpServletRequest request) throws IOException {
        String idempotencyKey = IdempotencyKey.of(request);
        String key = idempotencyKey == null ? null : keys.idempotency(idempotencyKey);
        return appender.append(List.of(read(request)), key)
                .thenApply(ids -> accepted(ids.get(0).first().toString()));
    }

    private ResponseEntity<AcceptedCheckin> accepted(String id) {
        ResponseEntity.BodyBuilder answer = ResponseEntity.accepted();
        if (apiBaseUrl != null) {
            answer.header(HttpHeaders.LOCATION, apiBaseUrl + "/checkins/" + id);
        }
        return answer.body(new AcceptedCheckin(id));
    }

    private Checkin read(HttpServletRequest request) throws IOException {
        ContentCoding.requireNone(request);
        byte[] body = LimitedBody.of(request, maxBodySize, bodyTimeout).readAllBytes();
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
