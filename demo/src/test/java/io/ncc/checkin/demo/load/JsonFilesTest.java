package io.ncc.checkin.demo.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.ncc.checkin.model.Checkin;
import io.ncc.redis.StreamId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

final class JsonFilesTest {

    private static final String USER =
            "{\"id\":1,\"firstName\":\"Zoë\",\"lastName\":\"Ng\",\"email\":\"zoe@example.com\",\"password\":\"secret\"";
    private static final String LOCATION =
            "{\"id\":1,\"name\":\"Acorn Books\",\"category\":\"retail\",\"location\":\"-122.27,37.8\"";
    private static final String CHECKIN = "{\"id\":\"5-0\",\"userId\":789,\"locationId\":171,\"starRating\":5}";

    /** In the form of the course. */
    private static final String DETAILS =
            "{\"id\":1,\"hours\":[{\"day\":\"Monday\",\"hours\":\"9-6\"},{\"day\":\"Sunday\",\"hours\":\"8-4\"}],"
                    + "\"socials\":[{\"instagram\":\"acorn\",\"facebook\":\"acorn\"}],\"website\":\"www.acorn.example\","
                    + "\"description\":\"Lorem ipsum\",\"phone\":\"(871) 541-3860\"}";

    @TempDir
    private Path directory;

    @Test
    void countersThatAreLeftOutAreZeroAndTheLastCheckinIsUnknown() throws Exception {
        write(Kind.USERS, USER + "}");
        write(Kind.LOCATIONS, LOCATION + "}");
        write(Kind.CHECKINS, CHECKIN);

        Dataset data = new JsonFiles(directory).read(EnumSet.allOf(Kind.class));

        assertThat(data.users())
                .containsExactly(new User(1, "Zoë", "Ng", "zoe@example.com", "secret", 0, null, null, null));
        assertThat(data.locations()).containsExactly(new Location(1, "Acorn Books", "retail", "-122.27,37.8", 0, 0, 0));
        assertThat(data.checkins()).containsExactly(new RecordedCheckin(new StreamId(5, 0), new Checkin(789, 171, 5)));
    }

    @Test
    void countersAreTakenOver() throws Exception {
        write(
                Kind.USERS,
                USER + ",\"numCheckins\":7,\"lastCheckin\":1609602085397,\"lastCheckinId\":\"1609602085397-2\","
                        + "\"lastSeenAt\":9}");
        write(Kind.LOCATIONS, LOCATION + ",\"numCheckins\":2,\"numStars\":9,\"averageStars\":4}");

        Dataset data = new JsonFiles(directory).read(EnumSet.of(Kind.USERS, Kind.LOCATIONS));

        User user = data.users().get(0);
        assertThat(user.numCheckins()).isEqualTo(7);
        assertThat(user.lastCheckin()).isEqualTo(1609602085397L);
        assertThat(user.lastCheckinId()).isEqualTo(new StreamId(1609602085397L, 2));
        assertThat(user.lastSeenAt()).isEqualTo(9);
        assertThat(data.locations().get(0).averageStars()).isEqualTo(4);
    }

    @Test
    void anAverageThatIsLeftOutFollowsFromTheOtherCounters() throws Exception {
        write(Kind.LOCATIONS, LOCATION + ",\"numCheckins\":2,\"numStars\":9}");
        assertThat(new JsonFiles(directory).read(EnumSet.of(Kind.LOCATIONS)).locations())
                .extracting(Location::averageStars)
                .containsExactly(5L);
    }

    @Test
    void detailsAreKeptAsTheyAreButTheId() throws Exception {
        write(Kind.LOCATIONDETAILS, DETAILS + ",{\"id\":2}");

        List<LocationDetails> details =
                new JsonFiles(directory).read(EnumSet.of(Kind.LOCATIONDETAILS)).details();

        assertThat(details).extracting(LocationDetails::id).containsExactly(1L, 2L);
        assertThat(details).extracting(LocationDetails::json).containsExactly(DETAILS.replace("\"id\":1,", ""), "{}");
    }

    @Test
    void whatTheApiServerCanLookForIsTaken() throws Exception {
        write(Kind.USERS, user(2, "\"password\":\"x\"").replace("\"c\"", "\"" + "c".repeat(1_000) + "\""));
        write(Kind.LOCATIONS, location(2, "\"1,1\"").replace("bar", "b".repeat(100)));

        Dataset data = new JsonFiles(directory).read(EnumSet.of(Kind.USERS, Kind.LOCATIONS));

        assertThat(data.users().get(0).email()).hasSize(1_000);
        assertThat(data.locations().get(0).category()).hasSize(100);
    }

    @Test
    void onlyTheKindsAskedForAreRead() throws Exception {
        write(Kind.CHECKINS, "");
        assertThat(new JsonFiles(directory).read(EnumSet.of(Kind.CHECKINS)).checkins())
                .isEmpty();
    }

    @Test
    void aFileThatIsMissingIsNamed() {
        assertThatExceptionOfType(LoadException.class)
                .isThrownBy(() -> new JsonFiles(directory).read(EnumSet.of(Kind.USERS)))
                .withMessage("there is no file " + directory.resolve("users.json"));
    }

    static Stream<Arguments> badRecords() {
        String id = "{\"id\":\"5-1\",";
        return Stream.of(
                arguments(
                        Kind.CHECKINS,
                        id + "\"userId\":1,\"locationId\":2,\"starRating\":9}",
                        "starRating must be from 0 to 5, not 9"),
                arguments(
                        Kind.CHECKINS,
                        id + "\"userId\":0,\"locationId\":2,\"starRating\":1}",
                        "userId must be from 1 to 9223372036854775807, not 0"),
                arguments(
                        Kind.CHECKINS,
                        id + "\"userId\":1,\"locationId\":9223372036854775808,\"starRating\":1}",
                        "locationId must be from 1 to 9223372036854775807, not 9223372036854775808"),
                arguments(
                        Kind.CHECKINS,
                        id + "\"userId\":1.0,\"locationId\":2,\"starRating\":1}",
                        "userId must be an integer, not 1.0"),
                arguments(
                        Kind.CHECKINS,
                        id + "\"userId\":\"1\",\"locationId\":2,\"starRating\":1}",
                        "userId must be an integer, not a string"),
                arguments(
                        Kind.CHECKINS,
                        id + "\"userId\":1,\"locationId\":null,\"starRating\":1}",
                        "locationId must be an integer, not null"),
                arguments(Kind.CHECKINS, id + "\"userId\":1,\"locationId\":2}", "starRating is missing"),
                arguments(
                        Kind.CHECKINS,
                        id + "\"userId\":1,\"locationId\":2,\"starRating\":1,\"stars\":1}",
                        "unknown member \"stars\""),
                arguments(
                        Kind.CHECKINS,
                        "{\"id\":\"5\",\"userId\":1,\"locationId\":2,\"starRating\":1}",
                        "id is not a stream id of the form <milliseconds>-<sequence>, each from 0 to 2^64-1"),
                arguments(
                        Kind.CHECKINS,
                        "{\"id\":5,\"userId\":1,\"locationId\":2,\"starRating\":1}",
                        "id must be a string, not a number"),
                arguments(Kind.CHECKINS, CHECKIN, "id 5-0 must be above 5-0, the id of the record before it"),
                arguments(
                        Kind.CHECKINS,
                        "{\"id\":\"4-9\",\"userId\":1,\"locationId\":2,\"starRating\":1}",
                        "id 4-9 must be above 5-0, the id of the record before it"),
                arguments(Kind.CHECKINS, "[]", "a record must be an object"),
                arguments(Kind.USERS, USER + "}", "id 1 is already the id of an earlier record"),
                arguments(Kind.USERS, "{\"id\":2,\"firstName\":\" \"}", "firstName must not be blank"),
                arguments(Kind.USERS, user(2, "\"password\":5"), "password must be a string, not a number"),
                arguments(
                        Kind.USERS,
                        user(2, "\"password\":\"" + "é".repeat(37) + "\""),
                        "password must be at most 72 bytes long"),
                arguments(
                        Kind.USERS,
                        user(2, "\"password\":\"x\"").replace("\"c\"", "\"" + "c".repeat(1_001) + "\""),
                        "email must be at most 1000 characters long"),
                arguments(
                        Kind.LOCATIONS,
                        location(2, "\"1,1\"").replace("bar", "b".repeat(101)),
                        "category must be at most 100 characters long"),
                arguments(
                        Kind.USERS,
                        user(2, "\"password\":\"x\",\"numCheckins\":-1"),
                        "numCheckins must be from 0 to 9007199254740991, not -1"),
                arguments(
                        Kind.USERS,
                        user(2, "\"password\":\"x\",\"lastCheckin\":5,\"lastCheckinId\":\"6-0\""),
                        "lastCheckinId must begin with the milliseconds of lastCheckin"),
                arguments(
                        Kind.USERS,
                        user(2, "\"password\":\"x\",\"lastCheckinId\":\"6-0\""),
                        "lastCheckinId must begin with the milliseconds of lastCheckin"),
                arguments(
                        Kind.LOCATIONS,
                        location(2, "\"37.8\""),
                        "location must be \"<longitude>,<latitude>\" in degrees"),
                arguments(
                        Kind.LOCATIONS,
                        location(2, "\"37.8,-122.27\""),
                        "location must be \"<longitude>,<latitude>\" in degrees"),
                arguments(
                        Kind.LOCATIONS,
                        location(2, "\"1,1\",\"averageStars\":6"),
                        "averageStars must be from 0 to 5, not 6"),
                arguments(
                        Kind.LOCATIONS,
                        location(2, "\"1,1\",\"numCheckins\":1,\"numStars\":6"),
                        "numStars must be at most 5 for each of numCheckins"),
                arguments(Kind.LOCATIONDETAILS, DETAILS, "id 1 is already the id of an earlier record"),
                arguments(Kind.LOCATIONDETAILS, "{\"id\":2,\"phone\":1}", "phone must be a string, not a number"),
                arguments(Kind.LOCATIONDETAILS, "{\"id\":2,\"fax\":\"1\"}", "unknown member \"fax\""),
                arguments(Kind.LOCATIONDETAILS, "{\"id\":2,\"hours\":{}}", "hours must be an array, not an object"),
                arguments(Kind.LOCATIONDETAILS, "{\"id\":2,\"hours\":[7]}", "hours[0] must be an object, not a number"),
                arguments(
                        Kind.LOCATIONDETAILS,
                        hours("{\"day\":\"Monday\",\"hours\":\"9-6\"},{\"day\":\"Tuesday\"}"),
                        "hours[1]: hours is missing"),
                arguments(
                        Kind.LOCATIONDETAILS,
                        hours("{\"day\":\"Montag\",\"hours\":\"9-6\"}"),
                        "hours[0]: day must be one of Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday"),
                arguments(
                        Kind.LOCATIONDETAILS,
                        hours("{\"day\":\"Monday\",\"hours\":\"9-6\"},{\"day\":\"Monday\",\"hours\":\"7-9\"}"),
                        "hours must have each day once"),
                arguments(
                        Kind.LOCATIONDETAILS,
                        "{\"id\":2,\"socials\":[{\"instagram\":null}]}",
                        "socials[0]: instagram must be a string, not null"));
    }

    private static String hours(String hours) {
        return "{\"id\":2,\"hours\":[" + hours + "]}";
    }

    private static String user(int id, String more) {
        return "{\"id\":" + id + ",\"firstName\":\"A\",\"lastName\":\"B\",\"email\":\"c\"," + more + "}";
    }

    private static String location(int id, String location) {
        return "{\"id\":" + id + ",\"name\":\"A\",\"category\":\"bar\",\"location\":" + location + "}";
    }

    @ParameterizedTest
    @MethodSource("badRecords")
    void aBadRecordIsNamedByFileRecordAndLine(Kind kind, String record, String message) throws Exception {
        String good = switch (kind) {
            case USERS -> USER + "}";
            case LOCATIONS -> LOCATION + "}";
            case LOCATIONDETAILS -> DETAILS;
            case CHECKINS -> CHECKIN;
        };
        write(kind, good + ",\n\n" + record);

        assertThatExceptionOfType(LoadException.class)
                .isThrownBy(() -> new JsonFiles(directory).read(EnumSet.of(kind)))
                .withMessage(kind + ".json, record 2 (line 4): " + message);
    }

    static Stream<Arguments> badFiles() {
        String shape = "checkins.json: must be an object with one member, {\"checkins\": [...]}";
        return Stream.of(
                arguments("", shape),
                arguments("[]", shape),
                arguments("{}", shape),
                arguments("{\"users\":[]}", shape),
                arguments("{\"checkins\":{}}", shape),
                arguments("{\"checkins\":[],\"more\":1}", shape),
                arguments("{\"checkins\":[]} 1", shape),
                arguments("{\"checkins\":[\n{\"id\"", "checkins.json, line 2: not valid JSON: Unexpected end-of-input"),
                arguments(
                        "{\"checkins\":[\n{\"id\":\"5-0\",\n\"id\":\"5-0\"}]}",
                        "checkins.json, line 3: not valid JSON: Duplicate Object property \"id\""));
    }

    @ParameterizedTest
    @MethodSource("badFiles")
    void aFileOfAnotherShapeIsRefused(String content, String message) throws Exception {
        Files.writeString(directory.resolve("checkins.json"), content);
        assertThatExceptionOfType(LoadException.class)
                .isThrownBy(() -> new JsonFiles(directory).read(EnumSet.of(Kind.CHECKINS)))
                .satisfies(e -> assertThat(e.getMessage()).startsWith(message));
    }

    private void write(Kind kind, String records) throws IOException {
        Files.writeString(directory.resolve(kind + ".json"), "{\"" + kind.array() + "\":[\n" + records + "\n]}\n");
    }
}
