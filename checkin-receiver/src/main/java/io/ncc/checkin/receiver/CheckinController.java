package io.ncc.checkin.receiver;

import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.StreamId;
import io.ncc.checkin.service.ProblemType;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.headers.Header;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RestController;

@RestController
@Tag(name = "Checkins")
final class CheckinController {

    private final CheckinAppender appender;
    private final Keys keys;
    private final @Nullable URI apiBaseUrl;

    CheckinController(CheckinAppender appender, Keys keys, ReceiverProperties properties) {
        this.appender = appender;
        this.keys = keys;
        this.apiBaseUrl = properties.apiBaseUrl();
    }

    @Operation(summary = "Takes a checkin; the answer comes after Redis has stored it")
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
    ResponseEntity<byte[]> post(
            @Parameter(description = "Sent again with the same key, the checkin is stored once")
                    @RequestHeader(name = IdempotencyKey.HEADER, required = false)
                    @Nullable
                    String idempotencyKey,
            @RequestBody CheckinRequest request) {
        if (idempotencyKey != null) {
            IdempotencyKey.require(idempotencyKey);
        }
        List<IdRun> ids;
        try {
            String key = idempotencyKey == null ? null : keys.idempotency(idempotencyKey);
            ids = appender.append(List.of(request.toCheckin()), key);
        } catch (InvalidCheckinException e) {
            throw ProblemType.invalidMembers(e.errors());
        }
        StreamId id = ids.get(0).first();
        ResponseEntity.BodyBuilder response = ResponseEntity.accepted().contentType(MediaType.APPLICATION_JSON);
        if (apiBaseUrl != null) {
            response.location(URI.create(apiBaseUrl + "/checkins/" + id));
        }
        // as bytes: an object would be sent in chunks, for want of a Content-Length
        return response.body(("{\"id\":\"" + id + "\"}").getBytes(StandardCharsets.US_ASCII));
    }

    /** @param id the id of the checkin in the stream */
    record AcceptedCheckin(
            @Schema(example = "1609602085397-0") String id) {}
}
