package io.ncc.checkin.receiver;

import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.Keys;
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
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RestController;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.ObjectReader;
import tools.jackson.databind.json.JsonMapper;

@RestController
@Tag(name = "Checkins")
final class CheckinController {

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
    CompletionStage<ResponseEntity<AcceptedCheckin>> post(
            @Parameter(description = "Sent again with the same key, the checkin is stored once")
                    @RequestHeader(name = IdempotencyKey.HEADER, required = false)
                    @Nullable
                    String idempotencyKey,
            @Parameter(hidden = true) HttpServletRequest request)
            throws IOException {
        IdempotencyKey.requireValid(idempotencyKey);
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
