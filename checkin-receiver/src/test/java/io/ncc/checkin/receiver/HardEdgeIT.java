package io.ncc.checkin.receiver;

import static java.nio.charset.StandardCharsets.UTF_16;
import static java.nio.charset.StandardCharsets.UTF_16BE;
import static java.nio.charset.StandardCharsets.UTF_16LE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.testsupport.HttpAnswer;
import io.ncc.checkin.testsupport.RawAnswer;
import io.ncc.checkin.testsupport.RawConnection;
import io.ncc.checkin.testsupport.RealRedis;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.Charset;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What no well-behaved client sends, over raw sockets. */
@Timeout(60)
final class HardEdgeIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final String VALID = "{\"userId\":789,\"locationId\":171,\"starRating\":5}";
    private static final Checkin VALUES = new Checkin(789, 171, 5);
    private static final String HOST = "Host: localhost\r\n";
    private static final String JSON = "application/json";
    private static final String NDJSON = "application/x-ndjson";
    private static final String SINGLE = "/checkins";
    private static final String BATCH = "/checkins/batch";

    /** With these settings a request that makes no progress ends long before any time limit of the tests. */
    private static final Duration SOON = Duration.ofSeconds(10);

    private static TestReceiver receiver;

    @BeforeAll
    static void start() {
        receiver = new TestReceiver(
                redis,
                "--server.tomcat.connection-timeout=500ms",
                "--checkin.receiver.body-timeout=1s",
                "--checkin.receiver.max-body-size=256KB"); // so that the parser gets to see large ones
    }

    @AfterAll
    static void stop() {
        receiver.close();
    }

    @AfterEach
    void nothingIsLoggedThatAnOperatorWouldReadBecauseAClientCouldFillTheLogWithIt() {
        List<String> errors = receiver.warningsAndErrors();
        receiver.forgetErrors();
        assertThat(errors).isEmpty();
    }

    static List<Arguments> brokenRequests() {
        List<Arguments> all = new ArrayList<>();
        for (String path :
                List.of("/%00", "/%2F", "/%5c", "/%zz", "/%ff", "/a|b", "/a\"b", "/\u0080", "/a\\b", "/..")) {
            all.add(get(path, 400));
        }
        for (String path :
                List.of("/\u00c3\u00bc", "/a\u0001", "x", "*", "http://", "http://a b/", "/checkins/%2e%2e/%2e%2e/x")) {
            all.add(get(path, 400));
        }
        for (String path : List.of("/checkins/../x", "/checkins//x", "//", "/;", "/WEB-INF/web.xml")) {
            all.add(get(path, 404));
        }
        all.add(get("/checkins;x=%00", 405));
        all.add(get("/checkins;%", 400));
        all.add(get("/nowhere;x=%zz", 400));
        all.add(get("/checkins?%zz=%", 405));
        all.add(get('/' + "a".repeat(9_000), 400));
        for (String method : List.of("FOO", "TRACE", "PROPFIND", "PATCH", "get")) {
            all.add(request("method " + method, method + " /checkins HTTP/1.1\r\n" + HOST, 405));
        }
        all.add(request("method CONNECT", "CONNECT /checkins HTTP/1.1\r\n" + HOST, 501));
        all.add(request("method G(T", "G(T /checkins HTTP/1.1\r\n" + HOST, 400));
        all.add(request("long method", "A".repeat(9_000) + " /checkins HTTP/1.1\r\n" + HOST, 400));
        for (String version : List.of("HTTP/0.9", "HTTP/1.2", "HTTP/2.0", "HTTP/3.0")) {
            all.add(request("version " + version, "GET /checkins " + version + "\r\n" + HOST, 505));
        }
        for (String version : List.of("HTTP/x", "FTP/1.1", "")) {
            all.add(request("version " + version, "GET /checkins " + version + "\r\n" + HOST, 400));
        }
        all.add(request("TLS", "\u0016\u0003\u0001\u0000\u00a5\u0001\u0000\u0000\u00a1\u0003\u0003", 400));
        all.add(request("no host", "GET /checkins HTTP/1.1\r\n", 400));
        all.add(request("two hosts", "GET /checkins HTTP/1.1\r\nHost: a\r\nHost: b\r\n", 400));
        all.add(request("host with a blank", "GET /checkins HTTP/1.1\r\nHost: a b:x\r\n", 400));
        all.add(request("header over 8 KB", post("X-Long: " + "a".repeat(9_000)), 400));
        all.add(request("1,000 headers", post("X: 1\r\n".repeat(1_000).strip()), 400));
        all.add(request("header without a colon", post("abc"), 400));
        all.add(request("header with a blank in its name", post("a b: c"), 400));
        all.add(request("header with a NUL", post("a: \u0000"), 400));
        for (String length : List.of("abc", "-1", "99999999999999999999", "1, 2", "", "0x10")) {
            all.add(request("Content-Length " + length, post("Content-Length: " + length), 400));
        }
        all.add(request("two lengths", post("Content-Length: 47\r\nContent-Length: 46"), 400));
        all.add(request("unknown transfer encoding", post("Transfer-Encoding: foo"), 501));
        all.add(request("gzip as a transfer encoding", post("Transfer-Encoding: gzip, chunked"), 501));
        all.add(request("chunked twice", post("Transfer-Encoding: chunked, chunked"), 400));
        all.add(request("unknown expectation", post("Expect: foo\r\nContent-Length: 0"), 417));
        return all;
    }

    private static Arguments get(String path, int status) {
        String name = "GET " + path.substring(0, Math.min(40, path.length()));
        return request(name, "GET " + path + " HTTP/1.1\r\n" + HOST, status);
    }

    private static String post(String headers) {
        return "POST /checkins HTTP/1.1\r\n" + HOST + "Content-Type: application/json\r\n" + headers + "\r\n";
    }

    private static Arguments request(String name, String head, int status) {
        return argumentSet(printable(name), head, status);
    }

    private static String printable(String name) {
        return name.replaceAll("[^ -~]", "?");
    }

    @ParameterizedTest
    @MethodSource("brokenRequests")
    void aRequestThatIsNoGoodHttpIsAnsweredWithAProblem(String head, int status) throws IOException {
        RawAnswer answer = answerTo(RawConnection.bytes(head + "\r\n"));

        answer.requireProblem(printable(head));
        assertThat(answer.status()).isEqualTo(status);
        assertThat(Stream.read(redis)).isEmpty();
    }

    static List<Arguments> brokenBodies() throws IOException {
        List<Arguments> all = new ArrayList<>();
        for (String path : List.of(SINGLE, BATCH)) {
            all.add(body("nothing", path, JSON, ""));
            all.add(body("NULs", path, JSON, "\0".repeat(100)));
            all.add(body("bad UTF-8", path, JSON, "{\"userId\":1,\"\u00ff\u00fe\":1}"));
            all.add(body("bad UTF-8 in an array", path, JSON, "[{\"userId\":1,\"\u00c3\":1}]"));
            all.add(body("overlong UTF-8", path, JSON, "{\"\u00c0\u00a2\":1}"));
            all.add(body("UCS-4 of an unusual order", path, JSON, "\u0000\u0000\u00ff\u00fe[[[["));
            all.add(body("10,000 arrays", path, JSON, "[".repeat(10_000)));
            all.add(body("10,000 objects", path, JSON, "{\"a\":".repeat(10_000)));
            all.add(body("10,000 objects in an array", path, JSON, '[' + "{\"a\":".repeat(10_000)));
            all.add(body("10,000 arrays as a value", path, JSON, "{\"userId\":" + "[".repeat(10_000)));
            all.add(body("10,000 digits", path, JSON, with("9".repeat(10_000))));
            all.add(body("10,000 digits after the point", path, JSON, with("1." + "9".repeat(10_000))));
            all.add(body("1e999999999", path, JSON, with("1e999999999")));
            all.add(body("1e-999999999", path, JSON, with("1e-999999999")));
            all.add(body("NaN", path, JSON, with("NaN")));
            all.add(body("a long string", path, JSON, with('"' + "9".repeat(100_000) + '"')));
            all.add(body("a long name", path, JSON, "{\"" + "a".repeat(100_000) + "\":1}"));
            all.add(body("a comment", path, JSON, "/* */" + VALID));
            all.add(body("a control character", path, JSON, "{\"user\u0001Id\":1}"));
        }
        all.add(body("a duplicate member", SINGLE, JSON, VALID.replace("{", "{\"userId\":1,")));
        all.add(body("a duplicate member by an escape", SINGLE, JSON, VALID.replace("{", "{\"\\u0075serId\":1,")));
        byte[] gzip = gzip(RawConnection.bytes(VALID + '\n'));
        for (String type : List.of(JSON, NDJSON)) {
            all.add(gzip("nothing", type, new byte[0]));
            all.add(gzip("its first byte", type, Arrays.copyOf(gzip, 1)));
            all.add(gzip("its magic number", type, Arrays.copyOf(gzip, 2)));
            all.add(gzip("its header", type, Arrays.copyOf(gzip, 10)));
            all.add(gzip("half of it", type, Arrays.copyOf(gzip, gzip.length / 2)));
            all.add(gzip("something else", type, RawConnection.bytes(VALID)));
            byte[] block = Arrays.copyOf(gzip, gzip.length);
            Arrays.fill(block, 10, 14, (byte) 0xff);
            all.add(gzip("a block of no known type", type, block));
        }
        for (String[] route : new String[][] {{SINGLE, JSON}, {BATCH, JSON}, {BATCH, NDJSON}}) {
            for (String chunks : List.of(
                    "zz\r\n" + VALID,
                    "-1\r\n\r\n",
                    "fffffffff\r\n",
                    "2d;" + "x".repeat(9_000),
                    "0\r\nX: " + "x".repeat(20))) { // trailing headers
                all.add(argumentSet(
                        "broken chunks " + chunks.substring(0, 2) + ' ' + route[0] + ' ' + route[1],
                        RawConnection.bytes("POST " + route[0] + " HTTP/1.1\r\n" + HOST + "Content-Type: " + route[1]
                                + "\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)));
            }
        }
        return all;
    }

    private static String with(String userId) {
        return "{\"userId\":" + userId + ",\"locationId\":171,\"starRating\":5}";
    }

    private static Arguments body(String name, String path, String type, String body) {
        return argumentSet(name + ' ' + path, RawConnection.post(path, type, RawConnection.bytes(body)));
    }

    private static Arguments gzip(String name, String type, byte[] body) {
        byte[] request = RawConnection.post(BATCH, type, body, "Content-Encoding: gzip");
        return argumentSet("of gzip " + name + ' ' + type, request);
    }

    private static byte[] gzip(byte[] body) throws IOException {
        var zipped = new ByteArrayOutputStream();
        try (var out = new GZIPOutputStream(zipped)) {
            out.write(body);
        }
        return zipped.toByteArray();
    }

    @ParameterizedTest
    @MethodSource("brokenBodies")
    void aBodyThatCantBeReadIsAnInvalidRequest(byte[] request) throws IOException {
        RawAnswer answer = answerTo(request);

        answer.requireProblem("the answer");
        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.problemType()).isEqualTo("invalid-request");
        assertThat(Stream.read(redis)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"UTF-8", "UTF-16", "UTF-16LE", "UTF-16BE", "UTF-32LE", "UTF-32BE"})
    void aBodyInAnyUnicodeEncodingIsTakenWithItsValues(String encoding) throws IOException {
        String mark = encoding.equals("UTF-16") ? "" : "\ufeff"; // the codec of Java writes that one by itself
        byte[] body = (mark + VALID).getBytes(Charset.forName(encoding));

        assertThat(answerTo(RawConnection.post(SINGLE, JSON, body)).status()).isEqualTo(202);
        assertThat(Stream.read(redis).values()).containsExactly(VALUES);
    }

    @Test
    void aBatchInAnyUnicodeEncodingIsTakenWithItsValues() throws IOException {
        for (Charset encoding : List.of(UTF_8, UTF_16, UTF_16LE, UTF_16BE)) {
            byte[] body = ('[' + VALID + ']').getBytes(encoding);
            assertThat(answerTo(RawConnection.post(BATCH, JSON, body)).status()).isEqualTo(202);
        }
        assertThat(Stream.read(redis).values()).containsOnly(VALUES).hasSize(4);
    }

    @Test
    void aLineThatCantBeReadSpoilsNoOther() throws IOException {
        String lines = String.join("\n", VALID, "[".repeat(10_000), with("9".repeat(10_000)), "\u00ff", VALID);

        RawAnswer answer = answerTo(RawConnection.post(BATCH, NDJSON, RawConnection.bytes(lines)));

        assertThat(answer.status()).isEqualTo(207);
        assertThat(answer.json().get("accepted").asInt()).isEqualTo(2);
        assertThat(answer.json().get("refused").asInt()).isEqualTo(3);
        assertThat(Stream.read(redis).values()).containsExactly(VALUES, VALUES);
    }

    @Test
    void whereThereAreChunksALengthDoesNotCountAndNothingAfterThemIsRead() throws IOException {
        String chunks = Integer.toHexString(VALID.length()) + "\r\n" + VALID + "\r\n0\r\n\r\n";
        String smuggled = "POST /checkins HTTP/1.1\r\n" + HOST + "Content-Type: application/json\r\nContent-Length: "
                + VALID.length() + "\r\n\r\n" + VALID;
        try (var connection = new RawConnection(receiver.port())) {
            connection.send(RawConnection.bytes(
                    post("Content-Length: 4\r\nTransfer-Encoding: chunked") + "\r\n" + chunks + smuggled));

            assertThat(required(connection.read()).status()).isEqualTo(202);
            assertThat(connection.isEnded()).isTrue();
        }
        assertThat(Stream.read(redis).values()).containsExactly(VALUES);
    }

    @ParameterizedTest
    @ValueSource(strings = {"text/html", "application/xml", "x", "application/xml;q=", "image/*, text/*;q=0.1"})
    void anAcceptThatCantBeMetIsAProblemAndNothingIsStored(String accept) throws IOException {
        for (String path : List.of(SINGLE, BATCH)) {
            for (String body : List.of(VALID, "{}")) {
                RawAnswer answer =
                        answerTo(RawConnection.post(path, JSON, RawConnection.bytes(body), "Accept: " + accept));
                answer.requireProblem(path + ' ' + body);
                assertThat(answer.problemType()).isEqualTo("not-acceptable");
            }
        }
        assertThat(Stream.read(redis)).isEmpty();
    }

    @Test
    void anErrorOfAResourceThatAnybodyMayAcceptIsAProblemWhateverIsAccepted() throws IOException {
        for (String accept : List.of("text/html", "x", "*/*")) {
            RawAnswer answer = answerTo(
                    RawConnection.bytes("GET /nowhere HTTP/1.1\r\n" + HOST + "Accept: " + accept + "\r\n\r\n"));
            answer.requireProblem(accept);
            assertThat(answer.status()).isEqualTo(404);
        }
    }

    /** Tomcat sees in it a connection that it can't serve, not a request that it could answer. */
    @Test
    void theConnectionOfAClientThatSpeaksHttp2IsEnded() throws IOException {
        try (var connection = new RawConnection(receiver.port())) {
            connection.send(RawConnection.bytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
            assertThat(connection.isEnded()).isTrue();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "POST /chec",
                "POST /checkins HTTP/1.1\r\nHos",
                "POST /checkins HTTP/1.1\r\nHost: localhost\r\n"
            })
    void aConnectionWhoseHeadersStopHalfWayIsEnded(String beginning) throws IOException {
        long start = System.nanoTime();
        try (var connection = new RawConnection(receiver.port())) {
            connection.send(RawConnection.bytes(beginning));
            assertThat(connection.isEnded()).isTrue(); // without an answer
        }
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isBetween(Duration.ofMillis(400), SOON);
    }

    static List<Arguments> refusedByTheirHead() {
        String long30Mb = "Content-Length: 31457280\r\n";
        List<Arguments> all = new ArrayList<>();
        for (String[] route : new String[][] {{SINGLE, JSON}, {BATCH, JSON}, {BATCH, NDJSON}}) {
            String type = "Content-Type: " + route[1] + "\r\n";
            String small = "Content-Length: 1000\r\n";
            all.add(argumentSet("length " + route[0] + ' ' + route[1], route[0], type + long30Mb, 413));
            all.add(argumentSet(
                    "coding " + route[0] + ' ' + route[1], route[0], type + "Content-Encoding: br\r\n" + small, 415));
            all.add(argumentSet(
                    "key " + route[0] + ' ' + route[1], route[0], type + "Idempotency-Key: a b\r\n" + small, 400));
            all.add(argumentSet(
                    "keys " + route[0] + ' ' + route[1],
                    route[0],
                    type + "Idempotency-Key: a\r\nIdempotency-Key: a\r\n" + small,
                    400));
            all.add(argumentSet("types " + route[0] + ' ' + route[1], route[0], type + type + small, 400));
            all.add(argumentSet(
                    "another type " + route[0] + ' ' + route[1],
                    route[0],
                    "Content-Type: text/csv\r\n" + type + small,
                    400));
            all.add(argumentSet(
                    "accept " + route[0] + ' ' + route[1], route[0], type + "Accept: text/html\r\n" + small, 406));
            all.add(argumentSet("type " + route[0], route[0], "Content-Type: text/csv\r\n" + long30Mb, 415));
        }
        return all;
    }

    @ParameterizedTest
    @MethodSource("refusedByTheirHead")
    void whatItsHeadRefusesIsAnsweredBeforeTheBodyAndThatIsNotAskedFor(String path, String headers, int status)
            throws IOException {
        String head = "POST " + path + " HTTP/1.1\r\n" + HOST + headers;
        for (String expect : List.of("", "Expect: 100-continue\r\n")) {
            try (var connection = new RawConnection(receiver.port())) {
                connection.send(RawConnection.bytes(head + expect + "\r\n"));
                RawAnswer answer = required(connection.readFirst());
                answer.requireProblem(head);
                assertThat(answer.status()).isEqualTo(status);
            }
        }
    }

    @Test
    void aBodyThatIsExpectedIsAskedForOnceItIsWanted() throws IOException {
        byte[] whole = RawConnection.post(SINGLE, JSON, RawConnection.bytes(VALID), "Expect: 100-continue");
        int head = whole.length - VALID.length();
        try (var connection = new RawConnection(receiver.port())) {
            connection.send(Arrays.copyOf(whole, head));
            assertThat(required(connection.readFirst()).status()).isEqualTo(100);
            connection.send(Arrays.copyOfRange(whole, head, whole.length));
            assertThat(required(connection.read()).status()).isEqualTo(202);
        }
    }

    @Test
    void aBodyThatIsNeitherReadNorAskedForIsNotWaitedFor() throws Exception {
        try (var connection = new RawConnection(receiver.port())) {
            connection.send(RawConnection.bytes("OPTIONS /checkins HTTP/1.1\r\n" + HOST
                    + "Expect: 100-continue\r\nContent-Length: 2000000\r\n\r\n"));
            assertThat(required(connection.readFirst()).status()).isEqualTo(200);
            Thread trickle = new Thread(() -> drip(connection, RawConnection.bytes(" ")));
            trickle.start();
            try {
                assertThat(connection.isEnded()).isTrue();
            } finally {
                trickle.interrupt();
                trickle.join();
            }
        }
    }

    /** Its controllers take one with each request, and health needs no token. */
    @Test
    void aLargeBodyForTheActuatorIsRefused() throws IOException {
        String body = "{\"a\":\"" + "a".repeat(100_000) + "\"}";
        RawAnswer answer = answerTo(RawConnection.bytes("GET /actuator/health/liveness HTTP/1.1\r\n" + HOST
                + "Content-Type: application/json\r\nContent-Length: " + body.length() + "\r\n\r\n" + body));
        assertThat(answer.problemType()).isEqualTo("content-too-large");
    }

    @Test
    void shortTrailingHeadersAreTakenAndTheNextRequestFollows() throws IOException {
        String chunks = Integer.toHexString(VALID.length()) + "\r\n" + VALID + "\r\n0\r\nA: b\r\n\r\n";
        byte[] request = RawConnection.bytes(post("Transfer-Encoding: chunked") + "\r\n" + chunks);
        try (var connection = new RawConnection(receiver.port())) {
            connection.send(request);
            connection.send(request);
            assertThat(required(connection.read()).status()).isEqualTo(202);
            assertThat(required(connection.read()).status()).isEqualTo(202);
        }
        assertThat(Stream.read(redis).values()).containsExactly(VALUES, VALUES);
    }

    /** Clients such as Python's read the answer when they have sent everything, and not before. */
    @ParameterizedTest
    @ValueSource(strings = {"Content-Length: 31457280", "Transfer-Encoding: chunked"})
    void aClientThatSendsOnAndOnStillReadsWhyItIsRefused(String framing) throws IOException {
        byte[] piece = RawConnection.bytes(" ".repeat(1024 * 1024));
        boolean chunked = framing.startsWith("Transfer");
        try (var connection = new RawConnection(receiver.port())) {
            connection.send(RawConnection.bytes("POST " + BATCH + " HTTP/1.1\r\n" + HOST + "Content-Type: " + JSON
                    + "\r\n" + framing + "\r\n\r\n"));
            for (int i = 0; i < 30; i++) {
                if (chunked) {
                    connection.send(RawConnection.bytes("100000\r\n"));
                }
                connection.send(piece);
                if (chunked) {
                    connection.send(RawConnection.bytes("\r\n"));
                }
            }
            if (chunked) {
                connection.send(RawConnection.bytes("0\r\n\r\n"));
            }
            RawAnswer answer = required(connection.read());
            answer.requireProblem("30 MB");
            assertThat(answer.problemType()).isEqualTo("content-too-large");
        }
    }

    static List<Arguments> halfRequests() {
        List<Arguments> all = new ArrayList<>();
        for (String[] route : new String[][] {
            {SINGLE, JSON, VALID}, {BATCH, JSON, '[' + VALID + ',' + VALID + ']'}, {BATCH, NDJSON, VALID + '\n' + VALID}
        }) {
            byte[] whole = RawConnection.post(route[0], route[1], RawConnection.bytes(route[2]));
            all.add(argumentSet(route[0] + ' ' + route[1], Arrays.copyOf(whole, whole.length - 10)));
            byte[] chunked = RawConnection.bytes("POST " + route[0] + " HTTP/1.1\r\n" + HOST + "Content-Type: "
                    + route[1] + "\r\nTransfer-Encoding: chunked\r\n\r\n"
                    + Integer.toHexString(route[2].length()) + "\r\n" + route[2]);
            all.add(argumentSet(route[0] + ' ' + route[1] + " in chunks", chunked));
        }
        return all;
    }

    @ParameterizedTest
    @MethodSource("halfRequests")
    void aBodyThatStopsHalfWayTimesOutAndNothingOfItIsStored(byte[] half) throws IOException {
        try (var connection = new RawConnection(receiver.port())) {
            connection.send(half);
            long start = System.nanoTime();
            RawAnswer answer = required(connection.read());

            assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(SOON);
            answer.requireProblem("half of a body");
            assertThat(answer.problemType()).isEqualTo("request-timeout");
            assertThat(connection.isEnded()).isTrue();
        }
        assertThat(Stream.read(redis)).isEmpty();
    }

    static List<Arguments> tricklingBodies() {
        return List.of(
                argumentSet("single", SINGLE, JSON, "Content-Length: 50000", " "),
                argumentSet("single in chunks", SINGLE, JSON, "Transfer-Encoding: chunked", "1\r\n \r\n"),
                argumentSet("array", BATCH, JSON, "Content-Length: 50000", " "),
                argumentSet("lines", BATCH, NDJSON, "Content-Length: 50000", " "));
    }

    @ParameterizedTest
    @MethodSource("tricklingBodies")
    void aBodyThatTricklesTimesOutAndTheServerStopsListening(String path, String type, String framing, String drop)
            throws Exception {
        String head = "POST " + path + " HTTP/1.1\r\n" + HOST + "Content-Type: " + type + "\r\n" + framing + "\r\n\r\n";
        try (var connection = new RawConnection(receiver.port())) {
            connection.send(RawConnection.bytes(head));
            Thread trickle = new Thread(() -> drip(connection, RawConnection.bytes(drop)));
            long start = System.nanoTime();
            trickle.start();
            try {
                RawAnswer answer = required(connection.read());
                assertThat(Duration.ofNanos(System.nanoTime() - start)).isBetween(Duration.ofMillis(900), SOON);
                answer.requireProblem("a trickling body");
                assertThat(answer.problemType()).isEqualTo("request-timeout");
                assertThat(connection.isEnded()).isTrue();
            } finally {
                trickle.interrupt();
                trickle.join();
            }
        }
        assertThat(Stream.read(redis)).isEmpty();
    }

    private static void drip(RawConnection connection, byte[] drop) {
        try {
            while (!Thread.currentThread().isInterrupted()) {
                connection.send(drop);
                Thread.sleep(100);
            }
        } catch (IOException | InterruptedException e) {
            // the server has had enough, or the test
        }
    }

    @Test
    void aClientThatDisconnectsInTheMiddleOfABodyLeavesNothingBehind() throws IOException {
        List<Arguments> halves = halfRequests();
        double before = requestsServed();
        for (Arguments half : halves) {
            for (boolean politely : new boolean[] {true, false}) {
                try (var connection = new RawConnection(receiver.port())) {
                    connection.send((byte[]) Objects.requireNonNull(half.get()[0]));
                    if (politely) {
                        connection.endOfSending();
                        RawAnswer answer = connection.read();
                        if (answer != null) {
                            answer.requireProblem("half of a body");
                        }
                    } else {
                        awaitRequestUnderWay();
                        connection.reset();
                    }
                }
            }
        }
        await().atMost(SOON).until(() -> requestsServed() - before >= 2 * halves.size());
        assertThat(Stream.read(redis)).isEmpty(); // and no error is logged, as after each test
    }

    /** Until the server has begun to read a body. */
    private static void awaitRequestUnderWay() {
        await().pollInterval(Duration.ofMillis(5))
                .atMost(SOON)
                .until(() -> HttpAnswer.get("http://localhost:" + receiver.port()
                                        + "/actuator/metrics/checkin.receiver.request.memory")
                                .json()
                                .get("measurements")
                                .get(0)
                                .get("value")
                                .asDouble()
                        > 0);
    }

    private static double requestsServed() {
        double served = 0;
        for (String uri : List.of(SINGLE, BATCH)) {
            HttpAnswer answer = HttpAnswer.get(
                    "http://localhost:" + receiver.port() + "/actuator/metrics/http.server.requests?tag=uri:" + uri);
            if (answer.status() == 200) { // else none was served yet
                served += answer.json().get("measurements").get(0).get("value").asDouble();
            }
        }
        return served;
    }

    private static RawAnswer answerTo(byte[] request) throws IOException {
        try (var connection = new RawConnection(receiver.port())) {
            connection.send(request);
            return required(connection.read());
        }
    }

    private static RawAnswer required(@Nullable RawAnswer answer) {
        if (answer == null) {
            throw new AssertionError("the connection ended without an answer");
        }
        return answer;
    }
}
