package io.ncc.checkin.api.board;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.ncc.checkin.api.board.Rankings.Ranking;
import io.ncc.checkin.api.board.SumRanking.Rated;
import io.ncc.checkin.api.web.Parameters;
import io.ncc.checkin.service.ProblemType;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** The users and locations with the most checkins, and the locations with the most stars. */
@RestController
final class RankingController {

    private static final int DEFAULT_LIMIT = 10;
    private static final int DEFAULT_LEAST = 10;
    private static final int MOST_CHECKINS = 1_000_000_000;

    private final Rankings rankings;
    private final Names names;

    RankingController(Rankings rankings, Names names) {
        this.rankings = rankings;
        this.names = names;
    }

    @GetMapping(path = "/users/top", produces = MediaType.APPLICATION_JSON_VALUE)
    CompletionStage<RankingAnswer<RankedUser>> users(
            @RequestParam(required = false) @Nullable String window,
            @RequestParam(required = false) @Nullable String limit) {
        return users(Window.parse(window), limit(limit));
    }

    @GetMapping(path = "/api/users/bycheckins", produces = MediaType.APPLICATION_JSON_VALUE)
    CompletionStage<List<RankedUser>> usersByCheckins() {
        return users(Window.ALL, Rankings.MOST).thenApply(RankingAnswer::items);
    }

    private CompletionStage<RankingAnswer<RankedUser>> users(Window window, int count) {
        return rankings.users(window, count)
                .thenCompose(ranking -> names.ofUsers(ranking.items(), "firstName", "lastName")
                        .thenApply(found -> RankingAnswer.of(ranking, found, RankedUser::of)));
    }

    @GetMapping(path = "/locations/top", produces = MediaType.APPLICATION_JSON_VALUE)
    CompletionStage<RankingAnswer<RankedLocation>> locations(
            @RequestParam(required = false) @Nullable String by,
            @RequestParam(required = false) @Nullable String window,
            @RequestParam(required = false) @Nullable String minCheckins,
            @RequestParam(required = false) @Nullable String limit) {
        boolean byStars = Parameters.choice("by", by, "stars", "checkins");
        Window chosen = Window.parse(window);
        int least = Parameters.count("minCheckins", minCheckins, 1, MOST_CHECKINS, byStars ? DEFAULT_LEAST : 1);
        int count = limit(limit);
        if (!byStars) {
            return rankings.locations(chosen, count)
                    .thenApply(ranking -> ranking.where(location -> location.score() >= least))
                    .thenCompose(ranking -> named(ranking, Ranked::id, RankedLocation::of));
        }
        if (chosen != Window.ALL) {
            throw ProblemType.invalidParameter("window", "must be all with by=stars");
        }
        return rankings.locationsByStars(least, count)
                .thenCompose(ranking -> named(ranking, Rated::id, RankedLocation::of));
    }

    private <T> CompletionStage<RankingAnswer<RankedLocation>> named(
            Ranking<T> ranking, Function<T, Long> id, BiFunction<T, Map<String, String>, RankedLocation> item) {
        return names.ofLocations(ranking.items().stream().map(id).toList(), "name")
                .thenApply(found -> RankingAnswer.of(ranking, found, item));
    }

    static int limit(@Nullable String text) {
        return Parameters.count("limit", text, 1, Rankings.MOST, DEFAULT_LIMIT);
    }

    /**
     * @param since milliseconds since 1970; null for all time
     * @param asOf milliseconds since 1970
     */
    record RankingAnswer<T>(@Nullable Long since, long asOf, List<T> items) {

        static <F, T> RankingAnswer<T> of(
                Ranking<F> ranking, List<Map<String, String>> loaded, BiFunction<F, Map<String, String>, T> item) {
            List<T> items = new ArrayList<>();
            for (int i = 0; i < loaded.size(); i++) {
                items.add(item.apply(ranking.items().get(i), loaded.get(i)));
            }
            Instant since = ranking.since();
            return new RankingAnswer<>(
                    since == null ? null : since.toEpochMilli(), ranking.asOf().toEpochMilli(), items);
        }
    }

    record RankedUser(
            long id, @Nullable String firstName, @Nullable String lastName, long numCheckins) {

        static RankedUser of(Ranked user, Map<String, String> loaded) {
            return new RankedUser(user.id(), loaded.get("firstName"), loaded.get("lastName"), user.score());
        }
    }

    /**
     * @param numStars their sum; only in a ranking by stars
     * @param average stars for each checkin; only in a ranking by stars
     */
    record RankedLocation(
            long id,
            @Nullable String name,
            long numCheckins,

            @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable
            Long numStars,

            @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable
            Double average) {

        static RankedLocation of(Ranked location, Map<String, String> loaded) {
            return new RankedLocation(location.id(), loaded.get("name"), location.score(), null, null);
        }

        static RankedLocation of(Rated location, Map<String, String> loaded) {
            return new RankedLocation(
                    location.id(), loaded.get("name"), location.checkins(), location.stars(), location.average());
        }
    }
}
