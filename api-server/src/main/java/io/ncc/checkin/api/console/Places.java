package io.ncc.checkin.api.console;

import io.lettuce.core.Range;
import io.ncc.checkin.api.total.Location;
import io.ncc.checkin.api.total.LocationReader;
import io.ncc.checkin.api.total.Position;
import io.ncc.checkin.api.web.SharedAnswers;
import io.ncc.checkin.model.IndexEntry;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.service.AtOnce;
import io.ncc.checkin.service.PartitionLinks;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;
import tools.jackson.databind.json.JsonMapper;

/**
 * Where the locations are, for a map: each of them or, if there are very many, how many are in each cell of a grid that is finer where there are more.
 */
@Component
final class Places {

    private static final Duration OLDEST = Duration.ofSeconds(10);
    private static final String ALL = "all";
    private static final int MOST_APART = 20_000;
    private static final int AT_ONCE = 1_000;

    /** Cells are split until there are as many. */
    private static final int CELLS = 1_000;

    private final PartitionLinks redis;
    private final Partitions partitions;
    private final LocationReader locations;
    private final JsonMapper mapper;
    private final Executor executor;
    private final SharedAnswers<String, Json> answers;

    Places(
            PartitionLinks redis,
            Partitions partitions,
            LocationReader locations,
            JsonMapper mapper,
            Executor applicationTaskExecutor) {
        this.redis = redis;
        this.partitions = partitions;
        this.locations = locations;
        this.mapper = mapper;
        this.executor = applicationTaskExecutor;
        this.answers = new SharedAnswers<>(executor, OLDEST);
    }

    /** {@link Columns} as JSON. */
    @SuppressWarnings("ArrayRecordComponent") // it is never compared
    record Json(byte[] bytes, String digest) {}

    /**
     * In columns, which are equally long.
     *
     * @param ids 0 for a cell
     * @param lon of the place, or of the middle of the cell
     * @param lat of the place, or of the middle of the cell
     * @param names null if there is none
     * @param checkins null if that isn't known, as of cells
     * @param places how many they are: 1, or those in the cell
     * @param clustered whether they are cells
     */
    private record Columns(
            List<Long> ids,
            List<Double> lon,
            List<Double> lat,
            List<@Nullable String> names,
            List<@Nullable Long> checkins,
            List<Long> places,
            boolean clustered) {

        static Columns empty(boolean clustered) {
            return new Columns(
                    new ArrayList<>(),
                    new ArrayList<>(),
                    new ArrayList<>(),
                    new ArrayList<>(),
                    new ArrayList<>(),
                    new ArrayList<>(),
                    clustered);
        }

        private void add(
                long id, double longitude, double latitude, @Nullable String name, @Nullable Long count, long size) {
            ids.add(id);
            lon.add(longitude);
            lat.add(latitude);
            names.add(name);
            checkins.add(count);
            places.add(size);
        }
    }

    CompletionStage<Json> read() {
        return answers.of(
                ALL,
                () -> count(GeoCell.WORLD)
                        .thenCompose(all -> all > MOST_APART ? clusters(all) : each())
                        .thenApplyAsync(this::json, executor));
    }

    private Json json(Columns columns) {
        byte[] json = mapper.writeValueAsBytes(columns);
        return new Json(json, Page.digest(json));
    }

    private CompletionStage<Long> count(GeoCell cell) {
        Range<Long> scores =
                Range.from(Range.Boundary.including(cell.lowestScore()), Range.Boundary.excluding(cell.scoreAbove()));
        return redis.ofAll(partition -> redis.of(partition)
                        .send(commands ->
                                commands.zcount(partitions.keys(partition).places(), scores)))
                .thenApply(counts -> counts.stream().mapToLong(Long::longValue).sum());
    }

    private CompletionStage<Columns> each() {
        return redis.ofAll(partition -> redis.of(partition)
                        .send(commands ->
                                commands.zrange(partitions.keys(partition).places(), 0, MOST_APART)))
                .thenCompose(ids -> each(
                        ids.stream()
                                .flatMap(List::stream)
                                .flatMap(member -> IndexEntry.idOfPlace(member).stream())
                                .sorted()
                                .toList(),
                        0,
                        Columns.empty(false)));
    }

    private CompletionStage<Columns> each(List<Long> ids, int from, Columns columns) {
        if (from >= ids.size()) {
            return CompletableFuture.completedFuture(columns);
        }
        List<Long> some = ids.subList(from, Math.min(from + AT_ONCE, ids.size()));
        return locations.read(some).thenCompose(found -> {
            some.forEach(id -> add(columns, found.get(id)));
            return each(ids, from + AT_ONCE, columns);
        });
    }

    /** One whose place is no longer known, or is damaged, is left out. */
    private static void add(Columns columns, @Nullable Location location) {
        Position position = location == null ? null : location.position();
        if (location != null && position != null) {
            columns.add(
                    location.id(),
                    position.longitude(),
                    position.latitude(),
                    location.name(),
                    location.numCheckins(),
                    1);
        }
    }

    private record Counted(GeoCell cell, long places) {}

    private CompletionStage<Columns> clusters(long all) {
        return split(List.of(new Counted(GeoCell.WORLD, all)), all / CELLS);
    }

    /** One level after the other. A cell with few places isn't split any further. */
    private CompletionStage<Columns> split(List<Counted> cells, long few) {
        List<Counted> large = cells.stream()
                .filter(counted -> counted.places > few && counted.cell.canBeSplit())
                .toList();
        if (large.isEmpty() || cells.size() >= CELLS) {
            Columns columns = Columns.empty(true);
            cells.forEach(counted ->
                    columns.add(0, counted.cell.longitude(), counted.cell.latitude(), null, null, counted.places));
            return CompletableFuture.completedFuture(columns);
        }
        List<GeoCell> quarters = large.stream()
                .flatMap(counted -> counted.cell.quarters().stream())
                .toList();
        return AtOnce.ask(quarters, cell -> count(cell).thenApply(places -> new Counted(cell, places)))
                .thenCompose(counted -> {
                    List<Counted> next = new ArrayList<>(cells);
                    next.removeAll(large);
                    counted.stream().filter(each -> each.places > 0).forEach(next::add);
                    return split(next, few);
                });
    }
}
