package io.ncc.checkin.api.console;

import io.ncc.checkin.api.partition.CheckinId;
import io.ncc.checkin.api.web.EventStreams;
import io.ncc.checkin.api.web.Parameters;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.service.BodyTimeout;
import io.ncc.checkin.service.ProblemType;
import io.ncc.checkin.service.security.Caller;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.springframework.http.CacheControl;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;
import tools.jackson.databind.JsonNode;

/** What the pages of the console ask for. */
@RestController
@RequestMapping("/console")
final class ConsoleController {

    private static final int MOST_BYTES = 4096;

    private final Console console;
    private final Receiver receiver;
    private final Places places;
    private final EventStreams streams;
    private final Partitions partitions;
    private final BodyTimeout bodyTimeout;

    ConsoleController(
            Console console,
            Receiver receiver,
            Places places,
            EventStreams streams,
            Partitions partitions,
            BodyTimeout bodyTimeout) {
        this.console = console;
        this.receiver = receiver;
        this.places = places;
        this.streams = streams;
        this.partitions = partitions;
        this.bodyTimeout = bodyTimeout;
    }

    @GetMapping(path = "/events", produces = MediaType.TEXT_EVENT_STREAM_VALUE)
    void events(HttpServletRequest request, HttpServletResponse response) throws IOException {
        console.requireRoom();
        streams.begin(request, response, console.mostBuffered())
                .ifPresent(page -> console.join(page, Caller.of(request)));
    }

    @GetMapping(path = "/trace/{id}", produces = MediaType.TEXT_EVENT_STREAM_VALUE)
    void trace(@PathVariable String id, HttpServletRequest request, HttpServletResponse response) throws IOException {
        CheckinId traced = Parameters.checkinId("id", id, partitions);
        console.requireRoomForTrace();
        streams.begin(request, response, console.mostBuffered()).ifPresent(events -> console.trace(traced, events));
    }

    @GetMapping(path = "/sample", produces = MediaType.APPLICATION_JSON_VALUE)
    CompletionStage<ResponseEntity<Console.Polled>> sample(HttpServletRequest request) {
        return console.poll(Caller.of(request))
                .thenApply(polled ->
                        ResponseEntity.ok().cacheControl(CacheControl.noStore()).body(polled));
    }

    /** It may be long, so Spring writes it, and not the thread that found it. */
    @GetMapping(path = "/places", produces = MediaType.APPLICATION_JSON_VALUE)
    CompletableFuture<ResponseEntity<byte[]>> places() {
        return places.read()
                .thenApply(json -> ResponseEntity.ok()
                        .cacheControl(CacheControl.noCache().cachePrivate())
                        .eTag('"' + json.digest() + '"')
                        .body(json.bytes()))
                .toCompletableFuture();
    }

    /** The body is the receiver's to judge. */
    @PostMapping(
            path = "/checkins",
            consumes = MediaType.APPLICATION_JSON_VALUE,
            produces = MediaType.APPLICATION_JSON_VALUE)
    CompletionStage<ResponseEntity<JsonNode>> send(HttpServletRequest request) throws IOException {
        byte[] checkin = bodyTimeout.limit(request.getInputStream()).readNBytes(MOST_BYTES + 1);
        if (checkin.length > MOST_BYTES) {
            throw ProblemType.CONTENT_TOO_LARGE.exception();
        }
        return receiver.post(checkin, request.getHeader(HttpHeaders.AUTHORIZATION));
    }
}
