package io.ncc.checkin.demo.load;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/**
 * What is known of a location beside its hash, as a record of the loader.
 *
 * @param id of the location
 * @param hours at most one of each day of the week
 * @param socials from the name of a service to the location's name there
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record LocationDetails(
        @JsonIgnore long id,
        @Nullable List<Hours> hours,
        @Nullable List<Map<String, String>> socials,
        @Nullable String website,
        @Nullable String description,
        @Nullable String phone) {

    /** The days of the week, in the order of their numbers: 0 is Monday. */
    static final List<String> DAYS =
            List.of("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday");

    private static final JsonMapper MAPPER = new JsonMapper();

    /**
     * When a location is open on one day.
     *
     * @param day one of {@link #DAYS}
     * @param hours for people, such as 9-6
     */
    public record Hours(String day, String hours) {}

    /** Without the id, which is in the key. */
    String json() {
        return MAPPER.writeValueAsString(this);
    }
}
