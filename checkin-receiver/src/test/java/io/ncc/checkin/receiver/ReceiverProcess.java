package io.ncc.checkin.receiver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A receiver in a JVM of its own. It ends with this JVM at the latest: a watcher beside it waits for the end of a pipe. Needs a POSIX shell. */
final class ReceiverProcess implements AutoCloseable {

    private static final Duration START_LIMIT = Duration.ofSeconds(60);
    private static final Pattern PORT = Pattern.compile("Tomcat started on port (\\d+)");

    /** Becomes the JVM of the receiver (so that the pid is its own) after it has left the watcher behind. */
    private static final String LAUNCHER = """
            exec 3<&0 </dev/null
            (
              trap '' HUP INT QUIT TERM
              cat <&3
              kill -KILL $$
            ) >/dev/null 2>&1 &
            exec 3<&-
            exec "$@"
            """;

    private final Process process;
    private final Path output;

    /** Returns when it is ready. */
    ReceiverProcess(Path output, List<String> settings) throws IOException {
        this.output = output;
        List<String> command = new ArrayList<>(List.of(
                "/bin/sh",
                "-c",
                LAUNCHER,
                "receiver",
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("java.class.path"),
                ReceiverApplication.class.getName()));
        command.addAll(settings);
        process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        try {
            await().atMost(START_LIMIT)
                    .failFast("the receiver has ended", () -> !process.isAlive())
                    .until(() -> output().contains("Started ReceiverApplication"));
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    int port() {
        Matcher port = PORT.matcher(output());
        assertThat(port.find()).as(output()).isTrue();
        return Integer.parseInt(port.group(1));
    }

    /** Asks it to stop, with SIGTERM. */
    void stop() {
        // by the handle: Process.destroy() also closes the pipe, and the watcher would kill at once
        process.toHandle().destroy();
    }

    /** Fails if it doesn't end in time. */
    int exitCodeWithin(Duration limit) throws InterruptedException {
        assertThat(process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS))
                .as("it ends; it has written:\n%s", output())
                .isTrue();
        return process.exitValue();
    }

    String output() {
        try {
            return Files.readString(output);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        process.toHandle().destroyForcibly();
        process.onExit().orTimeout(10, TimeUnit.SECONDS).join();
    }
}
