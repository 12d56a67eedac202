package io.ncc.checkin.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.testsupport.RealRedis;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What was loaded of locations beside their hashes. */
@Timeout(60)
final class DetailsIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final String LOADED =
            "{\"hours\":[{\"day\":\"Tuesday\",\"hours\":\"7-9\"},{\"day\":\"Sunday\",\"hours\":\"closed\"}],"
                    + "\"socials\":[{\"instagram\":\"acorn\"}],\"website\":\"www.acorn.example\","
                    + "\"description\":\"Small and friendly\",\"phone\":\"(510) 555-0123\"}";

    private static final Partitions FOUR = Partitions.of(4);
    private static ApiServer api;

    @BeforeAll
    static void start() {
        api = ApiServer.start(redis, "--checkin.partitions=4");
    }

    @AfterAll
    static void stop() {
        api.close();
    }

    private static void details(long id, String json) {
        redis.commands().set(FOUR.keys(FOUR.ofLocation(id)).details(id), json);
    }

    @ParameterizedTest
    @ValueSource(strings = {"/locations/8", "/api/location/8"})
    void whatWasLoadedIsTheAnswer(String location) {
        details(8, LOADED);
        assertThat(api.get(location + "/details").body()).isEqualTo("{\"id\":8," + LOADED.substring(1));
        assertThat(api.get(location + "/details?sections=phone,website").body())
                .isEqualTo("{\"id\":8,\"website\":\"www.acorn.example\",\"phone\":\"(510) 555-0123\"}");
        for (String day : new String[] {"1", "tuesday", "Tuesday"}) {
            assertThat(api.get(location + "/hours/" + day).body()).isEqualTo("{\"day\":\"Tuesday\",\"hours\":\"7-9\"}");
        }
        assertThat(api.get(location + "/hours/6").json().get("hours").asString())
                .isEqualTo("closed");
        assertThat(api.get(location + "/hours/0").problemType()).isEqualTo("not-found");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/hours/7",
                "/hours/-1",
                "/hours/Day",
                "/details?sections=",
                "/details?sections=id",
                "/details?x=1"
            })
    void whatDoesNotMakeSenseIsRefused(String path) {
        details(8, LOADED);
        assertThat(api.get("/locations/8" + path).problemType()).isEqualTo("invalid-request");
        assertThat(api.get("/locations/0" + path).problemType()).isEqualTo("invalid-request");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/details", "/hours/1"})
    void whatIsNotThereIsNotFound(String path) {
        assertThat(api.get("/locations/9" + path).problemType()).isEqualTo("not-found");
    }

    /** Written by another program. */
    @ParameterizedTest
    @ValueSource(strings = {"", "no JSON", "[]", "1", "null", "{\"hours\":7}", "{\"hours\":[7]}"})
    void whatIsNotInItsFormIsNotFound(String json) {
        details(10, json);
        assertThat(api.get("/locations/10/details").problemType()).isEqualTo("not-found");
        assertThat(api.get("/locations/10/hours/1").problemType()).isEqualTo("not-found");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"hours\":[null]}",
                "{\"hours\":[{}]}",
                "{\"hours\":[{\"day\":null,\"hours\":\"9-6\"}]}",
                "{\"hours\":[{\"day\":\"Tuesday\"}]}"
            })
    void hoursThatSayNothingAreLeftOut(String json) {
        details(12, json);
        assertThat(api.get("/locations/12/details").body()).isEqualTo("{\"id\":12,\"hours\":[]}");
        assertThat(api.get("/locations/12/hours/1").problemType()).isEqualTo("not-found");
    }

    @Test
    void socialsThatSayNothingAreLeftOut() {
        details(12, "{\"socials\":[null,{\"instagram\":null},{\"instagram\":\"acorn\"}]}");
        assertThat(api.get("/locations/12/details").body())
                .isEqualTo("{\"id\":12,\"socials\":[{},{\"instagram\":\"acorn\"}]}");
    }

    @ParameterizedTest
    @ValueSource(strings = {"{\"x\":1,\"phone\":\"1\"}", "{\"phone\":\"1\",\"hours\":null,\"website\":null}"})
    void membersThatAreNotKnownAreLeftOut(String json) {
        details(11, json);
        assertThat(api.get("/locations/11/details").body()).isEqualTo("{\"id\":11,\"phone\":\"1\"}");
        assertThat(api.get("/locations/11/hours/1").problemType()).isEqualTo("not-found");
    }
}
