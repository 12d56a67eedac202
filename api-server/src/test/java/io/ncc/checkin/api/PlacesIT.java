package io.ncc.checkin.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.lettuce.core.GeoCoordinates;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.testsupport.HttpAnswer;
import io.ncc.checkin.testsupport.RealRedis;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** Finding places, compared with a look at all of them. Without partitions, and over four, each in a database of its own. */
@Timeout(120)
final class PlacesIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final List<String> CATEGORIES = List.of("bar", "cafe", "bar|0000000000000000001", "Café & Bar_x");

    /** Some in a town, some far from it, and in one category many at one spot. */
    private static final int PLACES = 900;

    private static final int AT_ONE_SPOT = 2_200;
    private static final Spot SPOT = new Spot(20.5, -33.25);

    private static final Map<Integer, ApiServer> SERVERS = new TreeMap<>();
    private static final List<Known> ALL = new ArrayList<>();

    record Spot(double longitude, double latitude) {}

    /** What is known of a location, independently of the server. */
    record Known(long id, String category, Spot spot, long checkins, long stars) {

        long average() {
            return checkins == 0 ? 0 : Math.round((double) stars / checkins);
        }

        double mean() {
            return checkins == 0 ? 0 : (double) stars / checkins;
        }

        /** In metres, on the sphere that Redis knows. */
        double from(Spot centre) {
            double u = Math.toRadians(spot.latitude - centre.latitude) / 2;
            double v = Math.toRadians(spot.longitude - centre.longitude) / 2;
            double a = Math.pow(Math.sin(u), 2)
                    + Math.cos(Math.toRadians(spot.latitude))
                            * Math.cos(Math.toRadians(centre.latitude))
                            * Math.pow(Math.sin(v), 2);
            return 2 * 6_372_797.560856 * Math.asin(Math.sqrt(a));
        }
    }

    @BeforeAll
    static void start() {
        Random random = new Random(3);
        for (long id = 1; id <= PLACES; id++) {
            double spread = id % 3 == 0 ? 1 : 0.02;
            Spot spot = new Spot(
                    -122.27 + spread * random.nextGaussian(), 37.80 + Math.min(1.5, spread * random.nextGaussian()));
            long checkins = random.nextInt(5) == 0 ? 0 : random.nextInt(30);
            long stars = checkins == 0 ? 0 : random.nextInt((int) checkins * 5 + 1);
            ALL.add(new Known(id * 7, CATEGORIES.get(random.nextInt(4)), asRedisHasIt(spot), checkins, stars));
        }
        for (long id = 1; id <= AT_ONE_SPOT; id++) {
            ALL.add(new Known(1_000_000 + id, "crowd", SPOT, 0, 0));
        }
        for (int count : new int[] {0, 4}) {
            SERVERS.put(
                    count,
                    ApiServer.start(
                            redis,
                            "--checkin.partitions=" + (count == 0 ? "" : count),
                            "--spring.data.redis.database=" + count));
        }
    }

    /** Rounded by less than a metre. */
    private static Spot asRedisHasIt(Spot spot) {
        redis.commands().geoadd("spot", spot.longitude, spot.latitude, "it");
        GeoCoordinates rounded = redis.commands().geopos("spot", "it").get(0);
        return new Spot(rounded.getX().doubleValue(), rounded.getY().doubleValue());
    }

    /** The server without partitions or with four, which has all places from now on. */
    private static ApiServer api(int count) {
        redis.commands().select(count);
        Partitions partitions = count == 0 ? Partitions.none() : Partitions.of(count);
        PlaceFixture fixture = new PlaceFixture(partitions, partition -> redis.commands());
        redis.commands().multi(); // in which no command waits for the reply to the one before
        for (Known known : ALL) {
            fixture.location(known.id, known.category, known.spot.longitude, known.spot.latitude);
            if (known.checkins > 0) {
                spread(fixture, partitions, known);
            }
        }
        assertThat(redis.commands().exec().wasDiscarded()).isFalse();
        return Objects.requireNonNull(SERVERS.get(count));
    }

    /** In each partition a share, most of it not at home. */
    private static void spread(PlaceFixture fixture, Partitions partitions, Known known) {
        long checkins = known.checkins;
        long stars = known.stars;
        for (int partition = 0; partition < partitions.count() - 1; partition++) {
            long share = checkins / 2;
            long ofStars = Math.min(stars, share * 5) / 2;
            fixture.checkins(partition, known.id, share, ofStars);
            checkins -= share;
            stars -= ofStars;
        }
        fixture.checkins(partitions.count() - 1, known.id, checkins, stars);
    }

    @AfterAll
    static void stop() {
        SERVERS.values().forEach(ApiServer::close);
    }

    /** What all pages have. */
    private static List<JsonNode> walk(ApiServer api, String query, int limit) {
        List<JsonNode> items = new ArrayList<>();
        String path = "/locations?" + query;
        while (path != null) {
            JsonNode page = api.get(path).json();
            assertThat(page.get("items").size()).as(path).isLessThanOrEqualTo(limit);
            page.get("items").forEach(items::add);
            path = page.get("next").isNull() ? null : page.get("next").asString();
        }
        return items;
    }

    private static List<Long> ids(Iterable<JsonNode> items) {
        List<Long> ids = new ArrayList<>();
        items.forEach(item -> ids.add(item.get("id").asLong()));
        return ids;
    }

    private static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 4})
    void randomSearchesFindWhatALookAtAllPlacesFinds(int count) {
        ApiServer api = api(count);
        Random random = new Random(17);
        for (int n = 0; n < 40; n++) {
            String category = random.nextInt(3) == 0 ? null : CATEGORIES.get(random.nextInt(4));
            int minStars = random.nextBoolean() ? 0 : 1 + random.nextInt(5);
            boolean isNear = random.nextInt(4) > 0;
            Spot centre = new Spot(-122.27 + random.nextGaussian() / 50, 37.80 + random.nextGaussian() / 50);
            int metres = List.of(50, 400, 2_000, 20_000, 900_000).get(random.nextInt(5));
            String sort = List.of("id", "distance", "stars", "checkins").get(random.nextInt(isNear ? 4 : 1));
            if (!isNear && category != null) {
                sort = List.of("id", "stars", "checkins").get(random.nextInt(3));
            }
            int limit = 20 + random.nextInt(81);
            String query = Stream.of(
                            category == null ? "" : "category=" + encode(category),
                            !isNear ? "" : "near=" + centre.longitude + ',' + centre.latitude,
                            !isNear ? "" : "radius=" + metres + 'm',
                            minStars == 0 ? "" : "minStars=" + minStars,
                            "sort=" + sort,
                            "limit=" + limit)
                    .filter(part -> !part.isEmpty())
                    .reduce((a, b) -> a + '&' + b)
                    .orElseThrow();

            List<Known> inArea = ALL.stream()
                    .filter(known -> category == null || known.category.equals(category))
                    .filter(known -> !isNear || known.from(centre) <= metres)
                    .toList();
            boolean isSorted = isNear ? !sort.equals("distance") : !sort.equals("id");
            if (isSorted && inArea.size() > 1_000) {
                HttpAnswer answer = api.get("/locations?" + query);
                assertThat(answer.status()).as(query).isEqualTo(400);
                assertThat(answer.body()).contains("more than 1000 locations");
                continue;
            }
            Comparator<Known> order = switch (sort) {
                case "stars" ->
                    Comparator.comparingDouble(Known::mean)
                            .thenComparingLong(Known::checkins)
                            .reversed();
                case "checkins" -> Comparator.comparingLong(Known::checkins).reversed();
                case "distance" -> Comparator.comparingDouble(known -> known.from(centre));
                default -> Comparator.comparingLong(Known::id);
            };
            List<Long> expected = inArea.stream()
                    .sorted(order.thenComparingLong(Known::id))
                    .limit(sort.equals("distance") ? 1_000 : Long.MAX_VALUE)
                    .filter(known -> minStars == 0 || known.average() >= minStars)
                    .map(Known::id)
                    .toList();
            assertThat(ids(walk(api, query, limit))).as(query).isEqualTo(expected);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 4})
    void aPageIsFullUnlessItIsTheLastOrStarsAreAskedFor(int count) {
        ApiServer api = api(count);
        JsonNode page = api.get("/locations?near=-122.27,37.80&radius=900.000000001km&limit=100")
                .json();
        assertThat(page.get("items").size()).isEqualTo(100);
        assertThat(page.get("items").get(0).get("distance").asDouble()).isLessThan(500);
        assertThat(api(count)
                        .get("/locations?category=crowd")
                        .json()
                        .get("items")
                        .size())
                .isEqualTo(20);
    }

    /** More than are looked at for one page, none of which has stars: pages without any, and an end. */
    @ParameterizedTest
    @ValueSource(ints = {0, 4})
    void aFilterThatDropsAllEndsAfterAFewPages(int count) {
        ApiServer api = api(count);
        int pages = 0;
        String path = "/locations?category=crowd&minStars=1";
        while (path != null) {
            JsonNode page = api.get(path).json();
            assertThat(page.get("items").size()).isZero();
            path = page.get("next").isNull() ? null : page.get("next").asString();
            pages++;
        }
        assertThat(pages).isEqualTo(3);
    }

    /** The search for neighbours can't be narrowed down to fewer. */
    @ParameterizedTest
    @ValueSource(ints = {0, 4})
    void aThousandOfAnyNumberAtOneSpotAreReached(int count) {
        List<JsonNode> found = walk(api(count), "near=20.51,-33.25&radius=50km&limit=100", 100);
        Set<Long> ids = new HashSet<>(ids(found));
        assertThat(found).hasSize(1_000);
        assertThat(ids).hasSize(1_000).allMatch(id -> id > 1_000_000);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 4})
    void theCoursePathsGiveTheSamePlaces(int count) {
        ApiServer api = api(count);
        assertThat(ids(api.get("/api/locations/bycategory/cafe").json()))
                .isEqualTo(ids(walk(api, "category=cafe&limit=100", 100)));
        assertThat(ids(api.get("/api/locations/37.80/-122.27/2?category=bar&minStars=3")
                        .json()))
                .isEqualTo(ids(walk(api, "near=-122.27,37.80&radius=2mi&category=bar&minStars=3&limit=100", 100)))
                .isNotEmpty();
    }

    /** A program that knows no index changed or deleted locations. */
    @Test
    void anIndexIsBelievedOnlyAsFarAsTheHashAgrees() {
        ApiServer api = api(0);
        long deleted = ids(api.get("/locations?category=cafe&limit=1").json().get("items"))
                .get(0);
        Map<String, String> hash = redis.commands().hgetall("ncc:locations:" + deleted);
        redis.commands().del("ncc:locations:" + deleted);
        try {
            assertThat(ids(walk(api, "category=cafe&limit=100", 100))).doesNotContain(deleted);
            redis.commands().set("ncc:locations:" + deleted, "no hash");
            assertThat(ids(walk(api, "category=cafe&limit=100", 100))).doesNotContain(deleted);
            redis.commands().del("ncc:locations:" + deleted);
            redis.commands().hset("ncc:locations:" + deleted, "category", "gone");
            assertThat(ids(walk(api, "category=cafe&limit=100", 100))).doesNotContain(deleted);
            assertThat(ids(walk(api, "category=gone", 20))).isEmpty();
        } finally {
            redis.commands().hset("ncc:locations:" + deleted, hash);
        }
    }

    /** A program that knows no index moved a location, or deleted it before a checkin made it anew. */
    @ParameterizedTest
    @ValueSource(ints = {0, 4})
    void aPlaceIsShownOnlyWhereItsHashHasIt(int count) {
        ApiServer api = api(count);
        Partitions partitions = count == 0 ? Partitions.none() : Partitions.of(count);
        long id = 777_777;
        String hash = partitions.keys(partitions.ofLocation(id)).location(id);
        new PlaceFixture(partitions, partition -> redis.commands()).location(id, "moved", 0.1234567, -0.7654321);
        String near = "near=0.123,-0.765&radius=2km";
        String everywhere = "category=moved";
        assertThat(ids(walk(api, near, 20))).containsExactly(id);
        for (String place : new String[] {"10,50", "0.12348,-0.76543", "damaged", "0.1234567", "NaN,NaN"}) {
            redis.commands().hset(hash, "location", place);
            assertThat(ids(walk(api, near, 20))).as(place).isEmpty();
            assertThat(ids(walk(api, near + "&sort=stars", 20))).as(place).isEmpty();
            assertThat(ids(walk(api, everywhere, 20))).as(place).containsExactly(id);
        }
        redis.commands().hset(hash, "location", "0.123458,-0.765433");
        assertThat(ids(walk(api, near, 20))).as("rounded otherwise").containsExactly(id);

        redis.commands().hdel(hash, "name", "category");
        for (String query : new String[] {near, everywhere, "limit=100"}) {
            assertThat(ids(walk(api, query, 100))).as(query).doesNotContain(id);
        }
    }

    @Test
    void whatIsNoEntryOfAnIndexIsPassedOver() {
        ApiServer api = api(0);
        List<String> queries = List.of(
                "category=cafe&limit=100",
                "limit=100",
                "near=-122.27,37.80&limit=100",
                "near=20.51,-33.25&radius=50km");
        List<List<Long>> before =
                queries.stream().map(query -> ids(walk(api, query, 100))).toList();
        for (String odd : new String[] {"foo", "0", "9223372036854775808"}) {
            redis.commands().geoadd("ncc:index:places", -122.27, 37.80, odd);
            redis.commands().geoadd("ncc:index:places", SPOT.longitude, SPOT.latitude, odd + '0');
        }
        redis.commands().zadd("ncc:index:categories", 0, "cafe|000000000000000000x");
        redis.commands().zadd("ncc:index:categories", 0, "|9223372036854775808");
        for (int i = 0; i < 3; i++) {
            assertThat(ids(walk(api, queries.get(i), 100))).isEqualTo(before.get(i));
        }
        assertThat(ids(walk(api, queries.get(3), 100)))
                .as("any thousand at one spot")
                .hasSize(1_000);
        assertThat(api.get("/console/places").status()).isEqualTo(200);
    }

    @Test
    void whatDoesNotMakeSenseIsRefused() {
        ApiServer api = api(4);
        for (String query : new String[] {
            "near=1",
            "near=1,2,3",
            "near=181,0",
            "near=0,86",
            "near=NaN,0",
            "near=1e1,0",
            "radius=2km",
            "near=0,0&radius=2",
            "near=0,0&radius=0km",
            "near=0,0&radius=1001km",
            "near=0,0&radius=-1km",
            "sort=distance",
            "sort=name",
            "minStars=0",
            "minStars=6",
            "limit=0",
            "limit=101",
            "category=",
            "category=%20",
            "sort=stars",
            "category=crowd&sort=checkins",
            "near=20.5,-33.25&sort=stars",
            "cursor=x",
            "cursor=aWRfMjBfX19fMC4wXzAuMF8xNzFfY2FmZQ&limit=1",
            "cursor=aWRfMjBfX19fTmFOXzAuMF8xNzFfY2FmZQ",
            "x=1"
        }) {
            HttpAnswer answer = api.get("/locations?" + query);
            assertThat(answer.status()).as(query + ' ' + answer.body()).isEqualTo(400);
            assertThat(answer.problemType()).isEqualTo("invalid-request");
        }
    }

    @Test
    void whatIsNotThereIsNoError() {
        ApiServer api = api(0);
        assertThat(api.get("/locations?category=none").body()).isEqualTo("{\"items\":[],\"next\":null}");
        assertThat(api.get("/locations?near=0,0").body()).isEqualTo("{\"items\":[],\"next\":null}");
        assertThat(api.get("/api/locations/bycategory/none").body()).isEqualTo("[]");
    }
}
