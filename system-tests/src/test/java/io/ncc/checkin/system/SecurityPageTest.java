package io.ncc.checkin.system;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Each threat in docs/security.md names tests, and they exist. */
final class SecurityPageTest {

    private static final Pattern NAME = Pattern.compile("`(\\w+)\\.(\\w+)`");
    private static final List<String> SOURCES = List.of("src/test/java", "src/main/java/io/ncc/checkin/testsupport");

    @Test
    void theTestsOfEachThreatExist() throws IOException {
        List<String> rows = Files.readAllLines(Path.of("../docs/security.md")).stream()
                .filter(line -> line.startsWith("| "))
                .skip(1) // the names of the columns
                .toList();
        assertThat(rows).hasSizeGreaterThan(15).allSatisfy(row -> {
            String tests = row.substring(row.lastIndexOf(" | "));
            assertThat(tests).matches(" \\| (`\\w+\\.\\w+`(, )?)+ \\|");
            assertThat(NAME.matcher(tests).results())
                    .allSatisfy(name -> assertThat(exists(name.group(1), name.group(2)))
                            .as(name.group())
                            .isTrue());
        });
    }

    @ParameterizedTest
    @CsvSource({
        "SecurityPageTest, theTestsOfEachThreatExist, true",
        "RoleChecks, eachRouteNeedsOneOfItsRoles, true",
        "SecurityPageTest, exists, false",
        "SecurityPageTest, noSuchTest, false",
        "NoSuchTest, theTestsOfEachThreatExist, false",
    })
    void aTestThatIsMissingIsNoticed(String type, String method, boolean expected) throws IOException {
        assertThat(exists(type, method)).isEqualTo(expected);
    }

    /** Whether a class of this name, in any module, has this test. */
    private static boolean exists(String type, String method) throws IOException {
        Pattern test = Pattern.compile("(?m)^    (void|Stream<DynamicTest>) " + method + "\\(");
        try (Stream<Path> modules = Files.list(Path.of(".."))) {
            return modules.flatMap(module -> SOURCES.stream().map(module::resolve))
                    .filter(Files::isDirectory)
                    .flatMap(SecurityPageTest::filesIn)
                    .filter(file -> file.endsWith(type + ".java"))
                    .anyMatch(file -> test.matcher(textOf(file)).find());
        }
    }

    @SuppressWarnings("StreamResourceLeak") // flatMap closes it
    private static Stream<Path> filesIn(Path folder) {
        try {
            return Files.walk(folder);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String textOf(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
