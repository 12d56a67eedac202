package io.ncc.checkin.api.web;

import io.ncc.checkin.service.security.Access;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.stereotype.Component;

/** Answers requests with events, for as long as their tokens are good. A thread of its own checks the tokens again, because that may wait for Redis. */
@Component
public final class EventStreams implements DisposableBean {

    private static final Logger log = LoggerFactory.getLogger(EventStreams.class);
    private static final Duration PERIOD = Duration.ofSeconds(5);

    private final Access access;
    private final Map<EventStream, String> tokens = new ConcurrentHashMap<>();
    private final ScheduledExecutorService executor =
            Executors.newSingleThreadScheduledExecutor(task -> new Thread(task, "event-streams"));

    EventStreams(Access access) {
        this.access = access;
        if (access.isByToken()) {
            ScheduledFuture<?> unused = executor.scheduleWithFixedDelay(
                    this::closeEnded, PERIOD.toNanos(), PERIOD.toNanos(), TimeUnit.NANOSECONDS);
        }
    }

    /**
     * Begins to answer a request with events, which are sent from any thread.
     *
     * @param mostBuffered how many bytes may wait for the client
     * @return empty for a HEAD request, which has its answer
     */
    public Optional<EventStream> begin(HttpServletRequest request, HttpServletResponse response, int mostBuffered)
            throws IOException {
        String token = access.tokenOf(request);
        Optional<EventStream> begun = EventStream.begin(request, response, mostBuffered);
        if (token != null) {
            begun.ifPresent(stream -> tokens.put(stream, token));
        }
        return begun;
    }

    private void closeEnded() {
        tokens.keySet().removeIf(EventStream::isClosed);
        tokens.forEach((stream, token) -> {
            try {
                if (!access.admits(token)) {
                    stream.close();
                }
            } catch (RuntimeException e) { // or no stream would be checked again
                log.error("The token of a stream can't be checked", e);
            }
        });
    }

    @Override
    public void destroy() {
        executor.shutdownNow();
    }
}
