package io.ncc.checkin.api.console;

import io.ncc.checkin.api.web.EventStream;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.concurrent.CompletionStage;
import org.springframework.http.CacheControl;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

/** What the pages of the console ask for. */
@RestController
@RequestMapping("/console")
final class ConsoleController {

    private final Console console;

    ConsoleController(Console console) {
        this.console = console;
    }

    @GetMapping(path = "/events", produces = MediaType.TEXT_EVENT_STREAM_VALUE)
    void events(HttpServletRequest request, HttpServletResponse response) throws IOException {
        console.requireRoom();
        EventStream.begin(request, response, console.mostBuffered()).ifPresent(console::join);
    }

    @GetMapping(path = "/sample", produces = MediaType.APPLICATION_JSON_VALUE)
    CompletionStage<ResponseEntity<Console.Polled>> sample() {
        return console.poll()
                .thenApply(polled ->
                        ResponseEntity.ok().cacheControl(CacheControl.noStore()).body(polled));
    }
}
