package io.ncc.checkin.receiver;

import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.StreamId;
import io.ncc.checkin.service.InvalidMember;
import io.ncc.checkin.service.ProblemType;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.headers.Header;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.parameters.RequestBody;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.servlet.AsyncContext;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.util.unit.DataSize;
import org.springframework.web.ErrorResponseException;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RestController;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.ObjectReader;
import tools.jackson.databind.json.JsonMapper;

@RestController
@Tag(name = "Checkins")
final class CheckinController {

    private static final Logger log = LoggerFactory.getLogger(CheckinController.class);
    private static final String REFUSAL = CheckinController.class.getName() + ".refusal";
    private static final long NEVER = 0;
    private static final InvalidMember NO_OBJECT = new InvalidMember("", "a JSON object is required");

    private final CheckinAppender appender;
    private final Keys keys;
    private final ObjectReader reader;
    private final @Nullable URI apiBaseUrl;
    private final DataSize maxBodySize;
    private final Duration bodyTimeout;

    CheckinController(CheckinAppender appender, Keys keys, ReceiverProperties properties, JsonMapper mapper) {
        this.appender = appender;
        this.keys = keys;
        this.reader = mapper.readerFor(CheckinRequest.class);
        this.apiBaseUrl = properties.apiBaseUrl();
        this.maxBodySize = properties.maxBodySize();
        this.bodyTimeout = properties.bodyTimeout();
    }

    @Operation(
            summary = "Takes a checkin; the answer comes after Redis has stored it",
            requestBody =
                    @RequestBody(
                            content =
                                    @Content(
                                            mediaType = MediaType.APPLICATION_JSON_VALUE,
                                            schema = @Schema(implementation = CheckinRequest.class))))
    @ApiResponse(
            responseCode = "202",
            description = "Stored. It will be applied to its user and location.",
            content = @Content(schema = @Schema(implementation = AcceptedCheckin.class)),
            headers =
                    @Header(
                            name = HttpHeaders.LOCATION,
                            description = "The checkin at the API server, where that is configured"))
    @ApiResponse(responseCode = "400", ref = "400")
    @ApiResponse(responseCode = "408", ref = "408")
    @ApiResponse(responseCode = "413", ref = "413")
    @ApiResponse(responseCode = "415", ref = "415")
    @ApiResponse(responseCode = "422", ref = "422")
    @ApiResponse(responseCode = "429", ref = "429")
    @ApiResponse(responseCode = "503", ref = "503")
    @PostMapping(
            path = {"/checkins", "/api/checkin"},
            consumes = MediaType.APPLICATION_JSON_VALUE,
            produces = MediaType.APPLICATION_JSON_VALUE)
    void post(
            @Parameter(description = "Sent again with the same key, the checkin is stored once")
                    @RequestHeader(name = IdempotencyKey.HEADER, required = false)
                    @Nullable
                    String idempotencyKey,
            @Parameter(hidden = true) HttpServletRequest request,
            @Parameter(hidden = true) HttpServletResponse response)
            throws IOException {
        if (request.getAttribute(REFUSAL) instanceof ErrorResponseException refusal) {
            throw refusal; // the second time round
        }
        IdempotencyKey.requireValid(idempotencyKey);
        String key = idempotencyKey == null ? null : keys.idempotency(idempotencyKey);
        Checkin checkin = read(request);
        // No thread waits for Redis: a few that are always busy are quicker than many that sleep in turns.
        AsyncContext context = request.startAsync(request, response);
        context.setTimeout(NEVER); // the appender answers in time
        appender.append(List.of(checkin), key).whenComplete((ids, failure) -> {
            if (failure == null) {
                accept(ids.get(0).first(), response);
                context.complete();
            } else {
                request.setAttribute(REFUSAL, failure);
                context.dispatch();
            }
        });
    }

    private void accept(StreamId id, HttpServletResponse response) {
        // In one piece: a converter would send it in chunks, for want of a Content-Length.
        // It only goes into a buffer here. A thread of Tomcat's sends it after complete(), and may wait for the client.
        byte[] answer = ("{\"id\":\"" + id + "\"}").getBytes(StandardCharsets.US_ASCII);
        response.setStatus(HttpServletResponse.SC_ACCEPTED);
        if (apiBaseUrl != null) {
            response.setHeader(HttpHeaders.LOCATION, apiBaseUrl + "/checkins/" + id);
        }
        response.setContentType(MediaType.APPLICATION_JSON_VALUE);
        response.setContentLength(answer.length);
        try {
            response.getOutputStream().write(answer);
        } catch (IOException e) {
            log.debug("A client was gone before its answer", e);
        }
    }

    private Checkin read(HttpServletRequest request) throws IOException {
        if (request.getHeader(HttpHeaders.CONTENT_ENCODING) != null) {
            throw ProblemType.UNSUPPORTED_MEDIA_TYPE.exception("A single checkin can't be compressed.");
        }
        byte[] body = LimitedBody.of(request, maxBodySize, bodyTimeout).readAllBytes();
        try {
            CheckinRequest checkin = reader.readValue(body);
            if (checkin == null) {
                throw new InvalidCheckinException(List.of(NO_OBJECT));
            }
            return checkin.toCheckin();
        } catch (JacksonException e) {
            throw ProblemType.invalidMembers(List.of(body.length == 0 ? NO_OBJECT : InvalidMember.of(e)));
        } catch (InvalidCheckinException e) {
            throw ProblemType.invalidMembers(e.errors());
        }
    }

    /** @param id the id of the checkin in the stream */
    record AcceptedCheckin(
            @Schema(example = "1609602085397-0") String id) {}
}
