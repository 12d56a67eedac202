package io.ncc.checkin.system;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The Dockerfile builds with the POMs alone first, and must copy that of every module, because Maven doesn't build a project with a missing module. */
final class DockerfileTest {

    private static final Path PROJECT = Path.of("..");
    private static final Pattern MODULE = Pattern.compile("<module>(.+)</module>");
    private static final Pattern COPY = Pattern.compile("COPY (\\S+) (\\S+)");

    @Test
    void thePomOfEachModuleIsCopied() throws IOException {
        List<String> copies = MODULE.matcher(Files.readString(PROJECT.resolve("pom.xml")))
                .results()
                .map(module -> "COPY " + module.group(1) + "/pom.xml " + module.group(1) + "/")
                .toList();
        assertThat(copies).isNotEmpty();
        assertThat(Files.readAllLines(PROJECT.resolve("Dockerfile"))).containsAll(copies);
    }

    @Test
    @Timeout(180)
    void thePomsAloneCanBeBuilt(@TempDir Path folder) throws Exception {
        List<String> steps = Files.readAllLines(PROJECT.resolve("Dockerfile")).stream()
                .takeWhile(line -> !line.equals("COPY . ."))
                .toList();
        for (String step : steps) {
            Matcher copy = COPY.matcher(step);
            if (copy.matches()) {
                copy(PROJECT.resolve(copy.group(1)), folder.resolve(copy.group(2)));
            }
        }
        String build = steps.get(steps.size() - 1)
                .replaceFirst("^RUN mvn ", "mvn -o "); // this build has fetched what it needs
        assertThat(build).startsWith("mvn -o ");
        Path output = folder.resolve("output");
        Process maven = new ProcessBuilder("sh", "-c", build)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        assertThat(maven.waitFor()).as(() -> read(output)).isZero();
    }

    /** Copies a file, or the files of a folder, into a folder. */
    private static void copy(Path from, Path into) throws IOException {
        Files.createDirectories(into);
        List<Path> files;
        try (Stream<Path> each = Files.isDirectory(from) ? Files.list(from) : Stream.of(from)) {
            files = each.toList();
        }
        for (Path file : files) {
            Files.copy(file, into.resolve(file.getFileName()));
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
