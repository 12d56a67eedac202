package io.ncc.checkin.receiver;

import static io.ncc.checkin.receiver.StartedReceiver.checkin;
import static io.ncc.checkin.receiver.StartedReceiver.idOf;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.PlainJWT;
import com.nimbusds.jwt.SignedJWT;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.ncc.checkin.service.security.TokenDigests;
import io.ncc.checkin.testsupport.HttpAnswer;
import io.ncc.checkin.testsupport.RawAnswer;
import io.ncc.checkin.testsupport.RawConnection;
import io.ncc.checkin.testsupport.RealRedis;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.NoSuchAlgorithmException;
import java.security.interfaces.RSAPublicKey;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import tools.jackson.databind.JsonNode;

/** What the receiver does for whom. */
@Timeout(60)
@ExtendWith(OutputCaptureExtension.class)
final class TokensIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final String WRITER = "chk_writer";
    private static final String OTHER = "chk_other";
    private static final String OWNER = "chk_owner";
    private static final long USER = 17;

    private static KeyPair keys;
    private static StartedReceiver receiver;

    @BeforeAll
    static void start(@TempDir Path folder) throws IOException, NoSuchAlgorithmException {
        keys = newKeys();
        Path pem = folder.resolve("issuer.pem");
        Files.writeString(
                pem,
                "-----BEGIN PUBLIC KEY-----\n"
                        + Base64.getMimeEncoder()
                                .encodeToString(keys.getPublic().getEncoded())
                        + "\n-----END PUBLIC KEY-----\n");
        receiver = StartedReceiver.on(
                redis,
                "spring.security.oauth2.resourceserver.jwt.public-key-location=" + pem.toUri(),
                "checkin.security.tokens[0].name=writer",
                "checkin.security.tokens[0].sha256=" + TokenDigests.of(WRITER),
                "checkin.security.tokens[0].roles=write,operate",
                "checkin.security.tokens[1].name=other",
                "checkin.security.tokens[1].sha256=" + TokenDigests.of(OTHER),
                "checkin.security.tokens[1].roles=write",
                "checkin.security.tokens[2].name=owner",
                "checkin.security.tokens[2].sha256=" + TokenDigests.of(OWNER),
                "checkin.security.tokens[2].roles=own",
                "checkin.security.tokens[2].user=" + USER);
    }

    @AfterAll
    static void stop() {
        receiver.close();
    }

    @BeforeEach
    void clear() {
        redis.commands().flushall();
    }

    private static KeyPair newKeys() throws NoSuchAlgorithmException {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
        generator.initialize(2048);
        return generator.generateKeyPair();
    }

    private static HttpAnswer.Request to(String path, String token) {
        return HttpAnswer.to(receiver.url(path)).header("Authorization", "Bearer " + token);
    }

    private static HttpAnswer post(String token, String json) {
        return to("/checkins", token).post(json);
    }

    @Test
    void ownPermitsCheckinsOfThatUserOnly() {
        assertThat(post(OWNER, checkin(USER)).status()).isEqualTo(202);
        HttpAnswer refused = post(OWNER, checkin(USER + 1));
        assertThat(refused.status()).isEqualTo(403);
        assertThat(refused.problemType()).isEqualTo("forbidden");
        assertThat(refused.body()).contains("user 17");
        assertThat(refused.header("WWW-Authenticate"))
                .isEqualTo("Bearer error=\"insufficient_scope\", scope=\"checkins.write\"");
        assertThat(StartedReceiver.users(redis)).containsExactly(USER);
    }

    @Test
    void whatIsNoCheckinIsToldAsWithoutATokenWhosoeverItWouldBe() {
        HttpAnswer answer = post(OWNER, "{\"userId\":18,\"locationId\":1,\"starRating\":9}");
        assertThat(answer.status()).isEqualTo(400);
    }

    @Test
    void ownRefusesTheOtherCheckinsOfABatchOneByOne() {
        HttpAnswer answer = to("/checkins/batch", OWNER)
                .header("Idempotency-Key", "k")
                .header("Content-Type", "application/x-ndjson")
                .post(checkin(18) + '\n' + checkin(USER) + "\nnonsense\n" + checkin(19) + '\n' + checkin(USER) + '\n');
        assertThat(answer.status()).isEqualTo(207);
        JsonNode json = answer.json();
        assertThat(json.get("accepted").asInt()).isEqualTo(2);
        assertThat(json.get("refused").asInt()).isEqualTo(3);
        assertThat(json.at("/results/0/problem/type").asString()).isEqualTo("urn:checkins:problem:forbidden");
        assertThat(json.at("/results/1").has("id")).isTrue();
        assertThat(json.at("/results/2").has("errors")).isTrue();
        assertThat(json.at("/results/3/problem/status").asInt()).isEqualTo(403);
        assertThat(json.at("/results/4").has("id")).isTrue();
        assertThat(StartedReceiver.users(redis)).containsExactly(USER, USER);
    }

    @Test
    void aBatchOfOthersCheckinsAloneStoresNothing() {
        HttpAnswer answer = to("/checkins/batch", OWNER).post("[" + checkin(18) + ',' + checkin(19) + ']');
        assertThat(answer.status()).isEqualTo(207);
        assertThat(answer.json().get("accepted").asInt()).isZero();
        assertThat(redis.commands().exists(StartedReceiver.STREAM)).isZero();
    }

    @Test
    void eachCallerHasIdempotencyKeysOfTheirOwn() {
        String first =
                idOf(to("/checkins", WRITER).header("Idempotency-Key", "k").post(checkin(1)));
        assertThat(idOf(to("/checkins", WRITER).header("Idempotency-Key", "k").post(checkin(1))))
                .isEqualTo(first);
        assertThat(idOf(to("/checkins", OTHER).header("Idempotency-Key", "k").post(checkin(2))))
                .isNotEqualTo(first);
        assertThat(redis.commands().keys("ncc:idempotency:*"))
                .containsExactlyInAnyOrder("ncc:idempotency:writer k", "ncc:idempotency:other k");
        assertThat(StartedReceiver.users(redis)).containsExactly(1L, 2L);
    }

    @Test
    void requestsAreCountedByCallerAndWithoutOneByAddress() {
        try (StartedReceiver limited = StartedReceiver.on(
                redis,
                "checkin.receiver.rate-limit=2",
                "checkin.security.tokens[0].name=writer",
                "checkin.security.tokens[0].sha256=" + TokenDigests.of(WRITER),
                "checkin.security.tokens[0].roles=write",
                "checkin.security.tokens[1].name=reader",
                "checkin.security.tokens[1].sha256=" + TokenDigests.of(OTHER),
                "checkin.security.tokens[1].roles=read")) {
            assertThat(statuses(limited, WRITER)).contains(202, 429).doesNotContain(401, 403);
            assertThat(statuses(limited, OTHER)).startsWith(403).contains(429);
            assertThat(statuses(limited, "chk_wrong")).startsWith(401).contains(429);
        }
    }

    private static List<Integer> statuses(StartedReceiver limited, String token) {
        return java.util.stream.IntStream.range(0, 6)
                .map(i -> HttpAnswer.to(limited.url("/checkins"))
                        .header("Authorization", "Bearer " + token)
                        .post(checkin(1))
                        .status())
                .boxed()
                .toList();
    }

    private static JWTClaimsSet.Builder claims(String subject, Object scope) {
        return new JWTClaimsSet.Builder()
                .subject(subject)
                .claim("scope", scope)
                .jwtID(UUID.randomUUID().toString())
                .expirationTime(Date.from(Instant.now().plusSeconds(300)));
    }

    private static String signed(JWTClaimsSet claims, KeyPair by) throws JOSEException {
        return signed(claims, by, null);
    }

    /** @param keyId null for none */
    private static String signed(JWTClaimsSet claims, KeyPair by, @Nullable String keyId) throws JOSEException {
        JWSHeader header =
                new JWSHeader.Builder(JWSAlgorithm.RS256).keyID(keyId).build();
        SignedJWT jwt = new SignedJWT(header, claims);
        jwt.sign(new RSASSASigner(by.getPrivate()));
        return jwt.serialize();
    }

    @Test
    void theScopesOfAJwtAreRoles() throws JOSEException {
        String writer = signed(claims("app", "openid checkins.write").build(), keys);
        assertThat(post(writer, checkin(1)).status()).isEqualTo(202);
        assertThat(post(writer, checkin(2)).status()).isEqualTo(202); // as it was verified before
        String list = signed(claims("app", List.of("checkins.write")).build(), keys);
        assertThat(post(list, checkin(3)).status()).isEqualTo(202);
        String reader = signed(claims("app", "checkins.read write").build(), keys);
        assertThat(post(reader, checkin(4)).status()).isEqualTo(403);
        assertThat(StartedReceiver.users(redis)).containsExactly(1L, 2L, 3L);
        to("/checkins", writer).header("Idempotency-Key", "k").post(checkin(1));
        assertThat(redis.commands().keys("ncc:idempotency:*")).containsExactly("ncc:idempotency:jwt:app k");
    }

    @Test
    void theSubjectOfAJwtIsTheUserOfOwn() throws JOSEException {
        String user = signed(claims("17", "checkins.own").build(), keys);
        assertThat(post(user, checkin(USER)).status()).isEqualTo(202);
        assertThat(post(user, checkin(18)).status()).isEqualTo(403);
        String last = signed(claims("9223372036854775807", "checkins.own").build(), keys);
        assertThat(post(last, checkin(Long.MAX_VALUE)).status()).isEqualTo(202);
        for (String nobody : List.of("alice", "9223372036854775808", "017")) {
            String token = signed(claims(nobody, "checkins.own").build(), keys);
            assertThat(post(token, checkin(USER)).status()).as(nobody).isEqualTo(403);
        }
    }

    @Test
    void aJwtThatIsNotGoodIsRefused() throws JOSEException, NoSuchAlgorithmException {
        JWTClaimsSet good = claims("app", "checkins.write").build();
        Map<String, String> tokens = Map.of(
                "of another issuer",
                signed(good, newKeys()),
                "not signed",
                new PlainJWT(good).serialize(),
                "expired",
                signed(
                        claims("app", "checkins.write")
                                .expirationTime(Date.from(Instant.now().minusSeconds(120)))
                                .build(),
                        keys),
                "not valid yet",
                signed(
                        claims("app", "checkins.write")
                                .notBeforeTime(Date.from(Instant.now().plusSeconds(120)))
                                .build(),
                        keys),
                "without a subject",
                signed(
                        new JWTClaimsSet.Builder()
                                .claim("scope", "checkins.write")
                                .build(),
                        keys),
                "bound to a key",
                signed(
                        claims("app", "checkins.write")
                                .claim("cnf", Map.of("jkt", "x"))
                                .build(),
                        keys),
                "changed",
                signed(good, keys).replaceFirst("\\.[^.]", ".X"));
        tokens.forEach((name, token) -> {
            HttpAnswer answer = post(token, checkin(1));
            assertThat(answer.status()).as(name).isEqualTo(401);
            assertThat(answer.header("WWW-Authenticate")).as(name).isEqualTo("Bearer error=\"invalid_token\"");
        });
        assertThat(redis.commands().exists(StartedReceiver.STREAM)).isZero();
    }

    @Test
    void aJwtThatExpiresIsNotTakenAnyLonger() throws JOSEException {
        // the clocks of issuer and service may differ by a minute
        String token = signed(
                claims("app", "checkins.write")
                        .expirationTime(Date.from(Instant.now().minusSeconds(58)))
                        .build(),
                keys);
        assertThat(post(token, checkin(1)).status()).isEqualTo(202);
        org.awaitility.Awaitility.await()
                .untilAsserted(
                        () -> assertThat(post(token, checkin(1)).status()).isEqualTo(401));
    }

    @ParameterizedTest
    @ValueSource(strings = {"jwk-set-uri=http://127.0.0.1:1/keys", "issuer-uri=http://127.0.0.1:1"})
    void anIssuerThatIsAwayIsNoReasonToRefuseForGood(String setting) throws JOSEException {
        try (StartedReceiver waiting =
                StartedReceiver.on(redis, "spring.security.oauth2.resourceserver.jwt." + setting)) {
            HttpAnswer answer =
                    post(waiting, signed(claims("app", "checkins.write").build(), keys));
            StartedReceiver.assertUnavailable(answer, "token-unverified");
        }
    }

    private static HttpAnswer post(StartedReceiver to, String token) {
        return HttpAnswer.to(to.url("/checkins"))
                .header("Authorization", "Bearer " + token)
                .post(checkin(1));
    }

    @Test
    void anIssuerThatIsAwayIsAskedAgainOnlyNowAndThen(CapturedOutput output) throws IOException, JOSEException {
        try (Issuer issuer = new Issuer();
                StartedReceiver waiting = StartedReceiver.on(
                        redis, "spring.security.oauth2.resourceserver.jwt.issuer-uri=" + issuer.uri)) {
            issuer.answer = Issuer.Answer.ERROR;
            long start = System.nanoTime();
            for (int i = 0; i < 20; i++) {
                StartedReceiver.assertUnavailable(post(waiting, "x"), "token-unverified");
            }
            assertThat(issuer.asked.get()).isBetween(1, 1 + secondsSince(start));
            assertThat(output.getAll())
                    .containsOnlyOnce("can't be asked for its keys")
                    .doesNotContain("JwtDecoderInit");

            issuer.answer = Issuer.Answer.RIGHT;
            String token =
                    signed(claims("app", "checkins.write").issuer(issuer.uri).build(), keys);
            await().until(() -> post(waiting, token).status() == 202);
            assertThat(post(waiting, "x").status()).isEqualTo(401);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"jwk-set-uri", "issuer-uri"})
    void forgedTokensAreNoWayToTheIssuer(String setting) throws IOException, JOSEException {
        try (Issuer issuer = new Issuer();
                StartedReceiver limited = StartedReceiver.on(
                        redis,
                        "spring.security.oauth2.resourceserver.jwt." + setting + '=' + issuer.uri
                                + (setting.equals("issuer-uri") ? "" : "/keys"))) {
            assertThat(post(limited, issuer.token()).status()).isEqualTo(202);
            for (Issuer.Answer answer : Issuer.Answer.values()) {
                issuer.answer = answer;
                int before = issuer.asked.get();
                long start = System.nanoTime();
                List<CompletableFuture<HttpAnswer>> answers = new ArrayList<>();
                for (int i = 0; i < 20; i++) {
                    answers.add(HttpAnswer.begin(HttpRequest.newBuilder(URI.create(limited.url("/checkins/batch")))
                            .header(
                                    "Authorization",
                                    "Bearer " + issuer.token(UUID.randomUUID().toString()))
                            .POST(BodyPublishers.ofString("[]"))));
                    assertThat(post(limited, issuer.token()).status()).isEqualTo(202);
                }
                for (CompletableFuture<HttpAnswer> each : answers) {
                    HttpAnswer refused = each.join();
                    if (refused.status() != 401) {
                        StartedReceiver.assertUnavailable(refused, "token-unverified");
                    }
                }
                assertThat(secondsSince(start)).as("%s", answer).isLessThan(8);
                assertThat(issuer.asked.get() - before).as("%s", answer).isLessThanOrEqualTo(1 + secondsSince(start));
            }
        }
    }

    @Test
    void aNewKeyOfTheIssuerIsFoundAlsoWhileTokensAreForged() throws IOException, JOSEException {
        try (Issuer issuer = new Issuer();
                StartedReceiver limited = StartedReceiver.on(
                        redis, "spring.security.oauth2.resourceserver.jwt.jwk-set-uri=" + issuer.uri + "/keys")) {
            assertThat(post(limited, issuer.token()).status()).isEqualTo(202);
            issuer.keyId = "second";
            await().until(() -> {
                post(limited, issuer.token("forged"));
                return post(limited, issuer.token()).status() == 202;
            });
        }
    }

    private static int secondsSince(long start) {
        return (int) Duration.ofNanos(System.nanoTime() - start).toSeconds();
    }

    private static final class Issuer implements AutoCloseable {

        private enum Answer {
            RIGHT,
            ERROR,
            NONE
        }

        private final AtomicInteger asked = new AtomicInteger();
        private final CountDownLatch end = new CountDownLatch(1);
        private final ExecutorService threads = Executors.newCachedThreadPool();
        private final HttpServer server;
        private final String uri;
        private volatile String keyId = "first";
        private volatile Answer answer = Answer.RIGHT;

        Issuer() throws IOException {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
            uri = "http://127.0.0.1:" + server.getAddress().getPort();
            server.createContext("/", this::answer);
            server.setExecutor(threads);
            server.start();
        }

        private void answer(HttpExchange request) throws IOException {
            asked.incrementAndGet();
            if (answer == Answer.NONE) {
                awaitEnd();
            }
            RSAKey key = new RSAKey.Builder((RSAPublicKey) keys.getPublic())
                    .keyID(keyId)
                    .build();
            String content = request.getRequestURI().getPath().equals("/keys")
                    ? new JWKSet(key).toString()
                    : "{\"issuer\":\"" + uri + "\",\"jwks_uri\":\"" + uri + "/keys\"}";
            byte[] body = content.getBytes(StandardCharsets.UTF_8);
            request.getResponseHeaders().set("Content-Type", "application/json");
            request.sendResponseHeaders(answer == Answer.RIGHT ? 200 : 500, body.length);
            request.getResponseBody().write(body);
            request.close();
        }

        private void awaitEnd() {
            try {
                end.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        /** A good one that nobody has seen yet. */
        String token() throws JOSEException {
            return token(keyId);
        }

        String token(String ofKey) throws JOSEException {
            return signed(claims("app", "checkins.write").issuer(uri).build(), keys, ofKey);
        }

        @Override
        public void close() {
            end.countDown();
            server.stop(0);
            threads.shutdownNow();
        }
    }

    @Test
    void noTokenIsLogged(CapturedOutput output) throws IOException, JOSEException {
        Map<String, Level> levels = Map.of(
                "org.springframework.security", Level.TRACE,
                "org.springframework.web", Level.TRACE,
                "io.ncc", Level.DEBUG);
        levels.forEach(TokensIT::log);
        String jwt = signed(claims("app", "checkins.write").build(), keys);
        try {
            for (String token : List.of(WRITER, "chk_wrong", jwt, jwt + "x", OWNER)) {
                post(token, checkin(1));
                to("/checkins/batch", token).post("[]");
                to("/nowhere", token).post("");
                HttpAnswer.send(HttpRequest.newBuilder(URI.create(receiver.url("/actuator/info")))
                        .header("Authorization", "Bearer " + token));
                for (String header :
                        List.of("Authorization: Bearer " + token + '\r', "Cookie: token=" + token + " x")) {
                    sendAsItIs(header);
                }
            }
        } finally {
            levels.keySet().forEach(name -> log(name, null));
        }
        assertThat(output.getAll())
                .contains("o.s.security.web.FilterChainProxy") // or its logger would say nothing anyhow
                .doesNotContain(WRITER, "chk_wrong", OWNER, jwt.substring(jwt.lastIndexOf('.') + 1));
    }

    /** Such as a token from a file with the line ends of Windows. */
    private static void sendAsItIs(String header) throws IOException {
        try (var connection = new RawConnection(receiver.port())) {
            connection.send(RawConnection.bytes("GET /nowhere HTTP/1.1\r\nHost: localhost\r\n" + header + "\r\n\r\n"));
            RawAnswer answer = Objects.requireNonNull(connection.read());
            assertThat(answer.status()).as(answer.body()).isBetween(400, 401);
        }
    }

    /** @param level null for that of the loggers above it */
    private static void log(String name, @Nullable Level level) {
        ((Logger) LoggerFactory.getLogger(name)).setLevel(level);
    }
}
