package io.ncc.checkin.api.stream;

import io.ncc.checkin.api.partition.CheckinId;
import io.ncc.checkin.api.web.Parameters;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.service.ProblemType;
import io.ncc.redis.StreamId;
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
final class StreamController {

    private static final int MAX_LIMIT = 1000;
    private static final int DEFAULT_LIMIT = 100;

    private final StreamReader stream;
    private final Partitions partitions;

    StreamController(StreamReader stream, Partitions partitions) {
        this.stream = stream;
        this.partitions = partitions;
    }

    @GetMapping
    StreamState stream() {
        return stream.state().orElseThrow(() -> ProblemType.NOT_FOUND.exception("There is no stream yet."));
    }

    @GetMapping("/groups")
    List<Group> groups() {
        return stream.groups();
    }

    @GetMapping("/groups/{group}/consumers")
    List<GroupConsumer> consumers(@PathVariable String group) {
        return stream.consumers(group).orElseThrow(StreamController::noGroup);
    }

    @GetMapping("/groups/{group}/pending")
    List<PendingEntry> pending(
            @PathVariable String group,
            @RequestParam(required = false) @Nullable String after,
            @RequestParam(required = false) @Nullable String limit,
            @RequestParam(required = false) @Nullable String consumer) {
        CheckinId from = after == null
                ? CheckinId.lowest(partitions, StreamId.ZERO)
                : Parameters.checkinId("after", after, partitions);
        int most = Parameters.count("limit", limit, 1, MAX_LIMIT, DEFAULT_LIMIT);
        return stream.pending(group, from, most, consumer).orElseThrow(StreamController::noGroup);
    }

    private static ErrorResponseException noGroup() {
        return ProblemType.NOT_FOUND.exception("The stream has no group of this name.");
    }
}
