package io.ncc.checkin.testsupport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/**
 * Each route of a service takes the tokens with the roles that its contract names, and no others. The routes come from the contract, and a route that isn't in
 * the contract takes no token. The test of a service extends this class.
 */
public abstract class RoleChecks {

    private static final String NOBODY = "nobody";
    private static final List<String> ROLES = List.of("write", "own", "read", "consume", "operate");

    /** The user whose checkins the token with the role own permits. */
    protected static final long USER = 17;

    private final Contract contract;

    protected RoleChecks(Contract contract) {
        this.contract = contract;
    }

    /** The URL of a path of the service, which was started with the {@link #settings()}. */
    protected abstract String url(String path);

    /** A token for each role, {@code name=value}. */
    protected static List<String> settings() {
        List<String> settings = new ArrayList<>();
        for (int i = 0; i < ROLES.size(); i++) {
            String prefix = "checkin.security.tokens[" + i + "].";
            String role = ROLES.get(i);
            settings.add(prefix + "name=" + role);
            settings.add(prefix + "sha256=" + sha256(token(role)));
            settings.add(prefix + "roles=" + role);
            if (role.equals("own")) {
                settings.add(prefix + "user=" + USER);
            }
        }
        return settings;
    }

    protected static String sha256(String token) {
        try {
            return HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256").digest(token.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** That with this role only. */
    protected static String token(String role) {
        return "chk_of-" + role;
    }

    protected static HttpRequest.Builder with(@Nullable String token, HttpRequest.Builder request) {
        return token == null ? request : request.header("Authorization", "Bearer " + token);
    }

    @Test
    void eachRouteSaysWhoMayUseIt() {
        assertThat(operations())
                .isNotEmpty()
                .allSatisfy(operation -> assertThat(operation.roles)
                        .as("the roles under \"security\" of %s", operation)
                        .doesNotContain(NOBODY));
    }

    @TestFactory
    Stream<DynamicTest> eachRouteNeedsOneOfItsRoles() {
        return operations().stream().map(operation -> dynamicTest(operation.toString(), () -> check(operation)));
    }

    private void check(Operation operation) {
        for (String role : ROLES) {
            boolean permitted = operation.roles.isEmpty() || operation.roles.contains(role);
            requireAnswer(operation, token(role), permitted ? 0 : 403);
        }
        requireAnswer(operation, null, operation.roles.isEmpty() ? 0 : 401);
        requireAnswer(operation, "chk_of-nobody", 401);
    }

    /** @param refusal the status of the expected refusal; 0 for none */
    private void requireAnswer(Operation operation, @Nullable String token, int refusal) {
        HttpAnswer answer = operation.send(token);
        String what = operation + " with " + token + ": " + answer.body();
        if (refusal == 0) {
            assertThat(answer.status()).as(what).isNotIn(401, 403);
            return;
        }
        assertThat(answer.status()).as(what).isEqualTo(refusal);
        assertThat(answer.header("Content-Type")).as(what).isEqualTo("application/problem+json");
        assertThat(answer.problemType()).as(what).isEqualTo(refusal == 401 ? "unauthenticated" : "forbidden");
        String challenge = answer.header("WWW-Authenticate");
        if (refusal == 403) {
            String scopes =
                    operation.roles.stream().map(role -> "checkins." + role).collect(Collectors.joining(" "));
            assertThat(challenge).as(what).isEqualTo("Bearer error=\"insufficient_scope\", scope=\"" + scopes + '"');
        } else {
            assertThat(challenge).as(what).isEqualTo(token == null ? "Bearer" : "Bearer error=\"invalid_token\"");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/actuator/health",
                "/actuator/health/liveness",
                "/actuator/health/readiness",
                "/v3/api-docs",
                "/v3/api-docs.yaml",
                "/docs",
                "/docs/index.html",
                "/webjars/swagger-ui/swagger-ui.css"
            })
    void theHealthAndTheDocumentationNeedNoToken(String path) {
        assertThat(get(path, null).status()).isIn(200, 302);
    }

    @ParameterizedTest
    @ValueSource(strings = {"/actuator", "/actuator/info", "/actuator/metrics", "/actuator/prometheus"})
    void theRestOfTheActuatorIsForOperators(String path) {
        assertThat(get(path, null).status()).isEqualTo(401);
        assertThat(get(path, token("read")).status()).isEqualTo(403);
        assertThat(get(path, token("operate")).status()).isEqualTo(200);
    }

    @ParameterizedTest
    @ValueSource(strings = {"/nowhere", "/users/1/nothing", "/openapi.yml", "/webjars/"})
    void whatDoesNotExistIsNotFoundWithAToken(String path) {
        assertThat(get(path, null).status()).isEqualTo(401);
        for (String role : ROLES) {
            HttpAnswer answer = get(path, token(role));
            assertThat(answer.status()).as(role).isEqualTo(404);
            assertThat(answer.problemType()).isEqualTo("not-found");
        }
    }

    protected final void assertDeniedToAll(String path) {
        for (String role : ROLES) {
            HttpAnswer answer = get(path, token(role));
            assertThat(answer.status()).as(role).isEqualTo(403);
            assertThat(answer.header("WWW-Authenticate")).isEqualTo("Bearer error=\"insufficient_scope\"");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"Bearer", "Bearer ", "Bearer a b", "bearer ü"})
    void aMalformedTokenIsRefused(String authorization) {
        HttpAnswer answer = HttpAnswer.send(
                HttpRequest.newBuilder(URI.create(url("/nowhere"))).header("Authorization", authorization));
        assertThat(answer.status()).isEqualTo(401);
        assertThat(answer.problemType()).isEqualTo("unauthenticated");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/actuator/info", "/actuator/health", "/nowhere"})
    void twoTokensAreRefusedEvenIfTheFirstIsGood(String path) {
        for (String second : List.of("chk_wrong", token("operate"))) {
            HttpAnswer answer = HttpAnswer.send(
                    with(second, with(token("operate"), HttpRequest.newBuilder(URI.create(url(path))))));
            assertThat(answer.status()).isEqualTo(400);
            assertThat(answer.problemType()).isEqualTo("invalid-request");
            assertThat(answer.json().at("/errors/0/parameter").asString()).isEqualTo("Authorization");
        }
    }

    @Test
    void aTokenInTheUrlIsNone() {
        assertThat(get("/actuator/info?access_token=" + token("operate"), null).status())
                .isEqualTo(401);
    }

    @Test
    void nothingIsRememberedOfACaller() {
        HttpAnswer answer = get("/actuator/info", token("operate"));
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.header("Set-Cookie")).isNull();
        for (int i = 0; i < 50; i++) { // whatever thread it gets
            assertThat(get("/actuator/info", null).status()).isEqualTo(401);
        }
    }

    protected final HttpAnswer get(String path, @Nullable String token) {
        return HttpAnswer.send(with(token, HttpRequest.newBuilder(URI.create(url(path)))));
    }

    private List<Operation> operations() {
        List<Operation> operations = new ArrayList<>();
        contract.document()
                .get("paths")
                .propertyStream()
                .forEach(path -> path.getValue()
                        .propertyStream()
                        .forEach(method -> operations.add(new Operation(
                                method.getKey().toUpperCase(Locale.ROOT), path.getKey(), rolesOf(method.getValue())))));
        return operations;
    }

    private static Set<String> rolesOf(JsonNode operation) {
        JsonNode security = operation.get("security");
        if (security == null) {
            return Set.of(NOBODY);
        }
        Set<String> roles = new TreeSet<>(Comparator.comparingInt(ROLES::indexOf));
        security.forEach(requirement -> requirement.get("bearer").forEach(role -> roles.add(role.asString())));
        return roles;
    }

    private final class Operation {

        private final String method;
        private final String path;
        private final Set<String> roles;

        Operation(String method, String path, Set<String> roles) {
            this.method = method;
            this.path = path;
            this.roles = roles;
        }

        /** With a parameter that no route has: whoever gets past the chain is told so, and nothing is done. */
        HttpAnswer send(@Nullable String token) {
            String at = Arrays.stream(path.split("/", -1))
                    .map(part -> part.startsWith("{") ? "1" : part)
                    .collect(Collectors.joining("/"));
            return HttpAnswer.send(with(token, HttpRequest.newBuilder(URI.create(url(at + "?unknown=1"))))
                    .header("Content-Type", "application/json")
                    .method(method, BodyPublishers.ofString(method.equals("GET") ? "" : "{}")));
        }

        @Override
        public String toString() {
            return method + ' ' + path;
        }
    }
}
