package io.ncc.checkin.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.testsupport.HttpAnswer;
import io.ncc.checkin.testsupport.RealRedis;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Finding users by e-mail address. */
@Timeout(60)
final class EmailIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final Map<Integer, ApiServer> SERVERS = new TreeMap<>();

    @BeforeAll
    static void start() {
        for (int count : new int[] {0, 4}) {
            SERVERS.put(
                    count,
                    ApiServer.start(
                            redis,
                            "--checkin.partitions=" + (count == 0 ? "" : count),
                            "--spring.data.redis.database=" + count));
        }
    }

    @AfterAll
    static void stop() {
        SERVERS.values().forEach(ApiServer::close);
    }

    private static ApiServer api(int partitions) {
        return Objects.requireNonNull(SERVERS.get(partitions));
    }

    private static Partitions partitions(int count) {
        redis.commands().select(count);
        return count == 0 ? Partitions.none() : Partitions.of(count);
    }

    private static PlaceFixture fixture(int count) {
        return new PlaceFixture(partitions(count), partition -> redis.commands());
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 4})
    void aUserIsFoundWhateverTheCaseOfTheLetters(int count) {
        ApiServer api = api(count);
        PlaceFixture fixture = fixture(count);
        for (long id = 1; id <= 20; id++) {
            fixture.user(id, "User." + id + "+x@Example.com");
        }
        Partitions partitions = partitions(count);
        partitions
                .all()
                .forEach(partition -> redis.commands()
                        .zadd(partitions.keys(partition).emails(), 0, "user.1+x@example.com|000000000000000000x"));
        for (long id = 1; id <= 20; id++) {
            String expected = api.get("/users/" + id).body();
            assertThat(api.get("/users?email=uSER." + id + "%2bX@example.COM").body())
                    .isEqualTo(expected)
                    .doesNotContain("password");
            assertThat(api.get("/api/user/email/user." + id + "+x@example.com").body())
                    .isEqualTo(expected);
        }
        for (String part : new String[] {"user.1", "user.1+x@example.co", "user.1+x@example.com|", "*", "[a"}) {
            HttpAnswer answer = api.get("/users?email="
                    + part.replace("+", "%2b").replace("|", "%7c").replace("[", "%5b"));
            assertThat(answer.status()).as(part).isEqualTo(404);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 4})
    void aSpaceInTheQueryStandsForAPlusSignUnlessAnAddressHasSpaces(int count) {
        ApiServer api = api(count);
        PlaceFixture fixture = fixture(count);
        fixture.user(301, "a+b+c@x");
        fixture.user(302, "\"d e\"@x");
        fixture.user(303, "\"d+e\"@x");
        String expected = api.get("/users/301").body();
        for (String address : new String[] {"a+b+c@x", "a+b%20c@x", "a%20b%2Bc@x"}) {
            assertThat(api.get("/users?email=" + address).body()).isEqualTo(expected);
        }
        assertThat(api.get("/users?email=%22d+e%22@x").json().get("id").asLong())
                .isEqualTo(302);
        assertThat(api.get("/users?email=%22d%2Be%22@x").json().get("id").asLong())
                .isEqualTo(303);
        assertThat(api.get("/users?email=a+b@x").status()).isEqualTo(404);
        assertThat(api.get("/api/user/email/a%20b%20c@x").status()).isEqualTo(404);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 4})
    void ofSeveralUsersWithAnAddressTheOneWithTheLowestIdAnswers(int count) {
        PlaceFixture fixture = fixture(count);
        for (long id = 130; id >= 101; id--) {
            fixture.user(id, id % 2 == 0 ? "Shared@x" : "shared@X");
        }
        assertThat(api(count).get("/users?email=shared@x").json().get("id").asLong())
                .isEqualTo(101);
    }

    /** Programs that know no index have changed one user, and deleted another. */
    @ParameterizedTest
    @ValueSource(ints = {0, 4})
    void anIndexIsBelievedOnlyAsFarAsTheHashAgrees(int count) {
        ApiServer api = api(count);
        PlaceFixture fixture = fixture(count);
        fixture.user(201, "old@x");
        Keys keys = partitions(count).keys(partitions(count).ofUser(201));
        redis.commands().hset(keys.user(201), "email", "new@x");
        assertThat(api.get("/users?email=old@x").status()).isEqualTo(404);
        redis.commands().del(keys.user(201));
        assertThat(api.get("/users?email=old@x").status()).isEqualTo(404);
        redis.commands().set(keys.user(201), "no hash");
        assertThat(api.get("/users?email=old@x").problemType()).isEqualTo("internal-error");
        redis.commands().del(keys.user(201));
    }

    @ParameterizedTest
    @ValueSource(strings = {"/users", "/users?email=", "/users?email=%20", "/users?mail=a@x", "/users?email=a&email=b"})
    void whatIsNoAddressIsRefused(String path) {
        assertThat(api(0).get(path).problemType()).isEqualTo("invalid-request");
        assertThat(api(0).get("/users").body()).contains("{\"parameter\":\"email\",\"message\":\"must be given\"}");
        assertThat(api(0).get("/users?email=" + "a".repeat(1_001)).status()).isEqualTo(400);
    }
}
