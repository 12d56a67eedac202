package io.ncc.checkin.api;

import io.ncc.checkin.model.Keys;
import io.ncc.checkin.service.ProblemType;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.tags.Tag;
import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RestController;

@RestController
@Tag(name = "Locations")
final class LocationController {

    private static final String[] FIELDS = {
        "id", "name", "category", "location", "numCheckins", "numStars", "averageStars"
    };

    private final HashReader hashes;
    private final Keys keys;

    LocationController(HashReader hashes, Keys keys) {
        this.hashes = hashes;
        this.keys = keys;
    }

    @Operation(summary = "A location with the totals of its checkins")
    @GetMapping(
            path = {"/locations/{id}", "/api/location/{id}"},
            produces = MediaType.APPLICATION_JSON_VALUE)
    Location location(
            @Parameter(schema = @Schema(type = "integer", minimum = "1"), example = "171") @PathVariable String id) {
        long number = PathVariables.id("id", id);
        HashReader.Fields fields = hashes.read(keys.location(number), FIELDS);
        if (fields.isEmpty()) {
            throw ProblemType.NOT_FOUND.exception("There is no location with this id.");
        }
        return Location.from(number, fields);
    }

    /**
     * What is null is not known: a location that was checked in at but never loaded has no name.
     *
     * @param location longitude and latitude
     * @param averageStars rounded half up
     */
    record Location(
            @Schema(example = "171") long id,
            @Nullable String name,
            @Nullable String category,
            @Schema(example = "-122.27,37.80") @Nullable String location,
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
