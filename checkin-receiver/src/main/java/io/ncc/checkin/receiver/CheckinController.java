package io.ncc.checkin.receiver;

import io.ncc.checkin.model.StreamId;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.headers.Header;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.validation.Valid;
import java.net.URI;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.http.ProblemDetail;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestController;

@RestController
@Tag(name = "Checkins")
final class CheckinController {

    private final CheckinAppender appender;
    private final @Nullable URI apiBaseUrl;

    CheckinController(CheckinAppender appender, ReceiverProperties properties) {
        this.appender = appender;
        this.apiBaseUrl = properties.apiBaseUrl();
    }

    @Operation(summary = "Takes a checkin; the answer comes after Redis has stored it")
    @ApiResponse(
            responseCode = "202",
            description = "Stored. It will be applied to its user and location.",
            headers =
                    @Header(
                            name = HttpHeaders.LOCATION,
                            description = "The checkin at the API server, where that is configured"))
    @ApiResponse(
            responseCode = "400",
            description = "Not a checkin",
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_PROBLEM_JSON_VALUE,
                            schema = @Schema(implementation = ProblemDetail.class)))
    @ApiResponse(
            responseCode = "413",
            description = "The body is too large",
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_PROBLEM_JSON_VALUE,
                            schema = @Schema(implementation = ProblemDetail.class)))
    @ApiResponse(
            responseCode = "503",
            description = "Not stored, or there is no telling; see the problem's type",
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_PROBLEM_JSON_VALUE,
                            schema = @Schema(implementation = ProblemDetail.class)))
    @PostMapping(
            path = {"/checkins", "/api/checkin"},
            consumes = MediaType.APPLICATION_JSON_VALUE,
            produces = MediaType.APPLICATION_JSON_VALUE)
    ResponseEntity<AcceptedCheckin> post(@Valid @RequestBody CheckinRequest request) {
        StreamId id = appender.append(request.toCheckin());
        ResponseEntity.BodyBuilder response = ResponseEntity.accepted();
        if (apiBaseUrl != null) {
            response.location(URI.create(apiBaseUrl + "/checkins/" + id));
        }
        return response.body(new AcceptedCheckin(id.toString()));
    }

    /** @param id the id of the checkin in the stream */
    record AcceptedCheckin(
            @Schema(example = "1609602085397-0") String id) {}
}
