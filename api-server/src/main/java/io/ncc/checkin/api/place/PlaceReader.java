package io.ncc.checkin.api.place;

import io.lettuce.core.GeoArgs;
import io.lettuce.core.GeoCoordinates;
import io.lettuce.core.GeoSearch;
import io.lettuce.core.GeoWithin;
import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.ncc.checkin.api.total.Location;
import io.ncc.checkin.api.total.LocationReader;
import io.ncc.checkin.api.total.Position;
import io.ncc.checkin.model.IndexEntry;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.service.PartitionLinks;
import io.ncc.checkin.service.ProblemType;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/**
 * Finds places by the indexes, in all partitions. A page costs no more than {@value #MOST} places do, however many there are: so many are looked at for a
 * page, the nearest so many can be reached, and more are not sorted by what changes.
 *
 * <p>An index is believed only as far as the hashes agree: a place that has another category now, none, or another position, is left out.
 */
@Component
final class PlaceReader {

    static final int MOST = 1_000;

    /** Of one search for neighbours, in each partition. A circle is right if it has from {@value #MOST} to this many. */
    private static final int MOST_OF_A_CIRCLE = 2 * MOST;

    private static final double FIRST_RADIUS = 250;
    private static final double GROWTH = 4;

    /** A circle whose radius is known so well, in metres, isn't narrowed down any further. */
    private static final double EXACT = 0.01;

    /** The place of an index is rounded by less than this, in metres. */
    private static final double MOST_ROUNDED = 1;

    private final PartitionLinks redis;
    private final Partitions partitions;
    private final LocationReader locations;

    PlaceReader(PartitionLinks redis, Partitions partitions, LocationReader locations) {
        this.redis = redis;
        this.partitions = partitions;
        this.locations = locations;
    }

    /** @param next the cursor of the next page; null at the end */
    record Page(List<Place> items, @Nullable String next) {}

    /**
     * A place as an index has it.
     *
     * @param distance in metres from the centre; null if there is no area
     * @param position null if there is no area
     */
    private record Found(
            long id, @Nullable Double distance, @Nullable Position position) {}

    /**
     * What is to be looked at: all of it, or the first part in the order of the search.
     *
     * @param more whether there is another part
     */
    private record Candidates(List<Found> found, boolean more) {}

    private record Ranked(Rank rank, Place place) {}

    CompletionStage<Page> page(PlaceSearch search) {
        return candidates(search).thenCompose(candidates -> {
            List<Long> ids = candidates.found.stream().map(Found::id).toList();
            return locations.read(ids).thenApply(read -> page(search, candidates, read));
        });
    }

    private static Page page(PlaceSearch search, Candidates candidates, Map<Long, Location> read) {
        List<Ranked> ranked = new ArrayList<>();
        for (Found found : candidates.found) {
            Location location = read.get(found.id);
            if (location != null && matches(search, location, found)) {
                Rank rank = rank(search.sort(), location, found.distance);
                if (rank.compareTo(search.after()) > 0) {
                    ranked.add(new Ranked(rank, Place.of(location, found.distance)));
                }
            }
        }
        ranked.sort(Comparator.comparing(Ranked::rank));
        List<Ranked> page = ranked.subList(0, Math.min(search.limit(), ranked.size()));
        Rank last = null;
        if (page.size() < ranked.size()) {
            last = page.get(page.size() - 1).rank;
        } else if (candidates.more) { // then what was looked at is in the order of the search
            Found end = candidates.found.get(candidates.found.size() - 1);
            last = new Rank(end.distance == null ? 0 : end.distance, 0, end.id);
        }
        return new Page(page.stream().map(Ranked::place).toList(), last == null ? null : search.cursor(last));
    }

    /** A location without a category was never loaded. */
    private static boolean matches(PlaceSearch search, Location location, Found found) {
        String category = location.category();
        boolean isOfCategory = category != null
                && (search.category() == null || search.category().equals(category));
        Long stars = location.averageStars();
        return isOfCategory
                && isThere(location, found)
                && (search.minStars() == 0 || (stars != null && stars >= search.minStars()));
    }

    private static boolean isThere(Location location, Found found) {
        Position position = location.position();
        return found.position == null || (position != null && position.metresTo(found.position) <= MOST_ROUNDED);
    }

    private static Rank rank(Sort sort, Location location, @Nullable Double distance) {
        double checkins = orZero(location.numCheckins());
        return switch (sort) {
            case ID -> new Rank(0, 0, location.id());
            case DISTANCE -> new Rank(Objects.requireNonNull(distance), 0, location.id());
            case CHECKINS -> new Rank(-checkins, 0, location.id());
            case STARS ->
                new Rank(checkins == 0 ? 0 : -orZero(location.numStars()) / checkins, -checkins, location.id());
        };
    }

    private static double orZero(@Nullable Long number) {
        return number == null ? 0 : number;
    }

    private CompletionStage<Candidates> candidates(PlaceSearch search) {
        Area area = search.area();
        int count = search.minStars() > 0 ? MOST : search.limit();
        if (area == null) {
            return search.sort() == Sort.ID ? byId(search, search.after().id(), count) : allById(search);
        }
        return search.sort() == Sort.DISTANCE ? nearest(search, area, count) : allWithin(search, area);
    }

    private CompletionStage<Candidates> allWithin(PlaceSearch search, Area area) {
        return within(search, area, MOST + 1).thenApply(within -> {
            if (within.more || within.found.size() > MOST) {
                throw ProblemType.invalidParameter("radius", tooMany("make it smaller"));
            }
            return within;
        });
    }

    private static String tooMany(String advice) {
        return "has more than " + MOST + " locations, which are too many to sort: " + advice;
    }

    private CompletionStage<Candidates> allById(PlaceSearch search) {
        return byId(search, 0, MOST).thenApply(candidates -> {
            if (candidates.more) {
                throw ProblemType.invalidParameter(
                        search.category() == null ? "sort" : "category", tooMany("add near and radius"));
            }
            return candidates;
        });
    }

    /** The first so many with higher ids. */
    private CompletionStage<Candidates> byId(PlaceSearch search, long after, int count) {
        String category = search.category() == null ? "" : search.category();
        return redis.ofAll(partition ->
                        ids(partition, category, IndexEntry.of(category, after), count + 1, new ArrayList<>()))
                .thenApply(all -> {
                    List<Found> found = all.stream()
                            .flatMap(List::stream)
                            .sorted()
                            .map(id -> new Found(id, null, null))
                            .toList();
                    return found.size() > count
                            ? new Candidates(found.subList(0, count), true)
                            : new Candidates(found, false);
                });
    }

    /** The first so many of a partition after an entry. One read, unless there are entries of another category in between. */
    private CompletionStage<List<Long>> ids(int partition, String category, String after, int count, List<Long> ids) {
        Range<String> range = Range.from(
                Range.Boundary.excluding(after), Range.Boundary.including(IndexEntry.of(category, Long.MAX_VALUE)));
        return redis.of(partition)
                .<List<String>>send(commands ->
                        commands.zrangebylex(partitions.keys(partition).categories(), range, Limit.from(count)))
                .thenCompose(entries -> {
                    entries.stream()
                            .filter(entry -> IndexEntry.isOf(category, entry))
                            .flatMap(entry -> IndexEntry.id(entry).stream())
                            .forEach(ids::add);
                    return entries.size() < count || ids.size() >= count
                            ? CompletableFuture.completedFuture(ids)
                            : ids(partition, category, entries.get(entries.size() - 1), count, ids);
                });
    }

    /** The nearest so many after those that were seen, of the nearest {@value #MOST}. */
    private CompletionStage<Candidates> nearest(PlaceSearch search, Area area, int count) {
        double seen = Math.max(0, search.after().first());
        double first = Math.min(area.metres(), Math.max(FIRST_RADIUS, seen * 2));
        return circle(search, area, count, new Circle(0, List.of()), first, area.metres())
                .thenApply(circle -> {
                    List<Found> reachable = circle.subList(0, Math.min(MOST, circle.size()));
                    List<Found> left = reachable.stream()
                            .filter(found -> isAfter(search, found))
                            .toList();
                    int examined = Math.min(count, left.size());
                    return new Candidates(left.subList(0, examined), left.size() > examined);
                });
    }

    private static boolean isAfter(PlaceSearch search, Found found) {
        return new Rank(orZero(found.distance), 0, found.id).compareTo(search.after()) > 0;
    }

    private static double orZero(@Nullable Double distance) {
        return distance == null ? 0 : distance;
    }

    /** A circle, all of whose places are known. */
    private record Circle(double radius, List<Found> found) {}

    /**
     * Looks for a circle that has enough places and not too many. The search for neighbours costs as much as there are places in the circle, and not
     * only as much as it returns; so it is stopped when there are too many.
     *
     * @param inner has too few
     * @param radius to be tried
     * @param outer the most that the radius can be: that of the area, or of a circle that has too many
     * @return what is in the circle, from the centre outwards
     */
    private CompletionStage<List<Found>> circle(
            PlaceSearch search, Area area, int count, Circle inner, double radius, double outer) {
        return within(search, area.withRadius(radius), MOST_OF_A_CIRCLE + 1).thenCompose(within -> {
            List<Found> found = within.found;
            if (within.more || found.size() > MOST_OF_A_CIRCLE) {
                return radius - inner.radius < EXACT
                        ? CompletableFuture.completedFuture(union(inner.found, found))
                        : circle(search, area, count, inner, between(inner.radius, radius), radius);
            }
            long unseen = found.stream().filter(each -> isAfter(search, each)).count();
            if (unseen > count || found.size() >= MOST || radius >= area.metres()) {
                return CompletableFuture.completedFuture(found);
            }
            double larger = larger(radius, outer, area.metres());
            return circle(search, area, count, new Circle(radius, found), larger, Math.max(outer, larger));
        });
    }

    /**
     * The radius to try after one that has too few: always a larger one, or the search would not end.
     *
     * @param outer had too many, perhaps a moment ago, or is the most
     * @param most of the area
     */
    static double larger(double radius, double outer, double most) {
        if (radius >= outer) {
            return Math.min(most, radius * GROWTH); // what made it too many is gone
        }
        boolean isBounded = outer < most && radius * GROWTH >= outer && outer - radius >= EXACT;
        return isBounded ? between(radius, outer) : Math.min(outer, radius * GROWTH);
    }

    /** Halves the area between two circles. */
    private static double between(double inner, double outer) {
        return Math.sqrt((inner * inner + outer * outer) / 2);
    }

    private static List<Found> union(List<Found> inner, List<Found> some) {
        TreeMap<Rank, Found> all = new TreeMap<>();
        Stream.concat(inner.stream(), some.stream())
                .forEach(found -> all.put(new Rank(orZero(found.distance), 0, found.id), found));
        return List.copyOf(all.values());
    }

    /**
     * What is in an area, from the centre outwards.
     *
     * @param most of a partition; if it has as many, there may be more
     */
    private CompletionStage<Candidates> within(PlaceSearch search, Area area, int most) {
        GeoSearch.GeoPredicate radius = GeoSearch.byRadius(area.metres(), GeoArgs.Unit.m);
        GeoArgs args = new GeoArgs().withDistance().withCoordinates().withCount(most, true);
        return redis.ofAll(partition -> redis.of(partition)
                        .<List<GeoWithin<String>>>send(commands -> commands.geosearch(
                                key(partitions.keys(partition), search.category()),
                                GeoSearch.fromCoordinates(area.longitude(), area.latitude()),
                                radius,
                                args)))
                .thenApply(all -> new Candidates(
                        all.stream()
                                .flatMap(List::stream)
                                .flatMap(each -> found(each).stream())
                                .sorted(Comparator.comparingDouble((Found found) -> orZero(found.distance))
                                        .thenComparingLong(Found::id))
                                .toList(),
                        all.stream().anyMatch(found -> found.size() == most)));
    }

    /** Empty if it is what another program wrote, and no id. */
    private static Optional<Found> found(GeoWithin<String> entry) {
        GeoCoordinates degrees = entry.getCoordinates();
        Position position =
                new Position(degrees.getX().doubleValue(), degrees.getY().doubleValue());
        return IndexEntry.idOfPlace(entry.getMember()).map(id -> new Found(id, entry.getDistance(), position));
    }

    private static String key(Keys keys, @Nullable String category) {
        return category == null ? keys.places() : keys.places(category);
    }
}
