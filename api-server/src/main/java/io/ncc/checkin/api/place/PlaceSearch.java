package io.ncc.checkin.api.place;

import io.ncc.checkin.api.web.Parameters;
import io.ncc.checkin.service.ProblemType;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import org.jspecify.annotations.Nullable;
import org.springframework.web.ErrorResponseException;

/**
 * What places are asked for.
 *
 * @param category null for all
 * @param area null for everywhere
 * @param minStars the least average, as it is shown; 0 for any, also an unknown one
 * @param after of the last place that was seen; {@link Rank#FIRST} at the beginning
 */
record PlaceSearch(@Nullable String category, @Nullable Area area, int minStars, Sort sort, int limit, Rank after) {

    /** The most places of a page. */
    static final int MAX_PAGE = 100;

    private static final int DEFAULT_LIMIT = 20;
    private static final int MAX_CATEGORY = 100;
    private static final String SEPARATOR = "_";
    private static final int PARTS = 9;

    static PlaceSearch parse(
            @Nullable String category,
            @Nullable String near,
            @Nullable String radius,
            @Nullable String minStars,
            @Nullable String sort,
            @Nullable String limit) {
        Area area = near == null ? null : Area.parse(near, radius);
        Sort order = sort == null ? area == null ? Sort.ID : Sort.DISTANCE : Sort.parse(sort);
        if (area == null && radius != null) {
            throw ProblemType.invalidParameter("radius", "goes with near");
        }
        if (area == null && order == Sort.DISTANCE) {
            throw ProblemType.invalidParameter("sort", "distance goes with near");
        }
        return new PlaceSearch(
                category == null ? null : category(category),
                area,
                minStars(minStars),
                order,
                Parameters.count("limit", limit, 1, MAX_PAGE, DEFAULT_LIMIT),
                Rank.FIRST);
    }

    static String category(String text) {
        if (text.isBlank() || text.length() > MAX_CATEGORY) {
            throw ProblemType.invalidParameter("category", "must be 1 to " + MAX_CATEGORY + " characters");
        }
        return text;
    }

    static int minStars(@Nullable String text) {
        return Parameters.count("minStars", text, 1, 5, 0);
    }

    private PlaceSearch startingAfter(Rank rank) {
        return new PlaceSearch(category, area, minStars, sort, limit, rank);
    }

    /** For a URL: where the search goes on after a place. It names the place and no number of places, so nothing is shifted. */
    String cursor(Rank last) {
        String text = String.join(
                SEPARATOR,
                sort.toString(),
                Integer.toString(limit),
                minStars == 0 ? "" : Integer.toString(minStars),
                area == null ? "" : area.near(),
                area == null ? "" : area.radius(),
                Double.toString(last.first()),
                Double.toString(last.second()),
                Long.toString(last.id()),
                category == null ? "" : category);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    /** @throws ErrorResponseException a problem, if it is none that was made by {@link #cursor} */
    static PlaceSearch parse(String cursor) {
        try {
            String[] parts =
                    new String(Base64.getUrlDecoder().decode(cursor), StandardCharsets.UTF_8).split(SEPARATOR, PARTS);
            if (parts.length == PARTS) {
                Rank last = new Rank(
                        Double.parseDouble(parts[5]), Double.parseDouble(parts[6]), Parameters.id("cursor", parts[7]));
                if (Double.isFinite(last.first()) && Double.isFinite(last.second())) {
                    return parse(given(parts[8]), given(parts[3]), given(parts[4]), given(parts[2]), parts[0], parts[1])
                            .startingAfter(last);
                }
            }
        } catch (IllegalArgumentException | ErrorResponseException e) {
            // said below
        }
        throw ProblemType.invalidParameter("cursor", "must be one that an answer gave as next");
    }

    private static @Nullable String given(String part) {
        return part.isEmpty() ? null : part;
    }
}
