package io.ncc.checkin.benchmarks;

import io.ncc.checkin.testsupport.Jars;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/** A process that is measured. It is stopped with {@link #close}, or at the latest when this JVM ends. */
final class Started implements AutoCloseable {

    /** The heap and the collector of our image. */
    static final List<String> OPTIONS = List.of("-Xmx256m", "-XX:+UseSerialGC");

    /** Far more than a start takes: on a machine that is busy with other things, it takes many times as long as on an idle one. */
    private static final Duration LONGEST_START = Duration.ofMinutes(3);

    private static final Duration LONGEST_STOP = Duration.ofSeconds(15);
    private static final HttpClient HTTP =
            HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(1)).build();

    private final String name;
    private final Process process;
    private final Path log;
    private final Thread atExit = new Thread(this::kill);

    private Started(String name, List<String> command, Map<String, String> environment, boolean isAsked) {
        this.name = name;
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().putAll(environment);
        try {
            log = Files.createTempFile("checkins-" + name + '-', ".log");
            log.toFile().deleteOnExit();
            builder.redirectError(log.toFile());
            if (!isAsked) {
                builder.redirectErrorStream(true).redirectOutput(log.toFile());
            }
            process = builder.start();
        } catch (IOException e) {
            throw new UncheckedIOException("Can't start " + String.join(" ", command), e);
        }
        Runtime.getRuntime().addShutdownHook(atExit);
    }

    /** A program that is told what to do, and answers, over its standard input and output. */
    static Started program(String name, List<String> command) {
        return new Started(name, command, Map.of(), true);
    }

    /** A server that is of use once it answers at this path. */
    static Started server(String name, List<String> command, Map<String, String> environment, int port, String path) {
        Started server = new Started(name, command, environment, false);
        try {
            server.awaitAnswer(port, path);
            return server;
        } catch (IllegalStateException e) {
            server.close();
            throw e;
        }
    }

    private String endOfLog() {
        try {
            List<String> lines = Files.readAllLines(log);
            return String.join("\n", lines.subList(Math.max(0, lines.size() - 20), lines.size()));
        } catch (IOException e) {
            return "(no log)";
        }
    }

    /** Starts a program in Java. */
    static List<String> javaCommand() {
        List<String> command = new ArrayList<>(List.of(java()));
        command.addAll(OPTIONS);
        return command;
    }

    /** A service of ours. */
    static Started service(Jars jars, String module, int port, List<String> settings) {
        List<String> command = javaCommand();
        command.addAll(
                List.of("-jar", jars.of(module).toString(), "--server.port=" + port, "--logging.level.root=warn"));
        command.addAll(settings);
        return server(module, command, Map.of(), port, "/actuator/health/readiness");
    }

    /** The one that runs this program. */
    static String java() {
        return Path.of(System.getProperty("java.home"), "bin", "java").toString();
    }

    private void awaitAnswer(int port, String path) {
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
                .timeout(Duration.ofSeconds(2))
                .build();
        long deadline = System.nanoTime() + LONGEST_START.toNanos();
        String last = "no answer";
        while (System.nanoTime() < deadline && process.isAlive()) {
            try {
                int status = HTTP.send(request, HttpResponse.BodyHandlers.discarding())
                        .statusCode();
                if (status == 200) {
                    return;
                }
                last = "status " + status;
            } catch (IOException e) {
                last = e.toString();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException(e);
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5)); // not yet
        }
        String why = process.isAlive()
                ? "not ready after " + LONGEST_START.toSeconds() + " s, last: " + last
                : "it ended with exit code " + process.exitValue();
        throw new IllegalStateException(name + " did not start: " + why + '\n' + endOfLog());
    }

    long pid() {
        return process.pid();
    }

    /** Its own, and those of the processes that it has started. */
    List<Long> pids() {
        return Stream.concat(Stream.of(process.toHandle()), process.descendants())
                .map(ProcessHandle::pid)
                .toList();
    }

    void pause() {
        signal("STOP");
    }

    void resume() {
        signal("CONT");
    }

    private void signal(String signal) {
        try {
            new ProcessBuilder("kill", "-" + signal, Long.toString(pid()))
                    .start()
                    .waitFor();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /**
     * Tells the program to do something, and waits until it answers with the same line. What else it writes, or its JVM does, means nothing.
     */
    void ask(String line) {
        PrintWriter in = new PrintWriter(new OutputStreamWriter(process.getOutputStream(), StandardCharsets.US_ASCII));
        in.println(line);
        in.flush();
        try {
            String answer;
            do {
                answer = reader().readLine();
                if (answer == null) {
                    throw new IllegalStateException(name + " has ended:\n" + endOfLog());
                }
            } while (!answer.equals(line));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private BufferedReader reader() {
        return process.inputReader(StandardCharsets.US_ASCII); // always the same one
    }

    private void kill() {
        process.destroyForcibly();
    }

    @Override
    public void close() {
        resume();
        process.destroy();
        try {
            if (!process.waitFor(LONGEST_STOP.toMillis(), TimeUnit.MILLISECONDS)) {
                kill();
            }
            Runtime.getRuntime().removeShutdownHook(atExit);
        } catch (InterruptedException e) {
            kill();
            Thread.currentThread().interrupt();
        }
    }
}
