package io.ncc.checkin.processor;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A processor in a JVM of its own, which can be killed, paused and started again. It ends with this JVM at the latest, also where that is
 * killed: a watcher beside it waits for the end of a pipe. Needs a POSIX shell.
 */
final class ProcessorProcess implements AutoCloseable {

    private static final Duration STOP_LIMIT = Duration.ofSeconds(30);
    private static final int LINES_SHOWN = 60;

    /** Becomes the JVM of the processor (so that the pid is its own) after it has left the watcher behind. */
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

    private final String name;
    private final List<String> command;
    private final Path outputFolder;
    private final List<Path> outputs = new ArrayList<>();
    private Process process;
    private boolean paused;
    private boolean closed;

    /**
     * Begins to start a processor.
     *
     * @param name of its output's file
     * @param classPath goes before the class path of this JVM
     */
    ProcessorProcess(String name, Path outputFolder, List<Path> classPath, List<String> settings) {
        this.name = name;
        this.outputFolder = outputFolder;
        var classes = new ArrayList<>(classPath.stream().map(Path::toString).toList());
        classes.add(System.getProperty("java.class.path"));
        this.command = new ArrayList<>(List.of(
                "/bin/sh",
                "-c",
                LAUNCHER,
                name,
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                // it lives for seconds: a quick start matters more than the last bit of speed
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-cp",
                String.join(File.pathSeparator, classes),
                ProcessorApplication.class.getName()));
        command.addAll(settings);
        this.process = launch();
    }

    private Process launch() {
        try {
            Path output = outputFolder.resolve(name + '-' + (outputs.size() + 1) + ".log");
            outputs.add(output);
            return new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(output.toFile())
                    .start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Whether it runs, is not paused, and has come to the end of its start. */
    synchronized boolean isUp() {
        return process.isAlive()
                && !paused
                && lines(outputs.get(outputs.size() - 1)).stream().anyMatch(line -> line.contains("Started Processor"));
    }

    synchronized boolean isRunning() {
        return process.isAlive();
    }

    /** Ends it with SIGKILL, paused or not, and waits until it is gone. */
    synchronized void kill() {
        process.toHandle().destroyForcibly();
        awaitEnd();
        paused = false;
    }

    /** Starts it again with the same settings; nothing to do where it runs or is closed. */
    synchronized void startAgain() {
        if (!process.isAlive() && !closed) {
            process = launch();
        }
    }

    /** Freezes it with SIGSTOP. */
    synchronized void pause() {
        signal("STOP");
        paused = true;
    }

    /** Lets it go on; nothing to do where it isn't paused. */
    synchronized void resume() {
        if (paused) {
            signal("CONT");
            paused = false;
        }
    }

    /** Asks it to stop, with SIGTERM. */
    synchronized void stop() {
        resume();
        // by the handle: Process.destroy() also closes the pipe, and the watcher would kill at once
        process.toHandle().destroy();
    }

    /** Waits until it has ended. Can't be interrupted: a test that ran into its time limit must still get rid of it. */
    synchronized void awaitEnd() {
        process.onExit()
                .completeOnTimeout(process, STOP_LIMIT.toMillis(), TimeUnit.MILLISECONDS)
                .join();
        assertThat(process.isAlive()).as("%s runs", name).isFalse();
    }

    private void signal(String signal) {
        try {
            Process kill = new ProcessBuilder("/bin/sh", "-c", "kill -" + signal + ' ' + process.pid()).start();
            assertThat(kill.onExit().join().exitValue())
                    .as("SIG%s to %s", signal, name)
                    .isZero();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The end of what it has written, from each of its starts. */
    synchronized String endOfOutput() {
        var text = new StringBuilder();
        for (Path output : outputs) {
            List<String> lines = lines(output);
            text.append("--- ").append(output.getFileName()).append('\n');
            lines.stream()
                    .skip(Math.max(0, lines.size() - LINES_SHOWN))
                    .forEach(line -> text.append(line).append('\n'));
        }
        return text.toString();
    }

    /** What it has logged as an error. */
    synchronized List<String> errors() {
        return outputs.stream()
                .flatMap(output -> lines(output).stream())
                .filter(line -> line.contains(" ERROR "))
                .toList();
    }

    private static List<String> lines(Path file) {
        try {
            return Files.readAllLines(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public synchronized void close() {
        closed = true;
        kill();
    }

    @Override
    public String toString() {
        return name;
    }
}
