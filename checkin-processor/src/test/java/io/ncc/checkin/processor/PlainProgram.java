package io.ncc.checkin.processor;

import io.ncc.checkin.model.Keys;
import io.ncc.checkin.testsupport.PerlProgram;
import io.ncc.checkin.testsupport.RealRedis;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A program in another language that shares the processor's group and keys: {@code plain-processor.pl}. It knows no script.
 */
final class PlainProgram implements AutoCloseable {

    private final Path ids;
    private final Path errors;
    private final Process process;

    /** @param folder for its files */
    PlainProgram(RealRedis redis, Path folder) throws IOException {
        List<String> command = new ArrayList<>(PerlProgram.copiedTo(folder, "plain-processor.pl"));
        command.addAll(List.of(redis.host(), Integer.toString(redis.port()), Keys.GROUP, "plain"));
        ids = folder.resolve("ids");
        errors = folder.resolve("errors");
        process = new ProcessBuilder(command)
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
