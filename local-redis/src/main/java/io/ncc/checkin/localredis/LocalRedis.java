package io.ncc.checkin.localredis;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A redis-server of one's own: a child process that listens on 127.0.0.1 only and keeps its data in a temporary folder.
 *
 * <p>It never outlives this JVM, however that ends: a watcher beside the server reads a pipe from the JVM, which the kernel closes with
 * it, and then kills the server and removes the folder. That makes {@link #close} a matter of order, not of safety. The server runs in a
 * session of its own where {@code setsid} exists: Ctrl-C at a terminal doesn't reach it, so what uses it can stop first.
 *
 * <p>Needs a POSIX shell. Not thread-safe.
 */
public final class LocalRedis implements AutoCloseable {

    private static final Duration START_LIMIT = Duration.ofSeconds(30);
    private static final Duration ANSWER_LIMIT = Duration.ofSeconds(1);
    private static final Duration STOP_LIMIT = Duration.ofSeconds(30);
    private static final String ADDRESS = "127.0.0.1";
    private static final int PORT_ATTEMPTS = 5;
    private static final Set<String> FIXED_SETTINGS = Set.of("bind", "port", "dir", "daemonize", "logfile");
    private static final int LOG_LINES_SHOWN = 20;

    /**
     * Becomes redis-server (so that the pid is the server's) after it has left the watcher behind. The watcher must survive what a
     * terminal sends to the whole process group. Its pipe also ends when only the server does; then its {@code kill} finds nobody, the
     * JVM still lives a second later, and the folder stays. A file that may not grow is an error for the server to handle, as a full disk is,
     * not the signal that ends it.
     */
    private static final String LAUNCHER = """
            jvm=$1 folder=$2 extracted=$3
            shift 3
            exec 3<&0 </dev/null
            (
              trap '' HUP INT QUIT TERM
              cat <&3
              kill -KILL $$
              sleep 1
              kill -0 "$jvm" || rm -rf "$folder" "$extracted"
            ) >/dev/null 2>&1 &
            exec 3<&-
            trap '' XFSZ
            command -v setsid >/dev/null && exec setsid "$@"
            exec "$@"
            """;

    private final RedisBinary binary;
    private final int port;
    private final boolean sentinel;
    private final Path folder;
    private final Path data;
    private final Path log;
    private final Path configuration;
    private Process process;

    private LocalRedis(Builder builder, int port) throws IOException {
        this.binary = builder.binary;
        this.port = port;
        this.sentinel = builder.sentinel;
        this.folder = Files.createTempDirectory("checkins-redis-");
        this.data = Files.createDirectory(folder.resolve("data"));
        this.log = folder.resolve("redis.log");
        this.configuration = writeConfiguration(folder, data, port, builder.settings);
        if (!builder.clusterNodes.isEmpty()) {
            Files.write(data.resolve(LocalCluster.NODES_FILE), builder.clusterNodes);
        }
        this.process = launch();
    }

    /**
     * Starts the {@linkplain RedisBinary#chosen chosen} server, on a free port.
     *
     * @throws IllegalStateException if it doesn't start; the message ends with its log
     */
    public static LocalRedis start() {
        return with(RedisBinary.chosen()).start();
    }

    public static Builder with(RedisBinary binary) {
        return new Builder(binary);
    }

    /** What may be chosen before the start. */
    public static final class Builder {

        private final RedisBinary binary;
        private final Map<String, String> settings = new LinkedHashMap<>();
        private int port;
        private boolean sentinel;
        private List<String> clusterNodes = List.of();

        private Builder(RedisBinary binary) {
            this.binary = binary;
            settings.put("appendonly", "yes");
            settings.put("save", "\"\"");
        }

        /**
         * The port to listen on.
         *
         * @param port 0, the default, for any that is free
         */
        public Builder port(int port) {
            this.port = port;
            return this;
        }

        /**
         * A directive of redis.conf, in place of an earlier one of that name. By default there is an append-only file and no snapshots.
         *
         * @param value as written in redis.conf: several words are several arguments, and quotes make one of them
         * @throws IllegalArgumentException for what this class decides, as the address and the folder
         */
        public Builder setting(String name, String value) {
            String directive = name.toLowerCase(Locale.ROOT);
            if (FIXED_SETTINGS.contains(directive)) {
                throw new IllegalArgumentException(directive + " is not for callers to set");
            }
            settings.put(directive, value);
            return this;
        }

        /** A Sentinel instead of a server with data. The directives that begin with {@code sentinel} say what it watches. */
        public Builder sentinel() {
            sentinel = true;
            return this;
        }

        /**
         * Starts the server and waits until it answers.
         *
         * @throws IllegalStateException if it doesn't start; the message ends with its log
         */
        public LocalRedis start() {
            for (int attempt = 1; ; attempt++) {
                LocalRedis redis = launch();
                try {
                    redis.awaitAnswer();
                    return redis;
                } catch (IllegalStateException e) {
                    redis.close();
                    if (!isPortTaken(e) || port != 0 || attempt == PORT_ATTEMPTS) {
                        throw e;
                    }
                }
            }
        }

        /** What the server, as a node of a cluster, finds in its file of nodes. */
        Builder clusterNodes(List<String> lines) {
            clusterNodes = lines;
            return this;
        }

        /** Starts the server and doesn't wait. */
        LocalRedis launch() {
            try {
                return new LocalRedis(this, port == 0 ? freePort() : port);
            } catch (IOException e) {
                throw new UncheckedIOException("Can't launch " + binary, e);
            }
        }
    }

    /** Whether a server didn't start because another has its port. */
    static boolean isPortTaken(IllegalStateException failure) {
        return String.valueOf(failure.getMessage()).contains("Address already in use");
    }

    /**
     * A port of 127.0.0.1 that nobody listens on right now. It is below the range from which systems take the local ports of outgoing
     * connections: there, a client that keeps trying to reach a stopped server will in time connect to itself, and hold the port.
     */
    public static int freePort() {
        return freePort(0);
    }

    /** The same, where the port plus the offset is also free and below that range. */
    static int freePort(int offset) {
        while (true) {
            int port = ThreadLocalRandom.current().nextInt(10_000, 32_768 - offset);
            if (isFree(port) && isFree(port + offset)) {
                return port;
            }
        }
    }

    private static boolean isFree(int port) {
        try (var socket = new ServerSocket()) {
            socket.bind(address(port));
            return true;
        } catch (IOException taken) {
            return false;
        }
    }

    @SuppressWarnings("AddressSelection") // nothing to select from: it is not looked up
    private static InetSocketAddress address(int port) {
        return new InetSocketAddress(ADDRESS, port);
    }

    private static Path writeConfiguration(Path folder, Path data, int port, Map<String, String> settings)
            throws IOException {
        var lines = new ArrayList<>(List.of("bind " + ADDRESS, "port " + port, "dir \"" + data + '"'));
        settings.forEach((name, value) -> lines.add(name + ' ' + value));
        return Files.write(folder.resolve("redis.conf"), lines);
    }

    private Process launch() throws IOException {
        List<String> command = new ArrayList<>(List.of(
                "/bin/sh",
                "-c",
                LAUNCHER,
                "local-redis",
                Long.toString(ProcessHandle.current().pid()),
                folder.toString(),
                RedisBinary.temporaryFolder().map(Path::toString).orElse(""),
                binary.path().toString(),
                configuration.toString()));
        if (sentinel) {
            command.add("--sentinel");
        }
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
    }

    void awaitAnswer() {
        long start = System.nanoTime();
        while (!answers()) {
            if (endsWithin(Duration.ofMillis(5))) {
                throw new IllegalStateException(
                        this + " ended with exit code " + process.exitValue() + " instead of starting" + endOfLog());
            }
            if (System.nanoTime() - start > START_LIMIT.toNanos()) {
                kill();
                throw new IllegalStateException(
                        this + " gave no answer within " + START_LIMIT.toSeconds() + " s" + endOfLog());
            }
        }
    }

    /**
     * Whether <em>this</em> server answers and has its data loaded. If another took the port in between, it's that one which says PONG
     * while ours is about to fail: hence the question for the process id.
     */
    private boolean answers() {
        try (var conversation = new Conversation(port, ANSWER_LIMIT)) {
            String replies = conversation.ask("PING") + conversation.ask("INFO server");
            if (replies.contains("-NOAUTH") || replies.contains("-NOPERM")) {
                return process.isAlive(); // the settings ask for a password, which can't be known here
            }
            return replies.startsWith("+PONG") && replies.contains("\nprocess_id:" + process.pid() + '\r');
        } catch (UncheckedIOException notYet) {
            return false;
        }
    }

    private String endOfLog() {
        try {
            List<String> lines = new String(Files.readAllBytes(log), StandardCharsets.UTF_8)
                    .lines()
                    .toList();
            return lines.stream()
                    .skip(Math.max(0, lines.size() - LOG_LINES_SHOWN))
                    .collect(Collectors.joining("\n", ". The end of its log:\n", ""));
        } catch (IOException e) {
            return ". Its log can't be read: " + e.getMessage();
        }
    }

    /** On 127.0.0.1; the same for the life of this object. */
    public int port() {
        return port;
    }

    public RedisVersion version() {
        return binary.version();
    }

    /** The process id of the server itself, of the last one if it is stopped. */
    public long pid() {
        return process.pid();
    }

    public boolean isRunning() {
        return process.isAlive();
    }

    Path folder() {
        return folder;
    }

    /** Asks the server to stop (SIGTERM) and waits until it has. Resumes a paused one for that; nothing to do for a stopped one. */
    public void stop() {
        if (isRunning()) {
            signal("CONT");
            // by the handle: Process.destroy() also closes the pipe, and the watcher would kill at once
            process.toHandle().destroy();
            awaitEnd();
        }
    }

    /** Ends the server with SIGKILL, paused or not, and waits until it is gone. */
    public void kill() {
        process.toHandle().destroyForcibly();
        awaitEnd();
    }

    /** Freezes the server with SIGSTOP: connections stay open, and nothing is answered. */
    public void pause() {
        signal("STOP");
    }

    /** Lets a paused server go on. */
    public void resume() {
        signal("CONT");
    }

    /**
     * Starts the stopped server again, on its port and with the data that it had. Settings that it has rewritten itself, as for a failover,
     * stay.
     *
     * @throws IllegalStateException if it runs, or doesn't start
     */
    public void startAgain() {
        if (isRunning()) {
            throw new IllegalStateException(this + " is running");
        }
        try {
            process = launch();
        } catch (IOException e) {
            throw new UncheckedIOException("Can't launch " + binary, e);
        }
        awaitAnswer();
    }

    /** Starts the server again, on its port and with no data. Kills it first if it runs. */
    public void startAgainEmpty() {
        kill();
        try {
            deleteFolder(data);
            Files.createDirectory(data);
        } catch (IOException e) {
            throw new UncheckedIOException("Can't empty " + data, e);
        }
        startAgain();
    }

    /** Kills the server, whatever state it is in, and deletes its folder. */
    @Override
    public void close() {
        kill();
        try {
            deleteFolder(folder);
        } catch (IOException e) {
            throw new UncheckedIOException("Can't delete " + folder, e);
        }
    }

    private static void deleteFolder(Path folder) throws IOException {
        if (Files.exists(folder)) {
            try (Stream<Path> paths = Files.walk(folder)) {
                for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                    Files.deleteIfExists(path);
                }
            }
        }
    }

    private void signal(String name) {
        if (!isRunning()) {
            throw new IllegalStateException(this + " is not running");
        }
        try {
            // the shell's own kill: slim images have no other
            Process kill = new ProcessBuilder(
                            "/bin/sh", "-c", "kill -\"$1\" \"$2\"", "local-redis", name, Long.toString(pid()))
                    .start();
            if (kill.waitFor() != 0) {
                throw new IllegalStateException("SIG" + name + " can't be sent to " + this);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("SIG" + name + " can't be sent to " + this, e);
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    private void awaitEnd() {
        // can't be interrupted: a test that ran into its time limit must still get rid of its server
        process.onExit()
                .completeOnTimeout(process, STOP_LIMIT.toMillis(), TimeUnit.MILLISECONDS)
                .join();
        if (isRunning()) {
            throw new IllegalStateException(this + " did not end within " + STOP_LIMIT.toSeconds() + " s" + endOfLog());
        }
    }

    private boolean endsWithin(Duration limit) {
        try {
            return process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    private IllegalStateException interrupted(InterruptedException e) {
        Thread.currentThread().interrupt();
        return new IllegalStateException("Interrupted while waiting for " + this, e);
    }

    @Override
    public String toString() {
        return binary + " on " + ADDRESS + ":" + port;
    }
}
