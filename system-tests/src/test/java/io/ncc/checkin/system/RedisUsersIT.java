package io.ncc.checkin.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import io.lettuce.core.Consumer;
import io.lettuce.core.KillArgs;
import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisException;
import io.lettuce.core.RedisURI;
import io.lettuce.core.XAddArgs;
import io.lettuce.core.XClaimArgs;
import io.lettuce.core.api.sync.RedisCommands;
import io.ncc.checkin.api.ApiApplication;
import io.ncc.checkin.demo.load.Kind;
import io.ncc.checkin.demo.load.LoadCommand;
import io.ncc.checkin.demo.load.Loader;
import io.ncc.checkin.demo.load.SampleData;
import io.ncc.checkin.localredis.LocalRedis;
import io.ncc.checkin.localredis.RedisBinary;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.processor.ProcessorApplication;
import io.ncc.checkin.receiver.ReceiverApplication;
import io.ncc.checkin.system.RedisUser.Right;
import io.ncc.checkin.testsupport.Contract;
import io.ncc.checkin.testsupport.HttpAnswer;
import io.ncc.checkin.testsupport.LiveFollower;
import io.ncc.checkin.testsupport.TestAuthority;
import io.ncc.checkin.testsupport.TestAuthority.Identity;
import io.ncc.checkin.testsupport.TlsEntrances;
import io.ncc.redis.SingleRedis;
import io.ncc.redis.StreamId;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.context.ConfigurableApplicationContext;
import picocli.CommandLine;

/**
 * The services and the loader reach Redis by TLS, each as the user that docs/operation.md gives it. They do all that they can do, nothing is refused, and each
 * right is needed. If one is missing, something says so.
 */
@Timeout(300)
@ExtendWith(OutputCaptureExtension.class)
final class RedisUsersIT {

    private static final Keys KEYS = Keys.unpartitioned();
    private static final Duration LIMIT = Duration.ofSeconds(30);

    private static final String LOADER = "checkins-loader";
    private static final String RECEIVER = "checkins-receiver";
    private static final String PROCESSOR = "checkins-processor";
    private static final String API = "checkins-api";

    private static final String WINDOW = "checkin.receiver.repeat-window";
    private static final String REPLICA = "checkin.receiver.durability=replica";
    private static final String FSYNC = "checkin.receiver.durability=fsync";
    private static final String SEQUENTIAL = "checkin.processor.mode=sequential";
    private static final String LOGINS = "checkin.security.logins=true";
    private static final String LOGINS_OF_RECEIVER = LOGINS + ", in the receiver";
    private static final String LOGINS_OF_API = LOGINS + ", in the API server";
    private static final String INDEXES = "demo.jar load indexes";
    private static final String FILES = "--dir=";
    private static final int RETAINED = 20;

    /** What needs more, of which service. Each has a user of its own here. */
    private static final Map<String, String> SETTINGS = Map.of(
            WINDOW, RECEIVER,
            REPLICA, RECEIVER,
            FSYNC, RECEIVER,
            LOGINS_OF_RECEIVER, RECEIVER,
            LOGINS_OF_API, API,
            SEQUENTIAL, PROCESSOR,
            INDEXES, LOADER);

    /** MONITOR doesn't show these commands. Other tests take them away. */
    private static final Set<String> NOT_RECORDED = Set.of("+config|get", "+client|unblock");

    @TempDir
    static Path folder;

    private static final Map<String, RedisUser> users = new HashMap<>();
    private static TestAuthority authority;
    private static Identity services;
    private static TlsEntrances tls;
    private static LocalRedis server;
    private static RedisClient client;
    private static RedisCommands<String, String> redis;
    private static ConfigurableApplicationContext receiver;
    private static ConfigurableApplicationContext processor;
    private static ConfigurableApplicationContext api;
    private static final Map<String, Set<List<String>>> recorded = new HashMap<>();
    private static List<String> refused;

    @BeforeAll
    static void doAllThatTheServicesCanDo() throws Exception {
        authority = new TestAuthority(folder);
        services = authority.issue("services", "dns:services.example.org");
        int port = LocalRedis.freePort();
        tls = new TlsEntrances(RedisBinary.chosen(), authority.issue("redis", "dns:localhost"));
        server = start(tls, port);
        client = RedisClient.create(RedisURI.create("127.0.0.1", port));
        redis = client.connect().sync();
        for (String service : List.of(LOADER, RECEIVER, PROCESSOR, API)) {
            users.put(service, RedisUser.of(service));
        }
        SETTINGS.forEach(
                (setting, service) -> users.put(setting, user(service, setting).named(setting.replace(' ', '-'))));
        users.values().forEach(user -> user.put(redis));
        redis.aclLogReset();
        try (CommandLog log = new CommandLog(port, redis)) {
            useReceiverWithWindow();
            writeFiles();
            load(LOADER, "all", FILES);
            useSequentialProcessor();
            load(LOADER, "all", FILES, "--reset");
            load(LOADER, "all", "--if-absent");
            load(INDEXES, "indexes");
            receiver = ReceiverApplication.run(settings(RECEIVER));
            try (var leaving = ProcessorApplication.run(settings(PROCESSOR))) {
                awaitReady(leaving);
                awaitSettled();
            }
            processor = ProcessorApplication.run(settings(
                    PROCESSOR,
                    "--checkin.processor.retain-entries=" + RETAINED,
                    "--checkin.processor.claim-after=2s",
                    "--checkin.processor.claim-every=100ms"));
            api = ApiApplication.run(settings(API, "--checkin.api.receiver-base-url=" + url(receiver)));
            useReceiver(receiver);
            useReceivers();
            useLogins();
            useProcessor();
            useApi();
            users.forEach((who, user) -> recorded.put(who, log.of(user.name())));
            assertThat(log.of("unknown")).isEmpty();
        }
        refused = RedisUser.refusals(redis);
    }

    private static RedisUser user(String service, String setting) {
        boolean waits = redis.commandInfo("waitaof").stream()
                .anyMatch(found -> found instanceof List<?> description && !description.isEmpty());
        return setting.endsWith("fsync") && waits
                ? RedisUser.of(service, setting, setting + ", from Redis 7.2 on")
                : RedisUser.of(service, setting);
    }

    private static LocalRedis start(TlsEntrances entrances, int port) {
        LocalRedis.Builder builder = LocalRedis.with(RedisBinary.chosen()).port(port);
        entrances.to(port).forEach(builder::setting);
        return builder.start();
    }

    @AfterAll
    static void stop() {
        Stream.of(receiver, processor, api).filter(Objects::nonNull).forEach(ConfigurableApplicationContext::close);
        client.shutdown();
        server.close();
        tls.close();
    }

    @AfterEach
    void restore() {
        users.values().forEach(user -> user.put(redis));
    }

    private static String[] settings(String who, String... more) {
        return settings(who, tls.of(server.port()), more);
    }

    private static String[] settings(String who, int port, String... more) {
        return Stream.concat(
                        Stream.of(
                                "--server.port=0",
                                "--spring.data.redis.timeout=5s", // the machine may be busy
                                "--spring.data.redis.host=localhost",
                                "--spring.data.redis.port=" + port,
                                "--spring.data.redis.username=" + users.get(who).name(),
                                "--spring.data.redis.password=" + RedisUser.PASSWORD,
                                "--spring.data.redis.ssl.bundle=redis",
                                "--spring.ssl.bundle.pem.redis.truststore.certificate=file:" + services.authority(),
                                "--spring.ssl.bundle.pem.redis.keystore.certificate=file:" + services.certificate(),
                                "--spring.ssl.bundle.pem.redis.keystore.private-key=file:" + services.key()),
                        Arrays.stream(more))
                .toArray(String[]::new);
    }

    private static void writeFiles() throws IOException {
        Map<String, String> files = Map.of(
                "users",
                """
                {"id":789,"firstName":"Ada","lastName":"Byron","email":"ada@example.org","password":"secret","numCheckins":0}""",
                "locations",
                """
                {"id":171,"name":"Blue Heron Books","category":"retail","location":"-122.27,37.80"},
                {"id":172,"name":"North Pole","category":"ice","location":"0,90"}""",
                "locationDetails",
                """
                {"id":171,"hours":[{"day":"Monday","hours":"9-6"}]}""",
                "checkins",
                IntStream.rangeClosed(1, 3 * RETAINED)
                        .mapToObj(i -> "{\"id\":\"1609602085397-" + i
                                + "\",\"userId\":789,\"locationId\":171,\"starRating\":5}")
                        .collect(Collectors.joining(",")));
        for (Map.Entry<String, String> file : files.entrySet()) {
            Files.writeString(
                    folder.resolve(file.getKey().toLowerCase(Locale.ROOT) + ".json"),
                    "{\"" + file.getKey() + "\":[" + file.getValue() + "]}");
        }
    }

    private static void load(String who, String... what) {
        String[] arguments = Stream.concat(
                        Arrays.stream(what).map(word -> word.equals(FILES) ? FILES + folder : word),
                        Arrays.stream(settings(who)).filter(setting -> setting.startsWith("--spring.")))
                .toArray(String[]::new);
        var errors = new StringWriter();
        int exitCode = new CommandLine(new LoadCommand())
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setOut(new PrintWriter(new StringWriter()))
                .setErr(new PrintWriter(errors, true))
                .execute(arguments);
        assertThat(exitCode).as(String.join(" ", what) + ": " + errors).isZero();
    }

    private static void useSequentialProcessor() {
        try (var sequential = ProcessorApplication.run(settings(SEQUENTIAL, "--" + SEQUENTIAL))) {
            awaitReady(sequential);
            awaitSettled();
        }
    }

    /** Also where a checkin can't be appended after its mark was set. */
    private static void useReceiverWithWindow() {
        try (var receiver = ReceiverApplication.run(settings(WINDOW, "--" + WINDOW + "=1s"))) {
            useReceiver(receiver);
            redis.del(KEYS.checkins());
            redis.xadd(KEYS.checkins(), new XAddArgs().id(StreamId.HIGHEST.toString()), Map.of("userId", "789"));
            HttpAnswer failed = HttpAnswer.post(
                    url(receiver) + "/checkins", "{\"userId\":789,\"locationId\":172,\"starRating\":5}");
            assertThat(failed.status()).as(failed.body()).isGreaterThanOrEqualTo(500);
            redis.del(KEYS.checkins());
        }
    }

    private static void useReceivers() {

        try (var copy = LocalRedis.with(RedisBinary.chosen())
                        .setting("replicaof", "127.0.0.1 " + server.port())
                        .setting("repl-diskless-sync-delay", "0")
                        .start();
                var durable = ReceiverApplication.run(settings(REPLICA, "--" + REPLICA))) {
            assertThat(copy.isRunning()).isTrue();
            useReceiver(durable);
        }

        redis.configSet("appendfsync", "always");
        try (var durable = ReceiverApplication.run(settings(FSYNC, "--" + FSYNC))) {
            useReceiver(durable);
        }
        redis.configSet("appendfsync", "everysec");
    }

    private static void useReceiver(ConfigurableApplicationContext receiver) {
        awaitReady(receiver);
        redis.scriptFlush(); // each needs the right to send the source of its scripts
        String checkin = "{\"userId\":789,\"locationId\":171,\"starRating\":5}";
        String key = UUID.randomUUID().toString();
        for (int i = 0; i < 2; i++) {
            HttpAnswer stored = HttpAnswer.to(url(receiver) + "/checkins")
                    .header("Idempotency-Key", key)
                    .post(checkin);
            assertThat(stored.status()).as(stored.body()).isEqualTo(202);
        }
        HttpAnswer batch = HttpAnswer.post(url(receiver) + "/checkins/batch", "[" + checkin + "]");
        assertThat(batch.status()).as(batch.body()).isIn(202, 207);
    }

    private static void useLogins() {
        try (var api = ApiApplication.run(
                        settings(LOGINS_OF_API, "--" + LOGINS, "--checkin.login.failures-per-account=2"));
                var receiver = ReceiverApplication.run(settings(LOGINS_OF_RECEIVER, "--" + LOGINS))) {
            awaitReady(api);
            awaitReady(receiver);
            redis.scriptFlush();
            assertThat(login(api, "wrong").status()).isEqualTo(401);
            HttpAnswer login = login(api, "secret");
            assertThat(login.status()).as(login.body()).isEqualTo(201);
            String authorization = "Bearer " + login.json().get("token").asString();
            HttpAnswer stored = HttpAnswer.to(url(receiver) + "/checkins")
                    .header("Authorization", authorization)
                    .post("{\"userId\":789,\"locationId\":171,\"starRating\":5}");
            assertThat(stored.status()).as(stored.body()).isEqualTo(202);
            assertThat(List.of("GET /users/789", "DELETE /sessions/current"))
                    .extracting(request -> HttpAnswer.send(HttpRequest.newBuilder(
                                            URI.create(url(api) + request.substring(request.indexOf('/'))))
                                    .header("Authorization", authorization)
                                    .method(request.substring(0, request.indexOf(' ')), BodyPublishers.noBody()))
                            .status())
                    .containsExactly(200, 204);
            assertThat(login(api, "wrong").status()).isEqualTo(401);
            assertThat(login(api, "secret").status()).isEqualTo(429);
        }
    }

    private static HttpAnswer login(ConfigurableApplicationContext api, String password) {
        return HttpAnswer.post(
                url(api) + "/sessions", "{\"email\":\"ada@example.org\",\"password\":\"" + password + "\"}");
    }

    private static void useProcessor() {
        awaitReady(processor);
        redis.scriptFlush();
        for (String stars : List.of("many", "more")) {
            redis.xadd(KEYS.checkins(), Map.of("userId", "789", "locationId", "171", "starRating", stars));
        }
        awaitSettled();
        await().atMost(LIMIT).until(() -> redis.xlen(KEYS.checkins()) <= RETAINED);
        holdAnEntry();
        forgetAnHour();
        redis.rename(KEYS.totals(), "totals");
        redis.set(KEYS.totals(), "damaged");
        await().atMost(LIMIT)
                .until(() -> HttpAnswer.get(url(processor) + "/actuator/health")
                        .body()
                        .contains(KEYS.totals() + " is a string"));
        redis.rename("totals", KEYS.totals());
        awaitReady(processor);
    }

    /** As another consumer, until the processor claims it. */
    private static void holdAnEntry() {
        String newest = newestId();
        redis.xclaim(
                KEYS.checkins(),
                Consumer.from(Keys.GROUP, "gone"),
                XClaimArgs.Builder.justid().force().minIdleTime(0),
                newest);
        await().atMost(LIMIT)
                .until(() -> redis.xpending(KEYS.checkins(), Keys.GROUP).getCount() == 0);
    }

    private static void forgetAnHour() {
        Instant hour = Instant.parse("2026-01-01T00:00:00Z");
        for (String board : List.of(KEYS.userBoard(hour), KEYS.userDayBoard())) {
            redis.zincrby(board, 1, "1");
        }
        redis.zadd(KEYS.boardHours(), (double) hour.getEpochSecond(), Keys.nameOf(hour));
        await().atMost(LIMIT).until(() -> redis.zscore(KEYS.boardHours(), Keys.nameOf(hour)) == null);
    }

    private static void awaitSettled() {
        await().atMost(LIMIT).until(() -> {
            String newest = newestId();
            return newest.equals(redis.get(KEYS.checkpoint())) && newest.equals(redis.get(KEYS.boardsCheckpoint()));
        });
    }

    private static String newestId() {
        return redis.xrevrange(KEYS.checkins(), Range.unbounded(), Limit.from(1))
                .get(0)
                .getId();
    }

    /** So that a ranking of two hours looks scores up, because to read the boards to their ends would be more. */
    private static void fillBoardsOfHours() {
        Object[] scores = IntStream.range(1_000, 3_000)
                .boxed()
                .flatMap(id -> Stream.of(id < 1_200 ? 100.0 : 1.0, id.toString()))
                .toArray();
        Instant hour = Instant.now().truncatedTo(ChronoUnit.HOURS);
        for (Instant each : List.of(hour, hour.minus(1, ChronoUnit.HOURS))) {
            redis.zadd(KEYS.userBoard(each), scores);
        }
    }

    private static void useApi() {
        awaitReady(api);
        redis.scriptFlush();
        fillBoardsOfHours();
        HttpAnswer stored =
                HttpAnswer.post(url(api) + "/console/checkins", "{\"userId\":789,\"locationId\":171,\"starRating\":5}");
        assertThat(stored.status()).as(stored.body()).isEqualTo(202);
        String id = stored.json().get("id").asString();

        List<String> used = new ArrayList<>();
        for (String path : List.of(
                "/users/789?wait=10s&after=" + id,
                "/api/user/789",
                "/users/789/fullname",
                "/api/user/789/fullname",
                "/users?email=ada@example.org",
                "/api/user/email/ada@example.org",
                "/users/top",
                "/users/top?window=24h",
                "/users/top?window=1h",
                "/api/users/bycheckins",
                "/users/recent",
                "/api/users/recent",
                "/api/users/at/171",
                "/locations/171",
                "/api/location/171",
                "/locations/171/details",
                "/api/location/171/details",
                "/locations/171/hours/0",
                "/api/location/171/hours/0",
                "/locations/171/visitors",
                "/locations/172/visitors",
                "/locations/top?window=24h",
                "/locations/top?by=stars",
                "/locations",
                "/locations?category=retail&sort=stars",
                "/locations?near=-122.27,37.80",
                "/locations?sort=checkins",
                "/api/locations/bycategory/retail",
                "/api/locations/37.80/-122.27/3",
                "/checkins?from=0",
                "/checkins/latest",
                "/api/checkins/latest",
                "/checkins/0/9999999999999",
                "/api/checkins/0/9999999999999",
                "/checkins/" + id,
                "/stream",
                "/stream/groups",
                "/stream/groups/checkinConsumers/consumers",
                "/stream/groups/checkinConsumers/pending",
                "/dead-letters",
                "/dead-letters?group=checkinBoards",
                "/dead-letters/reasons",
                "/console/sample",
                "/console/places")) {
            used.add(use("GET", path).path());
        }
        for (String path : List.of("/checkins/stream", "/console/events", "/console/trace/" + id)) {
            try (LiveFollower follower = LiveFollower.follow(url(api) + path, path.endsWith("stream") ? id : null)) {
                assertThat(follower).isNotNull();
            }
            used.add(path);
        }
        for (String group : List.of(Keys.GROUP, Keys.BOARDS_GROUP)) {
            String of = "?group=" + group;
            List<String> letters = new ArrayList<>();
            HttpAnswer.get(url(api) + "/dead-letters" + of)
                    .json()
                    .get("items")
                    .forEach(letter -> letters.add(letter.get("id").asString()));
            assertThat(letters).hasSize(2);
            used.add(use("GET", "/dead-letters/" + letters.get(0) + of).path());
            used.add(use("POST", "/dead-letters/" + letters.get(0) + "/replay" + of)
                    .path());
            used.add(use("DELETE", "/dead-letters/" + letters.get(1) + of).path());
            used.add(use("POST", "/dead-letters/replay" + of).path());
        }
        used.add(use("PUT", "/groups/mine?from=0").path());
        String pull = "/groups/mine/consumers/me/pull?count=1";
        String pulled =
                use("POST", pull).answer().json().get("items").get(0).get("id").asString();
        used.add(use("POST", pull + "&own=true").path());
        use("POST", pull + "&claimAfter=100ms&ack=auto");
        use("POST", "/groups/mine/consumers/other/pull?count=1&wait=100ms");
        HttpAnswer acknowledged = HttpAnswer.post(url(api) + "/groups/mine/ack", "{\"ids\":[\"" + pulled + "\"]}");
        assertThat(acknowledged.status()).as(acknowledged.body()).isEqualTo(200);
        used.add(use("DELETE", "/groups/mine/consumers/me").path());
        used.add(use("DELETE", "/groups/mine").path());
        used.addAll(List.of("/groups/mine/ack", "/console/checkins", "/sessions", "/sessions/current"));
        redis.del(KEYS.checkins());
        assertThat(HttpAnswer.get(url(api) + "/stream").status()).isEqualTo(404);
        await().atMost(LIMIT).until(() -> redis.exists(KEYS.checkins()) == 1);
        awaitReady(processor);
        assertThat(templates())
                .as("routes of the contract that this test doesn't use")
                .allSatisfy(template -> assertThat(used).anyMatch(path -> path.matches(template)));
    }

    private static List<String> templates() {
        return Contract.read(Objects.requireNonNull(ApiApplication.class.getResource("openapi.yml")))
                .document()
                .get("paths")
                .propertyNames()
                .stream()
                .map(path -> path.replaceAll("\\{[^/]+}", "[^/]+"))
                .toList();
    }

    private record Used(String path, HttpAnswer answer) {}

    private static Used use(String method, String path) {
        HttpAnswer answer = HttpAnswer.send(
                HttpRequest.newBuilder(URI.create(url(api) + path)).method(method, BodyPublishers.noBody()));
        assertThat(answer.status())
                .as(method + ' ' + path + ": " + answer.body())
                .isLessThan(300);
        return new Used(path.replaceAll("[?].*", ""), answer);
    }

    @Test
    void theRightsOfThePageAreEnough() {
        assertThat(refused).isEmpty();
    }

    /** From 7.0 on, Redis says whether a user may run a command. */
    @TestFactory
    Stream<DynamicTest> eachRightIsNeeded() {
        if (!RedisUser.hasSelectors(redis)) {
            return Stream.empty();
        }
        return users.entrySet().stream()
                .sorted(Map.Entry.comparingByKey())
                .map(each -> dynamicTest(each.getKey(), () -> {
                    RedisUser user = each.getValue();
                    Set<List<String>> commands = recorded.get(each.getKey());
                    assertThat(refusal(user, commands)).isNull();
                    List<Right> base = SETTINGS.containsKey(each.getKey())
                            ? RedisUser.of(SETTINGS.get(each.getKey())).rights()
                            : List.of();
                    List<Right> own = user.rights().stream()
                            .filter(right -> !base.contains(right) && !NOT_RECORDED.contains(right.text()))
                            .toList();
                    assertThat(own).isNotEmpty();
                    assertThat(own)
                            .filteredOn(right -> refusal(user.without(right), inOrder(commands, right)) == null)
                            .as("rights without which nothing is refused")
                            .isEmpty();
                }));
    }

    static Stream<Arguments> scripts() {
        return Stream.of(
                Arguments.of(RECEIVER, List.of("checkin-receiver")),
                Arguments.of(PROCESSOR, List.of("checkin-processor", "stream-engine")),
                Arguments.of(API, List.of("api-server")),
                Arguments.of(LOADER, List.of("demo")));
    }

    /** Also what they run seldom. */
    @ParameterizedTest
    @MethodSource("scripts")
    void whatTheScriptsOfAServiceRunIsPermitted(String service, List<String> modules) throws IOException {
        Set<String> commands = new TreeSet<>();
        for (String module : modules) {
            try (Stream<Path> files = Files.list(Path.of("..", module, "src/main/resources/lua"))) {
                for (Path file : files.toList()) {
                    COMMAND.matcher(Files.readString(file))
                            .results()
                            .map(found -> found.group(1).replaceAll("\\W+", " "))
                            .forEach(commands::add);
                }
            }
        }
        Set<String> permitted = RedisUser.of(service, settingsOf(service)).rights().stream()
                .map(right -> right.text().substring(1).replace('|', ' ').toUpperCase(Locale.ROOT))
                .collect(Collectors.toSet());
        assertThat(commands).isNotEmpty().isSubsetOf(permitted);
    }

    /** In a script, with the second word of those that have two. */
    private static final Pattern COMMAND = Pattern.compile("call\\('((?:XGROUP|XINFO)', '[A-Z]+|[A-Z]+)'");

    private static String[] settingsOf(String service) {
        return SETTINGS.keySet().stream()
                .filter(setting -> service.equals(SETTINGS.get(setting)))
                .toArray(String[]::new);
    }

    /** Those first that are likely to need the right. */
    private static List<List<String>> inOrder(Set<List<String>> commands, Right right) {
        String name = right.text().substring(1).replaceAll("[|].*", "").toUpperCase(Locale.ROOT);
        String key = right.text().substring(1).replaceAll("[*].*", "");
        return commands.stream()
                .sorted(Comparator.comparing(command -> !command.get(0).equalsIgnoreCase(name)
                        && command.stream().noneMatch(argument -> argument.startsWith(key))))
                .toList();
    }

    /** Why one of the commands is refused to the user; null if none is. */
    private static String refusal(RedisUser user, Iterable<List<String>> commands) {
        RedisUser tried = user.named("tried");
        tried.put(redis);
        for (List<String> command : commands) {
            String reply = redis.aclDryRun(
                    tried.name(),
                    command.get(0),
                    command.subList(1, command.size()).toArray(String[]::new));
            if (!reply.equals("OK")) {
                return command + ": " + reply;
            }
        }
        return null;
    }

    /** The rest of each kind is the same as these. */
    @ParameterizedTest(name = "{0} {1}")
    @CsvSource({
        "checkins-receiver, +xadd",
        "checkins-receiver, +xlen",
        "checkins-receiver, ~ncc:idempotency:*",
        "checkins-processor, +xreadgroup",
        "checkins-processor, +xack",
        "checkins-processor, ~ncc:users:*",
        "checkins-api, +xrange",
        "checkins-api, +geosearch",
        "checkins-api, ~ncc:users:*",
        "checkins-api, ~ncc:index:*"
    })
    void aServiceSaysWhatIsMissing(String service, String right, CapturedOutput output) {
        redis.clientKill(KillArgs.Builder.user(service)); // on a new connection, an error is logged again
        awaitReady(Map.of(RECEIVER, receiver, PROCESSOR, processor, API, api).get(service));
        int before = output.getAll().length();
        redis.aclLogReset();
        users.get(service).without(right).put(redis);
        await().atMost(LIMIT).pollInterval(Duration.ofMillis(50)).untilAsserted(() -> {
            assertThat(answerOf(service))
                    .satisfiesAnyOf(
                            answer -> assertThat(answer).contains("FORBIDDEN"),
                            answer -> assertThat(answer).contains("REDIS_UNAVAILABLE"),
                            answer -> assertThat(answer).contains("redis-unavailable"));
            assertThat(output.getAll().substring(before))
                    .containsAnyOf(
                            "what is needed is not permitted", // of a command of the service
                            "is refused: NOPERM"); // of the first commands of a connection, if it opened only now
            assertThatItIsNamed(right, output.getAll().substring(before));
        });
    }

    /** What a service answers to somebody who needs it. */
    private static String answerOf(String service) {
        return switch (service) {
            case RECEIVER ->
                readiness(receiver).body()
                        + HttpAnswer.to(url(receiver) + "/checkins")
                                .header("Idempotency-Key", UUID.randomUUID().toString())
                                .post("{\"userId\":789,\"locationId\":171,\"starRating\":5}")
                                .body();
            case PROCESSOR -> {
                redis.xadd(KEYS.checkins(), Map.of("userId", "789", "locationId", "171", "starRating", "5"));
                yield readiness(processor).body();
            }
            default ->
                Stream.of("/users/789", "/checkins/latest", "/locations?near=0,0", "/dead-letters")
                        .map(path -> HttpAnswer.get(url(api) + path).body())
                        .collect(Collectors.joining());
        };
    }

    /** By the error that is logged, or where that has no name, by the log of the server. */
    private static void assertThatItIsNamed(String right, String log) {
        String name = right.substring(1).replace("*", "");
        assertThat(log + RedisUser.refusals(redis))
                .containsPattern("(?i)['\" ]" + Pattern.quote(name)
                        + (right.startsWith("+") ? "(' command| with |[,\\]])" : ""));
    }

    /** The command would change the log of this JVM. */
    @ParameterizedTest
    @ValueSource(strings = {"+script|load", "+multi", "+hset", "~ncc:index:*"})
    void theLoaderSaysWhatIsMissing(String right) {
        redis.aclLogReset();
        users.get(LOADER).without(right).put(redis);
        RedisClient loading = RedisClient.create(RedisURI.builder()
                .withHost("127.0.0.1")
                .withPort(server.port())
                .withAuthentication(LOADER, RedisUser.PASSWORD)
                .build());
        try {
            assertThatThrownBy(() -> {
                        try (Loader loader = Loader.connect(
                                Partitions.none(), new SingleRedis(loading), new PrintWriter(new StringWriter()))) {
                            loader.load(SampleData.dataset(), EnumSet.of(Kind.USERS), false);
                        }
                    })
                    .message()
                    .containsPattern("NOPERM|can't (run|access)|ACL failure")
                    .satisfies(message -> assertThatItIsNamed(right, message));
        } finally {
            loading.shutdown(0, 1, TimeUnit.SECONDS);
        }
    }

    /** They are asked for when a connection opens, and nothing depends on them. */
    @ParameterizedTest
    @ValueSource(strings = {"+info", "+config|get", "+client|id"})
    void whatCanBeMissingIsLoggedOrHarmless(String right, CapturedOutput output) {
        int before = output.getAll().length();
        redis.aclLogReset();
        redis.configSet("appendonly", "no"); // then the services ask whether there are snapshots
        try {
            users.get(PROCESSOR).without(right).put(redis);
            redis.clientKill(KillArgs.Builder.user(PROCESSOR));
            await().atMost(LIMIT).untilAsserted(() -> {
                String log = output.getAll().substring(before);
                assertThatItIsNamed(right, log);
                if (!right.equals("+client|id")) {
                    assertThat(log)
                            .contains("Settings of Redis that risk the loss of data can't be looked for: NOPERM");
                }
            });
            awaitReady(processor);
        } finally {
            redis.configSet("appendonly", "yes");
        }
    }

    @Test
    void aProcessorThatMayNotEndItsReadStopsAllTheSame() {
        redis.aclLogReset();
        users.get(PROCESSOR).without("+client|unblock").put(redis);
        ConfigurableApplicationContext another = ProcessorApplication.run(settings(PROCESSOR));
        awaitReady(another);
        another.close();
        assertThatItIsNamed("+client|unblock", "");
    }

    @Test
    void aServerWithACertificateOfAnotherNameOrAuthorityIsRefused(CapturedOutput output) throws IOException {
        var stranger = new TestAuthority(Files.createDirectory(folder.resolve("stranger")));
        for (Identity identity : List.of(
                authority.issue("other", "dns:elsewhere.example.org"), stranger.issue("redis", "dns:localhost"))) {
            int before = output.getAll().length();
            int port = LocalRedis.freePort();
            try (var entrances = new TlsEntrances(RedisBinary.chosen(), identity);
                    var other = start(entrances, port);
                    var deceived = ReceiverApplication.run(settings(RECEIVER, entrances.of(port)))) {
                assertThat(other.isRunning()).isTrue();
                assertThat(readiness(deceived).status()).isEqualTo(503);
            }
            assertThat(output.getAll().substring(before))
                    .containsPattern(
                            "can't be opened .*(PKIX|Signature does not match|No name matching localhost|subject alternative)");
        }
    }

    @Test
    void withoutTlsOrAClientCertificateThereIsNoConversation() {
        for (boolean ssl : new boolean[] {false, true}) {
            RedisClient other = RedisClient.create(RedisURI.builder()
                    .withHost("localhost")
                    .withPort(tls.of(server.port()))
                    .withSsl(ssl)
                    .withVerifyPeer(false)
                    .withAuthentication(API, RedisUser.PASSWORD)
                    .withTimeout(Duration.ofSeconds(2))
                    .build());
            try {
                assertThatThrownBy(other::connect).isInstanceOf(RedisException.class);
            } finally {
                other.shutdown(0, 1, TimeUnit.SECONDS);
            }
        }
    }

    private static HttpAnswer readiness(ConfigurableApplicationContext service) {
        return HttpAnswer.get(url(service) + "/actuator/health/readiness");
    }

    private static void awaitReady(ConfigurableApplicationContext service) {
        await().atMost(LIMIT).pollInterval(Duration.ofMillis(20)).untilAsserted(() -> {
            HttpAnswer answer = readiness(service);
            assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        });
    }

    private static String url(ConfigurableApplicationContext service) {
        return "http://localhost:" + service.getEnvironment().getProperty("local.server.port");
    }
}
