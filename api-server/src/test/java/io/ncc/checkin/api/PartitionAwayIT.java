package io.ncc.checkin.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.ScriptOutputType;
import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.CheckinCodec;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.service.security.TokenDigests;
import io.ncc.checkin.testsupport.FaultProxy;
import io.ncc.checkin.testsupport.HttpAnswer;
import io.ncc.checkin.testsupport.LiveFollower;
import io.ncc.checkin.testsupport.RealRedis;
import io.ncc.redis.RedisServers;
import io.ncc.redis.SingleRedis;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Primary;
import tools.jackson.databind.JsonNode;

/** Partitions 0 and 1 are on one server, 2 and 3 on another, which goes away. */
@Timeout(120)
final class PartitionAwayIT {

    @RegisterExtension
    static final RealRedis near = RealRedis.server();

    @RegisterExtension
    static final RealRedis far = RealRedis.server();

    private static final Partitions PARTITIONS = Partitions.of(4);
    private static final Duration LIMIT = Duration.ofSeconds(30);

    private static ApiServer api;

    /** The way of a server of its own to the far one. */
    private static FaultProxy way;

    /** Beans of the server. */
    static final class TwoServers {

        @Bean
        @Primary
        RedisServers twoServers(RedisClient client) {
            return nearAnd(RedisURI.create(far.uri()), client);
        }
    }

    /** The same with a proxy before the far one. */
    static final class TwoServersAndAWay {

        @Bean
        @Primary
        RedisServers twoServers(RedisClient client) {
            return nearAnd(RedisURI.create("127.0.0.1", way.port()), client);
        }
    }

    private static RedisServers nearAnd(RedisURI uri, RedisClient client) {
        RedisClient other = RedisClient.create(client.getResources(), uri);
        other.setOptions(client.getOptions());
        return key -> new SingleRedis(key.matches("ncc:\\{[01]-.*") ? client : other);
    }

    @BeforeAll
    static void start() {
        way = new FaultProxy(far.host(), far.port());
        api = startServer();
    }

    private static ApiServer startServer(String... more) {
        return startServer(TwoServers.class, more);
    }

    private static ApiServer startServer(Class<?> servers, String... more) {
        return ApiServer.startWith(
                servers,
                Stream.concat(
                                Stream.of(
                                        "--server.port=0",
                                        "--spring.data.redis.url=" + near.uri(),
                                        "--spring.data.redis.timeout=500ms",
                                        "--checkin.partitions=4"),
                                Stream.of(more))
                        .toArray(String[]::new));
    }

    @AfterAll
    static void stop() {
        api.close();
        way.close();
    }

    @BeforeEach
    void awaitConnections() {
        await().atMost(LIMIT)
                .until(() -> health("/actuator/health/readiness").equals("UP")
                        && Stream.of(0, 1, 2, 3).allMatch(partition -> available(partition) == 1));
    }

    private static String health(String path) {
        return api.get(path).json().get("status").asString();
    }

    private static double available(int partition) {
        return api.metric("checkin_partition_available{partition=\"" + partition + "\"}");
    }

    private static RealRedis server(int partition) {
        return partition < 2 ? near : far;
    }

    private static long userOf(int partition) {
        long user = 1;
        while (PARTITIONS.ofUser(user) != partition) {
            user++;
        }
        return user;
    }

    private static String add(int partition) {
        return server(partition)
                        .commands()
                        .xadd(
                                PARTITIONS.keys(partition).checkins(),
                                CheckinCodec.encode(new Checkin(userOf(partition), 7, 4)))
                + '-'
                + partition;
    }

    private static void count(int partition) {
        Keys keys = PARTITIONS.keys(partition);
        server(partition).commands().hset(keys.user(userOf(partition)), Map.of("numCheckins", "1"));
        server(partition).commands().hset(keys.location(7), Map.of("numCheckins", "1", "numStars", "4"));
    }

    private static void assertUnavailable(HttpAnswer answer) {
        assertThat(answer.status()).isEqualTo(503);
        assertThat(answer.problemType()).isEqualTo("redis-unavailable");
    }

    @Test
    void whatNeedsAPartitionThatIsAwayIsRefusedAndNothingElse() {
        for (int partition = 0; partition < 4; partition++) {
            count(partition);
        }
        String here = add(0);
        String there = add(2);
        PlaceFixture fixture =
                new PlaceFixture(PARTITIONS, partition -> server(partition).commands());
        fixture.user(userOf(0), "near@x");
        fixture.user(userOf(2), "far@x");
        assertThat(api.get("/users?email=far@x").status()).isEqualTo(200);
        assertThat(api.get("/locations/7").json().get("numStars").asInt()).isEqualTo(16);

        far.kill();
        await().atMost(LIMIT).until(() -> available(2) == 0);
        assertThat(api.get("/users/" + userOf(0)).json().get("numCheckins").asInt())
                .isEqualTo(1);
        assertUnavailable(api.get("/users/" + userOf(2)));
        assertThat(api.get("/users?email=Near@X").json().get("id").asLong()).isEqualTo(userOf(0));
        assertUnavailable(api.get("/users?email=far@x"));
        assertUnavailable(api.get("/users?email=nobody@x"));
        assertUnavailable(api.get("/locations/7"));
        for (String ranking : List.of(
                "/users/top",
                "/users/top?window=1h",
                "/users/recent",
                "/locations/top",
                "/locations/top?by=stars",
                "/locations/7/visitors")) {
            assertUnavailable(api.get(ranking));
        }
        assertThat(api.get("/checkins/" + here).status()).isEqualTo(200);
        assertUnavailable(api.get("/checkins/" + there));
        assertThat(api.get("/users/" + userOf(0) + "?wait=0s&after=" + here).status())
                .isEqualTo(504);
        assertThat(api.get("/dead-letters/1-1-1").status()).isEqualTo(404);
        assertUnavailable(api.get("/dead-letters/1-1-3"));
        for (String path : List.of(
                "/checkins/latest",
                "/checkins",
                "/checkins?order=desc",
                "/checkins/0/9999999999999",
                "/stream/groups",
                "/locations",
                "/locations?category=bar&sort=stars",
                "/locations?near=0,0",
                "/dead-letters")) {
            assertUnavailable(api.get(path));
        }
        JsonNode stream = api.get("/stream").json();
        assertThat(stream.get("away")).hasToString("[2,3]");
        assertThat(stream.get("length").asInt()).isEqualTo(1);
        assertThat(stream.get("lastId").asString()).isEqualTo(here);
        assertThat(stream.get("partitions")).hasSize(1);
        near.commands().del(PARTITIONS.keys(0).checkins());
        assertUnavailable(api.get("/stream")); // where there is one may be those that are away
        assertThat(health("/actuator/health/readiness")).isEqualTo("UP");
        assertThat(available(0)).isEqualTo(1);
        assertThat(available(3)).isZero();

        far.start();
        await().atMost(LIMIT)
                .untilAsserted(() -> assertThat(
                                api.get("/locations/7").json().path("numStars").asInt())
                        .isEqualTo(16));
        assertThat(api.get("/stream").json().get("away")).isEmpty();
    }

    @Test
    void aLoginWhosePasswordCannotBeCheckedDoesNotCount() {
        String digest = TokenDigests.of("client 127.0.0.1");
        int partition = PARTITIONS.ofName(digest);
        assertThat(server(partition)).isEqualTo(near);
        try (ApiServer withLogins = startServer(
                "--checkin.security.logins=true",
                "--checkin.login.password-cost=4",
                "--checkin.login.failures-per-client=3")) {
            far.kill();
            for (int i = 0; i < 8; i++) { // the counters of some of these accounts are away
                assertUnavailable(withLogins.post("/sessions", "{\"email\":\"" + i + "@x\",\"password\":\"x\"}"));
            }
            assertThat(near.commands().get(PARTITIONS.keys(partition).failedLogins(digest)))
                    .isEqualTo("0");
            far.start();
        }
    }

    @Test
    void theConsoleNamesThemAndHasTheSumsOfTheOthers() {
        add(0);
        add(1);
        add(2);
        awaitSample("[]", 3);
        far.kill();
        awaitSample("[2,3]", 2);
        far.start();
        awaitSample("[]", 3);
    }

    private static void awaitSample(String away, int length) {
        await().atMost(LIMIT).untilAsserted(() -> {
            JsonNode sample = api.get("/console/sample").json().get("sample");
            assertThat(sample.get("away")).hasToString(away);
            assertThat(sample.get("length").asInt()).isEqualTo(length);
        });
    }

    @Test
    void aServerThatIsFrozenHoldsNobodyElseUp() {
        count(0);
        far.pause();
        long begin = System.nanoTime();
        for (int i = 0; i < 20; i++) {
            assertThat(api.get("/users/" + userOf(0)).status()).isEqualTo(200);
        }
        assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(5));
        assertUnavailable(api.get("/users/" + userOf(3)));
    }

    @Test
    void theLiveStreamGoesOnWithoutThemAndTheirCheckinsComeWhenTheyAreBack() {
        try (LiveFollower follower = api.follow()) {
            String first = add(2);
            await().atMost(LIMIT).until(() -> checkins(follower).equals(List.of(first)));
            far.kill();
            await().atMost(LIMIT).until(() -> away(follower).equals("[2, 3]"));
            String second = add(0);
            await().atMost(LIMIT).until(() -> checkins(follower).equals(List.of(first, second)));
            try (LiveFollower late = api.follow()) {
                await().atMost(LIMIT).until(() -> away(late).equals("[2, 3]"));
                assertThat(checkins(late)).isEmpty();
            }
            far.start();
            String third = add(3);
            await().atMost(LIMIT).until(() -> checkins(follower).contains(third));
            await().atMost(LIMIT).until(() -> away(follower).equals("[]"));
            assertThat(checkins(follower)).containsExactly(first, second, third);
        }
    }

    @Test
    void theBacklogOfWhoIsBackHoldsNobodyUpAndComesOnce() {
        String query = "?locationId=7";
        try (ApiServer server = startServer(TwoServersAndAWay.class);
                LiveFollower follower = server.follow(query, null)) {
            String first = add(0);
            awaitSeen(follower, first);
            way.refuse();
            await().atMost(LIMIT).until(() -> away(follower).equals("[2, 3]"));
            String begin = add(2);
            addElsewhere(2, 100_000);
            String end = add(2);
            String few = add(3);
            String published = add(0);
            awaitSeen(follower, published);

            way.accept();
            awaitSeen(follower, begin);
            String meanwhile = add(1);
            try (LiveFollower older = server.follow(query, first)) {
                List<String> all = List.of(first, published, begin, few, meanwhile, end);
                all.forEach(id -> awaitSeen(follower, id));
                assertThat(ids(follower))
                        .containsExactlyInAnyOrderElementsOf(all)
                        .containsSubsequence(meanwhile, end);
                List<String> later = List.of(published, begin, few, meanwhile, end);
                later.forEach(id -> awaitSeen(older, id));
                assertThat(ids(older)).containsExactlyInAnyOrderElementsOf(later);
            }
        } finally {
            way.accept();
        }
    }

    /** Checkins at another location, all at once. */
    private static void addElsewhere(int partition, int count) {
        server(partition)
                .commands()
                .eval(
                        "for i = 1, ARGV[2] do redis.call('XADD', KEYS[1], '*',"
                                + " 'userId', ARGV[1], 'locationId', '8', 'starRating', '4') end",
                        ScriptOutputType.STATUS,
                        new String[] {PARTITIONS.keys(partition).checkins()},
                        Long.toString(userOf(partition)),
                        Integer.toString(count));
    }

    private static void awaitSeen(LiveFollower follower, String id) {
        await().atMost(LIMIT)
                .pollInterval(Duration.ofMillis(5))
                .until(() -> ids(follower).contains(id));
    }

    /** Of the checkins that it was shown, also of those that came late. */
    private static List<String> ids(LiveFollower follower) {
        return follower.events().stream()
                .filter(event -> event.name().equals("message"))
                .map(event ->
                        event.id() == null ? event.data().replaceFirst(".*\"id\":\"([^\"]*)\".*", "$1") : event.id())
                .toList();
    }

    @Test
    void anApiServerStartsWithoutThemAndFollowsTheOthers() {
        count(1);
        String before = add(3);
        far.kill();
        try (ApiServer started = startServer();
                LiveFollower follower = started.follow()) {
            assertThat(started.get("/users/" + userOf(1)).status()).isEqualTo(200);
            assertUnavailable(started.get("/users/" + userOf(3)));
            await().atMost(LIMIT).until(() -> away(follower).equals("[2, 3]"));
            String here = add(0);
            await().atMost(LIMIT).until(() -> checkins(follower).contains(here));
            far.start();
            String there = add(3);
            await().atMost(LIMIT).until(() -> checkins(follower).contains(there));
            assertThat(follower.events())
                    .as("what was there before isn't shown")
                    .noneMatch(event -> event.data().contains(before));
        }
    }

    private static List<String> checkins(LiveFollower follower) {
        return follower.events().stream()
                .filter(event -> event.name().equals("message"))
                .map(LiveFollower.Event::id)
                .toList();
    }

    /** What the last event of its kind says. Each partition goes and comes back in its own time, and may have an event of its own. */
    private static String away(LiveFollower follower) {
        String away = "none";
        for (LiveFollower.Event event : follower.events()) {
            if (event.name().equals("away")) {
                away = event.data().replaceFirst("^\\{\"partitions\":(.*)}$", "$1");
            }
        }
        return away;
    }

    @Test
    void idleConsumersAreRemovedFromTheOthers() {
        try (ApiServer tidy = startServer("--checkin.api.consumer-timeout=4s")) {
            tidy.put("/groups/g?from=0");
            add(2);
            tidy.post("/groups/g/consumers/one/pull?ack=auto");
            near.stop();
            try {
                assertThat(consumers(2)).isNotEmpty();
                await().atMost(LIMIT).until(() -> consumers(2).isEmpty());
            } finally {
                near.start();
            }
        }
    }

    private static List<Object> consumers(int partition) {
        return server(partition)
                .commands()
                .xinfoConsumers(PARTITIONS.keys(partition).checkins(), "g");
    }

    @Test
    void aPullGivesWhatTheOthersHaveAndLaterTheRest() {
        assertThat(api.put("/groups/g?from=0").status()).isEqualTo(201);
        String here = add(1);
        String there = add(2);
        assertThat(pull("")).containsExactlyInAnyOrder(here, there);
        String next = add(0);
        add(3);
        far.kill();
        await().atMost(LIMIT).until(() -> available(2) == 0);
        assertThat(pull("")).containsExactly(next);
        assertThat(pull("")).isEmpty();
        assertThat(acknowledge(here).json().get("acknowledged").asInt()).isEqualTo(1);
        assertUnavailable(acknowledge(there));
        assertUnavailable(api.put("/groups/h"));
        far.start();
        await().atMost(LIMIT).until(() -> available(3) == 1 && available(2) == 1);
        assertThat(pull("?wait=5s")).hasSize(1);
        assertThat(acknowledge(there).json().get("acknowledged").asInt()).isEqualTo(1);
        assertThat(api.put("/groups/h").status()).as("it was made halfway").isEqualTo(201);
    }

    private static List<String> pull(String query) {
        return api.post("/groups/g/consumers/me/pull" + query)
                .json()
                .get("items")
                .valueStream()
                .map(item -> item.get("id").asString())
                .toList();
    }

    private static HttpAnswer acknowledge(String id) {
        return api.post("/groups/g/ack", "{\"ids\":[\"" + id + "\"]}");
    }
}
