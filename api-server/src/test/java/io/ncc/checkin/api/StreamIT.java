package io.ncc.checkin.api;

import static io.ncc.checkin.api.StreamFixture.KEYS;
import static org.assertj.core.api.Assertions.assertThat;

import io.lettuce.core.codec.StringCodec;
import io.lettuce.core.output.StatusOutput;
import io.lettuce.core.protocol.CommandArgs;
import io.lettuce.core.protocol.CommandType;
import io.ncc.checkin.api.projection.ProjectionGroup;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.testsupport.HttpAnswer;
import io.ncc.checkin.testsupport.RealRedis;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

@Timeout(60)
final class StreamIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final StreamFixture stream = new StreamFixture(redis);
    private static final String HIGHEST = "18446744073709551615-18446744073709551615";

    private static ApiServer api;

    @BeforeAll
    static void start() {
        api = ApiServer.start(redis);
    }

    @AfterAll
    static void stop() {
        api.close();
    }

    private static void add(int count) {
        stream.addAll(
                IntStream.rangeClosed(1, count).mapToObj(i -> "1000-" + i).toList(), Collections.nCopies(count, "1"));
    }

    private static JsonNode json(String path) {
        HttpAnswer answer = api.get(path);
        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        return answer.json();
    }

    private static String oldestUnsettled() {
        return json("/stream").get("oldestUnsettled").asString(null);
    }

    @Test
    void withoutAStreamThereIsNothingToTell() {
        HttpAnswer answer = api.get("/stream");
        assertThat(answer.status()).isEqualTo(404);
        assertThat(answer.problemType()).isEqualTo("not-found");
        assertThat(api.get("/stream/groups").body()).isEqualTo("[]");
    }

    @Test
    void everyFigureOfTheStreamIsThere() {
        add(5);
        stream.add("2000-0", 1, 1, 1);
        redis.commands().xdel(KEYS.checkins(), "1000-1", "2000-0");
        stream.createGroup();
        stream.createGroup("others", "0");
        redis.commands().set(KEYS.checkpoint(), "1000-2");
        stream.setAside("1000-4", "a reason");
        redis.commands().hset(KEYS.totals(), Map.of("applied", "12", "lost", "3", "skipped", "4"));
        long before = System.currentTimeMillis();
        JsonNode figures = json("/stream");
        long after = System.currentTimeMillis();
        assertThat(figures.propertyNames())
                .containsExactlyInAnyOrder(
                        "length",
                        "firstId",
                        "lastId",
                        "lastGeneratedId",
                        "groups",
                        "checkpoint",
                        "oldestUnsettled",
                        "oldestUnsettledAge",
                        "deadLetters",
                        "totals",
                        "projections");
        assertThat(figures.get("length").asLong()).isEqualTo(4);
        assertThat(figures.get("firstId").asString()).isEqualTo("1000-2");
        assertThat(figures.get("lastId").asString()).isEqualTo("1000-5");
        assertThat(figures.get("lastGeneratedId").asString()).isEqualTo("2000-0");
        assertThat(figures.get("groups").asLong()).isEqualTo(2);
        assertThat(figures.get("checkpoint").asString()).isEqualTo("1000-2");
        assertThat(figures.get("oldestUnsettled").asString()).isEqualTo("1000-3");
        assertThat(figures.get("oldestUnsettledAge").asLong()).isBetween(before - 1_100, after - 900);
        assertThat(figures.get("deadLetters").asLong()).isEqualTo(1);
        assertThat(figures.get("totals").toString())
                .isEqualTo("{\"applied\":12,\"dead\":1,\"lost\":3,\"skipped\":4,\"foreign\":0,\"missed\":0}");
    }

    @Test
    void whatIsDamagedIsNotShownAsZero() {
        add(1);
        redis.commands().hset(KEYS.totals(), Map.of("applied", "12", "lost", "many"));
        assertThat(json("/stream").get("totals").toString())
                .isEqualTo("{\"applied\":12,\"dead\":0,\"lost\":null,\"skipped\":0,\"foreign\":0,\"missed\":0}");
        redis.commands().hset(KEYS.totals(), Map.of("applied", "99999999999999999999", "lost", "0".repeat(18) + "1"));
        assertThat(json("/stream").get("totals").toString())
                .isEqualTo("{\"applied\":null,\"dead\":0,\"lost\":null,\"skipped\":0,\"foreign\":0,\"missed\":0}");
        redis.commands().del(KEYS.totals());
        redis.commands().set(KEYS.totals(), "no hash");
        redis.commands().set(KEYS.deadLetters(), "no stream");
        assertThat(json("/stream").get("totals").toString())
                .isEqualTo(
                        "{\"applied\":null,\"dead\":null,\"lost\":null,\"skipped\":null,\"foreign\":null,\"missed\":null}");
        assertThat(json("/stream").get("deadLetters").isNull()).isTrue();
    }

    @Test
    void eachProjectionHasItsOwnFigures() {
        add(5);
        stream.createGroup();
        stream.createGroup(ProjectionGroup.BOARDS.text(), "0");
        redis.commands().set(KEYS.checkpoint(), "1000-5");
        redis.commands().set(KEYS.boardsCheckpoint(), "1000-1");
        redis.commands().hset(KEYS.totals(), Map.of("applied", "4", "foreign", "1"));
        redis.commands().hset(KEYS.boardsTotals(), Map.of("applied", "1", "missed", "7"));
        stream.setAside(ProjectionGroup.BOARDS, "1000-2", "a reason");
        JsonNode figures = json("/stream");
        assertThat(figures.get("groups").asLong()).isEqualTo(2);
        assertThat(figures.get("oldestUnsettled").isNull()).isTrue();
        assertThat(figures.get("projections")).hasSize(2);
        JsonNode totals = figures.get("projections").get(0);
        assertThat(totals.get("group").asString()).isEqualTo("checkinConsumers");
        for (String name : List.of("checkpoint", "oldestUnsettled", "oldestUnsettledAge", "deadLetters", "totals")) {
            assertThat(totals.get(name)).as(name).isEqualTo(figures.get(name));
        }
        assertThat(totals.get("totals").toString())
                .isEqualTo("{\"applied\":4,\"dead\":0,\"lost\":0,\"skipped\":0,\"foreign\":1,\"missed\":0}");
        JsonNode boards = figures.get("projections").get(1);
        assertThat(boards.get("group").asString()).isEqualTo("checkinBoards");
        assertThat(boards.get("checkpoint").asString()).isEqualTo("1000-2");
        assertThat(boards.get("oldestUnsettled").asString()).isEqualTo("1000-3");
        assertThat(boards.get("oldestUnsettledAge").asLong()).isPositive();
        assertThat(boards.get("deadLetters").asLong()).isEqualTo(1);
        assertThat(boards.get("totals").toString())
                .isEqualTo("{\"applied\":1,\"dead\":1,\"lost\":0,\"skipped\":0,\"foreign\":0,\"missed\":7}");
    }

    @Test
    void whatIsNotKnownIsNull() {
        stream.createGroup();
        assertThat(api.get("/stream").body())
                .isEqualTo(
                        "{\"length\":0,\"firstId\":null,\"lastId\":null,\"lastGeneratedId\":\"0-0\",\"groups\":1,"
                                + "\"checkpoint\":null,\"oldestUnsettled\":null,\"oldestUnsettledAge\":null,\"deadLetters\":0,"
                                + "\"totals\":{\"applied\":0,\"dead\":0,\"lost\":0,\"skipped\":0,\"foreign\":0,\"missed\":0},"
                                + "\"projections\":[{\"group\":\"checkinConsumers\",\"checkpoint\":null,"
                                + "\"oldestUnsettled\":null,\"oldestUnsettledAge\":null,\"deadLetters\":0,"
                                + "\"totals\":{\"applied\":0,\"dead\":0,\"lost\":0,\"skipped\":0,\"foreign\":0,\"missed\":0}}]}");
    }

    @Test
    void theOldestUnsettledEntryIsTheFirstAboveTheCheckpointThatIsInNoRange() {
        add(10);
        assertThat(oldestUnsettled()).isEqualTo("1000-1");
        redis.commands().set(KEYS.checkpoint(), "1000-2");
        assertThat(oldestUnsettled()).isEqualTo("1000-3");
        stream.settleRange("1000-4", "1000-5");
        assertThat(oldestUnsettled()).isEqualTo("1000-3");
        stream.settleRange("1000-3", "1000-3");
        assertThat(oldestUnsettled()).isEqualTo("1000-6");
        stream.settleRange("1000-7", "1000-8");
        stream.settleRange("1000-6", "1000-6");
        assertThat(oldestUnsettled()).isEqualTo("1000-9");
        redis.commands().xdel(KEYS.checkins(), "1000-9");
        assertThat(oldestUnsettled()).isEqualTo("1000-10");
        redis.commands().set(KEYS.checkpoint(), "1000-10");
        assertThat(oldestUnsettled()).isNull();
        assertThat(json("/stream").get("oldestUnsettledAge").isNull()).isTrue();
    }

    @Test
    void anEntryThatWasDeletedWhileItWasPendingIsNotSettled() {
        add(3);
        stream.createGroup();
        stream.deliver("one", 3);
        stream.settleRange("1000-1", "1000-1");
        stream.settleRange("1000-3", "1000-3");
        redis.commands().xack(KEYS.checkins(), Keys.GROUP, "1000-1", "1000-3");
        redis.commands().xdel(KEYS.checkins(), "1000-2");
        assertThat(oldestUnsettled()).isEqualTo("1000-2");
    }

    @Test
    void anEntryOfTheFutureHasNoNegativeAge() {
        stream.add("9999999999999-0", 1, 1, 1);
        assertThat(json("/stream").get("oldestUnsettledAge").asLong()).isZero();
    }

    @Test
    void aStreamAtTheHighestIdHasFigures() {
        stream.add(HIGHEST, 1, 1, 1);
        assertThat(oldestUnsettled()).isEqualTo(HIGHEST);
        stream.settleRange(HIGHEST, HIGHEST);
        assertThat(oldestUnsettled()).isNull();
        redis.commands().set(KEYS.checkpoint(), HIGHEST);
        assertThat(oldestUnsettled()).isNull();
    }

    @Test
    void theGroupsAreListed() {
        add(3);
        stream.createGroup();
        stream.deliver("one", 1);
        stream.deliver("two", 1);
        stream.createGroup("others", "1000-2");
        JsonNode groups = json("/stream/groups");
        assertThat(groups).hasSize(2);
        JsonNode ours = groups.get(0);
        assertThat(ours.propertyNames())
                .containsExactlyInAnyOrder("name", "consumers", "pending", "lastDeliveredId", "lag");
        assertThat(ours.get("name").asString()).isEqualTo(Keys.GROUP);
        assertThat(ours.get("consumers").asLong()).isEqualTo(2);
        assertThat(ours.get("pending").asLong()).isEqualTo(2);
        assertThat(ours.get("lastDeliveredId").asString()).isEqualTo("1000-2");
        JsonNode others = groups.get(1);
        assertThat(others.get("name").asString()).isEqualTo("others");
        assertThat(others.get("consumers").asLong()).isZero();
        assertThat(others.get("lag").isNull()).isTrue(); // of a group that begins in the middle no server knows it
        if (redis.version().isAtLeast(7, 0)) {
            assertThat(ours.get("lag").asLong()).isEqualTo(1);
        } else {
            assertThat(ours.get("lag").isNull()).isTrue();
        }
    }

    @Test
    void whoeverHasGotTheLastEntryHasNoLagWhateverTheServerSays() {
        add(10);
        stream.createGroup();
        stream.deliver("one", 10);
        if (redis.version().isAtLeast(7, 0)) {
            redis.commands()
                    .dispatch(
                            CommandType.XGROUP,
                            new StatusOutput<>(StringCodec.UTF8),
                            new CommandArgs<>(StringCodec.UTF8)
                                    .add("SETID")
                                    .addKey(KEYS.checkins())
                                    .add(Keys.GROUP)
                                    .add("1000-10")
                                    .add("ENTRIESREAD")
                                    .add(4));
            assertThat(redis.commands().xinfoGroups(KEYS.checkins()).toString()).contains("lag, 6");
        }
        JsonNode lag = json("/stream/groups").get(0).get("lag");
        assertThat(lag.isNumber()).isTrue();
        assertThat(lag.asLong()).isZero();
    }

    @Test
    void theConsumersOfAGroupAreListed() {
        add(5);
        stream.createGroup();
        stream.deliver("one", 2);
        stream.deliver("two", 3);
        JsonNode consumers = json("/stream/groups/checkinConsumers/consumers");
        assertThat(consumers
                        .valueStream()
                        .map(consumer -> consumer.get("name").asString()
                                + ' '
                                + consumer.get("pending").asLong()))
                .containsExactlyInAnyOrder("one 2", "two 3");
        assertThat(consumers.valueStream().map(consumer -> consumer.get("idle").asLong()))
                .allMatch(idle -> idle >= 0 && idle < 60_000);
        stream.createGroup("others", "0");
        assertThat(json("/stream/groups/others/consumers")).isEmpty();
    }

    private static List<String> pending(String query) {
        return json("/stream/groups/checkinConsumers/pending" + query)
                .valueStream()
                .map(entry -> entry.get("id").asString())
                .toList();
    }

    @Test
    void thePendingEntriesArePagedByTheLastIdThatWasSeen() {
        add(250);
        stream.createGroup();
        assertThat(pending("")).isEmpty();
        stream.deliver("one", 120);
        stream.deliver("two", 130);
        List<String> ids = stream.ids();
        assertThat(pending("")).isEqualTo(ids.subList(0, 100));
        assertThat(pending("?after=1000-100")).isEqualTo(ids.subList(100, 200));
        assertThat(pending("?after=1000-200")).isEqualTo(ids.subList(200, 250));
        assertThat(pending("?after=1000-250")).isEmpty();
        assertThat(pending("?after=" + HIGHEST)).isEmpty();
        assertThat(pending("?limit=1000")).isEqualTo(ids);
        assertThat(pending("?limit=1&after=1000-7")).containsExactly("1000-8");
        assertThat(pending("?consumer=two")).isEqualTo(ids.subList(120, 220));
        assertThat(pending("?consumer=two&after=1000-220")).isEqualTo(ids.subList(220, 250));
        assertThat(pending("?consumer=none")).isEmpty();
        assertThat(pending("?consumer=")).isEmpty();
    }

    @Test
    void aPendingEntryHasItsConsumerAndItsDeliveries() {
        add(1);
        stream.createGroup();
        stream.deliver("one", 1);
        redis.commands().xclaim(KEYS.checkins(), io.lettuce.core.Consumer.from(Keys.GROUP, "two"), 0, "1000-1");
        JsonNode entry = json("/stream/groups/checkinConsumers/pending").get(0);
        assertThat(entry.propertyNames()).containsExactlyInAnyOrder("id", "consumer", "idle", "deliveries");
        assertThat(entry.get("consumer").asString()).isEqualTo("two");
        assertThat(entry.get("deliveries").asLong()).isEqualTo(2);
        assertThat(entry.get("idle").asLong()).isBetween(0L, 60_000L);
    }

    @ParameterizedTest
    @CsvSource({
        "/stream/groups/none/consumers, 404",
        "/stream/groups/none/pending, 404",
        "/stream/groups/none/pending?consumer=one, 404",
        "/stream/groups/checkinConsumers/pending?after=5, 400",
        "/stream/groups/checkinConsumers/pending?after=, 400",
        "/stream/groups/checkinConsumers/pending?limit=0, 400",
        "/stream/groups/checkinConsumers/pending?limit=1001, 400",
    })
    void whatIsNotThereOrNotValidIsAProblem(String path, int status) {
        if (status == 404) {
            assertThat(api.get(path).status()).isEqualTo(404); // without a stream
        }
        add(1);
        stream.createGroup();
        HttpAnswer answer = api.get(path);
        assertThat(answer.status()).isEqualTo(status);
        assertThat(answer.header("Content-Type")).isEqualTo("application/problem+json");
    }
}
