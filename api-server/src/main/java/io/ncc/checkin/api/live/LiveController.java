package io.ncc.checkin.api.live;

import io.ncc.checkin.api.checkin.StoredCheckin;
import io.ncc.checkin.api.web.Parameters;
import io.ncc.redis.StreamId;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.servlet.AsyncContext;
import jakarta.servlet.AsyncEvent;
import jakarta.servlet.AsyncListener;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

@RestController
@Tag(name = "Checkins")
final class LiveController {

    private final LiveHub hub;

    LiveController(LiveHub hub) {
        this.hub = hub;
    }

    @Operation(
            summary = "Checkins as they come, as Server-Sent Events",
            description =
                    "The id of an event is that of the checkin. Last-Event-ID, or lastEventId in the query, goes on after it, with nothing left"
                            + " out or repeated; 0-0 is the beginning of the stream. An event 'gap' says that some after it are no longer"
                            + " there. Heartbeats and gaps have an id, too, to go on after. A client that reads too slowly is disconnected,"
                            + " and can go on in the same way.")
    @ApiResponse(
            responseCode = "200",
            content =
                    @Content(
                            mediaType = MediaType.TEXT_EVENT_STREAM_VALUE,
                            schema = @Schema(implementation = StoredCheckin.class)))
    @ApiResponse(responseCode = "400", ref = "400")
    @ApiResponse(responseCode = "503", ref = "503")
    @GetMapping(path = "/checkins/stream", produces = MediaType.TEXT_EVENT_STREAM_VALUE)
    void follow(
            @Parameter(description = "the id of the last event that was seen")
                    @RequestHeader(name = "Last-Event-ID", required = false)
                    @Nullable
                    String lastEventIdHeader,
            @Parameter(description = "the same, for clients that can't send the header; the header goes before it")
                    @RequestParam(required = false)
                    @Nullable
                    String lastEventId,
            @Parameter(description = "only checkins of this user") @RequestParam(required = false) @Nullable
                    String userId,
            @Parameter(description = "only checkins at this location") @RequestParam(required = false) @Nullable
                    String locationId,
            @Parameter(hidden = true) HttpServletRequest request,
            @Parameter(hidden = true) HttpServletResponse response)
            throws IOException {
        StreamId after = position(lastEventIdHeader, lastEventId);
        Long user = Parameters.optionalId("userId", userId);
        Long location = Parameters.optionalId("locationId", locationId);
        hub.requireRoom();
        response.setContentType(MediaType.TEXT_EVENT_STREAM_VALUE);
        response.setCharacterEncoding("UTF-8");
        response.setHeader(HttpHeaders.CACHE_CONTROL, "no-cache");
        response.setHeader("X-Accel-Buffering", "no"); // else nginx would collect events
        if (request.getMethod().equals("HEAD")) {
            return; // Spring gives us that, too: its answer would never end
        }
        AsyncContext context = request.startAsync(request, response);
        context.setTimeout(0);
        LiveClient client = new LiveClient(context, response.getOutputStream(), after, user, location, hub::leave);
        context.addListener(new Leaving(client));
        response.getOutputStream().setWriteListener(client);
        hub.join(client);
    }

    /** A browser that comes back sends the header with the URL of the first time. */
    private static @Nullable StreamId position(@Nullable String header, @Nullable String parameter) {
        if (header != null) {
            return Parameters.streamId("Last-Event-ID", header);
        }
        return parameter == null ? null : Parameters.streamId("lastEventId", parameter);
    }

    private record Leaving(LiveClient client) implements AsyncListener {

        @Override
        public void onComplete(AsyncEvent event) {
            client.close();
        }

        @Override
        public void onTimeout(AsyncEvent event) {
            client.close();
        }

        @Override
        public void onError(AsyncEvent event) {
            client.close();
        }

        @Override
        public void onStartAsync(AsyncEvent event) {
            // never done
        }
    }
}
