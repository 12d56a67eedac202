package io.ncc.checkin.api.live;

import io.ncc.checkin.api.partition.CheckinId;
import io.ncc.checkin.api.web.Parameters;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.service.Http11;
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
final class LiveController {

    private final LiveHub hub;
    private final Partitions partitions;

    LiveController(LiveHub hub, Partitions partitions) {
        this.hub = hub;
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
        Http11.whenGone(request, client::close);
        hub.join(client);
    }

    /** A browser that comes back sends the header with the URL of the first time. */
    private @Nullable CheckinId position(@Nullable String header, @Nullable String parameter) {
        if (header != null) {
            return Parameters.checkinId("Last-Event-ID", header, partitions);
        }
        return parameter == null ? null : Parameters.checkinId("lastEventId", parameter, partitions);
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
