package io.ncc.checkin.demo.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.lettuce.core.AclSetuserArgs;
import io.lettuce.core.Range;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.ScoredValue;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.protocol.CommandType;
import io.ncc.checkin.model.IndexEntry;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.testsupport.RealRedis;
import io.ncc.redis.SingleRedis;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The indexes agree with the hashes, whatever was loaded over what. */
@Timeout(60)
final class IndexesIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final Set<Kind> HASHES = EnumSet.of(Kind.USERS, Kind.LOCATIONS);
    private static final String BCRYPT = "$2a$04$" + "x".repeat(53);

    private final StringWriter told = new StringWriter();
    private RedisClient client;

    @BeforeEach
    void connect() {
        client = RedisClient.create(redis.uri());
    }

    @AfterEach
    void disconnect() {
        client.shutdown();
    }

    private static RedisCommands<String, String> commands() {
        return redis.commands();
    }

    private void load(Partitions partitions, List<User> users, List<Location> locations, boolean reset)
            throws LoadException {
        try (Loader loader = Loader.connect(partitions, new SingleRedis(client), new PrintWriter(told))) {
            loader.load(new Dataset(users, locations, List.of()), HASHES, reset);
        }
    }

    private void build(Partitions partitions) {
        try (Targets targets = Targets.connect(partitions, new SingleRedis(client))) {
            new IndexBuild(targets, new PrintWriter(told, true)).run();
        }
    }

    private static User user(long id, String email) {
        return new User(id, "A", "B", email, BCRYPT, 0, null, null, null);
    }

    private static Indexes.Fields profile(String category, String place) {
        return new Indexes.Fields(location(1, category, place).profile(), Map.of(), List.of());
    }

    private static Location location(long id, String category, String place) {
        return new Location(id, "N" + id, category, place, 0, 0, 0);
    }

    /** Every entry of every index, as {@code <key> <entry>}. */
    private static Set<String> entries() {
        Set<String> entries = new TreeSet<>();
        for (String key : commands().keys("*index:*")) {
            commands().zrange(key, 0, -1).forEach(entry -> entries.add(key + ' ' + entry));
        }
        return entries;
    }

    /** The same as it follows from the hashes. */
    private static Set<String> expected(Partitions partitions) {
        Set<String> entries = new TreeSet<>();
        for (int partition = 0; partition < partitions.count(); partition++) {
            Keys keys = partitions.keys(partition);
            for (String key : commands().keys(keys.user(1).replaceFirst("1$", "*"))) {
                long id = Long.parseLong(key.substring(key.lastIndexOf(':') + 1));
                String email = commands().hget(key, "email");
                if (email != null) {
                    entries.add(keys.emails() + ' ' + IndexEntry.of(IndexEntry.email(email), id));
                }
            }
            for (String key : commands().keys(keys.location(1).replaceFirst("1$", "*"))) {
                long id = Long.parseLong(key.substring(key.lastIndexOf(':') + 1));
                String category = commands().hget(key, "category");
                if (category != null) {
                    entries.add(keys.categories() + ' ' + IndexEntry.of("", id));
                    entries.add(keys.categories() + ' ' + IndexEntry.of(category, id));
                    String place = Objects.requireNonNull(commands().hget(key, "location"));
                    if (Math.abs(Double.parseDouble(place.split(",", -1)[1])) < 85.06) {
                        entries.add(keys.places() + ' ' + id);
                        entries.add(keys.places(category) + ' ' + id);
                    }
                }
            }
        }
        return entries;
    }

    @Test
    void aUserIsFoundByTheAddressInLowerCaseAndALocationByCategoryAndPlace() throws Exception {
        load(
                Partitions.none(),
                List.of(user(7, "Zoë.NG@Example.com")),
                List.of(location(8, "bar", "-122.27,37.80")),
                false);

        assertThat(entries())
                .containsExactly(
                        "ncc:index:categories bar|0000000000000000008",
                        "ncc:index:categories |0000000000000000008",
                        "ncc:index:emails zoë.ng@example.com|0000000000000000007",
                        "ncc:index:places 8",
                        "ncc:index:places:bar 8");
        assertThat(Objects.requireNonNull(
                                commands().geopos("ncc:index:places:bar", "8").get(0))
                        .getX()
                        .doubleValue())
                .isBetween(-122.2701, -122.2699);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void whatALaterLoadChangesLeavesNoEntryBehind(boolean reset) throws Exception {
        Partitions none = Partitions.none();
        load(
                none,
                List.of(user(1, "a@x"), user(2, "b@x"), user(3, "C@x")),
                List.of(location(1, "bar", "1,1"), location(2, "cafe", "2,2"), location(3, "gym", "3,3")),
                false);

        load(
                none,
                List.of(user(1, "b@x"), user(2, "a@x"), user(3, "c@X")),
                List.of(location(1, "cafe", "1,1"), location(2, "cafe", "20,20"), location(3, "gym", "0,89")),
                reset);

        assertThat(entries()).isEqualTo(expected(none)).contains("ncc:index:emails b@x|0000000000000000001");
        assertThat(commands().exists("ncc:index:places:bar", "ncc:index:places:gym"))
                .isZero();
        assertThat(Objects.requireNonNull(
                                commands().geopos("ncc:index:places", "2").get(0))
                        .getX()
                        .doubleValue())
                .isBetween(19.9, 20.1);
    }

    /** Places near the poles are in no GEO set of Redis. */
    @Test
    void aPlaceThatRedisDoesNotTakeIsInItsCategoryAlone() throws Exception {
        load(Partitions.none(), List.of(), List.of(location(1, "hut", "0,-90")), false);
        assertThat(entries())
                .containsExactly(
                        "ncc:index:categories hut|0000000000000000001", "ncc:index:categories |0000000000000000001");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 8})
    void randomLoadsAndWritesOfOthersAreMendedByTheBuild(int count) throws Exception {
        Partitions partitions = count == 0 ? Partitions.none() : Partitions.of(count);
        Random random = new Random(count);
        for (int round = 0; round < 10; round++) {
            List<User> users = new ArrayList<>();
            List<Location> locations = new ArrayList<>();
            for (long id = 1; id <= 30; id++) {
                if (random.nextBoolean()) {
                    users.add(user(id, (random.nextBoolean() ? "U" : "u") + random.nextInt(20) + "@X"));
                    locations.add(
                            location(id, "c" + random.nextInt(4), random.nextInt(180) + "," + random.nextInt(90)));
                }
            }
            load(partitions, users, locations, random.nextBoolean());
            assertThat(entries()).as("round " + round).isEqualTo(expected(partitions));
        }

        for (long id = 1; id <= 30; id++) { // as programs that know no index
            Keys ofUser = partitions.keys(partitions.ofUser(id));
            Keys ofLocation = partitions.keys(partitions.ofLocation(id));
            switch (random.nextInt(4)) {
                case 0 -> commands().del(ofUser.user(id), ofLocation.location(id));
                case 1 -> {
                    commands().hset(ofUser.user(id), "email", "other" + id);
                    commands().hset(ofLocation.location(id), Map.of("category", "other", "location", "5,5"));
                }
                case 2 -> {
                    commands().hdel(ofUser.user(id), "email");
                    commands().hdel(ofLocation.location(id), "category");
                }
                default -> {
                    // stays
                }
            }
        }
        assertThat(entries()).isNotEqualTo(expected(partitions));

        Keys ofUser = partitions.keys(partitions.ofUser(31));
        commands().set(ofUser.user(31), "no hash");
        commands().zadd(ofUser.emails(), 0, IndexEntry.of("x", 31));
        for (String odd : List.of("", "foo", "x|7", "x|000000000000000000y", "x|9999999999999999999")) {
            commands().zadd(ofUser.emails(), 0, odd);
            commands().zadd(ofUser.categories(), 0, odd);
            commands().geoadd(ofUser.places(), 0, 0, odd);
            commands().geoadd(ofUser.places("c1"), 0, 0, odd);
        }
        build(partitions);

        commands().del(ofUser.user(31));
        assertThat(entries()).isEqualTo(expected(partitions));
    }

    @Test
    void theBuildIsAsSafeAsALoadThatRunsMeanwhile() throws Exception {
        Partitions none = Partitions.none();
        AtomicBoolean ended = new AtomicBoolean();
        List<Throwable> failures = new ArrayList<>();
        Thread building = new Thread(() -> {
            try {
                while (!ended.get()) {
                    build(none);
                }
            } catch (RuntimeException e) {
                failures.add(e);
            }
        });
        building.start();
        try {
            Random random = new Random(5);
            for (int round = 0; round < 40; round++) {
                List<User> users = new ArrayList<>();
                List<Location> locations = new ArrayList<>();
                for (long id = 1; id <= 200; id++) {
                    users.add(user(id, "u" + random.nextInt(1_000)));
                    locations.add(location(id, "c" + random.nextInt(3), random.nextInt(90) + ",1"));
                }
                load(none, users, locations, false);
            }
        } finally {
            ended.set(true);
            building.join();
        }
        assertThat(failures).isEmpty();
        assertThat(entries()).isEqualTo(expected(none));
    }

    /** Two loaders: the one that comes too late with what it read writes nothing of that location, and says so. */
    @Test
    void aCategoryThatAnotherProgramChangedMeanwhileIsNotOverwritten() {
        try (Targets targets = Targets.connect(Partitions.none(), new SingleRedis(client))) {
            Targets.Target target = targets.all().get(0);
            target.await(Indexes.putLocation(target, 1, "", "bar", profile("bar", "1,1")));

            assertThatExceptionOfType(RedisCommandExecutionException.class)
                    .isThrownBy(() -> target.await(Indexes.putLocation(target, 1, "", "gym", profile("gym", "2,2"))))
                    .satisfies(e -> assertThat(Indexes.isChanged(e)).isTrue());
        }
        assertThat(commands().hget("ncc:locations:1", "category")).isEqualTo("bar");
        assertThat(entries()).isEqualTo(expected(Partitions.none()));
    }

    @ParameterizedTest
    @CsvSource({
        "ncc:users:1, hash",
        "ncc:index:emails, sorted set",
        "ncc:locations:1, hash",
        "ncc:index:categories, sorted set",
        "ncc:index:places, sorted set",
        "ncc:index:places:bar, sorted set"
    })
    void aKeyOfAnotherTypeIsNamedAndNothingIsWrittenOfItsUserOrLocation(String key, String type) {
        commands().set(key, "damaged");
        boolean ofUser = key.contains("users") || key.contains("emails");
        for (boolean reset : new boolean[] {false, true}) {
            assertThatExceptionOfType(LoadException.class)
                    .isThrownBy(() -> load(
                            Partitions.none(),
                            ofUser ? List.of(user(1, "a@x")) : List.of(),
                            ofUser ? List.of() : List.of(location(1, "bar", "1,1")),
                            reset))
                    .withMessageEndingWith("Redis: DAMAGED " + key + " is not a " + type);
            assertThat(commands().keys("*")).containsExactly(key);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"ZADD", "ZREM", "GEOADD", "HSET", "HDEL"})
    void withoutARightNothingIsWrittenOfTheUserOrLocation(String command) {
        commands()
                .aclSetuser(
                        "some",
                        AclSetuserArgs.Builder.on()
                                .nopass()
                                .allKeys()
                                .allCommands()
                                .removeCommand(CommandType.valueOf(command)));
        RedisClient limited = RedisClient.create(redis.uri().replace("redis://", "redis://some:any@"));
        try (Loader loader = Loader.connect(Partitions.none(), new SingleRedis(limited), new PrintWriter(told))) {
            if (!command.equals("GEOADD")) {
                assertThatExceptionOfType(LoadException.class)
                        .isThrownBy(() ->
                                loader.load(new Dataset(List.of(user(1, "a@x")), List.of(), List.of()), HASHES, true));
            }
            if (!command.equals("HDEL")) {
                assertThatExceptionOfType(LoadException.class)
                        .isThrownBy(() -> loader.load(
                                new Dataset(List.of(), List.of(location(1, "bar", "1,1")), List.of()),
                                EnumSet.of(Kind.LOCATIONS),
                                true));
            }
            assertThat(commands().keys("*")).isEmpty();
        } finally {
            limited.shutdown();
            commands().aclDeluser("some");
        }
    }

    @Test
    void anIndexHasNoScores() throws Exception {
        load(Partitions.none(), List.of(user(1, "a")), List.of(location(1, "bar", "1,1")), false);
        for (String index : List.of("ncc:index:emails", "ncc:index:categories")) {
            assertThat(commands().zrangebyscoreWithScores(index, Range.unbounded()))
                    .extracting(ScoredValue::getScore)
                    .containsOnly(0.0);
        }
    }
}
