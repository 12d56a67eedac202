package io.ncc.checkin.api.live;

import io.ncc.checkin.api.partition.CheckinId;
import io.ncc.checkin.api.web.EventStreams;
import io.ncc.checkin.api.web.Parameters;
import io.ncc.checkin.model.Partitions;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

@RestController
final class LiveController {

    private final LiveHub hub;
    private final EventStreams streams;
    private final Partitions partitions;

    LiveController(LiveHub hub, EventStreams streams, Partitions partitions) {
        this.hub = hub;
        this.streams = streams;
        this.partitions = partitions;
    }

    @GetMapping(path = "/checkins/stream", produces = MediaType.TEXT_EVENT_STREAM_VALUE)
    void follow(
            @RequestHeader(name = "Last-Event-ID", required = false) @Nullable String lastEventIdHeader,
            @RequestParam(required = false) @Nullable String lastEventId,
            @RequestParam(required = false) @Nullable String userId,
            @RequestParam(required = false) @Nullable String locationId,
            HttpServletRequest request,
            HttpServletResponse response)
            throws IOException {
        CheckinId after = position(lastEventIdHeader, lastEventId);
        Long user = Parameters.optionalId("userId", userId);
        Long location = Parameters.optionalId("locationId", locationId);
        hub.requireRoom();
        streams.begin(request, response, hub.mostBuffered())
                .ifPresent(events -> hub.join(new LiveClient(events, after, user, location)));
    }

    /** A browser that comes back sends the header with the URL of the first time. */
    private @Nullable CheckinId position(@Nullable String header, @Nullable String parameter) {
        if (header != null) {
            return Parameters.checkinId("Last-Event-ID", header, partitions);
        }
        return parameter == null ? null : Parameters.checkinId("lastEventId", parameter, partitions);
    }
}
