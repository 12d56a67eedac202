package io.ncc.checkin.api.place;

import com.fasterxml.jackson.annotation.Nulls;
import io.ncc.checkin.api.web.Parameters;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.service.PartitionLinks;
import io.ncc.checkin.service.ProblemType;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.json.JsonMapper;

@RestController
final class DetailsController {

    private static final List<String> DAYS =
            List.of("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday");

    /** For what other programs may have written, too. */
    private static final JsonMapper MAPPER = JsonMapper.builder()
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .disable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
            .changeDefaultNullHandling(nulls -> nulls.withContentNulls(Nulls.SKIP))
            .build();

    private final PartitionLinks redis;
    private final Partitions partitions;

    DetailsController(PartitionLinks redis, Partitions partitions) {
        this.redis = redis;
        this.partitions = partitions;
    }

    @GetMapping(
            path = {"/locations/{id}/details", "/api/location/{id}/details"},
            produces = MediaType.APPLICATION_JSON_VALUE)
    CompletionStage<LocationDetails> details(
            @PathVariable String id, @RequestParam(required = false) @Nullable String sections) {
        long number = Parameters.id("id", id);
        Set<String> wanted = sections(sections);
        return read(number).thenApply(details -> details.of(number, wanted));
    }

    private static Set<String> sections(@Nullable String text) {
        if (text == null) {
            return Set.copyOf(LocationDetails.SECTIONS);
        }
        Set<String> sections = new LinkedHashSet<>(List.of(text.split(",", -1)));
        if (!LocationDetails.SECTIONS.containsAll(sections)) {
            throw ProblemType.invalidParameter(
                    "sections", "must be some of " + String.join(",", LocationDetails.SECTIONS) + ", with commas");
        }
        return sections;
    }

    @GetMapping(
            path = {"/locations/{id}/hours/{day}", "/api/location/{id}/hours/{day}"},
            produces = MediaType.APPLICATION_JSON_VALUE)
    CompletionStage<LocationDetails.Hours> hours(@PathVariable String id, @PathVariable String day) {
        long number = Parameters.id("id", id);
        String name = day(day);
        return read(number).thenApply(details -> {
            if (details.hours() != null) {
                for (LocationDetails.Hours hours : details.hours()) {
                    if (name.equals(hours.day())) {
                        return hours;
                    }
                }
            }
            throw ProblemType.NOT_FOUND.exception("No hours are known of this location and day.");
        });
    }

    /** By its number, of which 0 is Monday, or its name. */
    private static String day(String text) {
        for (int number = 0; number < DAYS.size(); number++) {
            if (text.equals(Integer.toString(number)) || text.equalsIgnoreCase(DAYS.get(number))) {
                return DAYS.get(number);
            }
        }
        throw ProblemType.invalidParameter("day", "must be from 0, which is Monday, to 6, or the name of a day");
    }

    private CompletionStage<LocationDetails> read(long id) {
        int home = partitions.ofLocation(id);
        return redis.of(home)
                .<String>send(commands -> commands.get(partitions.keys(home).details(id)))
                .thenApply(json -> {
                    if (json == null) {
                        throw ProblemType.NOT_FOUND.exception("No details are known of a location with this id.");
                    }
                    return parse(json);
                });
    }

    private static LocationDetails parse(String json) {
        try {
            LocationDetails details = MAPPER.readValue(json, LocationDetails.class);
            if (details != null) {
                return details;
            }
        } catch (JacksonException e) {
            // said below
        }
        throw ProblemType.NOT_FOUND.exception("The details of this location are not in their form.");
    }
}
