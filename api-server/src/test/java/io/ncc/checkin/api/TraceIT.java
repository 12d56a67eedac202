package io.ncc.checkin.api;

import static io.ncc.checkin.api.StreamFixture.KEYS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lettuce.core.RedisException;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.testsupport.HttpAnswer;
import io.ncc.checkin.testsupport.LiveFollower;
import io.ncc.checkin.testsupport.RealRedis;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Checkins that someone traces. */
@Timeout(60)
final class TraceIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final StreamFixture stream = new StreamFixture(redis);
    private static final JsonMapper JSON = new JsonMapper();
    private static final int MOST = 3;

    private static ApiServer api;

    @BeforeAll
    static void start() {
        api = ApiServer.start(redis, "--checkin.api.max-pages=" + MOST);
    }

    @AfterAll
    static void stop() {
        api.close();
    }

    private static LiveFollower trace(String id) {
        return LiveFollower.follow(api.url("/console/trace/" + id), null);
    }

    private static void eventually(Callable<Boolean> condition) {
        await().atMost(Duration.ofSeconds(10))
                .pollInterval(Duration.ofMillis(10))
                .until(condition);
    }

    private static List<String> statuses(LiveFollower trace) {
        return trace.events().stream()
                .filter(event -> event.name().equals("status"))
                .map(event -> JSON.readTree(event.data()).get("status").asString(null))
                .toList();
    }

    private static JsonNode last(LiveFollower trace) {
        List<LiveFollower.Event> events = trace.events();
        return JSON.readTree(events.get(events.size() - 1).data());
    }

    @Test
    void eachStatusIsToldOnceAndWithTheLastOneItEnds() {
        stream.createGroup();
        String id = stream.add(789, 171, 5);
        try (LiveFollower trace = trace(id)) {
            eventually(() -> statuses(trace).equals(List.of("queued")));
            stream.deliver("consumer1", 1);
            eventually(() -> statuses(trace).equals(List.of("queued", "processing")));
            assertThat(last(trace).get("consumer").asString()).isEqualTo("consumer1");
            assertThat(last(trace).get("deliveries").asLong()).isEqualTo(1);
            stream.settleRange(id, id);
            redis.commands().xack(KEYS.checkins(), Keys.GROUP, id);
            eventually(trace::hasEnded);
            assertThat(statuses(trace)).containsExactly("queued", "processing", "applied");
            assertThat(trace.events().get(3).name()).isEqualTo("end");
            assertThat(last(trace).get("reason").asString()).isEqualTo("settled");
        }
    }

    @Test
    void theStatusIsThatOfTheCheckinsOwnRoute() {
        stream.createGroup();
        String id = stream.addOther();
        stream.setAside(id, "broken");
        try (LiveFollower trace = trace(id)) {
            eventually(() -> trace.count() >= 1);
            assertThat(JSON.readTree(trace.events().get(0).data()))
                    .isEqualTo(api.get("/checkins/" + id).json());
        }
    }

    @Test
    void aDeadLetterIsTracedUntilItsReplayIsSettled() {
        stream.createGroup();
        String id = stream.addOther();
        String letter = stream.setAside(id, "broken");
        try (LiveFollower trace = trace(id)) {
            eventually(() -> statuses(trace).equals(List.of("dead")));
            String replay = api.post("/dead-letters/" + letter + "/replay")
                    .json()
                    .get("replayedAs")
                    .asString();
            eventually(() -> statuses(trace).equals(List.of("dead", "queued")));
            assertThat(last(trace).get("replayedAs").asString()).isEqualTo(replay);
            stream.deliver("consumer1", 2);
            stream.settleRange(replay, replay);
            redis.commands().xack(KEYS.checkins(), Keys.GROUP, replay);
            eventually(trace::hasEnded);
            assertThat(last(trace).get("reason").asString()).isEqualTo("settled");
        }
    }

    @Test
    void aDeadLetterIsTracedUntilItIsDiscarded() {
        stream.createGroup();
        String id = stream.addOther();
        String letter = stream.setAside(id, "broken");
        try (LiveFollower trace = trace(id)) {
            eventually(() -> statuses(trace).equals(List.of("dead")));
            api.delete("/dead-letters/" + letter);
            eventually(trace::hasEnded);
            assertThat(statuses(trace)).containsExactly("dead", "dead");
        }
    }

    @Test
    void anEntryThatIsNotThereEndsIt() {
        try (LiveFollower trace = trace("1-1")) {
            eventually(trace::hasEnded);
            assertThat(statuses(trace)).containsExactly("unknown");
        }
        assertThat(api.get("/console/trace/x").problemType()).isEqualTo("invalid-request");
    }

    @Test
    void itGoesOnAfterAnOutage() {
        stream.createGroup();
        String id = stream.add(789, 171, 5);
        try (LiveFollower trace = trace(id)) {
            eventually(() -> statuses(trace).equals(List.of("queued")));
            redis.restart();
            eventually(() -> {
                try {
                    stream.deliver("consumer1", 1);
                    return true;
                } catch (RedisException e) {
                    return false;
                }
            });
            eventually(() -> statuses(trace).equals(List.of("queued", "processing")));
        }
    }

    @Test
    void thereIsALimitAndWhoLeavesMakesRoom() {
        stream.createGroup();
        String id = stream.add(1, 1, 1);
        List<LiveFollower> traces = new ArrayList<>();
        try {
            while (traces.size() < MOST) {
                traces.add(trace(id));
            }
            HttpAnswer refused = api.get("/console/trace/" + id);
            assertThat(refused.status()).isEqualTo(503);
            assertThat(refused.problemType()).isEqualTo("too-many-listeners");
            traces.remove(0).close();
            eventually(() -> {
                try {
                    return traces.add(trace(id));
                } catch (AssertionError e) {
                    return false;
                }
            });
        } finally {
            traces.forEach(LiveFollower::close);
        }
    }
}
