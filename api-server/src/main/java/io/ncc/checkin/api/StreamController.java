package io.ncc.checkin.api;

import io.ncc.checkin.api.GroupReader.GroupConsumer;
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
@Tag(name = "Stream")
final class StreamController {

    private final GroupReader groups;

    StreamController(GroupReader groups) {
        this.groups = groups;
    }

    @Operation(summary = "The consumers of a group, with what is pending for each")
    @GetMapping(path = "/stream/groups/{group}/consumers", produces = MediaType.APPLICATION_JSON_VALUE)
    List<GroupConsumer> consumers(@Parameter(example = "checkinConsumers") @PathVariable String group) {
        return groups.consumers(group)
                .orElseThrow(() -> ProblemType.NOT_FOUND.exception("The stream has no group of this name."));
    }
}
