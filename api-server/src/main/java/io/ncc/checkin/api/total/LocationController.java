package io.ncc.checkin.api.total;

import io.ncc.checkin.api.checkin.StoredCheckin;
import io.ncc.checkin.api.web.Parameters;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.service.ProblemType;
import jakarta.servlet.http.HttpServletRequest;
import java.util.List;
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

    private static final String[] SHARE = {"id", "numCheckins", "numStars"};

    private final HashReader hashes;
    private final Partitions partitions;
    private final ReadYourWrites readYourWrites;

    LocationController(HashReader hashes, Partitions partitions, ReadYourWrites readYourWrites) {
        this.hashes = hashes;
        this.partitions = partitions;
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
        int home = partitions.ofLocation(id);
        CompletionStage<Location> found = partitions.count() == 1
                ? hashes.read(home, partitions.keys(home).location(id), FIELDS)
                        .thenApply(fields -> fields.isEmpty() ? null : Location.from(id, fields))
                : hashes.readAll(
                                partition -> partitions.keys(partition).location(id),
                                partition -> partition == home ? FIELDS : SHARE)
                        .thenApply(shares -> Location.sum(id, shares.get(home), shares));
        return found.thenApply(location -> {
            if (location == null) {
                throw ProblemType.NOT_FOUND.exception("There is no location with this id.");
            }
            return location;
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

        /**
         * Null if no partition has the location.
         *
         * @param home what its own partition has
         * @param shares what all partitions have
         */
        static @Nullable Location sum(long id, HashReader.Fields home, List<HashReader.Fields> shares) {
            if (shares.stream().allMatch(HashReader.Fields::isEmpty)) {
                return null;
            }
            Long checkins = HashReader.sum(shares, "numCheckins");
            Long stars = HashReader.sum(shares, "numStars");
            return new Location(
                    id,
                    home.text("name"),
                    home.text("category"),
                    home.text("location"),
                    checkins,
                    stars,
                    checkins == null || stars == null ? null : Long.valueOf(average(checkins, stars)));
        }

        /** As apply.lua has it: rounded half up. */
        private static long average(long checkins, long stars) {
            return checkins <= 0
                    ? 0
                    : Math.floorDiv(stars, checkins)
                            + (Math.floorMod(stars, checkins) >= checkins - Math.floorMod(stars, checkins) ? 1 : 0);
        }
    }
}
