package io.ncc.checkin.receiver;

import static io.ncc.checkin.receiver.StartedReceiver.STREAM;
import static io.ncc.checkin.receiver.StartedReceiver.assertUnavailable;
import static io.ncc.checkin.receiver.StartedReceiver.checkin;
import static io.ncc.checkin.receiver.StartedReceiver.ids;
import static io.ncc.checkin.receiver.StartedReceiver.users;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ncc.checkin.testsupport.HttpAnswer;
import io.ncc.checkin.testsupport.RealRedis;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** Many checkins in one request. */
@Timeout(60)
final class BatchIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final Duration LIMIT = Duration.ofSeconds(10);
    private static final int MOST_ENTRIES = 100;

    private static StartedReceiver receiver;

    /** Its limits are low: 8 KB and {@value #MOST_ENTRIES} entries. */
    private static StartedReceiver limited;

    @BeforeAll
    static void start() {
        receiver = StartedReceiver.on(redis);
        limited = StartedReceiver.on(
                redis, "checkin.receiver.max-batch-size=8KB", "checkin.receiver.max-batch-entries=" + MOST_ENTRIES);
    }

    /** The test before may have stopped Redis. */
    @BeforeEach
    void awaitConnections() {
        await().atMost(LIMIT).until(() -> receiver.readiness() == 200 && limited.readiness() == 200);
    }

    @AfterAll
    static void stop() {
        receiver.close();
        limited.close();
    }

    /** How checkins are put together. */
    enum Form {
        ARRAY("application/json", "[", ",", "]"),
        LINES("application/x-ndjson", "", "\n", "\n");

        private final String contentType;
        private final String start;
        private final String between;
        private final String end;

        Form(String contentType, String start, String between, String end) {
            this.contentType = contentType;
            this.start = start;
            this.between = between;
            this.end = end;
        }

        String of(Stream<String> entries) {
            return entries.collect(Collectors.joining(between, start, end));
        }

        String of(long first, long last) {
            return of(LongStream.rangeClosed(first, last).mapToObj(StartedReceiver::checkin));
        }

        HttpAnswer.Request to(StartedReceiver receiver) {
            return receiver.batch().header("Content-Type", contentType);
        }

        HttpAnswer post(String body) {
            return to(receiver).post(body);
        }
    }

    static Stream<List<Object>> formsAndEncodings() {
        return Stream.of(Form.values()).flatMap(form -> Stream.of(List.of(form, false), List.of(form, true)));
    }

    @ParameterizedTest
    @MethodSource("formsAndEncodings")
    void manyCheckinsAreStoredInTheirOrderUnderTheIdsOfTheResults(List<Object> formAndEncoding) {
        Form form = (Form) formAndEncoding.get(0);
        String body = form.of(1, 1_234);

        HttpAnswer answer = (boolean) formAndEncoding.get(1)
                ? form.to(receiver).header("Content-Encoding", "gzip").post(gzip(body))
                : form.post(body);

        assertThat(answer.status()).isEqualTo(202);
        assertThat(answer.header("Content-Type")).isEqualTo("application/json");
        assertThat(answer.json().propertyNames()).containsExactlyInAnyOrder("accepted", "refused", "results");
        assertThat(answer.json().get("accepted").asInt()).isEqualTo(1_234);
        assertThat(answer.json().get("refused").asInt()).isZero();
        assertThat(answer.json().get("results").valueStream().map(JsonNode::propertyNames))
                .allMatch(names -> names.size() == 1);
        assertThat(acceptedIds(answer)).isEqualTo(ids(redis));
        assertThat(users(redis))
                .isEqualTo(LongStream.rangeClosed(1, 1_234).boxed().toList());
    }

    @ParameterizedTest
    @EnumSource(Form.class)
    void anEntryThatIsNoCheckinIsRefusedAndTheOthersAreStored(Form form) {
        HttpAnswer answer = form.post(form.of(Stream.of(
                "{\"userId\":0,\"starRating\":9}",
                checkin(1),
                "{\"userId\":9223372036854775808,\"locationId\":1,\"starRating\":5}",
                "{\"userId\":7,\"locationId\":1,\"starRating\":99999999999}",
                checkin(2),
                "{\"userId\":7.5,\"locationId\":1,\"starRating\":5}",
                "{\"userId\":7,\"locationId\":{\"a\":[1,{}]},\"starRating\":5}",
                "{\"userId\":7,\"locationId\":1,\"starRating\":5,\"x\":{\"y\":[{}]}}",
                checkin(3),
                "7",
                "null",
                "[[{}],1]",
                "\"text\"",
                "{}",
                checkin(4))));

        assertThat(answer.status()).isEqualTo(207);
        assertThat(answer.json().get("accepted").asInt()).isEqualTo(4);
        assertThat(answer.json().get("refused").asInt()).isEqualTo(11);
        assertThat(answer.json().has("problem")).isFalse();
        assertThat(answer.json().get("results").valueStream().map(BatchIT::errorsOf))
                .containsExactly(
                        "/userId must be 1 or more; /locationId is required; /starRating must be from 0 to 5",
                        null,
                        "/userId is out of range",
                        "/starRating is out of range",
                        null,
                        "/userId must be an integer",
                        "/locationId must be an integer",
                        "/x is not a known member",
                        null,
                        " must be one JSON object",
                        " must be one JSON object",
                        " must be one JSON object",
                        " must be one JSON object",
                        "/userId is required; /locationId is required; /starRating is required",
                        null);
        assertThat(acceptedIds(answer)).isEqualTo(ids(redis));
        assertThat(users(redis)).containsExactly(1L, 2L, 3L, 4L);
    }

    /** What a parser stops at, though it is clear where the next element begins. */
    @ParameterizedTest
    @EnumSource(Form.class)
    void anElementThatAParserStopsAtIsOneErrorAndTheOthersAreStored(Form form) {
        HttpAnswer answer = form.to(receiver)
                .header("Idempotency-Key", "with-bad-ones-" + form)
                .post(form.of(Stream.of(
                        checkin(1),
                        "{\"userId\":7,\"userId\":8,\"locationId\":1,\"starRating\":5}",
                        "{\"userId\":7,\"locationId\":1,\"starRating\":5,\"\\u0075serId\":7}",
                        "{\"userId\":7,\"locationId\":1,\"starRating\":5,\"x\":{\"a\":1,\"a\":2}}",
                        "{\"userId\":" + "9".repeat(1_001) + ",\"locationId\":1,\"starRating\":5}",
                        "{\"userId\":1." + "0".repeat(1_001) + ",\"locationId\":1,\"starRating\":5}",
                        "{\"userId\":1e999999999,\"locationId\":1,\"starRating\":5}",
                        "{\"" + "a".repeat(60_000) + "\":1}",
                        "{\"userId\":" + "[".repeat(1_001) + "]".repeat(1_001) + "}",
                        "[".repeat(60_000) + "]".repeat(60_000),
                        checkin(2),
                        "9".repeat(1_001),
                        "\"" + "a".repeat(60_000) + "\"",
                        " ".repeat(5_000) + checkin(3) + " ".repeat(20),
                        "\"}],[{ \\\" \"",
                        checkin(4))));

        assertThat(answer.status()).as(answer.body()).isEqualTo(207);
        String tooLong = " is longer than 4096 bytes";
        assertThat(answer.json().get("results").valueStream().map(BatchIT::errorsOf))
                .containsExactly(
                        null,
                        "/userId is there more than once",
                        "/userId is there more than once",
                        "/x is not a known member",
                        "/userId is out of range",
                        "/userId must be an integer",
                        "/userId is out of range",
                        tooLong,
                        " is nested too deeply",
                        tooLong,
                        null,
                        " must be one JSON object",
                        tooLong,
                        form == Form.ARRAY ? null : tooLong, // what is between elements belongs to none
                        " must be one JSON object",
                        null);
        assertThat(answer.json().has("problem")).isFalse();
        assertThat(acceptedIds(answer)).isEqualTo(ids(redis));
        assertThat(users(redis)).isEqualTo(form == Form.ARRAY ? List.of(1L, 2L, 3L, 4L) : List.of(1L, 2L, 4L));
    }

    @ParameterizedTest
    @EnumSource(Form.class)
    void theResultsAreInTheOrderOfTheEntriesAlsoOverSeveralChunks(Form form) {
        HttpAnswer answer = form.post(
                form.of(LongStream.rangeClosed(1, 1_500).mapToObj(user -> user % 3 == 0 ? "{}" : checkin(user))));

        assertThat(answer.status()).isEqualTo(207);
        List<JsonNode> results = answer.json().get("results").valueStream().toList();
        assertThat(results).hasSize(1_500);
        for (int i = 0; i < results.size(); i++) {
            boolean refused = (i + 1) % 3 == 0;
            assertThat(results.get(i).has("errors")).isEqualTo(refused);
            assertThat(results.get(i).has("id")).isEqualTo(!refused);
        }
        assertThat(acceptedIds(answer)).hasSize(1_000).isEqualTo(ids(redis));
        assertThat(users(redis))
                .isEqualTo(LongStream.rangeClosed(1, 1_500)
                        .filter(user -> user % 3 != 0)
                        .boxed()
                        .toList());
    }

    @ParameterizedTest
    @EnumSource(Form.class)
    void whereNoEntryIsACheckinTheResultsSaySo(Form form) {
        HttpAnswer answer = form.post(form.of(Stream.of("{}", "{}")));
        assertThat(answer.status()).isEqualTo(207);
        assertThat(answer.json().get("accepted").asInt()).isZero();
        assertThat(answer.json().get("refused").asInt()).isEqualTo(2);
        assertThat(redis.commands().exists(STREAM)).isZero();
    }

    @ParameterizedTest
    @ValueSource(strings = {"[]", " [ ] \n"})
    void anEmptyArrayIsTaken(String body) {
        assertEmptyIsTaken(Form.ARRAY.post(body));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "\n", "\r\n \n\t\r\n"})
    void noLinesAreTaken(String body) {
        assertEmptyIsTaken(Form.LINES.post(body));
    }

    private static void assertEmptyIsTaken(HttpAnswer answer) {
        assertThat(answer.status()).isEqualTo(202);
        assertThat(answer.body()).isEqualTo("{\"accepted\":0,\"refused\":0,\"results\":[]}");
        assertThat(redis.commands().exists(STREAM)).isZero();
    }

    @ParameterizedTest
    @ValueSource(strings = {"\n", "\r\n", "\n\n \n", "\r\n\r\n"})
    void linesMayEndInDifferentWaysAndBlankOnesAreNone(String end) {
        for (String last : List.of("", end)) {
            HttpAnswer answer = Form.LINES.post(end + checkin(1) + end + checkin(2) + end + checkin(3) + last);
            assertThat(answer.status()).as(answer.body()).isEqualTo(202);
            assertThat(answer.json().get("results")).hasSize(3);
        }
        assertThat(users(redis)).containsExactly(1L, 2L, 3L, 1L, 2L, 3L);
    }

    @Test
    void aBrokenLineDoesNotSpoilTheOthers() {
        HttpAnswer answer = Form.LINES.post(
                String.join("\n", checkin(1), "{\"userId\":", "}", checkin(2) + checkin(3), checkin(4)));

        assertThat(answer.status()).isEqualTo(207);
        assertThat(answer.json().get("results").valueStream().map(BatchIT::errorsOf))
                .containsExactly(
                        null,
                        " is not well-formed JSON at line 1, column 11",
                        " is not well-formed JSON at line 1, column 1",
                        " must be one JSON object",
                        null);
        assertThat(users(redis)).containsExactly(1L, 4L);
    }

    @Test
    void aLineThatIsTooLongDoesNotSpoilTheOthers() {
        String longest = checkin(2) + " ".repeat(4_096 - checkin(2).length());
        HttpAnswer answer =
                Form.LINES.post(String.join("\n", checkin(1), longest, longest + " ", "x".repeat(100_000), checkin(3)));

        assertThat(answer.status()).isEqualTo(207);
        assertThat(answer.json().get("results").valueStream().map(BatchIT::errorsOf))
                .containsExactly(null, null, " is longer than 4096 bytes", " is longer than 4096 bytes", null);
        assertThat(users(redis)).containsExactly(1L, 2L, 3L);
    }

    @Test
    void anArrayThatBreaksOffIsStoredUpToThereAndTheAnswerSaysSo() {
        HttpAnswer answer = Form.ARRAY.post(Form.ARRAY.of(1, 700).replace("]", ",{\"userId\":"));

        assertCutOff(answer, 700, "invalid-request");
        assertThat(answer.json().at("/problem/errors/0/message").asString())
                .startsWith("is not well-formed JSON at line 1");
        assertThat(users(redis))
                .isEqualTo(LongStream.rangeClosed(1, 700).boxed().toList());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"userId\":1]             | 1, column 58",
                "{\"userId\":01}            | 1, column 58",
                "{\"userId\":1,,}           | 1, column 59",
                "nonsense                   | 1, column",
                "true{\"userId\":1}          | 1, column 51",
                "null\"x\"                    | 1, column 51",
                "false[]                    | 1, column 52",
                "true-1                     | 1, column 51",
                ",                          | 1, column",
                "[[}]                       | 1, column 49",
                "{\"userId\":^ 1 NaN}       | 2, column"
            })
    void whereAnArrayIsNoJsonTheAnswerSaysWhere(String element, String place) {
        HttpAnswer answer =
                Form.ARRAY.post(Form.ARRAY.of(Stream.of(checkin(1), element.replace('^', '\n'), checkin(2))));

        assertCutOff(answer, 1, "invalid-request");
        assertThat(answer.json().at("/problem/errors/0/message").asString())
                .startsWith("is not well-formed JSON at line " + place);
        assertThat(users(redis)).containsExactly(1L);
    }

    @ParameterizedTest
    @ValueSource(strings = {" {}", "{}", "}", "\"", " 1", ";", "\0"})
    void whatFollowsAnElementIsAProblemAfterTheCheckinsBeforeItAreStored(String trailing) {
        HttpAnswer answer = Form.ARRAY.post(Form.ARRAY.of(Stream.of(checkin(1), checkin(2) + trailing, checkin(3))));
        assertCutOff(answer, 2, "invalid-request");
        assertThat(users(redis)).containsExactly(1L, 2L);
    }

    @ParameterizedTest
    @ValueSource(strings = {"x", "[]", "{}", "]"})
    void whatFollowsAnArrayIsAProblemAfterItsCheckinsAreStored(String trailing) {
        HttpAnswer answer = Form.ARRAY.post(Form.ARRAY.of(1, 3) + trailing);
        assertCutOff(answer, 3, "invalid-request");
        assertThat(users(redis)).containsExactly(1L, 2L, 3L);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "{}", "7", "null", "\"[]\"", "nonsense", "[", "[{", "[,]", "[] []", "\u0000"})
    void whatIsNoArrayIsRefused(String body) {
        assertInvalid(Form.ARRAY.post(body));
    }

    @Test
    void aSingleCheckinIsNoArray() {
        assertInvalid(Form.ARRAY.post(checkin(1)));
    }

    private static void assertInvalid(HttpAnswer answer) {
        assertThat(answer.status()).as(answer.body()).isEqualTo(400);
        assertThat(answer.problemType()).isEqualTo("invalid-request");
        assertThat(answer.json().get("errors")).hasSize(1);
        assertThat(redis.commands().exists(STREAM)).isZero();
    }

    @ParameterizedTest
    @EnumSource(Form.class)
    void whatIsNotGzipIsRefused(Form form) {
        byte[] good = gzip(form.of(1, 3));
        byte[] damaged = good.clone();
        Arrays.fill(damaged, 10, damaged.length, (byte) 0xff);
        List<byte[]> bodies = List.of(
                new byte[0],
                form.of(1, 3).getBytes(StandardCharsets.UTF_8),
                Arrays.copyOf(good, 5),
                Arrays.copyOf(good, 12),
                damaged);
        for (byte[] body : bodies) {
            HttpAnswer answer =
                    form.to(receiver).header("Content-Encoding", "gzip").post(body);
            assertInvalid(answer);
            assertThat(answer.json().at("/errors/0/message").asString()).isEqualTo("is not gzip");
        }
    }

    @ParameterizedTest
    @EnumSource(Form.class)
    void gzipThatBreaksOffIsStoredUpToThereAndTheAnswerSaysSo(Form form) {
        byte[] whole = gzip(form.of(1, 5_000));

        HttpAnswer answer =
                form.to(receiver).header("Content-Encoding", "gzip").post(Arrays.copyOf(whole, whole.length / 2));

        int accepted = answer.json().get("accepted").asInt();
        assertThat(accepted).isBetween(500, 4_999);
        assertCutOff(answer, accepted, "invalid-request");
        assertThat(acceptedIds(answer)).isEqualTo(ids(redis));
    }

    @Test
    void gzipOfManyMembersIsReadToItsEnd() {
        ByteArrayOutputStream members = new ByteArrayOutputStream();
        LongStream.rangeClosed(1, 2_000).forEach(user -> {
            members.writeBytes(gzip(checkin(user) + '\n'));
            members.writeBytes(gzip(""));
        });
        HttpAnswer answer =
                Form.LINES.to(receiver).header("Content-Encoding", "gzip").post(members.toByteArray());
        assertThat(answer.status()).isEqualTo(202);
        assertThat(users(redis))
                .isEqualTo(LongStream.rangeClosed(1, 2_000).boxed().toList());
    }

    @Test
    void gzipOfNothingButEmptyMembersIsAnEmptyBatch() {
        ByteArrayOutputStream members = new ByteArrayOutputStream();
        for (int i = 0; i < 50_000; i++) {
            members.writeBytes(gzip(""));
        }
        assertEmptyIsTaken(
                Form.LINES.to(receiver).header("Content-Encoding", "gzip").post(members.toByteArray()));
    }

    @Test
    void whatFollowsTheFirstMemberIsReadOrNamedAsNoGzip() {
        byte[] first = gzip(checkin(1) + '\n');
        byte[] damaged = gzip(checkin(2) + '\n');
        damaged[1] = 0;
        byte[] wrongSum = gzip(checkin(2) + '\n');
        wrongSum[wrongSum.length - 6] ^= 1;
        byte[] wrongLength = gzip(checkin(2) + '\n');
        wrongLength[wrongLength.length - 2] ^= 1;
        for (byte[] second : List.of(
                damaged,
                Arrays.copyOf(gzip(checkin(2)), 5),
                (checkin(2) + '\n').getBytes(StandardCharsets.US_ASCII),
                new byte[] {0, 0, 1},
                wrongSum,
                wrongLength)) {
            HttpAnswer answer =
                    Form.LINES.to(receiver).header("Content-Encoding", "gzip").post(joined(first, second));
            assertInvalid(answer);
            assertThat(answer.json().at("/errors/0/message").asString()).isEqualTo("is not gzip");
        }
        assertThat(Form.LINES
                        .to(receiver)
                        .header("Content-Encoding", "gzip")
                        .post(joined(first, new byte[1_000]))
                        .status())
                .isEqualTo(202);
    }

    private static byte[] joined(byte[] first, byte[] second) {
        byte[] both = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, both, first.length, second.length);
        return both;
    }

    @ParameterizedTest
    @ValueSource(strings = {"gzip", "GZIP", "x-gzip", "identity, gzip", ", gzip ,"})
    void gzipHasMoreThanOneName(String coding) {
        HttpAnswer answer =
                Form.LINES.to(receiver).header("Content-Encoding", coding).post(gzip(checkin(1)));
        assertThat(answer.status()).isEqualTo(202);
    }

    @ParameterizedTest
    @ValueSource(strings = {"identity", "IDENTITY", "", ",", "identity,identity"})
    void aBodyThatIsSentAsItIsMaySaySo(String coding) {
        HttpAnswer answer =
                Form.LINES.to(receiver).header("Content-Encoding", coding).post(checkin(1));
        assertThat(answer.status()).isEqualTo(202);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "application/x-ndjson",
                "application/ndjson",
                "application/jsonl",
                "application/x-jsonl",
                "application/jsonlines",
                "application/x-jsonlines",
                "Application/JSONL; charset=utf-8",
                "application/x-ndjson; header=present"
            })
    void linesHaveManyMediaTypes(String contentType) {
        HttpAnswer answer = receiver.batch().header("Content-Type", contentType).post(checkin(1) + '\n' + checkin(2));
        assertThat(answer.status()).as(answer.body()).isEqualTo(202);
        assertThat(answer.json().get("accepted").asInt()).isEqualTo(2);
    }

    @ParameterizedTest
    @ValueSource(strings = {"UTF-16", "UTF-16LE", "UTF-16BE", "UTF-32LE", "UTF-32BE"})
    void linesInAnotherEncodingThanUtf8AreRefusedAsAWhole(String encoding) {
        byte[] body = Form.LINES.of(1, 3).getBytes(Charset.forName(encoding));
        HttpAnswer answer = Form.LINES.to(receiver).post(body);
        assertInvalid(answer);
        assertThat(answer.json().at("/errors/0/message").asString()).isEqualTo("must be UTF-8");
    }

    @ParameterizedTest
    @ValueSource(strings = {"UTF-16", "UTF-16LE", "UTF-16BE", "UTF-32LE", "UTF-32BE"})
    void beforeAnArrayInAnotherEncodingThereIsNothing(String encoding) {
        Charset charset = Charset.forName(encoding);
        String array = Form.ARRAY.of(1, 3);
        assertInvalid(Form.ARRAY.to(receiver).post((" \u2d31" + array).getBytes(charset)));
        assertThat(Form.ARRAY.to(receiver).post(array.getBytes(charset)).status())
                .isEqualTo(202);
    }

    @ParameterizedTest
    @ValueSource(strings = {"br", "deflate", "gzip, gzip", "gzip, br", "zstd", "*", "gzip;q=1"})
    void anotherEncodingIsRefused(String encoding) {
        HttpAnswer answer =
                receiver.batch().header("Content-Encoding", encoding).post(gzip("[]"));
        assertThat(answer.status()).isEqualTo(415);
        assertThat(answer.problemType()).isEqualTo("unsupported-media-type");
        assertThat(answer.header("Accept-Encoding")).isEqualTo("gzip");
    }

    @Test
    void anotherMediaTypeIsRefused() {
        HttpAnswer answer = receiver.batch().header("Content-Type", "text/csv").post("1,2,3");
        assertThat(answer.status()).isEqualTo(415);
        assertThat(answer.problemType()).isEqualTo("unsupported-media-type");
    }

    @ParameterizedTest
    @EnumSource(Form.class)
    void asManyEntriesAsAreAllowedAreTakenAndNoneMore(Form form) {
        assertThat(form.to(limited).post(form.of(1, MOST_ENTRIES)).status()).isEqualTo(202);
        assertThat(redis.commands().del(STREAM)).isEqualTo(1);

        HttpAnswer answer = form.to(limited).post(form.of(1, MOST_ENTRIES + 1));

        assertCutOff(answer, MOST_ENTRIES, "content-too-large");
        assertThat(acceptedIds(answer)).isEqualTo(ids(redis));
        assertThat(users(redis))
                .isEqualTo(LongStream.rangeClosed(1, MOST_ENTRIES).boxed().toList());
    }

    @ParameterizedTest
    @EnumSource(Form.class)
    void entriesThatAreNoCheckinsCountToo(Form form) {
        HttpAnswer answer =
                form.to(limited).post(form.of(Stream.generate(() -> "{}").limit(MOST_ENTRIES + 1)));
        assertThat(answer.status()).isEqualTo(413);
        assertThat(answer.problemType()).isEqualTo("content-too-large");
    }

    @ParameterizedTest
    @EnumSource(Form.class)
    void asManyBytesAsAreAllowedAreTakenAndNoneMore(Form form) {
        String body = form.of(1, 50);
        String longest = body + " ".repeat(8 * 1_024 - body.length());
        assertThat(form.to(limited).post(longest).status()).isEqualTo(202);
        redis.commands().del(STREAM);

        HttpAnswer refused = form.to(limited).post(longest + " "); // it says its length beforehand
        assertThat(refused.status()).isEqualTo(413);
        assertThat(redis.commands().exists(STREAM)).isZero();

        HttpAnswer answer = form.to(limited).postChunked((longest + " ").getBytes(StandardCharsets.UTF_8));
        assertCutOff(answer, 50, "content-too-large");
        assertThat(acceptedIds(answer)).isEqualTo(ids(redis));
        assertThat(users(redis)).isEqualTo(LongStream.rangeClosed(1, 50).boxed().toList());
    }

    @ParameterizedTest
    @EnumSource(Form.class)
    void aBodyThatIsTooLargeIsRefusedWhetherItSaysItsLengthOrNot(Form form) {
        byte[] body = (" ".repeat(20_000) + form.of(1, 3)).getBytes(StandardCharsets.UTF_8);
        for (HttpAnswer answer :
                List.of(form.to(limited).post(body), form.to(limited).postChunked(body))) {
            assertThat(answer.status()).isEqualTo(413);
            assertThat(answer.problemType()).isEqualTo("content-too-large");
        }
        assertThat(redis.commands().exists(STREAM)).isZero();
    }

    @ParameterizedTest
    @EnumSource(Form.class)
    void aSmallBodyThatWouldBeHugeIsRefused(Form form) {
        byte[] bomb = gzip(" ".repeat(100_000_000)); // 100 KB, of 100 MB
        assertThat(bomb.length).isLessThan(200_000);

        HttpAnswer answer = form.to(receiver).header("Content-Encoding", "gzip").post(bomb);

        assertThat(answer.status()).isEqualTo(413);
        assertThat(answer.problemType()).isEqualTo("content-too-large");
        assertThat(redis.commands().exists(STREAM)).isZero();
    }

    @Test
    void aBodyThatIsTooLargeAsItIsSentIsRefusedHoweverLittleItDecompressesTo() {
        ByteArrayOutputStream members = new ByteArrayOutputStream();
        byte[] blankLine = gzip("\n");
        while (members.size() <= 8 * 1_024) {
            members.writeBytes(blankLine);
        }
        HttpAnswer answer =
                Form.LINES.to(limited).header("Content-Encoding", "gzip").post(members.toByteArray());
        assertThat(answer.status()).isEqualTo(413);
    }

    @Test
    void aBodyThatDoesNotArriveIsGivenUp() {
        try (StartedReceiver impatient = StartedReceiver.on(redis, "checkin.receiver.body-timeout=100ms")) {
            HttpAnswer answer = Form.LINES
                    .to(impatient)
                    .postInParts(
                            Form.LINES.of(1, 500),
                            () -> {
                                await().atMost(LIMIT)
                                        .until(() -> redis.commands().xlen(STREAM) == 500);
                                long stored = System.nanoTime();
                                await().atMost(LIMIT).until(() -> System.nanoTime() - stored > 300_000_000);
                            },
                            Form.LINES.of(501, 600));
            assertCutOff(answer, 500, "request-timeout");
        }
        assertThat(redis.commands().xlen(STREAM)).isEqualTo(500);
    }

    @Test
    void theTimeThatRedisTakesIsNotThatOfTheBody() {
        try (StartedReceiver impatient = StartedReceiver.on(redis, "checkin.receiver.body-timeout=400ms")) {
            String lines = Form.LINES.of(1, 1_000);
            redis.commands().clientPause(800);
            assertThat(Form.LINES.to(impatient).post(lines).status()).isEqualTo(202);

            redis.commands().clientPause(800);
            assertThat(Form.LINES
                            .to(impatient)
                            .header("Content-Encoding", "gzip")
                            .post(gzip(lines))
                            .status())
                    .isEqualTo(202);
        }
        assertThat(redis.commands().xlen(STREAM)).isEqualTo(2_000);
    }

    @ParameterizedTest
    @EnumSource(Form.class)
    void whileRedisIsAwayNothingIsTaken(Form form) {
        redis.stop();
        await().atMost(LIMIT).until(() -> !receiver.link().isConnected());

        assertUnavailable(form.post(form.of(1, 700)), "redis-unavailable");

        redis.start();
        await().atMost(LIMIT).until(() -> form.post(form.of(1, 1)).status() == 202);
        assertThat(users(redis)).containsExactly(1L);
    }

    @Test
    void whenRedisIsGoneInTheMiddleTheAnswerSaysWhatIsStored() {
        HttpAnswer answer = Form.LINES
                .to(receiver)
                .postInParts(
                        Form.LINES.of(1, 700),
                        () -> {
                            await().atMost(LIMIT).until(() -> redis.commands().xlen(STREAM) == 500);
                            redis.stop();
                            await().atMost(LIMIT).until(() -> !receiver.link().isConnected());
                        },
                        Form.LINES.of(701, 1_200));

        assertCutOff(answer, 500, "redis-unavailable");
        redis.start();
        assertThat(acceptedIds(answer)).isEqualTo(ids(redis));
        await().atMost(LIMIT).until(receiver::accepts);
    }

    @Test
    void whenMemoryIsFullInTheMiddleTheAnswerSaysWhatIsStored() {
        HttpAnswer answer = Form.ARRAY
                .to(receiver)
                .postInParts(
                        Form.ARRAY.of(1, 700).replace("]", ","),
                        () -> {
                            await().atMost(LIMIT).until(() -> redis.commands().xlen(STREAM) == 500);
                            redis.fillMemory();
                        },
                        Form.ARRAY.of(701, 1_200).replace("[", ""));
        redis.releaseMemory();

        assertThat(answer.json().at("/problem/title").asString()).isIn("Redis out of memory", "Memory limit");
        assertCutOff(answer, 500, answer.json().at("/problem/type").asString().replaceFirst(".*:", ""));
        assertThat(acceptedIds(answer)).isEqualTo(ids(redis));
        assertThat(users(redis))
                .isEqualTo(LongStream.rangeClosed(1, 500).boxed().toList());
        await().atMost(LIMIT).until(receiver::accepts); // memory is looked at once a second
    }

    /** Expects that the first so many checkins, and nothing else, were taken, because of a problem. */
    private static void assertCutOff(HttpAnswer answer, int accepted, String problemType) {
        assertThat(answer.status()).as(answer.body()).isEqualTo(207);
        JsonNode json = answer.json();
        assertThat(json.get("accepted").asInt()).isEqualTo(accepted);
        assertThat(json.get("refused").asInt()).isZero();
        assertThat(json.get("results")).hasSize(accepted);
        assertThat(json.at("/problem/type").asString()).isEqualTo("urn:checkins:problem:" + problemType);
        assertThat(json.at("/problem/detail").asString()).isNotBlank();
    }

    /** The ids of those that were taken, in the order of the results. */
    private static List<String> acceptedIds(HttpAnswer answer) {
        return answer.json()
                .get("results")
                .valueStream()
                .filter(result -> result.has("id"))
                .map(result -> result.get("id").asString())
                .toList();
    }

    /** Each pointer and message; null if there is an id instead. */
    private static @Nullable String errorsOf(JsonNode result) {
        assertThat(result.propertyNames()).hasSize(1);
        return result.has("id")
                ? null
                : result.get("errors")
                        .valueStream()
                        .map(error -> error.get("pointer").asString()
                                + ' '
                                + error.get("message").asString())
                        .collect(Collectors.joining("; "));
    }

    private static byte[] gzip(String text) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(bytes)) {
            gzip.write(text.getBytes(StandardCharsets.US_ASCII));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }
}
