package io.ncc.checkin.system;

import static org.assertj.core.api.Assertions.assertThat;

import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.lettuce.core.RedisClient;
import io.lettuce.core.StreamMessage;
import io.lettuce.core.api.sync.RedisCommands;
import io.ncc.checkin.api.ApiApplication;
import io.ncc.checkin.demo.load.Dataset;
import io.ncc.checkin.demo.load.Kind;
import io.ncc.checkin.demo.load.LoadException;
import io.ncc.checkin.demo.load.Loader;
import io.ncc.checkin.demo.load.Location;
import io.ncc.checkin.demo.load.LocationDetails;
import io.ncc.checkin.demo.load.RecordedCheckin;
import io.ncc.checkin.demo.load.SampleData;
import io.ncc.checkin.demo.load.User;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.receiver.ReceiverApplication;
import io.ncc.checkin.testsupport.HttpAnswer;
import io.ncc.checkin.testsupport.RealRedis;
import io.ncc.checkin.testsupport.SequentialFold;
import io.ncc.redis.SingleRedis;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.springframework.context.ConfigurableApplicationContext;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Each route of the crash course that is here, beside what the course's code does on the same Redis: its HGETALL, XRANGE and JSON.GET, and its searches as a
 * look at all records. {@code docs/redis-crash-course.md} says what differs.
 */
@Timeout(120)
final class CrashCourseRoutesIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final Pattern COURSE_ROUTE = Pattern.compile("`([A-Z]+ /api/[^`]*)`");
    private static final double METRES_PER_MILE = 1609.344;
    private static final JsonMapper MAPPER = new JsonMapper();
    private static final Dataset SAMPLE = SampleData.dataset();
    private static final List<ConfigurableApplicationContext> services = new ArrayList<>();

    @BeforeAll
    static void start() {
        String[] settings = {"--server.port=0", "--spring.data.redis.url=" + redis.uri()};
        services.add(ApiApplication.run(settings));
        services.add(ReceiverApplication.run(settings));
    }

    private static void load() throws LoadException {
        RedisClient client = RedisClient.create(redis.uri());
        try (Loader loader =
                Loader.connect(Partitions.none(), new SingleRedis(client), new PrintWriter(Writer.nullWriter()))) {
            loader.load(SAMPLE, EnumSet.allOf(Kind.class), false);
        } finally {
            client.shutdown();
        }
        SequentialFold.over(redis.commands())
                .addStream(redis.commands())
                .hashes()
                .forEach((key, hash) -> redis.commands().hset(key, hash));
        boards().forEach((key, board) -> redis.commands()
                .zadd(
                        key,
                        board.entrySet().stream()
                                .flatMap(member -> Stream.<Object>of(member.getValue(), member.getKey()))
                                .toArray()));
    }

    private static Map<String, Map<String, Double>> boards() {
        Keys keys = Keys.unpartitioned();
        Map<String, Map<String, Double>> boards = new TreeMap<>();
        for (RecordedCheckin recorded : SAMPLE.checkins()) {
            String user = Long.toString(recorded.checkin().userId());
            double millis = recorded.id().millis();
            boards.computeIfAbsent(keys.userBoard(), key -> new TreeMap<>()).merge(user, 1.0, Double::sum);
            boards.computeIfAbsent(keys.recentUsers(), key -> new TreeMap<>()).merge(user, millis, Math::max);
            boards.computeIfAbsent(keys.visitors(recorded.checkin().locationId()), key -> new TreeMap<>())
                    .merge(user, millis, Math::max);
        }
        return boards;
    }

    @AfterAll
    static void stop() {
        services.forEach(ConfigurableApplicationContext::close);
    }

    private static String url(int service, String path) {
        return "http://localhost:"
                + services.get(service).getEnvironment().getRequiredProperty("local.server.port")
                + path;
    }

    private static JsonNode get(String path) {
        HttpAnswer answer = HttpAnswer.get(url(0, path));
        assertThat(answer.status()).as(path + ' ' + answer.body()).isEqualTo(200);
        return answer.json();
    }

    private static RedisCommands<String, String> commands() {
        return redis.commands();
    }

    /** The routes, each with its check. */
    private static Map<String, Runnable> checks() {
        Map<String, Runnable> checks = new TreeMap<>();
        checks.put("POST /api/checkin", CrashCourseRoutesIT::checkin);
        checks.put("GET /api/user/{id}", CrashCourseRoutesIT::user);
        checks.put("GET /api/user/{id}/fullname", CrashCourseRoutesIT::fullName);
        checks.put("GET /api/user/email/{email}", CrashCourseRoutesIT::userWithEmail);
        checks.put("GET /api/users/bycheckins", CrashCourseRoutesIT::usersByCheckins);
        checks.put("GET /api/users/recent", CrashCourseRoutesIT::recentUsers);
        checks.put("GET /api/users/at/{locationId}", CrashCourseRoutesIT::usersAt);
        checks.put("GET /api/location/{id}", CrashCourseRoutesIT::location);
        checks.put("GET /api/location/{id}/details", CrashCourseRoutesIT::details);
        checks.put("GET /api/location/{id}/hours/{day}", CrashCourseRoutesIT::hours);
        checks.put("GET /api/locations/bycategory/{category}", CrashCourseRoutesIT::locationsOfCategory);
        checks.put("GET /api/locations/{latitude}/{longitude}/{radius}", CrashCourseRoutesIT::locationsNear);
        checks.put("GET /api/checkins/latest", CrashCourseRoutesIT::latest);
        checks.put("GET /api/checkins/{from}/{to}", CrashCourseRoutesIT::checkins);
        return checks;
    }

    @Test
    void eachDoesWhatTheCourseDoes() throws LoadException {
        load();
        checks().values().forEach(Runnable::run);
    }

    @Test
    void thePageNamesTheseAndNoOthers() throws IOException {
        Set<String> named = new TreeSet<>();
        for (String line : Files.readAllLines(Path.of("../docs/redis-crash-course.md"))) {
            String[] cells = line.split(" \\| ");
            if (line.startsWith("| ") && cells.length > 1) {
                COURSE_ROUTE.matcher(cells[1]).results().forEach(match -> named.add(match.group(1)));
            }
        }
        assertThat(named).isEqualTo(checks().keySet());
    }

    /** Numbers are numbers, not strings, and one more field is known. */
    private static void assertSameFields(JsonNode shown, Map<String, String> hash) {
        hash.forEach((name, value) ->
                assertThat(shown.path(name).asString("(missing)")).as(name).isEqualTo(value));
    }

    private static void checkin() {
        HttpAnswer answer =
                HttpAnswer.post(url(1, "/api/checkin"), "{\"userId\":789,\"locationId\":171,\"starRating\":5}");
        assertThat(answer.status()).isEqualTo(202);
        StreamMessage<String, String> newest = commands()
                .xrevrange("ncc:checkins", Range.unbounded(), Limit.from(1))
                .get(0);
        assertThat(newest.getBody()).isEqualTo(Map.of("userId", "789", "locationId", "171", "starRating", "5"));
        assertThat(answer.json().get("id").asString()).isEqualTo(newest.getId());
    }

    private static void user() {
        for (int id = 1; id <= SampleData.USERS; id += 37) {
            Map<String, String> hash = commands().hgetall("ncc:users:" + id);
            hash.remove("password");
            assertSameFields(get("/api/user/" + id), hash);
        }
    }

    private static void fullName() {
        List<String> names = commands().hmget("ncc:users:789", "firstName", "lastName").stream()
                .map(value -> value.getValue())
                .toList();
        assertThat(get("/api/user/789/fullname").get("fullName").asString()).isEqualTo(String.join(" ", names));
    }

    /** RediSearch: {@code @email:{...}}, a tag, in which upper and lower case are the same. */
    private static void userWithEmail() {
        for (User user : SAMPLE.users().subList(0, 50)) {
            assertThat(get("/api/user/email/" + user.email()).get("id").asLong())
                    .isEqualTo(user.id());
            assertThat(get("/api/user/email/" + user.email().toUpperCase(Locale.ROOT))
                            .get("id")
                            .asLong())
                    .isEqualTo(user.id());
        }
        assertThat(HttpAnswer.get(url(0, "/api/user/email/nobody@example.com")).status())
                .isEqualTo(404);
    }

    /** RediSearch: all, {@code SORTBY numCheckins DESC LIMIT 0 100}. */
    private static void usersByCheckins() {
        JsonNode shown = get("/api/users/bycheckins");
        Map<Long, Long> counts = users("numCheckins");
        assertThat(numbers(shown, "numCheckins"))
                .containsExactlyElementsOf(counts.values().stream()
                        .sorted(Comparator.reverseOrder())
                        .limit(100)
                        .toList());
        shown.forEach(user -> assertThat(user.get("numCheckins").asLong())
                .isEqualTo(counts.get(user.get("id").asLong())));
    }

    /** RediSearch: those of the last day, {@code SORTBY lastCheckin DESC}, of which the first ten are shown. */
    private static void recentUsers() {
        assertThat(numbers(get("/api/users/recent"), "lastCheckin"))
                .containsExactlyElementsOf(users("lastCheckin").values().stream()
                        .sorted(Comparator.reverseOrder())
                        .limit(10)
                        .toList());
    }

    /** RediSearch: {@code @lastSeenAt:[locationId locationId]}. */
    private static void usersAt() {
        Map<Long, Long> lastSeenAt = users("lastSeenAt");
        for (long location = 1; location <= SampleData.LOCATIONS; location += 7) {
            long here = location;
            assertThat(ids(get("/api/users/at/" + location)))
                    .containsExactlyInAnyOrderElementsOf(lastSeenAt.keySet().stream()
                            .filter(user -> Objects.equals(lastSeenAt.get(user), here))
                            .toList());
        }
    }

    /** A field of all users who have it, by their ids. */
    private static Map<Long, Long> users(String field) {
        Map<Long, Long> values = new TreeMap<>();
        for (User user : SAMPLE.users()) {
            String value = commands().hget("ncc:users:" + user.id(), field);
            if (value != null && Long.parseLong(value) > 0) {
                values.put(user.id(), Long.valueOf(value));
            }
        }
        return values;
    }

    private static List<Long> numbers(JsonNode array, String name) {
        return array.valueStream().map(item -> item.get(name).asLong()).toList();
    }

    private static void location() {
        for (int id = 1; id <= SampleData.LOCATIONS; id += 7) {
            assertSameFields(get("/api/location/" + id), commands().hgetall("ncc:locations:" + id));
        }
    }

    /** The JSON as it is in the course's file, which JSON.GET gives. */
    private static ObjectNode document(LocationDetails details) {
        ObjectNode document = MAPPER.valueToTree(details);
        return document.put("id", details.id());
    }

    private static void details() {
        for (LocationDetails details : SAMPLE.details()) {
            ObjectNode document = document(details);
            String path = "/api/location/" + details.id() + "/details";
            assertThat(get(path)).isEqualTo(MAPPER.readTree(document.toString()));
            JsonNode some = get(path + "?sections=website,hours");
            assertThat(some.get("website")).isEqualTo(document.get("website"));
            assertThat(some.get("hours")).isEqualTo(document.get("hours"));
            assertThat(some.propertyNames()).containsExactlyInAnyOrder("id", "website", "hours");
        }
    }

    /** JSON.GET with the path {@code hours[day]}, of each location on one of the days. */
    private static void hours() {
        for (LocationDetails details : SAMPLE.details()) {
            int day = (int) (details.id() % 7);
            assertThat(get("/api/location/" + details.id() + "/hours/" + day))
                    .isEqualTo(document(details).get("hours").get(day));
        }
    }

    private static List<Long> ids(JsonNode array) {
        return array.valueStream().map(item -> item.get("id").asLong()).toList();
    }

    /** RediSearch: {@code @category:{...}}. */
    private static void locationsOfCategory() {
        for (String category : List.of("retail", "cafe", "restaurant", "bar", "hair", "gym")) {
            assertThat(ids(get("/api/locations/bycategory/" + category)))
                    .isNotEmpty()
                    .isEqualTo(SAMPLE.locations().stream()
                            .filter(location -> location.category().equals(category))
                            .map(Location::id)
                            .toList());
        }
    }

    /** RediSearch: {@code @location:[longitude,latitude radius mi] @averageStars:[minStars +inf] @category:{...}}. */
    private static void locationsNear() {
        Random random = new Random(1);
        for (int n = 0; n < 60; n++) {
            double latitude = 37.8 + random.nextGaussian() / 50;
            double longitude = -122.25 + random.nextGaussian() / 50;
            int miles = 1 + random.nextInt(4);
            int minStars = random.nextInt(6);
            String category = random.nextBoolean() ? "bar" : null;
            Predicate<Location> matches = location -> distance(location, longitude, latitude) <= miles * METRES_PER_MILE
                    && (category == null || location.category().equals(category))
                    && (minStars == 0 || averageStars(location) >= minStars);
            String query =
                    (category == null ? "" : "&category=" + category) + (minStars == 0 ? "" : "&minStars=" + minStars);
            JsonNode found = get("/api/locations/" + latitude + '/' + longitude + '/' + miles
                    + (query.isEmpty() ? "" : '?' + query.substring(1)));
            assertThat(ids(found))
                    .containsExactlyInAnyOrderElementsOf(SAMPLE.locations().stream()
                            .filter(matches)
                            .map(Location::id)
                            .toList());
            assertThat(found.valueStream().map(place -> place.get("distance").asDouble()))
                    .isSorted()
                    .allMatch(distance -> distance <= miles * METRES_PER_MILE + 1);
        }
    }

    private static int averageStars(Location location) {
        return Integer.parseInt(
                Objects.requireNonNull(commands().hget("ncc:locations:" + location.id(), "averageStars")));
    }

    /** In metres, on a sphere of the radius that Redis takes. */
    private static double distance(Location location, double longitude, double latitude) {
        String[] degrees = location.location().split(",", -1);
        double phi = Math.toRadians(latitude);
        double other = Math.toRadians(Double.parseDouble(degrees[1]));
        double a = Math.pow(Math.sin((other - phi) / 2), 2)
                + Math.cos(phi)
                        * Math.cos(other)
                        * Math.pow(Math.sin(Math.toRadians(Double.parseDouble(degrees[0]) - longitude) / 2), 2);
        return 2 * 6_372_797.560856 * Math.asin(Math.sqrt(a));
    }

    /** XREVRANGE with COUNT 1, of which the course gives an array. */
    private static void latest() {
        StreamMessage<String, String> newest = commands()
                .xrevrange("ncc:checkins", Range.unbounded(), Limit.from(1))
                .get(0);
        JsonNode shown = get("/api/checkins/latest");
        assertThat(shown.get("id").asString()).isEqualTo(newest.getId());
        assertSameFields(shown, newest.getBody());
    }

    /** XRANGE with COUNT 1000. */
    private static void checkins() {
        long from = SAMPLE.checkins().get(100).id().millis();
        long to = SAMPLE.checkins().get(2_000).id().millis();
        List<StreamMessage<String, String>> entries = commands()
                .xrange("ncc:checkins", Range.create(Long.toString(from), Long.toString(to)), Limit.from(1_000));
        JsonNode shown = get("/api/checkins/" + from + '/' + to);
        assertThat(shown.valueStream().map(item -> item.get("id").asString()))
                .containsExactlyElementsOf(
                        entries.stream().map(StreamMessage::getId).toList());
        for (int i = 0; i < entries.size(); i++) {
            assertSameFields(shown.get(i), entries.get(i).getBody());
        }
    }
}
