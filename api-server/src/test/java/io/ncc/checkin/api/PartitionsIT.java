package io.ncc.checkin.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lettuce.core.Range;
import io.lettuce.core.StreamMessage;
import io.lettuce.core.XAddArgs;
import io.lettuce.core.XGroupCreateArgs;
import io.lettuce.core.XReadArgs;
import io.lettuce.core.XReadArgs.StreamOffset;
import io.lettuce.core.api.sync.RedisCommands;
import io.ncc.checkin.api.partition.CheckinId;
import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.CheckinCodec;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.testsupport.HttpAnswer;
import io.ncc.checkin.testsupport.LiveFollower;
import io.ncc.checkin.testsupport.RandomCheckins;
import io.ncc.checkin.testsupport.RealRedis;
import io.ncc.checkin.testsupport.SequentialFold;
import java.net.http.HttpRequest.BodyPublishers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** The API server over several partitions of one Redis. Each number of partitions has a database of its own. */
@Timeout(120)
final class PartitionsIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final Duration LIMIT = Duration.ofSeconds(30);
    private static final Map<Integer, ApiServer> SERVERS = new TreeMap<>();

    private Partitions partitions = Partitions.of(4);
    private final RandomCheckins random = new RandomCheckins(11, 300, 20);

    /** The server for a number of partitions, with whose database the test works from now on. */
    private ApiServer api(int count) {
        partitions = Partitions.of(count);
        redis.commands().select(count % 16);
        return SERVERS.computeIfAbsent(
                count,
                key -> ApiServer.start(
                        redis, "--checkin.partitions=" + count, "--spring.data.redis.database=" + count % 16));
    }

    @AfterAll
    static void stop() {
        SERVERS.values().forEach(ApiServer::close);
        SERVERS.clear();
    }

    private static RedisCommands<String, String> commands() {
        return redis.commands();
    }

    private void append(int count) {
        random.append(partitions, partition -> commands(), count);
    }

    /**
     * Adds a checkin of a user of the partition, and returns its id.
     *
     * @param entry the id in the stream, or *
     */
    private String add(int partition, String entry) {
        long user = 1;
        while (partitions.ofUser(user) != partition) {
            user++;
        }
        return commands()
                        .xadd(
                                partitions.keys(partition).checkins(),
                                new XAddArgs().id(entry),
                                CheckinCodec.encode(new Checkin(user, 1, 5)))
                + '-'
                + partition;
    }

    private List<CheckinId> all() {
        List<CheckinId> ids = new ArrayList<>();
        for (int partition = 0; partition < partitions.count(); partition++) {
            for (StreamMessage<String, String> entry : entries(partition)) {
                ids.add(CheckinId.of(partitions, partition, entry.getId()));
            }
        }
        return ids.stream().sorted().toList();
    }

    private List<StreamMessage<String, String>> entries(int partition) {
        return commands().xrange(partitions.keys(partition).checkins(), Range.unbounded());
    }

    private CheckinId id(JsonNode node) {
        return CheckinId.parse(node.asString(), partitions);
    }

    /** Writes what a processor would make of the streams, each partition for itself. */
    private void apply() {
        for (int partition = 0; partition < partitions.count(); partition++) {
            SequentialFold.over(Map.of(), partitions.keys(partition))
                    .addStream(commands())
                    .hashes()
                    .forEach((key, hash) -> commands().hset(key, hash));
        }
    }

    @Test
    void aFullMemoryIsReadAlsoOverNewConnections() {
        ApiServer api = api(4);
        append(100);
        apply();
        for (int partition : partitions.all()) {
            commands().set(partitions.keys(partition).partitions(), "4"); // was flushed while the server was connected
        }
        long user = Long.parseLong(entries(0).get(0).getBody().get("userId"));
        redis.fillMemory();
        try {
            redis.killConnections();
            for (String path : List.of("/users/" + user, "/locations/1", "/checkins/latest", "/stream")) {
                await(path).atMost(LIMIT).untilAsserted(() -> {
                    HttpAnswer answer = api.get(path);
                    assertThat(answer.status()).as(answer.body()).isEqualTo(200);
                    assertThat(answer.json().path("away")).isEmpty();
                });
            }
        } finally {
            redis.releaseMemory();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4, 64})
    void aLocationIsTheExactSumOfItsShares(int count) {
        ApiServer api = api(count);
        append(4_000);
        apply();
        Map<Long, long[]> expected = new TreeMap<>(); // checkins and stars
        for (int partition = 0; partition < count; partition++) {
            for (StreamMessage<String, String> entry : entries(partition)) {
                long[] sums =
                        expected.computeIfAbsent(Long.valueOf(entry.getBody().get("locationId")), key -> new long[2]);
                sums[0]++;
                sums[1] += Long.parseLong(entry.getBody().get("starRating"));
            }
        }
        assertThat(expected).hasSize(20);
        expected.forEach((location, sums) -> {
            commands()
                    .hset(partitions.keys(partitions.ofLocation(location)).location(location), "name", "L" + location);
            JsonNode shown = api.get("/locations/" + location).json();
            assertThat(shown.get("name").asString()).isEqualTo("L" + location);
            assertThat(shown.get("numCheckins").asLong()).isEqualTo(sums[0]);
            assertThat(shown.get("numStars").asLong()).isEqualTo(sums[1]);
            assertThat(shown.get("averageStars").asLong()).isEqualTo((2 * sums[1] + sums[0]) / (2 * sums[0]));
        });
        assertThat(api.get("/locations/21").status()).isEqualTo(404);
    }

    @Test
    void aLocationThatWasNeverCheckedInAtHasWhatWasLoaded() {
        ApiServer api = api(4);
        Keys home = partitions.keys(partitions.ofLocation(7));
        commands().hset(home.location(7), Map.of("id", "7", "name", "Bar", "numCheckins", "0", "numStars", "0"));
        assertThat(api.get("/locations/7").body())
                .isEqualTo("{\"id\":7,\"name\":\"Bar\",\"category\":null,\"location\":null,\"numCheckins\":0,"
                        + "\"numStars\":0,\"averageStars\":0}");
        Keys other = partitions.keys((partitions.ofLocation(7) + 1) % 4);
        commands().hset(other.location(7), Map.of("numCheckins", "many", "numStars", "3"));
        assertThat(api.get("/locations/7").body())
                .as("a share that can't be read makes the sum unknown")
                .contains("\"numCheckins\":null,\"numStars\":3,\"averageStars\":null");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4, 64})
    void aUserIsInTheirPartitionAndTheirLastCheckinIsNamedWithIt(int count) {
        ApiServer api = api(count);
        append(500);
        apply();
        for (int user = 1; user <= 300; user += 7) {
            int partition = partitions.ofUser(user);
            Map<String, String> hash =
                    commands().hgetall(partitions.keys(partition).user(user));
            HttpAnswer answer = api.get("/users/" + user);
            if (hash.isEmpty()) {
                assertThat(answer.status()).isEqualTo(404);
            } else {
                assertThat(answer.json().get("numCheckins").asString()).isEqualTo(hash.get("numCheckins"));
                String last = answer.json().get("lastCheckinId").asString();
                assertThat(last).isEqualTo(hash.get("lastCheckinId") + '-' + partition);
                assertThat(api.get("/checkins/" + last)
                                .json()
                                .get("checkin")
                                .get("userId")
                                .asInt())
                        .isEqualTo(user);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4, 64})
    void pagesHaveEachEntryOnceAndInOrderWhileOthersAreAppended(int count) throws InterruptedException {
        ApiServer api = api(count);
        append(2_000);
        AtomicBoolean done = new AtomicBoolean();
        Thread writer = new Thread(() -> {
            while (!done.get()) {
                append(20);
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
            }
        });
        writer.start();
        try {
            for (String order : List.of("asc", "desc")) {
                List<CheckinId> there = all();
                List<CheckinId> seen = new ArrayList<>();
                String next = "/checkins?limit=173&order=" + order;
                while (next != null && seen.size() < 20_000) {
                    JsonNode page = api.get(next).json();
                    page.get("items").forEach(item -> seen.add(id(item.get("id"))));
                    next = page.get("next").isNull() ? null : page.get("next").asString();
                }
                TreeSet<CheckinId> sorted = new TreeSet<>(seen);
                assertThat(seen).isEqualTo(List.copyOf(order.equals("asc") ? sorted : sorted.descendingSet()));
                assertThat(sorted.containsAll(there)).isTrue();
            }
        } finally {
            done.set(true);
            writer.join();
        }
        List<CheckinId> all = all();
        assertThat(id(api.get("/checkins/latest").json().get("id"))).isEqualTo(all.get(all.size() - 1));
        List<CheckinId> range = new ArrayList<>();
        api.get("/checkins/0/9999999999999").json().forEach(item -> range.add(id(item.get("id"))));
        assertThat(range).isEqualTo(all.subList(0, 1_000));
    }

    @Test
    void aPageThatOthersFollowEndsBelowTheLowestClock() {
        ApiServer api = api(4);
        List<String> past = List.of(add(3, "1000-0"), add(0, "1000-1"), add(2, "1000-1"), add(1, "1001-0"));
        List<String> ahead = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            ahead.add(add(1, "9999999999999-" + i));
        }
        assertThat(ids(api.get("/checkins?limit=4").json())).isEqualTo(past);
        JsonNode cut = api.get("/checkins?limit=6").json();
        assertThat(ids(cut)).as("an entry may still come before the others").isEqualTo(past);
        assertThat(cut.get("next").isNull()).isTrue();
        JsonNode whole = api.get("/checkins?limit=14").json();
        assertThat(ids(whole)).hasSize(14).containsAll(ahead);
    }

    private static List<String> ids(JsonNode page) {
        return page.get("items")
                .valueStream()
                .map(item -> item.get("id").asString())
                .toList();
    }

    @Test
    void entriesOfTheSameMillisecondAndNumberAreInTheOrderOfTheirPartitions() {
        ApiServer api = api(4);
        add(0, "1000-0"); // or there would be two users with the lowest id
        List<String> same = List.of(add(0, "1000-5"), add(1, "1000-5"), add(2, "1000-5"), add(3, "1000-5"));
        List<String> seen = new ArrayList<>();
        String next = "/checkins?limit=1";
        while (next != null) {
            JsonNode page = api.get(next).json();
            seen.addAll(ids(page));
            next = page.get("next").isNull() ? null : page.get("next").asString();
        }
        assertThat(seen.subList(1, 5)).isEqualTo(same);
        assertThat(seen).hasSize(5);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "1000-0",
                "1000",
                "1000-0-4",
                "1000-0-64",
                "1000-0-04",
                "1000-0-",
                "1000-0--1",
                "1000-0-x",
                "-1-0-0",
                "1000-0-0-0"
            })
    void anIdWithoutOneOfThePartitionsIsRefused(String id) {
        ApiServer api = api(4);
        for (String path : List.of(
                "/checkins/" + id,
                "/users/1?after=" + id,
                "/locations/1?after=" + id,
                "/dead-letters/" + id,
                "/dead-letters?after=" + id,
                "/stream/groups/g/pending?after=" + id,
                "/checkins/stream?lastEventId=" + id)) {
            HttpAnswer answer = api.get(path);
            assertThat(answer.status()).as(path).isEqualTo(400);
            assertThat(answer.json().get("errors").get(0).get("message").asString())
                    .isEqualTo("must be an id such as 1609602085397-0-0, whose last part is a partition from 0 to 3");
        }
    }

    @Test
    void theStatusOfACheckinIsFoundByThePartitionInItsId() {
        ApiServer api = api(4);
        String id = add(2, "1000-0");
        commands().xgroupCreate(StreamOffset.from(partitions.keys(2).checkins(), "0"), Keys.GROUP);
        assertThat(api.get("/checkins/" + id).body()).contains("\"id\":\"1000-0-2\",\"status\":\"queued\"");
        assertThat(api.get("/checkins/1000-0-1").status()).isEqualTo(404);
        long user = Long.parseLong(entries(2).get(0).getBody().get("userId"));
        HttpAnswer early = api.get("/users/" + user + "?wait=50ms&after=" + id);
        assertThat(early.status()).isEqualTo(504);
        commands().set(partitions.keys(2).checkpoint(), "1000-0");
        commands().hset(partitions.keys(2).user(user), Map.of("numCheckins", "1", "lastCheckinId", "1000-0"));
        assertThat(api.get("/users/" + user + "?after=" + id)
                        .json()
                        .get("lastCheckinId")
                        .asString())
                .isEqualTo(id);
        assertThat(api.get("/locations/1?after=" + id).status())
                .as("the total of the location wasn't written")
                .isEqualTo(404);
    }

    @Test
    @SuppressWarnings("unchecked") // of Lettuce's generic varargs
    void theStateOfTheStreamAndItsGroupsIsInSumAndOfEachPartition() {
        ApiServer api = api(4);
        add(0, "1000-0");
        add(0, "3000-0");
        add(2, "2000-0");
        for (int partition : new int[] {0, 2}) {
            String stream = partitions.keys(partition).checkins();
            commands()
                    .xgroupCreate(StreamOffset.from(stream, "0"), Keys.GROUP, XGroupCreateArgs.Builder.mkstream(true));
            commands()
                    .xreadgroup(
                            io.lettuce.core.Consumer.from(Keys.GROUP, "c"),
                            XReadArgs.Builder.count(1),
                            StreamOffset.lastConsumed(stream));
        }
        commands().set(partitions.keys(0).checkpoint(), "1000-0");
        commands().set(partitions.keys(2).checkpoint(), "2000-0");
        commands().hset(partitions.keys(0).totals(), Map.of("applied", "1", "dead", "2"));
        commands().hset(partitions.keys(2).totals(), Map.of("applied", "1"));

        JsonNode state = api.get("/stream").json();
        assertThat(state.get("length").asInt()).isEqualTo(3);
        assertThat(state.get("firstId").asString()).isEqualTo("1000-0-0");
        assertThat(state.get("lastId").asString()).isEqualTo("3000-0-0");
        assertThat(state.get("checkpoint").asString())
                .as("partition 2 is settled")
                .isEqualTo("1000-0-0");
        assertThat(state.get("oldestUnsettled").asString()).isEqualTo("3000-0-0");
        assertThat(state.get("totals").get("applied").asInt()).isEqualTo(2);
        assertThat(state.get("totals").get("dead").asInt()).isEqualTo(2);
        assertThat(state.get("projections")).hasSize(1);
        commands().set(partitions.keys(2).boardsCheckpoint(), "2000-0");
        commands().hset(partitions.keys(2).boardsTotals(), Map.of("applied", "1"));
        JsonNode boards = api.get("/stream").json().get("projections").get(1);
        assertThat(boards.get("group").asString()).isEqualTo(Keys.BOARDS_GROUP);
        assertThat(boards.get("checkpoint").isNull())
                .as("they have not begun in partition 0")
                .isTrue();
        commands().set(partitions.keys(0).boardsCheckpoint(), "1000-0");
        commands().hset(partitions.keys(0).boardsTotals(), Map.of("applied", "1"));
        boards = api.get("/stream").json().get("projections").get(1);
        assertThat(boards.get("checkpoint").asString()).isEqualTo("1000-0-0");
        assertThat(boards.get("oldestUnsettled").asString()).isEqualTo("3000-0-0");
        assertThat(boards.get("totals").get("applied").asInt()).isEqualTo(2);
        assertThat(state.get("partitions")
                        .valueStream()
                        .map(each -> each.get("partition").asInt() + "="
                                + each.get("length").asInt()))
                .containsExactly("0=2", "2=1");

        assertThat(api.get("/stream/groups").body())
                .startsWith("[{\"name\":\"checkinConsumers\",\"consumers\":1,\"pending\":2,"
                        + "\"lastDeliveredId\":\"2000-0-2\",\"lag\":")
                .contains("\"partitions\":[{\"partition\":0,\"consumers\":1,\"pending\":1,"
                        + "\"lastDeliveredId\":\"1000-0-0\",\"lag\":");
        JsonNode consumer =
                api.get("/stream/groups/checkinConsumers/consumers").json().get(0);
        assertThat(consumer.get("name").asString()).isEqualTo("c");
        assertThat(consumer.get("pending").asInt()).isEqualTo(2);
        assertThat(consumer.get("partitions")).hasSize(2);
        List<String> pending = new ArrayList<>();
        api.get("/stream/groups/checkinConsumers/pending")
                .json()
                .forEach(entry -> pending.add(entry.get("id").asString()));
        assertThat(pending).containsExactly("1000-0-0", "2000-0-2");
        assertThat(api.get("/stream/groups/checkinConsumers/pending?after=1000-0-0")
                        .json())
                .hasSize(1);
        assertThat(api.get("/stream/groups/other/pending").status()).isEqualTo(404);

        JsonNode sample = await().atMost(LIMIT)
                .until(
                        () -> api.get("/console/sample").json().at("/sample"),
                        each -> each.at("/length").asInt(0) == 3);
        assertThat(sample.get("away")).isEmpty();
        assertThat(sample.get("firstId")).isEqualTo(state.get("firstId"));
        assertThat(sample.get("lastId")).isEqualTo(state.get("lastId"));
        JsonNode group = sample.get("groups").get(0);
        assertThat(group.get("checkpoint")).isEqualTo(state.get("checkpoint"));
        assertThat(group.get("applied").asInt()).isEqualTo(2);
        assertThat(group.get("pending").asInt()).isEqualTo(2);
        assertThat(group.get("consumers")).hasSize(1);
        assertThat(group.get("consumers").get(0).get("pending").asInt()).isEqualTo(2);
        assertThat(group.get("entries")
                        .valueStream()
                        .map(entry -> entry.get("id").asString()))
                .containsExactlyElementsOf(pending);
    }

    @Test
    void deadLettersOfAllPartitionsAreOneList() {
        ApiServer api = api(4);
        List<String> letters = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            int partition = i * 7 % 4;
            String letter = commands()
                    .xadd(
                            partitions.keys(partition).deadLetters(),
                            new XAddArgs().id(1000 + i + "-0"),
                            "originalId",
                            "500-" + i,
                            "reason",
                            "r",
                            "deliveries",
                            "1",
                            "consumer",
                            "c",
                            "fields",
                            "1",
                            "not",
                            "a checkin");
            letters.add(Objects.requireNonNull(letter) + '-' + partition);
        }
        List<String> seen = new ArrayList<>();
        String next = "/dead-letters?limit=5";
        while (next != null) {
            JsonNode page = api.get(next).json();
            seen.addAll(ids(page));
            next = page.get("next").isNull() ? null : page.get("next").asString();
        }
        assertThat(seen).isEqualTo(letters);
        seen.clear();
        next = "/dead-letters?limit=5&order=desc";
        while (next != null) {
            JsonNode page = api.get(next).json();
            seen.addAll(ids(page));
            next = page.get("next").asString(null);
        }
        Collections.reverse(seen);
        assertThat(seen).isEqualTo(letters);
        await().atMost(LIMIT) // the answer may be a second old
                .untilAsserted(
                        () -> assertThat(api.get("/dead-letters/reasons").body())
                                .isEqualTo(
                                        "{\"items\":[{\"reason\":\"r\",\"count\":12,\"newest\":\"1011-0-1\"}],\"more\":false}"));
        JsonNode one = api.get("/dead-letters/1001-0-3").json();
        assertThat(one.get("originalId").asString()).isEqualTo("500-1-3");
        assertThat(api.get("/dead-letters/1001-0-2").status()).isEqualTo(404);

        JsonNode replayed = api.post("/dead-letters/1001-0-3/replay").json();
        assertThat(replayed.get("id").asString()).isEqualTo("1001-0-3");
        String entry = replayed.get("replayedAs").asString();
        assertThat(entry).endsWith("-3");
        assertThat(entries(3))
                .singleElement()
                .extracting(StreamMessage::getId)
                .isEqualTo(entry.substring(0, entry.length() - 2));
        assertThat(api.delete("/dead-letters/1002-0-2").status()).isEqualTo(204);
        JsonNode rest = api.post("/dead-letters/replay").json();
        assertThat(rest.get("replayed")).hasSize(10);
        assertThat(api.get("/dead-letters").json().get("items")).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4, 64})
    void whoFollowsSeesEachEntryOnceAndInOrderAlsoThroughReconnections(int count) throws InterruptedException {
        ApiServer api = api(count);
        append(100);
        await().atMost(LIMIT).until(() -> follows(api, all().get(99)));
        try (LiveFollower all = api.follow("", "0-0-0");
                LiveFollower fresh = api.follow()) {
            Thread writer = new Thread(() -> {
                for (int i = 0; i < 100; i++) {
                    append(15);
                    LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
                }
            });
            writer.start();
            List<String> again = new ArrayList<>();
            while (writer.isAlive()) {
                try (LiveFollower part = api.follow("", lastOf(again))) {
                    await().atMost(LIMIT).until(() -> part.count() >= 50 || !writer.isAlive());
                    again.addAll(part.seen());
                }
            }
            writer.join();
            List<String> expected = all().stream().map(CheckinId::toString).toList();
            try (LiveFollower rest = api.follow("", lastOf(again))) {
                await().atMost(LIMIT).until(() -> again.size() + rest.count() >= expected.size());
                again.addAll(rest.seen());
            }
            await().atMost(LIMIT).until(() -> all.count() >= expected.size() && fresh.count() >= expected.size() - 100);
            assertThat(all.seen()).isEqualTo(expected);
            assertThat(again).isEqualTo(expected);
            assertThat(fresh.seen()).isEqualTo(expected.subList(100, expected.size()));
        }
    }

    private static String lastOf(List<String> seen) {
        return seen.isEmpty() ? "0-0-0" : seen.get(seen.size() - 1);
    }

    @Test
    void anEntryThatComesLateIsShownOnceWithoutAnId() {
        ApiServer api = api(4);
        try (LiveFollower follower = api.follow()) {
            append(1);
            await().atMost(LIMIT).until(() -> checkins(follower).size() == 1);
            String last = follower.lastId();
            add(1, "1000-0");
            add(2, "1000-0");
            await().atMost(LIMIT).until(() -> checkins(follower).size() == 3);
            assertThat(checkins(follower).subList(1, 3))
                    .extracting(event -> event.id() + event.data().substring(0, 16))
                    .containsExactlyInAnyOrder("null{\"id\":\"1000-0-1\"", "null{\"id\":\"1000-0-2\"");
            assertThat(follower.lastId()).isEqualTo(last);
            append(1);
            await().atMost(LIMIT).until(() -> checkins(follower).size() == 4);
            assertThat(follower.lastId()).isEqualTo(all().get(3).toString());
        }
        try (LiveFollower later = api.follow("", all().get(2).toString())) {
            await().atMost(LIMIT).until(() -> later.count() == 1);
            assertThat(later.seen()).containsExactly(all().get(3).toString());
        }
    }

    @Test
    void whatWasTrimmedInOnePartitionIsAGap() {
        ApiServer api = api(4);
        for (int i = 0; i < 40; i++) {
            add(i % 4, "*");
        }
        List<CheckinId> ids = all();
        await().atMost(LIMIT).until(() -> follows(api, ids.get(39)));
        String seen = ids.get(19).toString();
        try (LiveFollower follower = api.follow("", seen)) {
            await().atMost(LIMIT).until(() -> follower.count() == 20);
            assertThat(follower.seen()).doesNotContain("gap");
        }
        commands().xtrim(partitions.keys(2).checkins(), false, 1);
        try (LiveFollower follower = api.follow("", seen)) {
            await().atMost(LIMIT).until(() -> follower.count() > 1);
            assertThat(follower.seen()).startsWith("gap");
        }
    }

    @Test
    void whatIsTrimmedWhileAPartitionCanNotBeReadIsAGapAlsoForWhoFollows() {
        ApiServer api = api(4);
        for (int i = 0; i < 8; i++) {
            add(i % 4, "*");
        }
        String last = all().get(7).toString();
        await().atMost(LIMIT).until(() -> follows(api, all().get(7)));
        try (LiveFollower follower = api.follow("", last)) {
            commands().xtrim(partitions.keys(1).checkins(), false, 0); // of which all was read
            String next = add(1, "*");
            await().atMost(LIMIT).until(() -> next.equals(follower.lastId()));
            assertThat(follower.seen()).containsExactly(next);
            redis.permit("-xrange");
            await().atMost(LIMIT).until(() -> follower.seen().contains("away"));
            add(2, "*");
            String there = add(2, "*");
            commands().xtrim(partitions.keys(2).checkins(), false, 1);
            redis.permit("+xrange");
            await().atMost(LIMIT).until(() -> there.equals(follower.lastId()));
            assertThat(withoutAway(follower)).containsExactly(next, "gap", there);
            try (LiveFollower again = api.follow("", next)) {
                await().atMost(LIMIT).until(() -> there.equals(again.lastId()));
                assertThat(withoutAway(again)).containsExactly("gap", there);
            }
        }
    }

    /** Each partition goes and comes back in its own time. */
    private static List<String> withoutAway(LiveFollower follower) {
        return follower.seen().stream().filter(name -> !name.equals("away")).toList();
    }

    /** Without the gap after the test before, when the streams were deleted. */
    private static List<LiveFollower.Event> checkins(LiveFollower follower) {
        return follower.events().stream()
                .filter(event -> event.name().equals("message"))
                .toList();
    }

    @Test
    void aPartitionThatIsDamagedIsLeftOutUntilItIsRepaired() {
        ApiServer api = api(4);
        commands().set(partitions.keys(1).checkins(), "no stream");
        try (LiveFollower follower = api.follow()) {
            await().atMost(LIMIT).until(() -> follower.seen().contains("away"));
            String id = add(0, "*");
            await().atMost(LIMIT).until(() -> follower.seen().contains(id));
            assertThat(api.get("/checkins/" + id).status()).isEqualTo(200);
            assertThat(api.get("/checkins/latest").status()).isEqualTo(500);
            assertThat(api.get("/actuator/health/readiness").status()).isEqualTo(200);
            commands().del(partitions.keys(1).checkins());
            String repaired = add(1, "*");
            await().atMost(LIMIT).until(() -> follower.seen().contains(repaired));
            assertThat(follower.events().stream().filter(event -> event.name().equals("away")))
                    .extracting(LiveFollower.Event::data)
                    .startsWith("{\"partitions\":[1]}")
                    .endsWith("{\"partitions\":[]}");
        }
    }

    @Test
    void whoComesBackAfterAPartitionWasReplacedIsToldOfAGap() {
        ApiServer api = api(4);
        String seen;
        String next;
        try (LiveFollower other = api.follow()) {
            seen = add(1, "*");
            String missed = add(1, "*");
            await().atMost(LIMIT).until(() -> other.seen().contains(missed));
            commands().del(partitions.keys(1).checkins());
            await().atMost(LIMIT).until(() -> other.seen().contains("gap"));
            next = add(1, "*");
            await().atMost(LIMIT).until(() -> other.seen().contains(next));
        }
        try (LiveFollower back = api.follow("", seen)) {
            await().atMost(LIMIT).until(() -> back.seen().contains(next));
            assertThat(back.seen())
                    .startsWith("gap", next); // that the streams of the test before are gone is a gap, too
        }
    }

    private static boolean follows(ApiServer api, CheckinId end) {
        try (LiveFollower follower = api.follow()) {
            await().atMost(LIMIT).until(() -> follower.lastId() != null);
            return end.toString().equals(follower.lastId());
        }
    }

    private static List<String> pull(ApiServer api, String query) {
        HttpAnswer answer = api.post("/groups/g/consumers/me/pull" + query);
        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        return ids(answer.json());
    }

    private static long acknowledge(ApiServer api, List<String> ids) {
        String body = "{\"ids\":[\"" + String.join("\",\"", ids) + "\"]}";
        return api.post("/groups/g/ack", body).json().get("acknowledged").asLong();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4, 64})
    void aGroupPullsEachEntryOnceFromAllPartitionsAndAcknowledgesIt(int count) {
        ApiServer api = api(count);
        assertThat(api.put("/groups/g?from=0").status()).isEqualTo(201);
        assertThat(api.put("/groups/g").status()).isEqualTo(200);
        append(1_000);
        List<String> seen = new ArrayList<>();
        for (List<String> some = pull(api, "?count=173"); !some.isEmpty(); some = pull(api, "?count=173")) {
            assertThat(some).hasSizeLessThanOrEqualTo(173);
            seen.addAll(some);
        }
        assertThat(seen)
                .containsExactlyInAnyOrderElementsOf(
                        all().stream().map(CheckinId::toString).toList());
        assertThat(pull(api, "?own=true&count=1000")).hasSameElementsAs(seen);
        assertThat(acknowledge(api, seen.subList(0, 600))).isEqualTo(600);
        assertThat(acknowledge(api, seen.subList(500, 1_000))).isEqualTo(400);
        assertThat(pull(api, "?own=true")).isEmpty();
        assertThat(api.delete("/groups/g/consumers/me").status()).isEqualTo(204);
        assertThat(api.delete("/groups/g").status()).isEqualTo(204);
        assertThat(api.delete("/groups/g").status()).isEqualTo(404);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aNewEntryHasItsTurnWhileManyOfItsPartitionAreClaimed(boolean own) {
        ApiServer api = api(4);
        String group = "/groups/turns-" + own; // of one that was used, the server knows where to go on
        api.put(group + "?from=0");
        for (int i = 1; i <= 40; i++) {
            add(2, "1000-" + i);
        }
        // with claimAfter=0ms there is no pause between looks for entries to claim
        HttpAnswer delivered = api.post(group + "/consumers/dead/pull?count=40&claimAfter=0ms");
        assertThat(ids(delivered.json())).hasSize(40);
        String id = add(2, "1000-41");
        List<String> seen = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            HttpAnswer answer = api.post(group + "/consumers/one/pull?count=1&claimAfter=0ms&ack=auto&own=" + own);
            seen.addAll(ids(answer.json()));
        }
        assertThat(seen).hasSize(6).contains(id);
    }

    @Test
    void aPullThatWaitsGetsWhatComesInAnyPartition() throws Exception {
        ApiServer api = api(64);
        api.put("/groups/g");
        for (int partition : new int[] {0, 31, 63}) {
            CompletableFuture<HttpAnswer> waiting = HttpAnswer.begin(
                    api.request("/groups/g/consumers/me/pull?wait=20s&ack=auto").POST(BodyPublishers.noBody()));
            await().atMost(LIMIT).until(() -> api.metric("checkin_api_pulling") == 1);
            String id = add(partition, "*");
            assertThat(ids(waiting.get(LIMIT.toSeconds(), TimeUnit.SECONDS).json()))
                    .containsExactly(id);
        }
    }

    /** As when a shard has come back empty. */
    @Test
    void whatAPullHasTakenIsNotLostToAPartitionThatHasNoGroup() {
        ApiServer api = api(4);
        api.put("/groups/g?from=0");
        for (int i = 1; i <= 40; i++) {
            add(i % 2, "1000-" + i);
        }
        redis.commands().xgroupDestroy(Partitions.of(4).keys(3).checkins(), "g");
        List<String> seen = new ArrayList<>();
        HttpAnswer answer = api.post("/groups/g/consumers/me/pull?count=100&ack=auto");
        for (; answer.status() == 200; answer = api.post("/groups/g/consumers/me/pull?count=100&ack=auto")) {
            seen.addAll(ids(answer.json()));
        }
        assertThat(answer.status()).isEqualTo(404);
        api.put("/groups/g?from=0");
        seen.addAll(pull(api, "?count=100&ack=auto"));
        assertThat(seen).hasSize(40);
    }

    @Test
    void aGroupBeginsAfterAnIdInTheOrderOfAllPartitions() {
        ApiServer api = api(4);
        for (int partition = 0; partition < 4; partition++) {
            add(partition, "1000-0");
            add(partition, "1000-5");
        }
        assertThat(api.put("/groups/g?from=1000-5-1").status()).isEqualTo(201);
        assertThat(pull(api, "")).containsExactlyInAnyOrder("1000-5-2", "1000-5-3");
        assertThat(api.put("/groups/h?from=1000-6-1").status())
                .as("the partition never had that id")
                .isEqualTo(400);
        add(1, "2000-0");
        assertThat(api.put("/groups/i?from=2000-0-1").status()).isEqualTo(201);
        add(0, "1500-0");
        assertThat(api.get("/stream/groups").json().get(1).get("partitions")).hasSize(4);
    }

    @Test
    void aGroupBeginsAfterAnIdThatOnlyAnotherPartitionHasReached() {
        ApiServer api = api(4);
        add(1, "1000-0");
        add(2, "2000-0");
        add(2, "3000-0");
        assertThat(api.put("/groups/h?from=3000-0-3").status()).isEqualTo(400);
        assertThat(api.put("/groups/h?from=3000-1-0").status()).isEqualTo(400);
        assertThat(api.put("/groups/g?from=2500-0-0").status()).isEqualTo(201);
        assertThat(pull(api, "")).containsExactly("3000-0-2");
        add(0, "2600-0");
        add(1, "2600-0");
        assertThat(pull(api, "")).containsExactlyInAnyOrder("2600-0-0", "2600-0-1");
        assertThat(api.put("/groups/h?from=3000-0-1").status()).isEqualTo(201);
        assertThat(api.put("/groups/i?from=3000-0-0").status()).isEqualTo(201);
        assertThat(api.get("/stream/groups").json()).hasSize(3);
    }

    @Test
    void whatIsNoIdOfAPartitionIsNotAcknowledged() {
        HttpAnswer answer = api(4).post("/groups/g/ack", "{\"ids\":[\"1000-0-3\",\"1000-0\"]}");
        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.json().get("errors").get(0).get("pointer").asString()).isEqualTo("/ids/1");
    }
}
