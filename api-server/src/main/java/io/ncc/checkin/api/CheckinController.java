package io.ncc.checkin.api;

import io.ncc.checkin.model.StreamId;
import io.ncc.checkin.service.ProblemType;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.tags.Tag;
import java.util.List;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RestController;

@RestController
@Tag(name = "Checkins")
final class CheckinController {

    private static final long LAST_SEQUENCE = -1; // 2^64-1, unsigned

    private final CheckinReader checkins;

    CheckinController(CheckinReader checkins) {
        this.checkins = checkins;
    }

    @Operation(summary = "The newest checkin")
    @GetMapping(
            path = {"/checkins/latest", "/api/checkins/latest"},
            produces = MediaType.APPLICATION_JSON_VALUE)
    StoredCheckin latest() {
        return checkins.latest().orElseThrow(() -> ProblemType.NOT_FOUND.exception("There are no checkins."));
    }

    @Operation(summary = "The first 1,000 checkins of a time range, oldest first")
    @GetMapping(
            path = {"/checkins/{from}/{to}", "/api/checkins/{from}/{to}"},
            produces = MediaType.APPLICATION_JSON_VALUE)
    List<StoredCheckin> range(
            @Parameter(description = "milliseconds since 1970, included", example = "1609459200000") @PathVariable
                    String from,
            @Parameter(description = "milliseconds since 1970, included", example = "1609718400000") @PathVariable
                    String to) {
        StreamId first = new StreamId(PathVariables.millis("from", from), 0);
        StreamId last = new StreamId(PathVariables.millis("to", to), LAST_SEQUENCE);
        if (first.compareTo(last) > 0) {
            throw ProblemType.invalidParameter("to", "must not be before from");
        }
        return checkins.range(first, last);
    }
}
