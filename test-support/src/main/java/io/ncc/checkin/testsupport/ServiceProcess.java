package io.ncc.checkin.testsupport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.jar.Attributes;
import java.util.jar.JarFile;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A service in its own JVM, which a test can kill, pause and start again. It ends with this JVM at the latest, even if this JVM is killed: a
 * watcher process waits until a pipe from this JVM closes, and then kills the service. Needs a POSIX shell.
 */
public final class ServiceProcess implements AutoCloseable {

    /** The {@code java} that runs this JVM, with options for a JVM that lives for seconds: a quick start matters more than the last bit of speed. */
    public static final List<String> JAVA = List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "-XX:+UnlockDiagnosticVMOptions",
            "-XX:-BytecodeVerificationRemote");

    private static final Duration STOP_LIMIT = Duration.ofMinutes(2);
    private static final Duration START_LIMIT = Duration.ofMinutes(4);
    private static final int LINES_SHOWN = 60;
    private static final Pattern STARTED = Pattern.compile("Started \\w+Application");
    private static final Pattern PORT = Pattern.compile("Tomcat started on port (\\d+)");

    /** Becomes the JVM of the service (so that the pid is its own) after it has left the watcher behind. */
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

    private ServiceProcess(String name, Path outputFolder, List<String> program, List<String> settings) {
        this.name = name;
        this.outputFolder = outputFolder;
        this.command = new ArrayList<>(List.of("/bin/sh", "-c", LAUNCHER, name));
        command.addAll(JAVA);
        command.add("-Xmx256m");
        command.addAll(program);
        command.addAll(settings);
        this.process = launch();
    }

    /**
     * Begins to start the service of an {@linkplain Jars#extracted extracted} jar.
     *
     * @param classPath goes before the class path of the jar
     */
    public static ServiceProcess ofJar(
            String name, Path outputFolder, List<Path> classPath, Path jar, List<String> settings) {
        return ofJar(name, outputFolder, List.of(), classPath, jar, settings);
    }

    /**
     * Begins to start the service of an {@linkplain Jars#extracted extracted} jar.
     *
     * @param jvmOptions in place of our own, where they are the same
     * @param classPath goes before the class path of the jar
     */
    public static ServiceProcess ofJar(
            String name,
            Path outputFolder,
            List<String> jvmOptions,
            List<Path> classPath,
            Path jar,
            List<String> settings) {
        List<String> program = new ArrayList<>(jvmOptions);
        Path classes = Jars.classesOf(jar);
        if (classPath.isEmpty() && Files.exists(classes)) { // it is of no use with another class path
            program.add("-XX:SharedArchiveFile=" + classes);
        }
        program.addAll(start(classPath, jar));
        return new ServiceProcess(name, outputFolder, program, settings);
    }

    /** Begins to start the service of an extracted jar, which archives the classes that it has loaded when it stops. */
    static ServiceProcess thatArchivesItsClasses(Path jar, Path outputFolder, List<String> settings) {
        List<String> program = new ArrayList<>();
        program.add("-XX:ArchiveClassesAtExit=" + Jars.classesOf(jar));
        program.addAll(start(List.of(), jar));
        return new ServiceProcess("archive", outputFolder, program, settings);
    }

    private static List<String> start(List<Path> classPath, Path jar) {
        String paths = Stream.concat(classPath.stream(), Stream.of(jar))
                .map(Path::toString)
                .collect(Collectors.joining(File.pathSeparator));
        return List.of("-cp", paths, mainClass(jar));
    }

    private static String mainClass(Path jar) {
        try (JarFile file = new JarFile(jar.toFile())) {
            return file.getManifest().getMainAttributes().getValue(Attributes.Name.MAIN_CLASS);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
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
    public synchronized boolean isUp() {
        return process.isAlive() && !paused && STARTED.matcher(output()).find();
    }

    /** Fails if that takes too long, or it ends. */
    public void awaitUp() {
        await("start of " + name)
                .atMost(START_LIMIT)
                .failFast(() -> assertThat(isRunning())
                        .as("%s runs:\n%s", name, endOfOutput())
                        .isTrue())
                .until(this::isUp);
    }

    /** The one that it has chosen; it must be up. */
    public int port() {
        Matcher port = PORT.matcher(output());
        assertThat(port.find()).as("%s listens:\n%s", name, output()).isTrue();
        return Integer.parseInt(port.group(1));
    }

    public synchronized boolean isRunning() {
        return process.isAlive();
    }

    /** Ends it with SIGKILL, paused or not, and waits until it is gone. */
    public synchronized void kill() {
        process.toHandle().destroyForcibly();
        awaitEnd();
        paused = false;
    }

    /** Starts it again with the same settings; nothing to do where it runs or is closed. */
    public synchronized void startAgain() {
        if (!process.isAlive() && !closed) {
            process = launch();
        }
    }

    /** Freezes it with SIGSTOP. */
    public synchronized void pause() {
        signal("STOP");
        paused = true;
    }

    /** Lets it go on; nothing to do where it isn't paused. */
    public synchronized void resume() {
        if (paused) {
            signal("CONT");
            paused = false;
        }
    }

    /** Asks it to stop, with SIGTERM. */
    public synchronized void stop() {
        resume();
        // by the handle: Process.destroy() also closes the pipe, and the watcher would kill at once
        process.toHandle().destroy();
    }

    /** Waits until it has ended. Can't be interrupted: a test that ran into its time limit must still get rid of it. */
    public synchronized void awaitEnd() {
        process.onExit()
                .completeOnTimeout(process, STOP_LIMIT.toMillis(), TimeUnit.MILLISECONDS)
                .join();
        assertThat(process.isAlive()).as("%s runs", name).isFalse();
    }

    /** Fails if it doesn't end in time. */
    public int exitCodeWithin(Duration limit) throws InterruptedException {
        assertThat(process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS))
                .as("it ends; it has written:\n%s", output())
                .isTrue();
        return process.exitValue();
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

    /** What it has written since its last start. */
    public synchronized String output() {
        return String.join("\n", lines(outputs.get(outputs.size() - 1)));
    }

    /** The end of what it has written, from each of its starts. */
    public synchronized String endOfOutput() {
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
    public synchronized List<String> errors() {
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
