package io.ncc.checkin.api.stream;

import io.ncc.checkin.api.stream.StreamReader.Group;
import io.ncc.checkin.api.stream.StreamReader.GroupConsumer;
import io.ncc.checkin.api.stream.StreamReader.PendingEntry;
import io.ncc.checkin.api.stream.StreamReader.StreamState;
import io.ncc.checkin.api.web.Parameters;
import io.ncc.checkin.service.ProblemType;
import io.ncc.redis.StreamId;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
import org.springframework.web.ErrorResponseException;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

@RestController
@RequestMapping(path = "/stream", produces = MediaType.APPLICATION_JSON_VALUE)
@Tag(name = "Stream")
@ApiResponse(responseCode = "200")
@ApiResponse(responseCode = "503", ref = "503")
final class StreamController {

    private static final int MAX_LIMIT = 1000;
    private static final int DEFAULT_LIMIT = 100;

    private final StreamReader stream;

    StreamController(StreamReader stream) {
        this.stream = stream;
    }

    @Operation(summary = "How the stream stands")
    @ApiResponse(responseCode = "404", ref = "404")
    @GetMapping
    StreamState stream() {
        return stream.stream().orElseThrow(() -> ProblemType.NOT_FOUND.exception("There is no stream yet."));
    }

    @Operation(summary = "The consumer groups of the stream")
    @GetMapping("/groups")
    List<Group> groups() {
        return stream.groups();
    }

    @Operation(summary = "The consumers of a group, with what is pending for each")
    @ApiResponse(responseCode = "404", ref = "404")
    @GetMapping("/groups/{group}/consumers")
    List<GroupConsumer> consumers(@Parameter(example = "checkinConsumers") @PathVariable String group) {
        return stream.consumers(group).orElseThrow(StreamController::noGroup);
    }

    @Operation(summary = "The pending entries of a group, ascending by id")
    @ApiResponse(responseCode = "400", ref = "400")
    @ApiResponse(responseCode = "404", ref = "404")
    @GetMapping("/groups/{group}/pending")
    List<PendingEntry> pending(
            @Parameter(example = "checkinConsumers") @PathVariable String group,
            @Parameter(description = "only those after this id, such as the last one of the answer before")
                    @RequestParam(required = false)
                    @Nullable
                    String after,
            @Parameter(schema = @Schema(type = "integer", minimum = "1", maximum = "1000", defaultValue = "100"))
                    @RequestParam(required = false)
                    @Nullable
                    String limit,
            @Parameter(description = "only those of this consumer") @RequestParam(required = false) @Nullable
                    String consumer) {
        StreamId from = after == null ? StreamId.ZERO : Parameters.streamId("after", after);
        int most = Parameters.count("limit", limit, 1, MAX_LIMIT, DEFAULT_LIMIT);
        return stream.pending(group, from, most, consumer).orElseThrow(StreamController::noGroup);
    }

    private static ErrorResponseException noGroup() {
        return ProblemType.NOT_FOUND.exception("The stream has no group of this name.");
    }
}
