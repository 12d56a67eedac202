package io.ncc.checkin.demo.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.tuple;

import io.lettuce.core.AclSetuserArgs;
import io.lettuce.core.Range;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisException;
import io.lettuce.core.StreamMessage;
import io.lettuce.core.XAddArgs;
import io.lettuce.core.XGroupCreateArgs;
import io.lettuce.core.XReadArgs;
import io.lettuce.core.protocol.CommandType;
import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.CheckinCodec;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.testsupport.RealRedis;
import io.ncc.redis.SingleRedis;
import io.ncc.redis.StreamId;
import io.ncc.redis.UnfitServerException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Instant;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.security.crypto.bcrypt.BCrypt;

@Timeout(60)
final class LoaderIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final Set<Kind> ALL = EnumSet.allOf(Kind.class);
    private static final Set<Kind> HASHES = EnumSet.of(Kind.USERS, Kind.LOCATIONS);
    private static final Instant HOUR = Instant.parse("2026-11-27T23:00:00Z");
    /** How many keys the indexes of the sample have. */
    private static final int INDEXES = 3 + 6;

    private static final String BCRYPT = BCrypt.hashpw("secret", BCrypt.gensalt(4));

    private final Keys keys = Keys.unpartitioned();
    private final Dataset small = new Dataset(
            List.of(new User(7, "Zoë", "Ng", "zoe@example.com", BCRYPT, 0, null, null, null)),
            List.of(new Location(8, "Acorn Books", "retail", "-122.27,37.8", 0, 0, 0)),
            List.of(
                    new RecordedCheckin(new StreamId(100, 0), new Checkin(7, 8, 5)),
                    new RecordedCheckin(new StreamId(100, 1), new Checkin(7, 8, 0))));

    private final StringWriter told = new StringWriter();
    private RedisClient client;
    private Loader loader;

    @BeforeEach
    void connect() {
        client = RedisClient.create(redis.uri());
        loader = loader(Partitions.none(), Loader.DEFAULT_PASSWORD_COST);
    }

    private Loader loader(Partitions partitions, int passwordCost) {
        return Loader.connect(partitions, new SingleRedis(client), new PrintWriter(told), passwordCost);
    }

    private void load(Partitions partitions, Dataset data, Set<Kind> kinds, boolean reset) throws LoadException {
        try (Loader partitioned = loader(partitions, Loader.DEFAULT_PASSWORD_COST)) {
            partitioned.load(data, kinds, reset);
        }
    }

    @AfterEach
    void disconnect() {
        loader.close();
        client.shutdown();
    }

    @Test
    void theWholeSampleArrives() throws Exception {
        Dataset sample = SampleData.dataset();

        loader.load(sample, ALL, false);

        assertThat(redis.commands().dbsize()).isEqualTo(1_000 + 200 + 200 + 1 + INDEXES);
        User user = sample.users().get(41);
        assertThat(redis.commands().hgetall(keys.user(user.id())))
                .containsExactlyInAnyOrderEntriesOf(Map.of(
                        "id", "42",
                        "firstName", user.firstName(),
                        "lastName", user.lastName(),
                        "email", user.email(),
                        "password", user.password(),
                        "numCheckins", "0"));
        Location location = sample.locations().get(6);
        assertThat(redis.commands().hgetall(keys.location(location.id())))
                .containsExactlyInAnyOrderEntriesOf(Map.of(
                        "id", "7",
                        "name", location.name(),
                        "category", location.category(),
                        "location", location.location(),
                        "numCheckins", "0",
                        "numStars", "0",
                        "averageStars", "0"));
        assertThat(redis.commands().xrange(keys.checkins(), Range.unbounded()))
                .usingElementComparator(
                        (a, b) -> a.getId().equals(b.getId()) && a.getBody().equals(b.getBody()) ? 0 : 1)
                .containsExactlyElementsOf(sample.checkins().stream()
                        .map(recorded -> new StreamMessage<>(
                                keys.checkins(), recorded.id().toString(), CheckinCodec.encode(recorded.checkin())))
                        .toList());
    }

    @Test
    void aSecondLoadNeverOverwritesLiveCounters() throws Exception {
        loader.load(small, HASHES, false);
        redis.commands()
                .hset(
                        keys.user(7),
                        Map.of(
                                "firstName",
                                "Zoe",
                                "numCheckins",
                                "3",
                                "lastCheckin",
                                "99",
                                "lastCheckinId",
                                "99-1",
                                "lastSeenAt",
                                "8"));
        redis.commands().hset(keys.location(8), Map.of("numCheckins", "3", "numStars", "10", "averageStars", "3"));
        User withCounters = new User(7, "Zoë", "Ng", "z@example.com", BCRYPT, 1, 50L, new StreamId(50, 0), 9L);
        Location location = new Location(8, "Acorn Books", "retail", "-122.27,37.8", 1, 5, 5);

        loader.load(new Dataset(List.of(withCounters), List.of(location), List.of()), HASHES, false);

        assertThat(redis.commands().hgetall(keys.user(7)))
                .containsEntry("firstName", "Zoë")
                .containsEntry("email", "z@example.com")
                .containsEntry("numCheckins", "3")
                .containsEntry("lastCheckin", "99")
                .containsEntry("lastCheckinId", "99-1")
                .containsEntry("lastSeenAt", "8");
        assertThat(redis.commands().hgetall(keys.location(8)))
                .containsEntry("numCheckins", "3")
                .containsEntry("numStars", "10")
                .containsEntry("averageStars", "3");
    }

    @Test
    void aHashThatTheProcessorMadeIsFilledUp() throws Exception {
        redis.commands().hset(keys.user(7), Map.of("id", "7", "numCheckins", "2"));

        loader.load(small, HASHES, false);

        assertThat(redis.commands().hgetall(keys.user(7)))
                .containsEntry("numCheckins", "2")
                .containsEntry("lastName", "Ng");
    }

    @Test
    void checkinsBelowTheTopOfTheStreamAreRefusedBeforeAnythingIsWritten() {
        redis.commands().xadd(keys.checkins(), new XAddArgs().id("100-0"), CheckinCodec.encode(new Checkin(1, 1, 1)));

        assertThatExceptionOfType(LoadException.class)
                .isThrownBy(() -> loader.load(small, ALL, false))
                .withMessageStartingWith(
                        "the first checkin has the id 100-0, but the stream ncc:checkins is already at 100-0.")
                .withMessageContaining("--reset");
        assertThat(redis.commands().dbsize()).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whatAProcessorRemembersOfADeletedStreamIsNoticed(boolean ofBoards) {
        String checkpoint = ofBoards ? keys.boardsCheckpoint() : keys.checkpoint();
        String settledRanges = ofBoards ? keys.boardsSettledRanges() : keys.settledRanges();
        redis.commands().set(checkpoint, "200-0");
        assertThatExceptionOfType(LoadException.class)
                .isThrownBy(() -> loader.load(small, ALL, false))
                .withMessageStartingWith("the first checkin has the id 100-0, but the processor's checkpoint "
                        + (ofBoards ? "of the boards " : "") + "is already at 200-0.");

        redis.commands().set(checkpoint, "abc");
        assertThatExceptionOfType(LoadException.class)
                .isThrownBy(() -> loader.load(small, ALL, false))
                .withMessageStartingWith(checkpoint + " is no checkpoint: ");

        redis.commands().del(checkpoint);
        redis.commands().zadd(settledRanges, 0, "a range");
        assertThatExceptionOfType(LoadException.class)
                .isThrownBy(() -> loader.load(small, ALL, false))
                .withMessageStartingWith("there is no stream, but the processor still remembers settled checkins");
        assertThat(redis.commands().dbsize()).isEqualTo(1);
    }

    @Test
    void aCheckpointMayBeMillisecondsAlone() {
        redis.commands().set(keys.checkpoint(), "200");
        assertThatExceptionOfType(LoadException.class)
                .isThrownBy(() -> loader.load(small, ALL, false))
                .withMessageStartingWith(
                        "the first checkin has the id 100-0, but the processor's checkpoint is already at 200.");
    }

    @Test
    void aDamagedKeyIsNamed() throws Exception {
        redis.commands().set(keys.checkpoint(), "abc");
        assertThatExceptionOfType(LoadException.class)
                .isThrownBy(() -> loader.load(small, ALL, false))
                .withMessageStartingWith(keys.checkpoint() + " is no checkpoint: ")
                .withMessageContaining("abc")
                .withMessageContaining("--reset");

        redis.commands().del(keys.checkpoint());
        redis.commands().hset(keys.checkpoint(), "a", "b");
        assertThatExceptionOfType(LoadException.class)
                .isThrownBy(() -> loader.load(small, ALL, false))
                .withMessageStartingWith(keys.checkpoint() + " is not a string.");

        redis.commands().set(keys.checkins(), "x");
        assertThatExceptionOfType(LoadException.class)
                .isThrownBy(() -> loader.load(small, ALL, false))
                .withMessageStartingWith(keys.checkins() + " is not a stream.");

        loader.load(small, ALL, true);
        assertThat(redis.commands().xlen(keys.checkins())).isEqualTo(2);
    }

    @Test
    void checkinsAboveTheTopAreAppended() throws Exception {
        redis.commands().xadd(keys.checkins(), new XAddArgs().id("99-0"), CheckinCodec.encode(new Checkin(1, 1, 1)));

        loader.load(small, ALL, false);

        assertThat(redis.commands().xrange(keys.checkins(), Range.unbounded()))
                .extracting(StreamMessage::getId)
                .containsExactly("99-0", "100-0", "100-1");
    }

    @Test
    void aResetDeletesAllThatIsKnownAboutTheStreamAndSetsCountersAnew() throws Exception {
        redis.commands().xadd(keys.checkins(), Map.of("userId", "1"));
        redis.commands().xgroupCreate(XReadArgs.StreamOffset.from(keys.checkins(), "0"), Keys.GROUP);
        redis.commands().set(keys.checkpoint(), "200-0");
        redis.commands().zadd(keys.settledRanges(), 0, "a range");
        redis.commands().hset(keys.totals(), "applied", "5");
        redis.commands().xadd(keys.deadLetters(), Map.of("userId", "x"));
        redis.commands().hset(keys.deadLetterIds(), "5-0", "6-0");
        redis.commands().hset(keys.projections(), Keys.GROUP, "200-0");
        redis.commands().set(keys.boardsCheckpoint(), "200-0");
        redis.commands().zadd(keys.userBoard(), 3, "7");
        redis.commands().zadd(keys.userDayBoard(), 3, "7");
        redis.commands().zadd(keys.userBoard(HOUR), 3, "7");
        redis.commands().zadd(keys.locationBoard(), 3, "99");
        redis.commands().zadd(keys.locationDayBoard(), 3, "99");
        redis.commands().zadd(keys.locationBoard(HOUR), 3, "99");
        redis.commands().zadd(keys.boardHours(), (double) HOUR.getEpochSecond(), Keys.nameOf(HOUR));
        redis.commands().zadd(keys.starBoard(), 9, "99");
        redis.commands().zadd(keys.recentUsers(), 99, "7");
        redis.commands().zadd(keys.visitors(99), 99, "7");
        redis.commands()
                .hset(
                        keys.user(7),
                        Map.of("numCheckins", "3", "lastCheckin", "99", "lastCheckinId", "99-0", "lastSeenAt", "8"));
        redis.commands().hset(keys.location(8), Map.of("numCheckins", "3", "numStars", "10", "averageStars", "3"));
        redis.commands().hset(keys.user(1), Map.of("id", "1", "numCheckins", "4"));

        loader.load(small, ALL, true);

        assertThat(redis.commands().keys("*"))
                .containsExactlyInAnyOrder(
                        keys.checkins(),
                        keys.user(7),
                        keys.location(8),
                        keys.user(1),
                        keys.emails(),
                        keys.categories(),
                        keys.places(),
                        keys.places("retail"));
        assertThat(redis.commands().xlen(keys.checkins())).isEqualTo(2);
        assertThat(groups()).containsExactly("checkinConsumers 0-0");
        assertThat(redis.commands().hgetall(keys.user(7)))
                .containsEntry("numCheckins", "0")
                .doesNotContainKeys("lastCheckin", "lastCheckinId", "lastSeenAt");
        assertThat(redis.commands().hgetall(keys.location(8)))
                .containsEntry("numCheckins", "0")
                .containsEntry("numStars", "0")
                .containsEntry("averageStars", "0");
        assertThat(redis.commands().hget(keys.user(1), "numCheckins"))
                .as("of a user that is not among the records")
                .isEqualTo("4");
    }

    /** A processor that runs meanwhile can't count what is no longer in the stream. */
    @Test
    void aResetDeletesTheStreamBeforeTheBoardsAndCanBeRepeated() throws Exception {
        redis.commands().xadd(keys.checkins(), Map.of("userId", "1"));
        redis.commands().set(keys.boardsCheckpoint(), "200-0");
        redis.commands().zadd(keys.locationBoard(), 3, "99");
        redis.commands().zadd(keys.visitors(99), 99, "7");
        redis.commands()
                .aclSetuser(
                        "some",
                        AclSetuserArgs.Builder.on()
                                .nopass()
                                .allKeys()
                                .allCommands()
                                .removeCommand(CommandType.ZRANGE));
        RedisClient limited = RedisClient.create(redis.uri().replace("redis://", "redis://some:any@"));
        try (Loader failing = Loader.connect(Partitions.none(), new SingleRedis(limited), new PrintWriter(told))) {
            assertThatExceptionOfType(RedisException.class).isThrownBy(() -> failing.load(small, ALL, true));
        } finally {
            limited.shutdown();
            redis.commands().aclDeluser("some");
        }
        assertThat(redis.commands().keys("*")).containsExactlyInAnyOrder(keys.locationBoard(), keys.visitors(99));

        loader.load(small, ALL, true);
        assertThat(redis.commands().exists(keys.locationBoard(), keys.visitors(99)))
                .isZero();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aResetDeletesDamagedBoards(boolean otherType) throws Exception {
        for (String board : List.of(keys.boardHours(), keys.locationBoard())) {
            if (otherType) {
                redis.commands().set(board, "damaged");
            } else {
                redis.commands().zadd(board, 1, "damaged");
            }
        }
        if (!otherType) {
            redis.commands().zadd(keys.locationBoard(), 3, "99");
            redis.commands().zadd(keys.visitors(99), 99, "7");
            redis.commands().zadd(keys.boardHours(), (double) HOUR.getEpochSecond(), Keys.nameOf(HOUR));
            redis.commands().zadd(keys.userBoard(HOUR), 3, "7");
        }
        loader.load(small, EnumSet.of(Kind.CHECKINS), true);
        assertThat(redis.commands().keys("*")).containsExactly(keys.checkins());
    }

    /** The programs of others that share the group don't make it. */
    @Test
    void theGroupIsMadeWhereAProcessorWouldMakeIt() throws Exception {
        redis.commands().set(keys.checkpoint(), "50-3");

        loader.load(small, ALL, false);

        assertThat(groups()).containsExactly("checkinConsumers 50-3");
    }

    @Test
    void aGroupThatExistsStaysWhereItIs() throws Exception {
        redis.commands()
                .xgroupCreate(
                        XReadArgs.StreamOffset.from(keys.checkins(), "7-7"),
                        Keys.GROUP,
                        XGroupCreateArgs.Builder.mkstream());

        loader.load(small, ALL, false);

        assertThat(groups()).containsExactly("checkinConsumers 7-7");
    }

    @Test
    void withoutCheckinsNoGroupIsMade() throws Exception {
        loader.load(small, HASHES, false);
        assertThat(redis.commands().exists(keys.checkins())).isZero();
    }

    /** Each name with the id that it was delivered last. */
    private List<String> groups() {
        return groups(keys);
    }

    private static List<String> groups(Keys keys) {
        return redis.commands().xinfoGroups(keys.checkins()).stream()
                .map(group -> {
                    List<?> fields = (List<?>) group;
                    return fields.get(fields.indexOf("name") + 1) + " "
                            + fields.get(fields.lastIndexOf("last-delivered-id") + 1);
                })
                .toList();
    }

    @Test
    void theTimeThatIsToldIncludesTheHashingOfPasswords() throws Exception {
        User plain = small.users().get(0).withPassword("correct horse");
        long start = System.nanoTime();

        try (Loader costly = loader(Partitions.none(), 12)) {
            costly.load(new Dataset(List.of(plain), List.of(), List.of()), EnumSet.of(Kind.USERS), false);
        }

        double seconds = (System.nanoTime() - start) / 1e9;
        assertThat(redis.commands().hget(keys.user(7), "password")).startsWith("$2a$12$");
        assertThat(told.toString()).startsWith("1 users loaded in ");
        assertThat(Double.parseDouble(told.toString().split(" ")[4])).isBetween(seconds - 0.15, seconds + 0.05);
    }

    @Test
    void aResetOfUsersLeavesTheStreamAlone() throws Exception {
        redis.commands().xadd(keys.checkins(), Map.of("userId", "1"));
        redis.commands().set(keys.checkpoint(), "200-0");

        loader.load(small, EnumSet.of(Kind.USERS), true);

        assertThat(redis.commands().exists(keys.checkins(), keys.checkpoint())).isEqualTo(2);
    }

    @Test
    void plainPasswordsAreStoredAsBcryptAndBcryptAsItIs() throws Exception {
        User plain = small.users().get(0).withPassword("correct horse");
        User hashed = new User(9, "A", "B", "c", BCRYPT, 0, null, null, null);

        loader.load(new Dataset(List.of(plain, hashed), List.of(), List.of()), EnumSet.of(Kind.USERS), false);

        String stored = redis.commands().hget(keys.user(7), "password");
        assertThat(stored).startsWith("$2a$10$");
        assertThat(BCrypt.checkpw("correct horse", stored)).isTrue();
        assertThat(redis.commands().hget(keys.user(9), "password")).isEqualTo(BCRYPT);
    }

    @Test
    void aKeyOfAnotherTypeEndsTheLoadAndIsNamed() {
        redis.commands().set(keys.user(7), "no hash");
        assertThatExceptionOfType(LoadException.class)
                .isThrownBy(() -> loader.load(small, HASHES, false))
                .withMessageStartingWith(
                        "users: stopped with at least 0 of 1 written: Redis: DAMAGED ncc:users:7 is not a hash");
    }

    @Test
    void aFullRedisEndsTheLoadWithTheReason() {
        redis.fillMemory();
        assertThatExceptionOfType(LoadException.class)
                .isThrownBy(() -> loader.load(SampleData.dataset(), ALL, false))
                .withMessageStartingWith("users: stopped with at least 0 of 1,000 written: Redis: OOM ");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4, 64})
    void withPartitionsEachRecordIsInItsOwn(int count) throws Exception {
        Partitions partitions = Partitions.of(count);
        Dataset sample = SampleData.dataset();

        load(partitions, sample, ALL, false);

        Set<String> expected = new TreeSet<>();
        sample.users()
                .forEach(user -> expected.add(
                        partitions.keys(partitions.ofUser(user.id())).user(user.id())));
        sample.locations().forEach(location -> {
            Keys home = partitions.keys(partitions.ofLocation(location.id()));
            expected.addAll(List.of(
                    home.location(location.id()),
                    home.details(location.id()),
                    home.categories(),
                    home.places(),
                    home.places(location.category())));
        });
        for (int partition = 0; partition < count; partition++) {
            int own = partition;
            Keys keys = partitions.keys(partition);
            expected.add(keys.checkins());
            expected.add(keys.partitions());
            expected.add(keys.emails());
            assertThat(redis.commands().xrange(keys.checkins(), Range.unbounded()))
                    .extracting(StreamMessage::getId, StreamMessage::getBody)
                    .containsExactlyElementsOf(sample.checkins().stream()
                            .filter(recorded ->
                                    partitions.ofUser(recorded.checkin().userId()) == own)
                            .map(recorded -> tuple(recorded.id().toString(), CheckinCodec.encode(recorded.checkin())))
                            .toList());
            assertThat(groups(keys)).containsExactly("checkinConsumers 0-0");
        }
        assertThat(redis.commands().keys("*")).containsExactlyInAnyOrderElementsOf(expected);
        Keys home = partitions.keys(partitions.ofUser(42));
        assertThat(redis.commands().hget(home.user(42), "firstName"))
                .isEqualTo(sample.users().get(41).firstName());
        assertThat(told.toString().lines())
                .satisfiesExactly(
                        line -> assertThat(line).startsWith("1,000 users loaded in "),
                        line -> assertThat(line).startsWith("200 locations loaded in "),
                        line -> assertThat(line).startsWith("200 locationdetails loaded in "),
                        line -> assertThat(line).startsWith("5,000 checkins loaded in "));
    }

    /** User 7 and location 8 of the small dataset are in different ones. */
    private final Partitions four = Partitions.of(4);

    private final Keys homeOfUser = four.keys(four.ofUser(7));
    private final Keys homeOfLocation = four.keys(four.ofLocation(8));

    @Test
    void onlyTheStreamOfItsPartitionCanBeAboveACheckin() throws Exception {
        assertThat(homeOfUser.checkins()).isNotEqualTo(homeOfLocation.checkins());
        redis.commands()
                .xadd(homeOfLocation.checkins(), new XAddArgs().id("900-0"), CheckinCodec.encode(new Checkin(1, 1, 1)));

        load(four, small, ALL, false);
        assertThat(redis.commands().xlen(homeOfUser.checkins())).isEqualTo(2);

        assertThatExceptionOfType(LoadException.class)
                .isThrownBy(() -> load(four, small, ALL, false))
                .withMessageStartingWith("the first checkin has the id 100-0, but the stream " + homeOfUser.checkins()
                        + " is already at 100-1. Nothing was written.");
    }

    @Test
    void aResetOfPartitionsDeletesAllStreamsAndAllSharesOfTheLoadedLocations() throws Exception {
        for (int partition = 0; partition < 4; partition++) {
            Keys keys = four.keys(partition);
            redis.commands().xadd(keys.checkins(), Map.of("userId", "1"));
            redis.commands().set(keys.checkpoint(), "200-0");
            redis.commands().zadd(keys.settledRanges(), 0, "a range");
            redis.commands().hset(keys.totals(), "applied", "5");
            redis.commands().xadd(keys.deadLetters(), Map.of("userId", "x"));
            redis.commands().hset(keys.deadLetterIds(), "5-0", "6-0");
            redis.commands()
                    .hset(
                            keys.location(8),
                            Map.of("id", "8", "numCheckins", "3", "numStars", "10", "averageStars", "3"));
        }
        redis.commands().hset(homeOfUser.location(1), "numCheckins", "4");

        load(four, small, ALL, true);

        assertThat(redis.commands().keys("*"))
                .containsExactlyInAnyOrderElementsOf(Stream.concat(
                                IntStream.range(0, 4)
                                        .mapToObj(four::keys)
                                        .flatMap(keys -> Stream.of(keys.checkins(), keys.partitions())),
                                Stream.of(
                                        homeOfUser.user(7),
                                        homeOfUser.emails(),
                                        homeOfLocation.location(8),
                                        homeOfLocation.categories(),
                                        homeOfLocation.places(),
                                        homeOfLocation.places("retail"),
                                        homeOfUser.location(1)))
                        .toList());
        assertThat(redis.commands().hgetall(homeOfLocation.location(8)))
                .containsEntry("numCheckins", "0")
                .containsEntry("numStars", "0")
                .containsEntry("name", "Acorn Books");
        assertThat(told.toString())
                .contains("streams of 4 partitions deleted, with everything that is known about them");
    }

    @Test
    void aSecondLoadLeavesAllSharesOfALocationAlone() throws Exception {
        load(four, small, HASHES, false);
        redis.commands().hset(homeOfLocation.location(8), Map.of("numCheckins", "3", "numStars", "10"));
        redis.commands().hset(homeOfUser.location(8), Map.of("numCheckins", "2", "numStars", "9"));
        Location location = new Location(8, "Acorn", "retail", "-122.27,37.8", 1, 5, 5);

        load(four, new Dataset(List.of(), List.of(location), List.of()), HASHES, false);

        assertThat(redis.commands().hgetall(homeOfLocation.location(8)))
                .containsEntry("name", "Acorn")
                .containsEntry("numCheckins", "3")
                .containsEntry("numStars", "10");
        assertThat(redis.commands().hgetall(homeOfUser.location(8)))
                .containsExactlyInAnyOrderEntriesOf(Map.of("numCheckins", "2", "numStars", "9"));
    }

    @Test
    void theGroupOfEachPartitionIsMadeAtItsCheckpoint() throws Exception {
        redis.commands().set(homeOfUser.checkpoint(), "50-3");

        load(four, small, ALL, false);

        assertThat(groups(homeOfUser)).containsExactly("checkinConsumers 50-3");
        assertThat(groups(homeOfLocation)).containsExactly("checkinConsumers 0-0");
    }

    @Test
    void aStreamInOnePartitionIsAStream() throws Exception {
        try (Loader partitioned = loader(four, Loader.DEFAULT_PASSWORD_COST)) {
            assertThat(partitioned.streamExists()).isFalse();
            redis.commands().xadd(homeOfLocation.checkins(), Map.of("userId", "1"));
            assertThat(partitioned.streamExists()).isTrue();
        }
    }

    @Test
    void anotherNumberOfPartitionsIsRefused() throws Exception {
        load(four, small, ALL, false);
        List<String> before = redis.commands().keys("*");

        for (Partitions wrong : List.of(Partitions.of(1), Partitions.of(64), Partitions.none())) {
            assertThatExceptionOfType(UnfitServerException.class)
                    .isThrownBy(() -> load(wrong, small, ALL, true))
                    .withMessageContaining(
                            "but Redis has 4 partitions, as " + four.keys(0).partitions() + " says.");
        }
        assertThat(redis.commands().keys("*")).containsExactlyInAnyOrderElementsOf(before);
    }
}
