package io.ncc.checkin.system;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The Dockerfile must copy the POM of every module, because Maven doesn't build a project with a missing module. */
final class DockerfileTest {

    private static final Path PROJECT = Path.of("..");
    private static final Pattern MODULE = Pattern.compile("<module>(.+)</module>");

    @Test
    void thePomOfEachModuleIsCopied() throws IOException {
        List<String> copies = MODULE.matcher(Files.readString(PROJECT.resolve("pom.xml")))
                .results()
                .map(module -> "COPY " + module.group(1) + "/pom.xml " + module.group(1) + "/")
                .toList();
        assertThat(copies).isNotEmpty();
        assertThat(Files.readAllLines(PROJECT.resolve("Dockerfile"))).containsAll(copies);
    }
}
