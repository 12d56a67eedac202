package io.ncc.checkin.processor;

import io.ncc.checkin.model.Keys;
import io.ncc.checkin.testsupport.RealRedis;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

/**
 * A program in another language that shares the processor's group and keys: {@code plain-processor.pl}, since Perl is where Git is. It knows no
 * script.
 */
final class PlainProgram implements AutoCloseable {

    private final Path ids;
    private final Path errors;
    private final Process process;

    /** @param folder for its files */
    PlainProgram(RealRedis redis, Path folder) throws IOException {
        Path program = folder.resolve("plain-processor.pl");
        try (InputStream source = PlainProgram.class.getResourceAsStream("/plain-processor.pl")) {
            Files.copy(Objects.requireNonNull(source), program);
        }
        ids = folder.resolve("ids");
        errors = folder.resolve("errors");
        process = new ProcessBuilder(
                        "perl", program.toString(), redis.host(), Integer.toString(redis.port()), Keys.GROUP, "plain")
                .redirectOutput(ids.toFile())
                .redirectError(errors.toFile())
                .start();
    }

    /**
     * Lets it end with the entry that it is at.
     *
     * @return the ids of the entries that it has counted
     */
    List<String> stop() throws IOException, InterruptedException {
        process.destroy();
        if (!process.waitFor(10, TimeUnit.SECONDS) || process.exitValue() != 0) {
            throw new IllegalStateException("The program failed: " + Files.readString(errors));
        }
        return Files.readAllLines(ids);
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
