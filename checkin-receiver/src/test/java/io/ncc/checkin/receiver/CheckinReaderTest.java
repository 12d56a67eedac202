package io.ncc.checkin.receiver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import io.ncc.checkin.model.Checkin;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.core.exc.StreamReadException;

final class CheckinReaderTest {

    private static Checkin read(String json) throws InvalidCheckinException {
        byte[] bytes = ("  " + json + "]]").getBytes(StandardCharsets.UTF_8);
        return CheckinReader.read(bytes, 2, bytes.length - 4);
    }

    private static String withUser(String value) {
        return "{\"userId\":" + value + ",\"locationId\":171,\"starRating\":5}";
    }

    private static String errors(String json) {
        try {
            return read(json).toString();
        } catch (InvalidCheckinException e) {
            return e.errors().stream()
                    .map(error -> error.pointer() + ' ' + error.message())
                    .collect(Collectors.joining("; "));
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "7                      | 7",
                "\"7\"                  | 7",
                "\"9223372036854775807\" | 9223372036854775807",
                "9223372036854775807    | 9223372036854775807",
                "7.0                    | 7",
                "7.000                  | 7",
                "7e0                    | 7",
                "0.7E1                  | 7",
                "70e-1                  | 7",
                "9007199254740991.0     | 9007199254740991"
            })
    void anIntegerHasManyForms(String value, long user) throws InvalidCheckinException {
        assertThat(read(withUser(value))).isEqualTo(new Checkin(user, 171, 5));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "7.5                     | must be an integer",
                "7e-1                    | must be an integer",
                "1e-999999999            | must be an integer",
                "9007199254740993.0      | is out of range",
                "1e30                    | is out of range",
                "-1e999999999            | is out of range",
                "1e99999999999           | is out of range",
                "1e-99999999999          | is out of range",
                "9223372036854775808     | is out of range",
                "\"9223372036854775808\" | is out of range",
                "\"-9223372036854775809\" | is out of range",
                "0                       | must be 1 or more",
                "-0                      | must be 1 or more",
                "-0.0                    | must be 1 or more",
                "\"0\"                   | must be 1 or more",
                "\"-7\"                  | must be 1 or more",
                "\"\"                    | must be an integer",
                "\" 7\"                  | must be an integer",
                "\"07\"                  | must be an integer",
                "\"+7\"                  | must be an integer",
                "\"7.0\"                 | must be an integer",
                "\"0x7\"                 | must be an integer",
                "\"\uff17\"              | must be an integer",
                "\"7\\u0000\"            | must be an integer",
                "true                    | must be an integer",
                "[7]                     | must be an integer",
                "null                    | is required"
            })
    void whatIsNoIntegerIsRefused(String value, String message) {
        assertThat(errors(withUser(value))).isEqualTo("/userId " + message);
    }

    @Test
    void starsAreANumber() {
        assertThat(errors("{\"userId\":1,\"locationId\":1,\"starRating\":5.0}")).startsWith("Checkin[");
        assertThat(errors("{\"userId\":1,\"locationId\":1,\"starRating\":\"5\"}"))
                .isEqualTo("/starRating must be an integer");
    }

    @Test
    void eachMemberIsNamedOnceAndOfOthersTheFirst() {
        assertThat(errors("{\"a/b\":1,\"userId\":0,\"x\":2,\"starRating\":6,\"starRating\":5}"))
                .isEqualTo("/userId must be 1 or more; /locationId is required; /starRating is there more than once;"
                        + " /a~1b is not a known member");
    }

    /** Each in a moment, as a client could send many. */
    @ParameterizedTest
    @ValueSource(ints = {1_001, 60_000, 1_000_000})
    void sizeAloneIsOneError(int size) {
        org.junit.jupiter.api.Assertions.assertTimeout(Duration.ofSeconds(5), () -> {
            assertThat(errors(withUser("9".repeat(size)))).isEqualTo("/userId is out of range");
            assertThat(errors(withUser("1." + "0".repeat(size)))).isEqualTo("/userId must be an integer");
            assertThat(errors(withUser('"' + "9".repeat(size) + '"'))).isEqualTo("/userId is out of range");
            assertThat(errors(withUser("[".repeat(size) + "]".repeat(size)))).isEqualTo(" is nested too deeply");
            assertThat(errors("{\"" + "a".repeat(size) + "\":1,\"userId\":1}"))
                    .endsWith("/" + "a".repeat(size) + " is not a known member");
        });
    }

    /** Jackson's table of names, which is shared, would hold 24 MB, and each further name would copy it. */
    @Test
    void namesThatClientsMakeUpAreNotKept() {
        String name = "a".repeat(4_000);
        for (int i = 0; i < 1_500; i++) {
            errors("{\"" + i + name + "\":0}");
        }
        ThreadMXBean threads = ManagementFactory.getPlatformMXBean(ThreadMXBean.class);
        long before = threads.getCurrentThreadAllocatedBytes();
        assertThat(errors("{\"x" + name + "\":0}")).contains("is not a known member");
        assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(1_000_000);
    }

    @ParameterizedTest
    @ValueSource(strings = {"[]", "7", "\"7\"", "null", "true", "{} {}"})
    void anythingElseIsNoObject(String json) {
        assertThat(errors(json)).isEqualTo(" must be one JSON object");
    }

    /** Also where what comes before it is wrong already. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"x\":1,,}",
                "{\"userId\":01}",
                "{\"userId\":NaN}",
                "{\"userId\":[}",
                "{",
                "{}}",
                "{} x",
                "[{}] 1",
                "true{}"
            })
    void whatIsNotWellFormedIsToldApart(String json) {
        assertThatExceptionOfType(StreamReadException.class).isThrownBy(() -> read(json));
    }

    @Test
    void aByteThatIsNotUtf8IsNotWellFormed() {
        byte[] json = withUser("\"\u00ff\"").getBytes(StandardCharsets.ISO_8859_1);
        assertThatThrownBy(() -> CheckinReader.read(json, 0, json.length)).isInstanceOf(StreamReadException.class);
    }
}
