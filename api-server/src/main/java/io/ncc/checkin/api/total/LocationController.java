package io.ncc.checkin.api.total;

import io.ncc.checkin.api.checkin.StoredCheckin;
import io.ncc.checkin.api.web.Parameters;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.service.ProblemType;
import jakarta.servlet.http.HttpServletRequest;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

@RestController
final class LocationController {

    private static final String[] FIELDS = {
        "id", "name", "category", "location", "numCheckins", "numStars", "averageStars"
    };

    private final HashReader hashes;
    private final Keys keys;
    private final ReadYourWrites readYourWrites;

    LocationController(HashReader hashes, Keys keys, ReadYourWrites readYourWrites) {
        this.hashes = hashes;
        this.keys = keys;
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

    private CompletionStage<Location> read(long id) {
        return hashes.read(keys.location(id), FIELDS).thenApply(fields -> {
            if (fields.isEmpty()) {
                throw ProblemType.NOT_FOUND.exception("There is no location with this id.");
            }
            return Location.from(id, fields);
        });
    }

    /**
     * What is null is not known: a location that was checked in at but never loaded has no name.
     *
     * @param location longitude and latitude
     * @param averageStars rounded half up
     */
    record Location(
            long id,
            @Nullable String name,
            @Nullable String category,
            @Nullable String location,
            @Nullable Long numCheckins,
            @Nullable Long numStars,
            @Nullable Long averageStars) {

        static Location from(long id, HashReader.Fields fields) {
            return new Location(
                    id,
                    fields.text("name"),
                    fields.text("category"),
                    fields.text("location"),
                    fields.number("numCheckins"),
                    fields.number("numStars"),
                    fields.number("averageStars"));
        }
    }
}
