package io.ncc.checkin.api.board;

import io.ncc.checkin.api.web.Parameters;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.service.PartitionLinks;
import io.ncc.checkin.service.ProblemType;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** Who checked in last, anywhere and at a location. */
@RestController
final class VisitorController {

    private final BoardReader reader;
    private final Names names;
    private final PartitionLinks redis;
    private final Partitions partitions;

    VisitorController(BoardReader reader, Names names, PartitionLinks redis, Partitions partitions) {
        this.reader = reader;
        this.names = names;
        this.redis = redis;
        this.partitions = partitions;
    }

    @GetMapping(path = "/users/recent", produces = MediaType.APPLICATION_JSON_VALUE)
    CompletionStage<Visitors> recent(@RequestParam(required = false) @Nullable String limit) {
        return visitors(partition -> partitions.keys(partition).recentUsers(), RankingController.limit(limit))
                .thenApply(Visitors::new);
    }

    @GetMapping(path = "/api/users/recent", produces = MediaType.APPLICATION_JSON_VALUE)
    CompletionStage<List<Visitor>> recentUsers() {
        return recent(null).thenApply(Visitors::items);
    }

    @GetMapping(path = "/locations/{id}/visitors", produces = MediaType.APPLICATION_JSON_VALUE)
    CompletionStage<Visitors> visitors(
            @PathVariable String id, @RequestParam(required = false) @Nullable String limit) {
        long location = Parameters.id("id", id);
        int count = RankingController.limit(limit);
        return visitors(partition -> partitions.keys(partition).visitors(location), count)
                .thenCompose(found -> found.isEmpty()
                        ? exists(location).thenApply(yes -> new Visitors(found))
                        : CompletableFuture.completedFuture(new Visitors(found)));
    }

    private CompletionStage<?> exists(long location) {
        return redis.ofAll(partition -> redis.of(partition)
                        .send(commands ->
                                commands.exists(partitions.keys(partition).location(location))))
                .thenAccept(found -> {
                    if (found.stream().allMatch(count -> count == 0)) {
                        throw ProblemType.NOT_FOUND.exception("There is no location with this id.");
                    }
                });
    }

    /** Those of the last visitors who have checked in nowhere else since. */
    @GetMapping(path = "/api/users/at/{locationId}", produces = MediaType.APPLICATION_JSON_VALUE)
    CompletionStage<List<Visitor>> usersAt(@PathVariable String locationId) {
        long location = Parameters.id("locationId", locationId);
        return reader.first(partition -> partitions.keys(partition).visitors(location), Rankings.MOST)
                .thenCompose(users -> names.ofUsers(users, "firstName", "lastName", "lastSeenAt")
                        .thenApply(loaded -> {
                            List<Visitor> there = new ArrayList<>();
                            for (int i = 0; i < users.size(); i++) {
                                if (Long.toString(location).equals(loaded.get(i).get("lastSeenAt"))) {
                                    there.add(Visitor.of(users.get(i), loaded.get(i)));
                                }
                            }
                            return there;
                        }));
    }

    private CompletionStage<List<Visitor>> visitors(IntFunction<String> board, int count) {
        return reader.first(board, count)
                .thenCompose(users -> names.ofUsers(users, "firstName", "lastName")
                        .thenApply(loaded -> {
                            List<Visitor> visitors = new ArrayList<>();
                            for (int i = 0; i < users.size(); i++) {
                                visitors.add(Visitor.of(users.get(i), loaded.get(i)));
                            }
                            return visitors;
                        }));
    }

    record Visitors(List<Visitor> items) {}

    /** @param lastCheckin milliseconds since 1970 */
    record Visitor(
            long id, @Nullable String firstName, @Nullable String lastName, long lastCheckin) {

        static Visitor of(Ranked user, Map<String, String> loaded) {
            return new Visitor(user.id(), loaded.get("firstName"), loaded.get("lastName"), user.score());
        }
    }
}
