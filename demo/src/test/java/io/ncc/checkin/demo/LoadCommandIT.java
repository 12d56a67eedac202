package io.ncc.checkin.demo;

import static org.assertj.core.api.Assertions.assertThat;

import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.testsupport.RealRedis;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

@Timeout(60)
final class LoadCommandIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @TempDir
    private Path directory;

    /** The keys of 200 locations and of the indexes of locations, of which there are six categories. */
    private static final int LOCATIONS = 200 + 2 + 6;

    /** Those, and the details, 1,000 users with their index, and the stream. */
    private static final int ALL = LOCATIONS + 200 + 1_000 + 1 + 1;

    private int load(String... arguments) {
        return DemoApplication.commandLine()
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .setColorScheme(CommandLine.Help.defaultColorScheme(CommandLine.Help.Ansi.OFF))
                .execute(arguments);
    }

    private String address() {
        return "--spring.data.redis.url=" + redis.uri();
    }

    @Test
    void theSampleIsLoadedWithALineForEachKind() {
        assertThat(load("load", "all", address())).isZero();

        assertThat(out.toString().lines())
                .satisfiesExactly(
                        line -> assertThat(line).matches("1,000 users loaded in \\d+\\.\\d s"),
                        line -> assertThat(line).matches("200 locations loaded in \\d+\\.\\d s"),
                        line -> assertThat(line).matches("200 locationdetails loaded in \\d+\\.\\d s"),
                        line -> assertThat(line).matches("5,000 checkins loaded in \\d+\\.\\d s"));
        assertThat(err.toString()).isEmpty();
        assertThat(redis.commands().dbsize()).isEqualTo(ALL);
        assertThat(redis.commands().xlen("ncc:checkins")).isEqualTo(5_000);
    }

    @Test
    void theCostOfAPasswordCanBeChosen() throws Exception {
        Files.writeString(
                directory.resolve("users.json"),
                "{\"users\":[{\"id\":1,\"firstName\":\"A\",\"lastName\":\"B\",\"email\":\"c\",\"password\":\"d\"}]}");

        assertThat(load("load", "users", "--dir", directory.toString(), "--password-cost", "4", address()))
                .isZero();
        assertThat(redis.commands().hget("ncc:users:1", "password")).startsWith("$2a$04$");

        for (String cost : new String[] {"3", "17"}) {
            assertThat(load("load", "users", "--password-cost", cost, address()))
                    .isEqualTo(2);
            assertThat(err.toString()).contains("--password-cost must be from 4 to 16, not " + cost);
        }
    }

    @Test
    void oneKindLeavesTheOthersAlone() {
        assertThat(load("load", "LOCATIONS", address())).isZero();
        assertThat(redis.commands().dbsize()).isEqualTo(LOCATIONS);
    }

    @Test
    void springsOptionsSayWhereRedisIs() {
        assertThat(load(
                        "load",
                        "--spring.data.redis.host=" + redis.host(),
                        "--spring.data.redis.port=" + redis.port(),
                        "--spring.data.redis.database=1",
                        "locations"))
                .isZero();
        redis.commands().select(1);
        try {
            assertThat(redis.commands().dbsize()).isEqualTo(LOCATIONS);
        } finally {
            redis.commands().select(0);
        }
    }

    @Test
    void ifAbsentDoesNothingWhereThereIsAStream() {
        redis.commands().xadd("ncc:checkins", "userId", "1", "locationId", "2", "starRating", "3");

        assertThat(load("load", "all", "--if-absent", address())).isZero();

        assertThat(out.toString().lines()).containsExactly("there is a stream of checkins already: nothing loaded");
        assertThat(redis.commands().dbsize()).isEqualTo(1);
    }

    @Test
    void ifAbsentLoadsWhereThereIsNone() {
        assertThat(load("load", "all", "--if-absent", address())).isZero();
        assertThat(redis.commands().dbsize()).isEqualTo(ALL);
    }

    /** As a folder had it before there were details. */
    @Test
    void allOfAFolderMayLackDetails() throws Exception {
        Files.writeString(directory.resolve("users.json"), "{\"users\":[]}");
        Files.writeString(directory.resolve("locations.json"), "{\"locations\":[]}");
        Files.writeString(directory.resolve("checkins.json"), "{\"checkins\":[]}");

        assertThat(load("load", "all", "--dir", directory.toString(), address()))
                .isZero();
        assertThat(load("load", "locationdetails", "--dir", directory.toString(), address()))
                .isEqualTo(1);
        assertThat(err.toString()).contains("there is no file").contains("locationdetails.json");
    }

    @Test
    void indexesAreMadeAnew() {
        assertThat(load("load", "all", address())).isZero();
        redis.commands().del("ncc:index:emails", "ncc:index:places:cafe");

        assertThat(load("load", "indexes", address())).isZero();

        assertThat(out.toString()).endsWith("1,000 users and 200 locations indexed, 0 stale entries removed\n");
        assertThat(redis.commands().zcard("ncc:index:emails")).isEqualTo(1_000);
        assertThat(redis.commands().dbsize()).isEqualTo(ALL);
        assertThat(load("load", "indexes", "--reset", address())).isEqualTo(2);
        assertThat(err.toString()).contains("indexes are made from what is in Redis");
    }

    @Test
    void aBadFileWritesNothingAtAll() throws Exception {
        Files.writeString(
                directory.resolve("users.json"),
                "{\"users\":[{\"id\":1,\"firstName\":\"A\",\"lastName\":\"B\",\"email\":\"c\",\"password\":\"d\"}]}");
        Files.writeString(
                directory.resolve("locations.json"),
                "{\"locations\":[{\"id\":1,\"name\":\"A\",\"category\":\"bar\",\"location\":\"1,2\"}]}");
        Files.writeString(
                directory.resolve("checkins.json"),
                "{\"checkins\":[\n{\"id\":\"5-0\",\"userId\":1,\"locationId\":1,\"starRating\":9}]}");

        assertThat(load("load", "all", "--dir", directory.toString(), address()))
                .isEqualTo(1);

        assertThat(err.toString().lines())
                .containsExactly("checkins.json, record 1 (line 2): starRating must be from 0 to 5, not 9");
        assertThat(redis.commands().dbsize()).isZero();
    }

    @Test
    void aRedisThatIsAwayIsOneLineAndNoStackTrace() {
        redis.stop();

        assertThat(load("load", "all", address())).isEqualTo(1);

        assertThat(err.toString().lines())
                .singleElement()
                .satisfies(line -> assertThat(line)
                        .startsWith("Redis: Connection refused")
                        .contains(String.valueOf(redis.port())));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4, 64})
    void theNumberOfPartitionsIsASettingAsForTheServices(int count) {
        assertThat(load("load", "all", "--checkin.partitions=" + count, address()))
                .isZero();

        assertThat(redis.commands().keys("ncc:{*}:checkins")).hasSize(count);
        assertThat(redis.commands().keys("ncc:{*}:partitions")).hasSize(count);
        assertThat(redis.commands().keys("ncc:{*}:users:*")).hasSize(1_000);
        Keys keys = Partitions.of(count).keys(Partitions.of(count).ofUser(789));
        assertThat(redis.commands().hget(keys.user(789), "id")).isEqualTo("789");

        assertThat(load("load", "all", "--if-absent", "--checkin.partitions=" + count, address()))
                .isZero();
        assertThat(out.toString()).contains("there is a stream of checkins already: nothing loaded");
    }

    @Test
    void anotherNumberOfPartitionsIsOneLineAndNoStackTrace() {
        assertThat(load("load", "users", "--checkin.partitions=4", address())).isZero();

        assertThat(load("load", "users", "--checkin.partitions=8", address())).isEqualTo(1);

        assertThat(err.toString().lines())
                .singleElement()
                .satisfies(line -> assertThat(line)
                        .startsWith("Redis is refused: checkin.partitions is 8, but Redis has 4 partitions, as "));
    }

    @Test
    void aLoadThatIsRefusedDoesNotFixTheNumberOfPartitions() {
        Keys keys = Partitions.of(4).keys(0);
        redis.commands().set(keys.checkpoint(), "9000000000000-0");

        assertThat(load("load", "checkins", "--checkin.partitions=4", address()))
                .isEqualTo(1);

        assertThat(err.toString()).contains("Nothing was written.");
        assertThat(redis.commands().keys("*")).containsExactly(keys.checkpoint());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "--checkin.partitions=257",
                "--checkin.partitions=x",
                "--spring.data.redis.cluster.nodes=localhost:1"
            })
    void wrongSettingsAreToldAsSuch(String setting) {
        assertThat(load("load", "users", setting)).isEqualTo(1);

        assertThat(err.toString().lines()).containsExactly("the settings for Redis or checkin.partitions are wrong");
    }
}
