package io.ncc.checkin.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ncc.checkin.model.IndexEntry;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.testsupport.HttpAnswer;
import io.ncc.checkin.testsupport.LiveFollower;
import io.ncc.checkin.testsupport.RealRedis;
import java.net.http.HttpRequest.BodyPublishers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.security.crypto.bcrypt.BCrypt;
import tools.jackson.databind.JsonNode;

@Timeout(60)
@ExtendWith(OutputCaptureExtension.class)
final class LoginIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final int MOST_OF_ACCOUNT = 5;
    private static final int MOST_OF_CLIENT = 8;

    /** How many logins are timed of each kind. */
    private static final int TRIES = Integer.getInteger("login.tries", 30);

    /** The cost of the hashes where it matters. */
    private static final int COST = Integer.getInteger("login.cost", 8);

    private static final int LEAST_COST = 4;

    private static final String PASSWORD = "correct horse";
    private static final String ADA = "ada@example.org";
    private static final long ADAS_ID = 789;
    private static final Keys KEYS = Partitions.none().keys(0);
    private static final Map<Integer, String> HASHES = new HashMap<>();
    private static final Duration LIMIT = Duration.ofSeconds(10);

    private static ApiServer api;
    private static ApiServer another;
    private static ApiServer unlimited;

    @BeforeAll
    static void start() {
        api = start(MOST_OF_ACCOUNT, MOST_OF_CLIENT, LEAST_COST);
        another = start(MOST_OF_ACCOUNT, MOST_OF_CLIENT, LEAST_COST);
        unlimited = start(1_000_000, 1_000_000, COST);
    }

    private static ApiServer start(int ofAccount, int ofClient, int cost, String... more) {
        return ApiServer.start(
                redis,
                Stream.concat(
                                Stream.of(
                                        "--checkin.security.logins=true",
                                        "--checkin.login.failures-per-account=" + ofAccount,
                                        "--checkin.login.failures-per-client=" + ofClient,
                                        "--checkin.login.password-cost=" + cost),
                                Stream.of(more))
                        .toArray(String[]::new));
    }

    @AfterAll
    static void stop() {
        api.close();
        another.close();
        unlimited.close();
    }

    @BeforeEach
    void load() {
        user(Partitions.none(), ADAS_ID, ADA, LEAST_COST);
    }

    private static void user(Partitions partitions, long id, String email, int cost) {
        Keys keys = partitions.keys(partitions.ofUser(id));
        String hash = HASHES.computeIfAbsent(cost, unused -> BCrypt.hashpw(PASSWORD, BCrypt.gensalt(cost)));
        redis.commands()
                .hset(
                        keys.user(id),
                        Map.of("id", Long.toString(id), "firstName", "Ada", "email", email, "password", hash));
        redis.commands().zadd(keys.emails(), 0, IndexEntry.of(IndexEntry.email(email), id));
    }

    private static HttpAnswer login(ApiServer api, String email, String password) {
        return api.post("/sessions", "{\"email\":\"" + email + "\",\"password\":\"" + password + "\"}");
    }

    private static String tokenOf(HttpAnswer login) {
        assertThat(login.status()).as(login.body()).isEqualTo(201);
        return login.json().get("token").asString();
    }

    private static HttpAnswer as(ApiServer api, String token, String method, String path) {
        return HttpAnswer.send(
                api.request(path).header("Authorization", "Bearer " + token).method(method, BodyPublishers.noBody()));
    }

    private static int statusAs(ApiServer api, String token) {
        return as(api, token, "GET", "/users/" + ADAS_ID).status();
    }

    @Test
    void aUserLogsInReadsAndLogsOut() {
        HttpAnswer login = login(api, "Ada@Example.org", PASSWORD);
        String token = tokenOf(login);
        assertThat(login.header("Cache-Control")).isEqualTo("no-store");
        JsonNode session = login.json();
        assertThat(session.get("userId").asLong()).isEqualTo(ADAS_ID);
        assertThat(session.get("roles").toString()).isEqualTo("[\"own\",\"read\"]");
        assertThat(session.get("expiresIn").asLong()).isEqualTo(3600);

        assertThat(api.get("/users/" + ADAS_ID).status()).isEqualTo(401);
        assertThat(statusAs(api, token)).isEqualTo(200);
        assertThat(as(api, token, "POST", "/dead-letters/replay?reason=x").status())
                .isEqualTo(403);

        assertThat(as(api, token, "DELETE", "/sessions/current").status()).isEqualTo(204);
        assertThat(statusAs(api, token)).isEqualTo(401);
        assertThat(statusAs(another, token)).isEqualTo(401);
    }

    @Test
    void anotherServerTakesTheToken() {
        assertThat(statusAs(another, tokenOf(login(api, ADA, PASSWORD)))).isEqualTo(200);
    }

    @Test
    void aSessionEndsAfterAnHour() {
        String token = tokenOf(login(api, ADA, PASSWORD));
        String key = onlyKey("ncc:sessions:*");
        assertThat(redis.commands().pttl(key)).isBetween(3_590_000L, 3_600_000L);
        redis.commands().pexpire(key, 1);
        await().until(() -> redis.commands().exists(key) == 0);
        assertThat(statusAs(api, token)).isEqualTo(401);
    }

    @Test
    void streamsOfEventsEndSoonAfterTheirSession() {
        String ended = tokenOf(login(api, ADA, PASSWORD));
        String key = onlyKey("ncc:sessions:*");
        String open = tokenOf(login(api, ADA, PASSWORD));
        try (LiveFollower checkins = LiveFollower.follow(api.url("/checkins/stream"), null, ended);
                LiveFollower console = LiveFollower.follow(api.url("/console/events"), null, ended);
                LiveFollower other = LiveFollower.follow(api.url("/checkins/stream"), null, open)) {
            redis.commands().del(key);
            await().atMost(Duration.ofSeconds(20)).until(() -> checkins.hasEnded() && console.hasEnded());
            assertThat(statusAs(api, ended)).isEqualTo(401);
            assertThat(other.hasEnded()).isFalse();
        }
    }

    private static String onlyKey(String pattern) {
        List<String> keys = redis.commands().keys(pattern);
        assertThat(keys).hasSize(1);
        return keys.get(0);
    }

    @Test
    void aTokenOfOneUserIsNoneOfAnother() {
        String token = tokenOf(login(api, ADA, PASSWORD));
        assertThat(statusAs(api, token.replace("chs_789_", "chs_790_"))).isEqualTo(401);
        assertThat(statusAs(api, token.substring(0, token.length() - 1) + (token.endsWith("A") ? "E" : "A")))
                .isEqualTo(401);
    }

    @Test
    void neitherRedisNorTheLogHasATokenOrAPassword(CapturedOutput output) {
        String[] levels = { // of the server that was started last: all are in this JVM
            "--logging.level.org.springframework.security=trace",
            "--logging.level.org.springframework.web=trace",
            "--logging.level.io.ncc=debug"
        };
        String secret;
        try (ApiServer talkative = start(MOST_OF_ACCOUNT, MOST_OF_CLIENT, LEAST_COST, levels)) {
            String token = tokenOf(login(talkative, ADA, PASSWORD));
            secret = token.substring("chs_789_".length());
            assertThat(login(talkative, ADA, "a wrong one").status()).isEqualTo(401);
            assertThat(statusAs(talkative, token)).isEqualTo(200);
            assertThat(redis.commands().keys("ncc:sessions:*"))
                    .singleElement()
                    .asString()
                    .hasSize("ncc:sessions:".length() + 64);
            assertThat(redis.commands().keys("*"))
                    .allSatisfy(key -> assertThat(key).doesNotContain(secret))
                    .filteredOn(key -> redis.commands().type(key).equals("string"))
                    .hasSize(3)
                    .allSatisfy(key -> assertThat(redis.commands().get(key)).matches("[0-9]+"));
            assertThat(as(talkative, token, "DELETE", "/sessions/current").status())
                    .isEqualTo(204);
            assertThat(statusAs(talkative, token)).isEqualTo(401);
        }
        assertThat(output.getAll())
                .contains("POST \"/sessions\"", "DELETE \"/sessions/current\"") // so that much is logged
                .doesNotContain(secret, PASSWORD, "a wrong one");
    }

    @Test
    void aWrongPasswordAndAnUnknownUserGetTheSameAnswer() {
        HttpAnswer wrong = login(api, ADA, "wrong");
        HttpAnswer unknown = login(api, "nobody@example.org", "wrong");
        assertThat(wrong.status()).isEqualTo(401);
        assertThat(wrong.problemType()).isEqualTo("login-refused");
        assertThat(wrong.header("WWW-Authenticate")).isEqualTo("Bearer");
        assertThat(unknown.status()).isEqualTo(wrong.status());
        assertThat(unknown.body()).isEqualTo(wrong.body());
        assertThat(names(unknown)).isEqualTo(names(wrong));
    }

    private static Map<String, List<String>> names(HttpAnswer answer) {
        Map<String, List<String>> headers = new TreeMap<>(answer.headers().map());
        headers.remove("date");
        return headers;
    }

    @Test
    void aUserWithoutAUsableHashIsLikeAnUnknownOne() {
        redis.commands().hset(KEYS.user(ADAS_ID), "password", PASSWORD);
        assertThat(login(api, ADA, PASSWORD).problemType()).isEqualTo("login-refused");
        redis.commands().hdel(KEYS.user(ADAS_ID), "password");
        assertThat(login(api, ADA, PASSWORD).problemType()).isEqualTo("login-refused");
        redis.commands().del(KEYS.user(ADAS_ID));
        assertThat(login(api, ADA, PASSWORD).problemType()).isEqualTo("login-refused");
    }

    @Test
    void anAddressThatAnotherProgramChangedIsNoLongerTheUsers() {
        redis.commands().hset(KEYS.user(ADAS_ID), "email", "ada@example.com");
        assertThat(login(api, ADA, PASSWORD).problemType()).isEqualTo("login-refused");
        user(Partitions.none(), 790, ADA, 4);
        assertThat(login(api, ADA, PASSWORD).json().get("userId").asLong()).isEqualTo(790);
    }

    @Test
    void aWrongPasswordAndAnUnknownUserCostRedisTheSame() {
        Map<String, Long> wrong = commandsOfLogin(ADA);
        assertThat(wrong)
                .containsEntry("zrangebylex", 1L)
                .containsEntry("hmget", 1L)
                .containsEntry("incr", 2L);
        assertThat(commandsOfLogin("nobody@example.org")).isEqualTo(wrong);
        redis.commands().hdel(KEYS.user(ADAS_ID), "password");
        assertThat(commandsOfLogin(ADA)).isEqualTo(wrong);
    }

    /** How often which command runs, of those that nothing else sends. */
    private static Map<String, Long> commandsOfLogin(String email) {
        redis.commands().keys("ncc:logins:*").forEach(key -> redis.commands().del(key));
        redis.commands().configResetstat();
        assertThat(login(api, email, "wrong").status()).isEqualTo(401);
        Map<String, Long> calls = new TreeMap<>();
        Pattern.compile("cmdstat_(zrangebylex|hmget|hgetall|incr|decr|pexpire|pttl|set|del):calls=(\\d+)")
                .matcher(redis.commands().info("commandstats"))
                .results()
                .forEach(found -> calls.put(found.group(1), Long.valueOf(found.group(2))));
        return calls;
    }

    /**
     * Unknown users, and wrong passwords of users with hashes of the server's cost and of the lowest one, in random order. The statistic is that of Mann and
     * Whitney: if the times have the same distribution, 4 standard deviations come once in 16,000 comparisons. If the server answered at once without a user,
     * 30 tries would show 6.6.
     */
    @Test
    @Timeout(1_800)
    void aWrongPasswordAndAnUnknownUserTakeTheSameTime() {
        List<String> kinds = List.of("unknown", "usual", "cheap");
        for (int i = 1; i <= TRIES; i++) {
            user(Partitions.none(), i, "usual" + i + "@example.org", COST);
            user(Partitions.none(), 1_000_000 + i, "cheap" + i + "@example.org", LEAST_COST);
        }
        for (int i = 0; i < 60; i++) {
            login(unlimited, kinds.get(i % kinds.size()) + "1@example.org", "warm up");
        }
        Map<String, List<Long>> times = new HashMap<>();
        Random random = new Random(1);
        for (int i = 1; i <= TRIES; i++) {
            List<String> order = new ArrayList<>(kinds);
            Collections.shuffle(order, random);
            for (String kind : order) {
                long start = System.nanoTime();
                HttpAnswer answer = login(unlimited, kind + i + "@example.org", "wrong");
                times.computeIfAbsent(kind, unused -> new ArrayList<>()).add(System.nanoTime() - start);
                assertThat(answer.status()).as(answer.body()).isEqualTo(401);
            }
        }
        for (String kind : List.of("usual", "cheap")) {
            List<Long> wrong = Objects.requireNonNull(times.get(kind));
            List<Long> unknown = Objects.requireNonNull(times.get("unknown"));
            System.out.printf(
                    "Wrong password (%s): median %.3f ms; unknown user: median %.3f ms; %d tries each."
                            + " The former took longer in %.1f %% of all pairs, %.2f standard deviations from half of them%n",
                    kind,
                    median(wrong),
                    median(unknown),
                    TRIES,
                    100 * larger(wrong, unknown),
                    deviations(wrong, unknown));
            assertThat(Math.abs(deviations(wrong, unknown)))
                    .as("%s: %s%nunknown: %s", kind, wrong, unknown)
                    .isLessThan(4);
        }
    }

    private static double median(List<Long> times) {
        return times.stream().sorted().skip(times.size() / 2).findFirst().orElseThrow() / 1e6;
    }

    /** In which share of all pairs the time of the first sample is larger. It is about a half if nobody can tell them apart. */
    private static double larger(List<Long> one, List<Long> other) {
        double larger = 0;
        for (long a : one) {
            for (long b : other) {
                larger += a > b ? 1 : a == b ? 0.5 : 0;
            }
        }
        return larger / one.size() / other.size();
    }

    /** By how many standard deviations that share is off. */
    private static double deviations(List<Long> one, List<Long> other) {
        double pairs = (double) one.size() * other.size();
        return (larger(one, other) - 0.5) / Math.sqrt((one.size() + other.size() + 1) / (12 * pairs));
    }

    @Test
    void theStatisticTellsTimesApartThatDiffer() {
        Random random = new Random(1);
        List<Long> some = random.longs(30, 1000, 2000).boxed().toList();
        List<Long> same = random.longs(30, 1000, 2000).boxed().toList();
        List<Long> less = random.longs(30, 400, 1400).boxed().toList();
        assertThat(Math.abs(deviations(some, same))).isLessThan(4);
        assertThat(deviations(some, less)).isGreaterThan(4);
    }

    @ParameterizedTest
    @CsvSource({ADA, "nobody@example.org"})
    void anAccountTakesOnlySoManyWrongPasswordsWhicheverServerIsAsked(String email) {
        for (int i = 0; i < MOST_OF_ACCOUNT; i++) {
            assertThat(login(i % 2 == 0 ? api : another, email, "wrong").status())
                    .isEqualTo(401);
        }
        for (ApiServer server : List.of(api, another)) {
            HttpAnswer refused = login(server, email.toUpperCase(Locale.ROOT), PASSWORD);
            assertThat(refused.status()).isEqualTo(429);
            assertThat(refused.problemType()).isEqualTo("too-many-requests");
            assertThat(Integer.parseInt(String.valueOf(refused.header("Retry-After"))))
                    .isBetween(890, 900);
        }
        assertThat(login(api, "another@example.org", "wrong").status()).isEqualTo(401);
    }

    @Test
    void anAddressTakesOnlySoManyWrongPasswords() {
        for (int i = 0; i < MOST_OF_CLIENT; i++) {
            assertThat(login(api, "user" + i + "@example.org", "wrong").status())
                    .isEqualTo(401);
        }
        assertThat(login(api, ADA, PASSWORD).status()).isEqualTo(429);
        assertThat(login(another, ADA, PASSWORD).status()).isEqualTo(429);
    }

    @Test
    void aLockedAccountDoesNotUseUpTheAddress() {
        for (int i = 0; i < MOST_OF_ACCOUNT; i++) {
            assertThat(login(api, "another@example.org", "wrong").status()).isEqualTo(401);
        }
        for (int i = 0; i < MOST_OF_CLIENT; i++) {
            assertThat(login(api, "another@example.org", "wrong").status()).isEqualTo(429);
        }
        tokenOf(login(api, ADA, PASSWORD));
    }

    @Test
    void aLimitEndsWithItsTime() {
        for (int i = 0; i < MOST_OF_ACCOUNT; i++) {
            login(api, ADA, "wrong");
        }
        assertThat(login(api, ADA, PASSWORD).status()).isEqualTo(429);
        redis.commands().keys("ncc:logins:*").forEach(key -> redis.commands().pexpire(key, 1));
        await().atMost(LIMIT).until(() -> login(api, ADA, PASSWORD).status() == 201);
    }

    @Test
    void aLoginThatSucceedsDoesNotCount() {
        for (int i = 0; i < MOST_OF_CLIENT + 2; i++) {
            tokenOf(login(api, ADA, PASSWORD));
        }
        assertThat(redis.commands().keys("ncc:logins:*"))
                .hasSize(2)
                .allSatisfy(key -> assertThat(redis.commands().get(key)).isEqualTo("0"));
    }

    @Test
    void loginsThatAreTooManyAtOnceAreRefusedUncountedAndOthersAreServed() {
        String token = tokenOf(login(unlimited, ADA, PASSWORD));
        int count = 40 * Math.max(1, Runtime.getRuntime().availableProcessors() / 2) + 40;
        List<CompletableFuture<HttpAnswer>> logins = IntStream.range(0, count)
                .mapToObj(i -> HttpAnswer.begin(unlimited
                        .request("/sessions")
                        .header("Content-Type", "application/json")
                        .POST(BodyPublishers.ofString("{\"email\":\"" + ADA + "\",\"password\":\"wrong\"}"))))
                .toList();
        assertThat(statusAs(unlimited, token)).isEqualTo(200);
        assertThat(logins.stream().allMatch(CompletableFuture::isDone)).isFalse();
        List<HttpAnswer> answers = logins.stream().map(CompletableFuture::join).toList();
        assertThat(answers).extracting(HttpAnswer::status).contains(401, 503).containsOnly(401, 503);
        assertThat(answers).filteredOn(answer -> answer.status() == 503).allSatisfy(answer -> {
            assertThat(answer.problemType()).isEqualTo("logins-busy");
            assertThat(answer.header("Retry-After")).isEqualTo("1");
        });
        long checked = answers.stream().filter(answer -> answer.status() == 401).count();
        assertThat(redis.commands().keys("ncc:logins:*"))
                .hasSize(2)
                .allSatisfy(key -> assertThat(redis.commands().get(key)).isEqualTo(Long.toString(checked)));
    }

    @ParameterizedTest
    @CsvSource({
        "'{}', '/email,/password', must have 1 to 254 characters",
        "'{\"email\":\"\",\"password\":\"x\"}', /email, must have 1 to 254 characters",
        "'{\"email\":\"ada@example.org\",\"password\":\"\"}', /password, must have 1 to 72 bytes in UTF-8",
        "'{\"email\":\"ada@example.org\",\"password\":1}', /password, must be a string",
        "'{\"email\":{},\"password\":\"x\"}', /email, must be a string",
        "'[]', '', must be one JSON object",
        "'{\"email\":\"ada@example.org\",\"password\":\"x\",\"more\":1}', /more, is not a known member",
    })
    void whatIsNoLoginIsRefused(String body, String pointers, String message) {
        HttpAnswer answer = api.post("/sessions", body);
        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.json().get("errors"))
                .extracting(error -> error.get("pointer").asString())
                .containsExactlyInAnyOrder(pointers.split(","));
        assertThat(answer.json().at("/errors/0/message").asString()).isEqualTo(message);
    }

    @Test
    void aPasswordThatIsTooLongForBcryptIsRefused() {
        assertThat(login(api, ADA, "x".repeat(72)).status()).isEqualTo(401);
        assertThat(login(api, ADA, "x".repeat(73)).status()).isEqualTo(400);
    }

    @Test
    void withoutRedisNobodyLogsInAndNoSessionIsGood() {
        String token = tokenOf(login(api, ADA, PASSWORD));
        redis.stop();
        HttpAnswer login = login(api, ADA, PASSWORD);
        assertThat(login.status()).isEqualTo(503);
        assertThat(login.problemType()).isEqualTo("redis-unavailable");
        HttpAnswer read = as(another, token, "GET", "/users/" + ADAS_ID);
        assertThat(read.status()).isEqualTo(503);
        assertThat(read.problemType()).isEqualTo("token-unverified");
        redis.start();
        await().atMost(LIMIT).until(() -> statusAs(another, token) == 200);
    }

    @Test
    void withPartitionsASessionIsInThePartitionOfItsUser() {
        Partitions partitions = Partitions.of(4);
        List<Long> ids = List.of(1L, 2L, 3L, 4L, 5L, 6L, 7L, 8L);
        ids.forEach(id -> user(partitions, id, "user" + id + "@example.org", 4));
        try (ApiServer partitioned = start(MOST_OF_ACCOUNT, 100, LEAST_COST, "--checkin.partitions=4")) {
            for (long id : ids) {
                String token = tokenOf(login(partitioned, "user" + id + "@example.org", PASSWORD));
                String prefix = partitions.keys(partitions.ofUser(id)).session("");
                assertThat(redis.commands().keys(prefix + '*')).isNotEmpty();
                assertThat(as(partitioned, token, "GET", "/users/" + id).status())
                        .isEqualTo(200);
                redis.commands()
                        .keys("*sessions:*")
                        .forEach(key -> redis.commands().del(key));
            }
            assertThat(login(partitioned, "nobody@example.org", PASSWORD).status())
                    .isEqualTo(401);
        }
    }

    @Test
    void withoutTheSettingThereAreNoLogins() {
        try (ApiServer without = ApiServer.start(redis)) {
            HttpAnswer login = login(without, ADA, PASSWORD);
            assertThat(login.status()).isEqualTo(404);
            assertThat(login.problemType()).isEqualTo("not-found");
            assertThat(without.get("/users/" + ADAS_ID).status()).isEqualTo(200);
        }
    }
}
