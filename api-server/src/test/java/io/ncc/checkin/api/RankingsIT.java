package io.ncc.checkin.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lettuce.core.api.sync.RedisCommands;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.testsupport.HttpAnswer;
import io.ncc.checkin.testsupport.RealRedis;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** Rankings and visitors, without partitions and with several. Each number of partitions has a database of its own. */
@Timeout(60)
final class RankingsIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final Map<Integer, ApiServer> SERVERS = new TreeMap<>();

    private Partitions partitions = Partitions.none();
    private ApiServer api = server(1);

    private static ApiServer server(int count) {
        return SERVERS.computeIfAbsent(
                count,
                key -> count == 1
                        ? ApiServer.start(redis)
                        : ApiServer.start(
                                redis, "--checkin.partitions=" + count, "--spring.data.redis.database=" + count));
    }

    private void use(int count) {
        partitions = count == 1 ? Partitions.none() : Partitions.of(count);
        api = server(count);
        redis.commands().select(count == 1 ? 0 : count);
    }

    @AfterAll
    static void stop() {
        SERVERS.values().forEach(ApiServer::close);
        SERVERS.clear();
    }

    private static RedisCommands<String, String> commands() {
        return redis.commands();
    }

    private Keys ofUser(long user) {
        return partitions.keys(partitions.ofUser(user));
    }

    /** Waits for the answer: one that costs more is given again for a moment. */
    private void awaitItems(String path, String... items) {
        await().atMost(LIMIT).untilAsserted(() -> assertThat(items(path)).containsExactly(items));
    }

    private List<String> items(String path) {
        HttpAnswer answer = api.get(path);
        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        JsonNode json = answer.json();
        return (json.isArray() ? json : json.get("items"))
                .valueStream()
                .map(JsonNode::toString)
                .toList();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4})
    void usersAreRankedByTheirCheckins(int count) {
        use(count);
        assertThat(items("/users/top")).isEmpty();
        for (long user = 1; user <= 12; user++) {
            commands().zadd(ofUser(user).userBoard(), user < 9 ? 5.0 : (double) user, Long.toString(user));
        }
        commands().hset(ofUser(12).user(12), Map.of("firstName", "Ada", "lastName", "Byron", "email", "a@example.org"));
        commands().set(ofUser(11).user(11), "damaged");
        assertThat(items("/users/top?limit=3"))
                .containsExactly(
                        "{\"id\":12,\"firstName\":\"Ada\",\"lastName\":\"Byron\",\"numCheckins\":12}",
                        "{\"id\":11,\"firstName\":null,\"lastName\":null,\"numCheckins\":11}",
                        "{\"id\":10,\"firstName\":null,\"lastName\":null,\"numCheckins\":10}");
        assertThat(items("/users/top?window=all").stream()
                        .map(item -> item.replaceAll("\\D+", " ").strip()))
                .as("of equal numbers the ids are descending as texts")
                .containsExactly("12 12", "11 11", "10 10", "9 9", "8 5", "7 5", "6 5", "5 5", "4 5", "3 5");
        assertThat(items("/api/users/bycheckins"))
                .hasSize(12)
                .startsWith(items("/users/top?limit=1").get(0));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4})
    void aWindowHasTheClockHoursThatItSays(int count) {
        use(count);
        Instant hour = Instant.now().truncatedTo(ChronoUnit.HOURS);
        for (int ago = 0; ago <= 2; ago++) {
            Instant then = hour.minus(ago, ChronoUnit.HOURS);
            commands().zadd(ofUser(5).userBoard(then), 1 + ago, "5");
            partitions
                    .all()
                    .forEach(partition ->
                            commands().zadd(partitions.keys(partition).locationBoard(then), 10, "7"));
        }
        commands().zadd(ofUser(6).userDayBoard(), 9, "6");
        partitions
                .all()
                .forEach(partition -> commands().zadd(partitions.keys(partition).locationDayBoard(), 100, "8"));
        JsonNode users = api.get("/users/top?window=1h").json();
        if (users.get("since").asLong() != hour.minus(1, ChronoUnit.HOURS).toEpochMilli()) {
            return; // the hour has just changed
        }
        assertThat(users.get("asOf").asLong()).isBetween(hour.toEpochMilli(), System.currentTimeMillis());
        assertThat(users.get("items").get(0).get("numCheckins").asInt())
                .as("1 + 2")
                .isEqualTo(3);
        JsonNode day = api.get("/users/top?window=24h").json();
        assertThat(day.get("since").asLong())
                .isEqualTo(hour.minus(23, ChronoUnit.HOURS).toEpochMilli());
        assertThat(day.get("items").toString())
                .isEqualTo("[{\"id\":6,\"firstName\":null,\"lastName\":null,\"numCheckins\":9}]");
        assertThat(items("/locations/top?window=1h"))
                .containsExactly("{\"id\":7,\"name\":null,\"numCheckins\":" + 20 * count + "}");
        assertThat(items("/locations/top?window=24h"))
                .containsExactly("{\"id\":8,\"name\":null,\"numCheckins\":" + 100 * count + "}");
        assertThat(api.get("/users/top").json().get("since").isNull()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4})
    void locationsAreRankedByAllTheirSharesTogether(int count) {
        use(count);
        int last = count - 1;
        Keys first = partitions.keys(0);
        Keys other = partitions.keys(last);
        for (long location = 1; location <= 200; location++) {
            commands().zincrby(first.locationBoard(), 100, Long.toString(location));
            commands().zincrby(first.starBoard(), 300, Long.toString(location));
        }
        commands().zincrby(first.locationBoard(), -60, "1");
        commands().zincrby(other.locationBoard(), 90, "1"); // 130 in all
        commands().zincrby(first.starBoard(), -200, "1");
        commands().zincrby(other.starBoard(), 450, "1"); // 550 in all
        commands().zincrby(other.locationBoard(), 4, "999");
        commands().zincrby(other.starBoard(), 20, "999");
        commands().hset(partitions.keys(partitions.ofLocation(1)).location(1), Map.of("name", "Bar"));
        awaitItems(
                "/locations/top?limit=2",
                "{\"id\":1,\"name\":\"Bar\",\"numCheckins\":130}",
                "{\"id\":99,\"name\":null,\"numCheckins\":100}");
        awaitItems("/locations/top?minCheckins=101", "{\"id\":1,\"name\":\"Bar\",\"numCheckins\":130}");
        awaitItems(
                "/locations/top?by=stars&limit=2",
                "{\"id\":1,\"name\":\"Bar\",\"numCheckins\":130,\"numStars\":550,\"average\":4.230769230769231}",
                "{\"id\":99,\"name\":null,\"numCheckins\":100,\"numStars\":300,\"average\":3.0}");
        awaitItems(
                "/locations/top?by=stars&minCheckins=4&limit=1",
                "{\"id\":999,\"name\":null,\"numCheckins\":4,\"numStars\":20,\"average\":5.0}");
        awaitItems("/locations/top?by=stars&minCheckins=131");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4})
    void whoCheckedInLastComesFirst(int count) {
        use(count);
        for (long user = 1; user <= 30; user++) {
            commands().zadd(ofUser(user).recentUsers(), (double) (1_000 + user), Long.toString(user));
            commands().zadd(ofUser(user).visitors(7), (double) (2_000 - user), Long.toString(user));
        }
        commands().hset(ofUser(30).user(30), Map.of("firstName", "Ada", "lastSeenAt", "7"));
        commands().hset(ofUser(2).user(2), Map.of("lastName", "Byron", "lastSeenAt", "7"));
        commands().hset(ofUser(1).user(1), Map.of("lastSeenAt", "8"));
        assertThat(items("/users/recent?limit=2"))
                .containsExactly(
                        "{\"id\":30,\"firstName\":\"Ada\",\"lastName\":null,\"lastCheckin\":1030}",
                        "{\"id\":29,\"firstName\":null,\"lastName\":null,\"lastCheckin\":1029}");
        assertThat(items("/api/users/recent")).hasSize(10).isEqualTo(items("/users/recent"));
        assertThat(items("/locations/7/visitors?limit=2"))
                .containsExactly(
                        "{\"id\":1,\"firstName\":null,\"lastName\":null,\"lastCheckin\":1999}",
                        "{\"id\":2,\"firstName\":null,\"lastName\":\"Byron\",\"lastCheckin\":1998}");
        assertThat(items("/locations/7/visitors?limit=100")).hasSize(30);
        assertThat(items("/api/users/at/7"))
                .as("who was seen elsewhere since is not there")
                .containsExactly(
                        "{\"id\":2,\"firstName\":null,\"lastName\":\"Byron\",\"lastCheckin\":1998}",
                        "{\"id\":30,\"firstName\":\"Ada\",\"lastName\":null,\"lastCheckin\":1970}");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4})
    void aLocationWithoutVisitorsIsToldFromOneThatIsNone(int count) {
        use(count);
        commands().hset(partitions.keys(partitions.ofLocation(7)).location(7), Map.of("name", "Bar"));
        assertThat(items("/locations/7/visitors")).isEmpty();
        assertThat(api.get("/locations/8/visitors").status()).isEqualTo(404);
        assertThat(items("/api/users/at/8")).isEmpty();
    }

    @Test
    void whatIsNoParameterOfARankingIsRefused() {
        use(1);
        Map.of(
                        "/users/top?window=2h", "must be 1h, 24h or all",
                        "/users/top?limit=101", "must be an integer from 1 to 100",
                        "/users/recent?limit=0", "must be an integer from 1 to 100",
                        "/locations/7/visitors?limit=x", "must be an integer from 1 to 100",
                        "/locations/x/visitors", "must be an integer from 1 to 2^63-1",
                        "/api/users/at/0", "must be an integer from 1 to 2^63-1",
                        "/locations/top?by=name", "must be stars or checkins",
                        "/locations/top?minCheckins=0", "must be an integer from 1 to 1000000000",
                        "/locations/top?by=stars&window=1h", "must be all with by=stars")
                .forEach((path, message) -> {
                    HttpAnswer answer = api.get(path);
                    assertThat(answer.status()).as(path).isEqualTo(400);
                    assertThat(answer.json().get("errors").get(0).get("message").asString())
                            .isEqualTo(message);
                });
    }

    @Test
    void aBoardOfAnotherTypeIsAnErrorOfTheServer() {
        use(1);
        commands().set(partitions.keys(0).userBoard(), "damaged");
        assertThat(api.get("/users/top").status()).isEqualTo(500);
        commands().set(partitions.keys(0).starBoard(), "damaged");
        commands().zadd(partitions.keys(0).locationBoard(), 10, "7");
        HttpAnswer answer = api.get("/locations/top?by=stars&minCheckins=3");
        assertThat(answer.status()).isEqualTo(500);
        assertThat(answer.problemType()).isEqualTo("internal-error");
        commands().del(partitions.keys(0).starBoard());
        awaitItems(
                "/locations/top?by=stars&minCheckins=3",
                "{\"id\":7,\"name\":null,\"numCheckins\":10,\"numStars\":0,\"average\":0.0}");
    }
}
