package io.ncc.checkin.system;

import static org.assertj.core.api.Assertions.assertThat;

import io.ncc.checkin.api.ApiApplication;
import io.ncc.checkin.receiver.ReceiverApplication;
import io.ncc.checkin.testsupport.Contract;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What the page for those who know the Redis crash course names is there. */
final class CrashCoursePageTest {

    private static final Path DOCS = Path.of("../docs");
    private static final Pattern ROUTE = Pattern.compile("`([A-Z]+ /[^`]*)`");
    private static final Pattern KEY = Pattern.compile("`(ncc:[^`]+)`");
    private static final Pattern SETTING = Pattern.compile("checkin\\.[a-z]+\\.[a-z-]+");
    private static final Pattern SCRIPT = Pattern.compile("([a-z-]+)/target/([a-z-]+)\\.jar");

    /** What the second column of a table has. */
    private static Set<String> here(Pattern pattern) throws IOException {
        Set<String> found = new TreeSet<>();
        for (String line : Files.readAllLines(DOCS.resolve("redis-crash-course.md"))) {
            String[] cells = line.split(" \\| ");
            if (line.startsWith("| ") && cells.length > 1) {
                pattern.matcher(cells[1]).results().forEach(match -> found.add(match.group(match.groupCount())));
            }
        }
        return found;
    }

    @Test
    void eachRouteIsInAContract() throws IOException {
        List<String> routes = Stream.of(ReceiverApplication.class, ApiApplication.class)
                .map(service -> Contract.read(Objects.requireNonNull(service.getResource("openapi.yml"))))
                .flatMap(contract -> contract.routes().keySet().stream())
                .toList();
        assertThat(here(ROUTE)).hasSizeGreaterThan(10).isSubsetOf(routes);
    }

    @Test
    void eachKeyIsAmongThoseOfTheProduct() throws IOException {
        assertThat(Files.readString(DOCS.resolve("data.md"))).contains(here(KEY));
    }

    @Test
    void eachSettingIsInTheReadme() throws IOException {
        assertThat(Files.readString(Path.of("../README.md"))).contains(here(SETTING));
    }

    @Test
    void eachJarIsThatOfAModule() throws IOException {
        assertThat(here(SCRIPT))
                .isNotEmpty()
                .allSatisfy(
                        module -> assertThat(Path.of("..", module, "pom.xml")).exists());
    }
}
