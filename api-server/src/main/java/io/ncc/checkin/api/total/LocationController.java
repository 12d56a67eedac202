package io.ncc.checkin.api.total;

import io.ncc.checkin.api.checkin.StoredCheckin;
import io.ncc.checkin.api.web.Parameters;
import io.ncc.checkin.api.web.PlainRead;
import io.ncc.checkin.service.ProblemType;
import jakarta.servlet.http.HttpServletRequest;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import org.springframework.context.annotation.Bean;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

@RestController
final class LocationController {

    private final LocationReader locations;
    private final ReadYourWrites readYourWrites;

    LocationController(LocationReader locations, ReadYourWrites readYourWrites) {
        this.locations = locations;
        this.readYourWrites = readYourWrites;
    }

    @GetMapping(
            path = {"/locations/{id}", "/api/location/{id}"},
            produces = MediaType.APPLICATION_JSON_VALUE)
    CompletionStage<Location> location(
            @PathVariable String id,
            @RequestParam(required = false) @Nullable String after,
            @RequestParam(required = false) @Nullable String wait,
            HttpServletRequest request) {
        long number = Parameters.id("id", id);
        if (after != null) {
            return readYourWrites.read(request, after, wait, StoredCheckin::locationId, number, () -> read(number));
        }
        if (wait != null) {
            throw ProblemType.invalidParameter("wait", "goes with after");
        }
        return read(number);
    }

    @Bean
    PlainRead plainLocation() {
        return new PlainRead("/locations/{id}", this::read);
    }

    private CompletionStage<Location> read(long id) {
        return locations
                .read(id)
                .thenApply(location -> location.orElseThrow(
                        () -> ProblemType.NOT_FOUND.exception("There is no location with this id.")));
    }
}
