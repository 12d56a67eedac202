package io.ncc.checkin.api;

import static io.ncc.checkin.api.StreamFixture.KEYS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.lettuce.core.ScriptOutputType;
import io.ncc.checkin.testsupport.HttpAnswer;
import io.ncc.checkin.testsupport.RealRedis;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import tools.jackson.databind.JsonNode;

/** What the map of the console shows. */
@Timeout(90)
final class MapIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final List<String> COLUMNS = List.of("ids", "lon", "lat", "names", "checkins", "places");

    private ApiServer api;

    /** Each test has its own: an answer is kept for ten seconds. */
    @BeforeEach
    void start() {
        api = ApiServer.start(redis);
    }

    @AfterEach
    void stop() {
        api.close();
    }

    private static void add(long id, double lon, double lat, Map<String, String> fields) {
        redis.commands().geoadd(KEYS.places(), lon, lat, Long.toString(id));
        redis.commands().hset(KEYS.location(id), fields);
    }

    private JsonNode places() {
        JsonNode places = api.get("/console/places").json();
        for (String column : COLUMNS) {
            assertThat(places.get(column)).as(column).hasSameSizeAs(places.get("ids"));
        }
        return places;
    }

    @Test
    void eachPlaceIsThereInColumns() {
        add(7, -122.27, 37.8, Map.of("id", "7", "name", "<b>", "location", "-122.27,37.80", "numCheckins", "5"));
        add(3, 8.5, 47.3, Map.of("id", "3", "location", "8.5,47.3"));
        add(9, 1, 1, Map.of("id", "9", "name", "damaged", "location", "here"));
        JsonNode places = places();
        assertThat(places.toString())
                .isEqualTo("{\"ids\":[3,7],\"lon\":[8.5,-122.27],\"lat\":[47.3,37.8],\"names\":[null,\"<b>\"],"
                        + "\"checkins\":[null,5],\"places\":[1,1],\"clustered\":false}");
    }

    @Test
    void whatHasNotChangedIsNotSentAgain() {
        add(7, 1, 1, Map.of("id", "7", "location", "1,1"));
        places();
        HttpAnswer answer = api.get("/console/places");
        assertThat(answer.header("ETag")).matches("\"[0-9a-f]{16}\"");
        HttpAnswer again = HttpAnswer.send(
                api.request("/console/places").header("If-None-Match", String.valueOf(answer.header("ETag"))));
        assertThat(again.status()).isEqualTo(304);
        assertThat(again.body()).isEmpty();
    }

    @Test
    void veryManyAreClusters() {
        redis.commands()
                .eval(
                        "math.randomseed(1) for i = 1, 20001 do"
                                + " redis.call('GEOADD', KEYS[1], 10 + math.random(), 50 + math.random(), i) end"
                                + " redis.call('GEOADD', KEYS[1], -70, -30, 99999)",
                        ScriptOutputType.STATUS,
                        KEYS.places());
        JsonNode places = places();
        assertThat(places.get("clustered").asBoolean()).isTrue();
        assertThat(places.get("ids").size()).isBetween(200, 4_000);
        long sum = 0;
        int far = 0;
        for (int i = 0; i < places.get("ids").size(); i++) {
            sum += places.get("places").get(i).asLong();
            if (places.get("lon").get(i).asDouble() < 0) {
                far++;
            } else {
                assertThat(places.get("lon").get(i).asDouble()).isCloseTo(10.5, within(0.6));
                assertThat(places.get("lat").get(i).asDouble()).isCloseTo(50.5, within(0.6));
            }
        }
        assertThat(sum).isEqualTo(20_002);
        assertThat(far).isEqualTo(1);
    }
}
