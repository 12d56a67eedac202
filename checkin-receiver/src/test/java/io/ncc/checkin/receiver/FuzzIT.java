package io.ncc.checkin.receiver;

import static org.assertj.core.api.Assertions.assertThat;

import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.testsupport.RawAnswer;
import io.ncc.checkin.testsupport.RawConnection;
import io.ncc.checkin.testsupport.RealRedis;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.compressors.gzip.GzipCompressorInputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.JsonNode;

/**
 * Valid requests, spoiled at random. What is taken must be in the stream with the values that an independent reader finds in what was sent,
 * and nothing else may be there.
 *
 * <p>{@code -Dfuzz.seed=} repeats a run, {@code -Dfuzz.requests=} makes it longer.
 */
@Timeout(600)
final class FuzzIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final Logger log = LoggerFactory.getLogger(FuzzIT.class);

    private static final int REQUESTS = Integer.getInteger("fuzz.requests", 4_000);
    private static final long SEED = Long.getLong("fuzz.seed", System.nanoTime());
    private static final int THREADS = 4;

    private static final String[] TOKENS = {
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"userId\"",
        "\"locationId\"",
        "\"starRating\"",
        "\"\"",
        "null",
        "true",
        "0",
        "-1",
        "1.5",
        "9223372036854775807",
        "9223372036854775808",
        "1e5",
        "\"7\"",
        "\n",
        "\r\n",
        " ",
        "\ufeff",
        "\\u0000",
        "//",
        "{}",
        "[]"
    };
    private static final String[] NUMBERS = {
        "0",
        "-0",
        "00",
        "01",
        "+1",
        "-1",
        "1.0",
        "1.",
        ".5",
        "1e0",
        "1E400",
        "6",
        "2147483648",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "99999999999999999999999999",
        "0x1",
        "NaN",
        "Infinity",
        "1_000"
    };
    private static final String[] TYPES = {
        "application/json",
        "application/x-ndjson",
        "application/json;charset=utf-8",
        "APPLICATION/JSON",
        "application/json; charset=utf-16",
        "application/*",
        "*/*",
        "text/plain",
        "application",
        "application/json;",
        "application/json;charset=nonsense",
        "application/x-ndjson;q=\"",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded",
        ""
    };
    private static final String[] ENCODINGS = {
        "gzip", "GZIP", "x-gzip", "br", "identity", "deflate", "gzip, gzip", "", "*"
    };

    private static final JsonFactory JSON = new JsonFactory();
    private static final List<String> MEMBERS = List.of("userId", "locationId", "starRating");

    private static TestReceiver receiver;

    private final AtomicIntegerArray statuses = new AtomicIntegerArray(600);
    private final Map<String, Checkin> expected = new ConcurrentHashMap<>();

    @BeforeAll
    static void start() {
        receiver = new TestReceiver(redis);
    }

    @AfterAll
    static void stop() {
        receiver.close();
    }

    @Test
    void whateverIsSentIsTakenAsItStandsOrRefusedAsAProblem() throws Exception {
        log.info("-Dfuzz.seed={} -Dfuzz.requests={}", SEED, REQUESTS);
        ExecutorService threads = Executors.newFixedThreadPool(THREADS);
        try {
            List<Future<?>> all = new ArrayList<>();
            for (int i = 0; i < THREADS; i++) {
                int number = i;
                all.add(threads.submit(() -> {
                    send(number);
                    return null;
                }));
            }
            for (Future<?> one : all) {
                one.get();
            }
        } catch (ExecutionException e) {
            throw new AssertionError("with -Dfuzz.seed=" + SEED + ": " + e.getMessage(), e.getCause());
        } finally {
            threads.shutdownNow();
        }

        log.info("answers: {}", counts());
        assertThat(receiver.warningsAndErrors()).as("seed %s", SEED).isEmpty();
        assertThat(Stream.read(redis)).as("seed %s", SEED).containsExactlyInAnyOrderEntriesOf(expected);
        // it is the body that was to be tested, not the first check of all
        assertThat(statuses.get(202)).as("seed %s", SEED).isGreaterThan(REQUESTS / 50);
        assertThat(statuses.get(207)).as("seed %s", SEED).isGreaterThan(REQUESTS / 50);
        assertThat(statuses.get(400)).as("seed %s", SEED).isGreaterThan(REQUESTS / 20);
    }

    private String counts() {
        var text = new StringBuilder();
        for (int status = 0; status < statuses.length(); status++) {
            if (statuses.get(status) > 0) {
                text.append(status).append(": ").append(statuses.get(status)).append("  ");
            }
        }
        return text.toString();
    }

    private void send(int thread) throws IOException {
        RawConnection connection = null;
        try {
            for (int i = thread; i < REQUESTS; i += THREADS) {
                var example = new Example(new Random(SEED + i));
                if (connection == null) {
                    connection = new RawConnection(receiver.port());
                }
                connection.send(example.request());
                RawAnswer answer = connection.read();
                if (answer == null) {
                    throw new AssertionError("no answer to " + example);
                }
                check(example, answer);
                if (answer.saysThatTheConnectionCloses()) {
                    connection.close();
                    connection = null;
                }
            }
        } finally {
            if (connection != null) {
                connection.close();
            }
        }
    }

    private void check(Example example, RawAnswer answer) {
        statuses.incrementAndGet(answer.status());
        if (answer.isError()) {
            assertThat(answer.status()).as("%s: %s", example, answer).isLessThan(500);
            answer.requireProblem(example.toString());
            return;
        }
        assertThat(answer.status()).as("%s: %s", example, answer).isIn(202, 207);
        JsonNode json = answer.json();
        if (json.has("id")) {
            expect(json.get("id").asString(), example, 0);
            return;
        }
        int accepted = 0;
        JsonNode results = json.get("results");
        for (int i = 0; i < results.size(); i++) {
            if (results.get(i).has("id")) {
                expect(results.get(i).get("id").asString(), example, i);
                accepted++;
            }
        }
        assertThat(json.get("accepted").asInt()).as("%s: %s", example, answer).isEqualTo(accepted);
        assertThat(json.get("refused").asInt()).as("%s: %s", example, answer).isEqualTo(results.size() - accepted);
        if (!json.has("problem")) {
            assertThat(results).as("%s: %s", example, answer).hasSameSizeAs(example.reading);
            assertThat(example.isWhole).as("%s: %s", example, answer).isTrue();
        }
        assertThat(results.size()).as("%s: %s", example, answer).isLessThanOrEqualTo(example.reading.size());
        for (int i = 0; i < results.size(); i++) {
            assertThat(results.get(i).has("id"))
                    .as("%s: %s: index %s", example, answer, i)
                    .isEqualTo(example.reading.get(i).isPresent());
        }
        boolean all = accepted == results.size() && !json.has("problem");
        assertThat(answer.status()).as("%s: %s", example, answer).isEqualTo(all ? 202 : 207);
    }

    private void expect(String id, Example example, int index) {
        assertThat(example.reading).as("%s, taken at index %s", example, index).hasSizeGreaterThan(index);
        assertThat(example.reading.get(index))
                .as("%s, taken at index %s", example, index)
                .isPresent();
        Checkin checkin = example.reading.get(index).orElseThrow();
        assertThat(expected.put(id, checkin)).as("%s is given twice", id).isNull();
    }

    /** A request, and how it is to be read where it is taken. */
    private static final class Example {

        private final Random random;
        private final boolean batch;
        private final boolean lines;
        private final byte[] body;
        private final byte[] plain;
        private final String type;
        private final List<String> headers = new ArrayList<>();
        private final List<Optional<Checkin>> reading;

        /** False if the body should be gzip and isn't to its end. */
        private boolean isWhole = true;

        Example(Random random) {
            this.random = random;
            this.batch = random.nextInt(3) > 0;
            this.lines = batch && random.nextBoolean();
            String text = lines ? ndjson() : batch ? array() : checkin();
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            if (random.nextInt(20) == 0) {
                bytes = text.getBytes(random.nextBoolean() ? StandardCharsets.UTF_16 : StandardCharsets.UTF_16LE);
            }
            int mutations = random.nextInt(4);
            for (int i = 0; i < mutations; i++) {
                bytes = mutated(bytes);
            }
            this.plain = bytes;
            this.type = random.nextInt(8) == 0
                    ? any(TYPES)
                    : lines ? any("application/x-ndjson", "application/jsonl") : "application/json";
            this.body = batch && random.nextInt(4) == 0 ? gzip(bytes) : encodingAtRandom(bytes);
            if (random.nextInt(8) == 0) {
                headers.add("Idempotency-Key: " + key());
            }
            if (random.nextInt(20) == 0) {
                headers.add(
                        "Accept: " + any("*/*", "text/html", "application/json", "x", "application/json;q=0", ",", ""));
            }
            boolean zipped = headers.stream().anyMatch(header -> header.matches("(?i)Content-Encoding: (x-)?gzip"));
            byte[] content = batch && zipped ? gunzipped(body) : body;
            this.reading = !batch
                    ? List.of(readOne(content))
                    : type.matches("application/(x-ndjson|jsonl).*") ? readLines(content) : readArray(content);
        }

        byte[] request() {
            return RawConnection.post(
                    batch ? "/checkins/batch" : random.nextBoolean() ? "/checkins" : "/api/checkin",
                    type,
                    body,
                    headers.toArray(String[]::new));
        }

        private String any(String... texts) {
            return texts[random.nextInt(texts.length)];
        }

        private String checkin() {
            return "{\"userId\":" + (1 + random.nextInt(1_000)) + ",\"locationId\":" + (1 + random.nextInt(1_000))
                    + ",\"starRating\":" + random.nextInt(6) + '}';
        }

        private String array() {
            List<String> all = new ArrayList<>();
            for (int i = random.nextInt(8); i >= 0; i--) {
                all.add(checkin());
            }
            return all.toString();
        }

        private String ndjson() {
            var all = new StringBuilder();
            for (int i = random.nextInt(8); i >= 0; i--) {
                all.append(checkin()).append(any("\n", "\n", "\r\n", "\n\n"));
            }
            return all.toString();
        }

        private byte[] mutated(byte[] bytes) {
            int at = random.nextInt(bytes.length + 1);
            int to = Math.min(bytes.length, at + 1 + random.nextInt(20));
            return switch (random.nextInt(10)) {
                case 0 -> flipped(bytes);
                case 1 -> Arrays.copyOf(bytes, at);
                case 2 -> spliced(bytes, at, at, noise());
                case 3 -> spliced(bytes, at, at, utf8(any(TOKENS)));
                case 4 -> spliced(bytes, at, to, utf8(any(TOKENS)));
                case 5 -> spliced(bytes, at, at, Arrays.copyOfRange(bytes, at, to)); // said twice
                case 6 -> spliced(bytes, at, at, bytes); // a copy of all within
                case 7 -> utf8(new String(bytes, StandardCharsets.UTF_8).replaceFirst("[0-9]+", any(NUMBERS)));
                case 8 ->
                    utf8(new String(bytes, StandardCharsets.UTF_8)
                            .replaceFirst(
                                    "\\{", "{\"" + any("userId", "x", "locationId") + "\":" + any(NUMBERS) + ','));
                default ->
                    utf8(new String(bytes, StandardCharsets.UTF_8)
                            .replaceFirst(
                                    any("userId", "locationId", "starRating", ","),
                                    any("userId", ":", "\\\\u0075serId")));
            };
        }

        private byte[] flipped(byte[] bytes) {
            byte[] flipped = bytes.clone();
            for (int i = random.nextInt(3); i >= 0 && flipped.length > 0; i--) {
                flipped[random.nextInt(flipped.length)] ^= (byte) (1 << random.nextInt(8));
            }
            return flipped;
        }

        private byte[] noise() {
            byte[] noise = new byte[1 + random.nextInt(6)];
            random.nextBytes(noise);
            return noise;
        }

        private static byte[] spliced(byte[] bytes, int from, int to, byte[] insert) {
            var all = new ByteArrayOutputStream();
            all.write(bytes, 0, from);
            all.writeBytes(insert);
            all.write(bytes, to, bytes.length - to);
            return all.toByteArray();
        }

        private static byte[] utf8(String text) {
            return text.getBytes(StandardCharsets.UTF_8);
        }

        private byte[] encodingAtRandom(byte[] bytes) {
            if (random.nextInt(25) == 0) {
                headers.add("Content-Encoding: " + any(ENCODINGS));
            }
            return bytes;
        }

        private byte[] gzip(byte[] bytes) {
            var zipped = new ByteArrayOutputStream();
            int from = 0;
            do { // one or more members
                int to = random.nextBoolean() ? bytes.length : from + random.nextInt(bytes.length - from + 1);
                zipped.writeBytes(member(Arrays.copyOfRange(bytes, from, to)));
                from = to;
            } while (from < bytes.length);
            headers.add("Content-Encoding: " + (random.nextInt(5) == 0 ? any(ENCODINGS) : "gzip"));
            byte[] all = zipped.toByteArray();
            int at = random.nextInt(all.length + 1);
            return switch (random.nextInt(14)) {
                case 0, 1 -> flipped(all);
                case 2 -> Arrays.copyOf(all, at);
                case 3 -> spliced(all, at, at, noise());
                case 4 -> spliced(all, at, Math.min(all.length, at + 1 + random.nextInt(20)), new byte[0]);
                case 5 -> spliced(all, all.length, all.length, bytes); // plain text after it
                case 6 -> spliced(all, all.length, all.length, new byte[1 + random.nextInt(600)]);
                case 7 -> spliced(all, all.length, all.length, noise());
                case 8 -> spliced(all, at, at, member(bytes));
                default -> all;
            };
        }

        private static byte[] member(byte[] bytes) {
            var member = new ByteArrayOutputStream();
            try (var out = new GZIPOutputStream(member)) {
                out.write(bytes);
            } catch (IOException e) {
                throw new AssertionError("into memory", e);
            }
            return member.toByteArray();
        }

        private String key() {
            return switch (random.nextInt(5)) {
                case 0 -> "";
                case 1 -> random.nextLong() + "k".repeat(200 + random.nextInt(60));
                case 2 -> "a key with blanks";
                case 3 -> "\u00e4" + random.nextLong();
                default -> "key-" + random.nextLong();
            };
        }

        private static Optional<Checkin> readOne(byte[] json) {
            try (JsonParser parser = JSON.createParser(ObjectReadContext.empty(), json)) {
                parser.nextToken();
                Optional<Checkin> checkin = readElement(parser);
                return parser.nextToken() == null ? checkin : Optional.empty();
            } catch (JacksonException e) {
                return Optional.empty();
            }
        }

        private static List<Optional<Checkin>> readLines(byte[] text) {
            List<Optional<Checkin>> all = new ArrayList<>();
            int from = 0;
            for (int i = 0; i <= text.length; i++) {
                if (i == text.length || text[i] == '\n') {
                    byte[] line = Arrays.copyOfRange(text, from, i);
                    String characters = new String(line, StandardCharsets.ISO_8859_1);
                    if (!characters.matches("[ \t\r]*")) {
                        all.add(characters.indexOf(0) < 0 ? readOne(line) : Optional.empty()); // UTF-8 has no zeros
                    }
                    from = i + 1;
                }
            }
            return all;
        }

        /** As far as it can be read. */
        private static List<Optional<Checkin>> readArray(byte[] text) {
            List<Optional<Checkin>> all = new ArrayList<>();
            try (JsonParser parser = JSON.createParser(ObjectReadContext.empty(), text)) {
                if (parser.nextToken() == JsonToken.START_ARRAY) {
                    while (parser.nextToken() != JsonToken.END_ARRAY) {
                        all.add(readElement(parser));
                    }
                }
            } catch (JacksonException e) {
                // the rest is lost
            }
            return all;
        }

        /** Of a value that is no object, and of each unknown member, all is read. */
        private static Optional<Checkin> readElement(JsonParser parser) {
            if (parser.currentToken() != JsonToken.START_OBJECT) {
                parser.skipChildren();
                return Optional.empty();
            }
            Map<String, BigDecimal> numbers = new HashMap<>();
            boolean good = true;
            for (String name = parser.nextName(); name != null; name = parser.nextName()) {
                JsonToken value = parser.nextToken();
                String text = String.valueOf(parser.getString());
                boolean number = value == JsonToken.VALUE_NUMBER_INT
                        || value == JsonToken.VALUE_NUMBER_FLOAT
                        || (value == JsonToken.VALUE_STRING
                                && !name.equals("starRating")
                                && text.matches("[1-9][0-9]*"));
                good &= MEMBERS.contains(name)
                        && number
                        && !text.matches(".*[eE][-+]?[0-9]{9,}") // beyond any range
                        && numbers.put(name, new BigDecimal(text)) == null
                        && (value != JsonToken.VALUE_NUMBER_FLOAT || isExact(numbers.get(name)));
                parser.skipChildren();
            }
            return good && numbers.size() == MEMBERS.size() ? checkin(numbers) : Optional.empty();
        }

        private static boolean isExact(BigDecimal number) {
            return number.abs().compareTo(BigDecimal.valueOf(1L << 53)) < 0;
        }

        private static Optional<Checkin> checkin(Map<String, BigDecimal> numbers) {
            try {
                return Optional.of(new Checkin(
                        required(numbers, "userId").longValueExact(),
                        required(numbers, "locationId").longValueExact(),
                        required(numbers, "starRating").intValueExact()));
            } catch (IllegalArgumentException | ArithmeticException e) {
                return Optional.empty(); // out of range
            }
        }

        private static BigDecimal required(Map<String, BigDecimal> numbers, String name) {
            return Objects.requireNonNull(numbers.get(name));
        }

        /** As far as it can be unpacked, by another implementation, which doesn't know of zeros at the end. */
        private byte[] gunzipped(byte[] zipped) {
            int length = zipped.length;
            while (length > 0 && zipped[length - 1] == 0) {
                length--;
            }
            // the last member itself may end with zeros: 9 of them if it is empty
            byte[] best = new byte[0];
            for (int end = length; end <= Math.min(zipped.length, length + 9); end++) {
                var content = new ByteArrayOutputStream();
                isWhole = unpack(Arrays.copyOf(zipped, end), content);
                if (isWhole) {
                    return content.toByteArray();
                }
                best = content.toByteArray();
            }
            return best;
        }

        private static boolean unpack(byte[] zipped, ByteArrayOutputStream content) {
            try (var in = GzipCompressorInputStream.builder()
                    .setInputStream(new ByteArrayInputStream(zipped))
                    .setDecompressConcatenated(true)
                    .get()) {
                for (int next = in.read(); next >= 0; next = in.read()) {
                    content.write(next);
                }
                return true;
            } catch (IOException e) {
                return false; // the rest is lost
            }
        }

        @Override
        public String toString() {
            return (batch ? "batch " : "single ") + type + ' ' + headers + ' '
                    + new String(plain, StandardCharsets.ISO_8859_1).replaceAll("[^ -~]", "?") + " ("
                    + HexFormat.of().formatHex(body) + ')';
        }
    }
}
