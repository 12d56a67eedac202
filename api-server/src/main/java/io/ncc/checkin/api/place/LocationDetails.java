package io.ncc.checkin.api.place;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What was loaded of a location beside its name, category and place. What is null wasn't, or wasn't asked for.
 *
 * @param hours of some days, or all
 * @param socials from the name of a service to the location's name there
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
record LocationDetails(
        long id,
        @Nullable List<Hours> hours,
        @Nullable List<Map<String, String>> socials,
        @Nullable String website,
        @Nullable String description,
        @Nullable String phone) {

    /** The names of all members but the id. */
    static final List<String> SECTIONS = List.of("hours", "socials", "website", "description", "phone");

    /** @param hours for people, such as 9-6 */
    record Hours(String day, String hours) {}

    LocationDetails {
        if (hours != null) { // another program may have left out a member
            hours = hours.stream()
                    .filter(each -> each.day != null && each.hours != null)
                    .toList();
        }
    }

    LocationDetails of(long location, Set<String> sections) {
        return new LocationDetails(
                location,
                sections.contains("hours") ? hours : null,
                sections.contains("socials") ? socials : null,
                sections.contains("website") ? website : null,
                sections.contains("description") ? description : null,
                sections.contains("phone") ? phone : null);
    }
}
