package io.ncc.checkin.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import io.ncc.checkin.testsupport.HttpAnswer;
import io.ncc.checkin.testsupport.LiveFollower;
import io.ncc.checkin.testsupport.RandomCheckins;
import io.ncc.checkin.testsupport.RealRedis;
import io.ncc.checkin.testsupport.RoleChecks;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.Date;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.context.annotation.Bean;
import org.springframework.web.servlet.function.RouterFunction;
import org.springframework.web.servlet.function.RouterFunctions;
import org.springframework.web.servlet.function.ServerResponse;

@Timeout(60)
final class RolesIT extends RoleChecks {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static ApiServer api;

    RolesIT() {
        super(ContractObserver.CONTRACT);
    }

    @BeforeAll
    static void start() {
        api = startWith(settings());
    }

    /** With a route that isn't in the contract. */
    private static ApiServer startWith(List<String> settings) {
        return ApiServer.startWith(
                ForgottenRoute.class,
                Stream.concat(
                                Stream.of(
                                        "server.port=0",
                                        "spring.data.redis.host=" + redis.host(),
                                        "spring.data.redis.port=" + redis.port()),
                                settings.stream())
                        .map(setting -> "--" + setting)
                        .toArray(String[]::new));
    }

    @AfterAll
    static void stop() {
        api.close();
    }

    @Override
    protected String url(String path) {
        return api.url(path);
    }

    @Test
    void aRouteThatIsNotInTheContractIsDenied() {
        try (ApiServer withoutTokens = startWith(List.of())) {
            assertThat(withoutTokens.get("/forgotten").body()).isEqualTo("here"); // it is there
        }
        assertThat(api.get("/forgotten").status()).isEqualTo(401);
        assertDeniedToAll("/forgotten");
    }

    @Test
    void aCallerHasGroupsOfItsOwnAndAnOperatorAll() {
        assertThat(send("PUT", "/groups/consume", "consume")).isEqualTo(201);
        assertThat(send("PUT", "/groups/consume.search", "consume")).isEqualTo(201);
        assertThat(send("PUT", "/groups/others", "operate")).isEqualTo(201);
        for (String group : List.of("others", "consumers", "Consume")) {
            assertThat(send("PUT", "/groups/" + group, "consume")).isEqualTo(403);
            assertThat(send("POST", "/groups/" + group + "/consumers/c/pull", "consume"))
                    .isEqualTo(403);
            assertThat(send("POST", "/groups/" + group + "/ack", "consume")).isEqualTo(403);
            assertThat(send("DELETE", "/groups/" + group + "/consumers/c", "consume"))
                    .isEqualTo(403);
            assertThat(send("DELETE", "/groups/" + group, "consume")).isEqualTo(403);
        }
        assertThat(send("POST", "/groups/consume/consumers/c/pull", "consume")).isEqualTo(200);
        assertThat(send("DELETE", "/groups/consume.search", "consume")).isEqualTo(204);
        assertThat(send("DELETE", "/groups/consume", "operate")).isEqualTo(204);
        assertThat(send("DELETE", "/groups/others", "operate")).isEqualTo(204);
    }

    @Test
    void thePageOfTheConsoleNeedsNoTokenAndIsToldTheRoles() {
        for (String path : List.of("/", "/index.html", "/webjars/uplot/dist/uPlot.min.css")) {
            assertThat(api.get(path).status()).as(path).isEqualTo(200);
        }
        assertThat(api.get("/console/sample").status()).isEqualTo(401);
        HttpAnswer sample =
                HttpAnswer.send(with(token("read"), HttpRequest.newBuilder(URI.create(api.url("/console/sample")))));
        assertThat(sample.json().at("/hello/roles")).hasToString("[\"read\"]");
    }

    private static int send(String method, String path, String role) {
        return HttpAnswer.send(with(token(role), HttpRequest.newBuilder(URI.create(api.url(path))))
                        .header("Content-Type", "application/json")
                        .method(method, BodyPublishers.ofString("{\"ids\":[\"1-0\"]}")))
                .status();
    }

    @Test
    void aStreamOfEventsLastsAfterTheThreadOfItsRequest() throws Exception {
        HttpResponse<Stream<String>> events = HttpClient.newHttpClient()
                .send(
                        with(token("read"), HttpRequest.newBuilder(URI.create(api.url("/checkins/stream"))))
                                .build(),
                        BodyHandlers.ofLines());
        assertThat(events.statusCode()).isEqualTo(200);
        new RandomCheckins(1, 5, 5).append(redis.commands(), 3);
        try (Stream<String> lines = events.body()) {
            assertThat(lines.filter(line -> line.startsWith("data:")).limit(3)).hasSize(3);
        }
    }

    @Test
    void aStreamOfEventsEndsSoonAfterItsJwt(@TempDir Path folder) throws Exception {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
        generator.initialize(2048);
        KeyPair keys = generator.generateKeyPair();
        Path pem = folder.resolve("issuer.pem");
        String key = Base64.getMimeEncoder().encodeToString(keys.getPublic().getEncoded());
        Files.writeString(pem, "-----BEGIN PUBLIC KEY-----\n" + key + "\n-----END PUBLIC KEY-----\n");
        try (ApiServer withJwts = ApiServer.start(
                redis, "--spring.security.oauth2.resourceserver.jwt.public-key-location=" + pem.toUri())) {
            // the clocks of issuer and service may differ by a minute
            SignedJWT jwt = new SignedJWT(
                    new JWSHeader(JWSAlgorithm.RS256),
                    new JWTClaimsSet.Builder()
                            .subject("app")
                            .claim("scope", "checkins.read")
                            .expirationTime(Date.from(Instant.now().minusSeconds(55)))
                            .build());
            jwt.sign(new RSASSASigner(keys.getPrivate()));
            try (LiveFollower events = LiveFollower.follow(withJwts.url("/checkins/stream"), null, jwt.serialize())) {
                await().atMost(Duration.ofSeconds(20)).until(events::hasEnded);
            }
        }
    }

    static class ForgottenRoute {

        @Bean
        RouterFunction<ServerResponse> forgotten() {
            return RouterFunctions.route()
                    .GET("/forgotten", request -> ServerResponse.ok().body("here"))
                    .build();
        }
    }
}
