package io.ncc.checkin.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lettuce.core.KillArgs;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.sync.RedisCommands;
import io.ncc.checkin.api.ApiApplication;
import io.ncc.checkin.localredis.LocalCluster;
import io.ncc.checkin.localredis.LocalRedis;
import io.ncc.checkin.localredis.RedisBinary;
import io.ncc.checkin.processor.ProcessorApplication;
import io.ncc.checkin.receiver.ReceiverApplication;
import io.ncc.checkin.testsupport.HttpAnswer;
import io.ncc.checkin.testsupport.Jars;
import io.ncc.checkin.testsupport.ServiceProcess;
import io.ncc.checkin.testsupport.TestAuthority;
import io.ncc.checkin.testsupport.TestAuthority.Identity;
import io.ncc.checkin.testsupport.TlsEntrances;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.context.ConfigurableApplicationContext;

/** The same as {@link RedisUsersIT} on a Redis Cluster with partitions. */
@Timeout(300)
@ExtendWith(OutputCaptureExtension.class)
final class RedisUsersOnAClusterIT {

    private static final int PARTITIONS = 4;
    private static final Duration LIMIT = Duration.ofMinutes(2);
    private static final String NODES = "spring.data.redis.cluster.nodes";

    /** With more patience than by default, as the machine may be busy. */
    private static final String[] SERVICE = {"--server.port=0", "--spring.data.redis.timeout=5s"};

    @TempDir
    static Path folder;

    private static Identity services;
    private static TlsEntrances tls;
    private static LocalCluster cluster;
    private static RedisClient client;
    private static List<RedisCommands<String, String>> nodes;

    @BeforeAll
    static void start() {
        TestAuthority authority = new TestAuthority(folder);
        services = authority.issue("services", "dns:services.example.org");
        tls = new TlsEntrances(RedisBinary.chosen(), authority.issue("redis", "ip:127.0.0.1"));
        cluster = LocalCluster.with(RedisBinary.chosen()).settings(tls::to).start();
        client = RedisClient.create();
        nodes = cluster.nodes().stream()
                .map(node -> client.connect(RedisURI.create("127.0.0.1", node.port()))
                        .sync())
                .toList();
    }

    @AfterAll
    static void stop() {
        client.shutdown();
        cluster.close();
        tls.close();
    }

    private static RedisUser user(String service) {
        return RedisUser.of(service, "checkin.partitions", NODES).partitioned();
    }

    private static String[] settings(RedisUser user, String... more) {
        String addresses = cluster.nodes().stream()
                .map(LocalRedis::port)
                .map(port -> "127.0.0.1:" + tls.of(port))
                .collect(Collectors.joining(","));
        return Stream.concat(
                        Stream.of(
                                "--" + NODES + "=" + addresses,
                                "--spring.data.redis.username=" + user.name(),
                                "--spring.data.redis.password=" + RedisUser.PASSWORD,
                                "--spring.data.redis.ssl.bundle=redis",
                                "--spring.ssl.bundle.pem.redis.truststore.certificate=file:" + services.authority(),
                                "--spring.ssl.bundle.pem.redis.keystore.certificate=file:" + services.certificate(),
                                "--spring.ssl.bundle.pem.redis.keystore.private-key=file:" + services.key(),
                                "--checkin.partitions=" + PARTITIONS),
                        Arrays.stream(more))
                .toArray(String[]::new);
    }

    @Test
    void theRightsOfThePageAreEnough(CapturedOutput output) throws Exception {
        RedisUser loaderUser = user("checkins-loader");
        RedisUser receiverUser = user("checkins-receiver");
        RedisUser processorUser = user("checkins-processor");
        RedisUser apiUser = user("checkins-api");
        for (RedisCommands<String, String> node : nodes) {
            Stream.of(loaderUser, receiverUser, processorUser, apiUser).forEach(user -> user.put(node));
            node.aclLogReset();
        }
        load(loaderUser);
        try (var receiver = ReceiverApplication.run(settings(receiverUser, SERVICE));
                var processor = ProcessorApplication.run(settings(processorUser, SERVICE));
                var api = ApiApplication.run(settings(apiUser, SERVICE))) {
            Stream.of(receiver, processor, api).forEach(RedisUsersOnAClusterIT::awaitReady);
            for (int user = 1; user <= 2 * PARTITIONS; user++) {
                HttpAnswer stored = HttpAnswer.to(url(receiver) + "/checkins")
                        .header("Idempotency-Key", "key-" + user)
                        .post("{\"userId\":" + user + ",\"locationId\":1,\"starRating\":5}");
                assertThat(stored.status()).as(stored.body()).isEqualTo(202);
                String id = stored.json().get("id").asString();
                HttpAnswer answer = HttpAnswer.get(url(api) + "/users/" + user + "?wait=10s&after=" + id);
                assertThat(answer.status()).as(answer.body()).isEqualTo(200);
            }
            for (String path : List.of(
                    "/locations/1",
                    "/locations/top",
                    "/locations?near=0,0",
                    "/users/recent",
                    "/checkins/latest",
                    "/checkins?from=0",
                    "/stream",
                    "/dead-letters",
                    "/console/sample")) {
                assertThat(HttpAnswer.get(url(api) + path).status()).as(path).isEqualTo(200);
            }
            assertThat(nodes)
                    .allSatisfy(node -> assertThat(RedisUser.refusals(node)).isEmpty());

            Map.of(receiverUser, receiver, processorUser, processor, apiUser, api)
                    .forEach((user, service) -> eachClusterCommandIsMissed(user, service, output));
        }
    }

    private static void eachClusterCommandIsMissed(
            RedisUser user, ConfigurableApplicationContext service, CapturedOutput output) {
        int before = output.getAll().length();
        putEverywhere(user.without("+cluster|info"));
        await().atMost(LIMIT)
                .until(() -> output.getAll()
                        .substring(before)
                        .contains("Nodes without contact to the majority of the cluster can't be told: NOPERM"));
        awaitReady(service);
        putEverywhere(user.without("+cluster|slots"));
        await().atMost(LIMIT)
                .untilAsserted(
                        () -> assertThat(readiness(service).body()).containsAnyOf("FORBIDDEN", "REDIS_UNAVAILABLE"));
        await().atMost(LIMIT)
                .untilAsserted(() ->
                        assertThat(output.getAll().substring(before)).containsPattern("is refused: NOPERM .*'cluster"));
        putEverywhere(user);
        awaitReady(service);
    }

    /** With new connections, as these commands come first on one. */
    private static void putEverywhere(RedisUser user) {
        for (RedisCommands<String, String> node : nodes) {
            user.put(node);
            node.clientKill(KillArgs.Builder.user(user.name()));
        }
    }

    /** In a JVM of its own: the first handshake of a JVM takes longer than others, and a command doesn't try again. */
    private static void load(RedisUser user) throws Exception {
        List<String> command = new ArrayList<>(List.of("load", "all", "--reset"));
        command.addAll(List.of(settings(user)));
        try (ServiceProcess loader =
                ServiceProcess.ofJar("loader", folder, List.of(), new Jars(Path.of("..")).of("demo"), command)) {
            assertThat(loader.exitCodeWithin(LIMIT)).as(loader.output()).isZero();
        }
    }

    private static HttpAnswer readiness(ConfigurableApplicationContext service) {
        return HttpAnswer.get(url(service) + "/actuator/health/readiness");
    }

    private static void awaitReady(ConfigurableApplicationContext service) {
        await().atMost(LIMIT).untilAsserted(() -> {
            HttpAnswer answer = readiness(service);
            assertThat(answer.status()).as(answer.body()).isEqualTo(200);
            assertThat(answer.body()).doesNotContain("away");
        });
    }

    private static String url(ConfigurableApplicationContext service) {
        return "http://localhost:" + service.getEnvironment().getProperty("local.server.port");
    }
}
