package io.ncc.checkin.api.place;

import io.ncc.checkin.api.web.Links;
import io.ncc.checkin.api.web.Parameters;
import io.ncc.checkin.service.ProblemType;
import jakarta.servlet.http.HttpServletRequest;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

@RestController
final class PlaceController {

    private static final int MOST_MILES = 600;

    private final PlaceReader places;

    PlaceController(PlaceReader places) {
        this.places = places;
    }

    @GetMapping(path = "/locations", produces = MediaType.APPLICATION_JSON_VALUE)
    CompletionStage<Places> find(
            @RequestParam(required = false) @Nullable String category,
            @RequestParam(required = false) @Nullable String near,
            @RequestParam(required = false) @Nullable String radius,
            @RequestParam(required = false) @Nullable String minStars,
            @RequestParam(required = false) @Nullable String sort,
            @RequestParam(required = false) @Nullable String limit,
            @RequestParam(required = false) @Nullable String cursor,
            HttpServletRequest request) {
        if (cursor == null) {
            return find(PlaceSearch.parse(category, near, radius, minStars, sort, limit), request);
        }
        if (category != null || near != null || radius != null || minStars != null || sort != null || limit != null) {
            throw ProblemType.invalidParameter("cursor", "stands for all other parameters");
        }
        return find(PlaceSearch.parse(cursor), request);
    }

    private CompletionStage<Places> find(PlaceSearch search, HttpServletRequest request) {
        return places.page(search)
                .thenApply(page -> new Places(
                        page.items(),
                        page.next() == null ? null : Links.to(request, "/locations?cursor=" + page.next())));
    }

    @GetMapping(path = "/api/locations/bycategory/{category}", produces = MediaType.APPLICATION_JSON_VALUE)
    CompletableFuture<List<Place>> ofCategory(@PathVariable String category) {
        return all(new PlaceSearch(PlaceSearch.category(category), null, 0, Sort.ID, PlaceReader.MOST, Rank.FIRST));
    }

    @GetMapping(path = "/api/locations/{latitude}/{longitude}/{radius}", produces = MediaType.APPLICATION_JSON_VALUE)
    CompletableFuture<List<Place>> near(
            @PathVariable String latitude,
            @PathVariable String longitude,
            @PathVariable String radius,
            @RequestParam(required = false) @Nullable String category,
            @RequestParam(required = false) @Nullable String minStars) {
        Area area = new Area(
                Parameters.decimal("longitude", longitude, -180, 180),
                Area.latitude("latitude", latitude),
                Parameters.count("radius", radius, 1, MOST_MILES, 1) * Area.METRES_PER_MILE);
        return all(new PlaceSearch(
                category == null ? null : PlaceSearch.category(category),
                area,
                PlaceSearch.minStars(minStars),
                Sort.DISTANCE,
                PlaceReader.MOST,
                Rank.FIRST));
    }

    /** Spring makes the JSON, in a thread of its own: the answer may be long. */
    private CompletableFuture<List<Place>> all(PlaceSearch search) {
        return places.page(search).thenApply(PlaceReader.Page::items).toCompletableFuture();
    }

    /** @param next where the next page is; null at the end */
    record Places(List<Place> items, @Nullable String next) {}
}
