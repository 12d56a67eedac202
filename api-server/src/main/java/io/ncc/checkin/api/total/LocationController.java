package io.ncc.checkin.api.total;

import io.ncc.checkin.api.checkin.StoredCheckin;
import io.ncc.checkin.api.web.Parameters;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.service.ProblemType;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

@RestController
@Tag(name = "Locations")
@ApiResponse(responseCode = "200")
@ApiResponse(responseCode = "400", ref = "400")
@ApiResponse(responseCode = "404", ref = "404")
@ApiResponse(responseCode = "503", ref = "503")
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

    @Operation(
            summary = "A location with the totals of its checkins",
            description = "With after, once that checkin is in the totals: for those who want to read what they wrote.")
    @ApiResponse(responseCode = "409", ref = "409")
    @ApiResponse(responseCode = "504", ref = "504")
    @GetMapping(
            path = {"/locations/{id}", "/api/location/{id}"},
            produces = MediaType.APPLICATION_JSON_VALUE)
    CompletionStage<Location> location(
            @Parameter(schema = @Schema(type = "integer", minimum = "1"), example = "171") @PathVariable String id,
            @Parameter(description = "the id of a checkin, which the receiver gave", example = "1609602085397-0")
                    @RequestParam(required = false)
                    @Nullable
                    String after,
            @Parameter(description = "with after: how long to wait at most, such as 500ms; 2s if not given")
                    @RequestParam(required = false)
                    @Nullable
                    String wait) {
        long number = Parameters.id("id", id);
        if (after != null) {
            return readYourWrites.read(after, wait, StoredCheckin::locationId, number, () -> read(number));
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
