package io.ncc.checkin.localredis;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import redis.embedded.core.ExecutableProvider;

/**
 * A redis-server or valkey-server that can be run here, and its version: the one found on the {@code PATH}, the embedded one, or one
 * that the caller names. "Can be run" has been tried: each was asked for its version.
 *
 * <p>Other packages get the {@linkplain #chosen chosen} one, for a replica and a Sentinel too, so that all servers of a run are of the
 * same binary.
 */
public final class RedisBinary {

    /**
     * The system property that {@linkplain #demanded() demands} one: {@code path}, {@code embedded}, or the path of a server. That may be a
     * script which becomes the server with {@code exec}: signals are for the process that was started.
     */
    public static final String PROPERTY = "checkins.test.redis";

    private static final System.Logger log = System.getLogger(RedisBinary.class.getName());

    private static final List<String> NAMES = List.of("redis-server", "valkey-server");
    private static final long VERSION_LIMIT_SECONDS = 10;

    private static @Nullable RedisBinary embedded;

    private final Path path;
    private final RedisVersion version;

    private RedisBinary(Path path) {
        this.path = path;
        this.version = askForVersion(path);
    }

    /**
     * The one at this path.
     *
     * @throws IllegalStateException if it can't be run or is no Redis
     */
    static RedisBinary at(Path executable) {
        return new RedisBinary(executable.toAbsolutePath());
    }

    /**
     * The one that {@value #PROPERTY} demands. None if it is not set, or demands a container, which is no binary of this machine.
     *
     * @throws IllegalStateException if the demanded one is not there, can't be run or is no Redis
     */
    public static Optional<RedisBinary> demanded() {
        String demand = System.getProperty(PROPERTY, "");
        return demand.isBlank() || demand.equals("container") ? Optional.empty() : Optional.of(demanded(demand));
    }

    /**
     * The one that a value of {@value #PROPERTY} stands for.
     *
     * @throws IllegalStateException if it is not there, can't be run or is no Redis
     */
    public static RedisBinary demanded(String demand) {
        try {
            return switch (demand) {
                case "path" ->
                    onPath().orElseThrow(() ->
                            new IllegalStateException("neither " + String.join(" nor ", NAMES) + " is on the PATH"));
                case "embedded" -> embedded();
                default -> at(Path.of(demand));
            };
        } catch (IllegalStateException e) {
            throw new IllegalStateException(PROPERTY + "=" + demand + " can't be had: " + e.getMessage(), e);
        }
    }

    /**
     * The {@linkplain #demanded() demanded} one, else the {@linkplain #newest newest}.
     *
     * @throws IllegalStateException if there is none, or not the demanded one
     */
    public static RedisBinary chosen() {
        return demanded().orElseGet(RedisBinary::newest);
    }

    /**
     * What a test runs on that is for every server: the {@linkplain #demanded() demanded} one alone, else the embedded one and the one on
     * the {@code PATH}, which may be of the same version.
     *
     * @throws IllegalStateException if the embedded or the demanded one can't be had
     */
    public static List<RedisBinary> all() {
        return demanded()
                .map(List::of)
                .orElseGet(() ->
                        Stream.concat(Stream.of(embedded()), onPath().stream()).toList());
    }

    /**
     * The newest {@code redis-server} or {@code valkey-server} on the {@code PATH}. One that is there but can't be run is passed over
     * with a warning.
     */
    static Optional<RedisBinary> onPath() {
        return onPath(Optional.ofNullable(System.getenv("PATH")).orElse(""));
    }

    static Optional<RedisBinary> onPath(String searchPath) {
        return NAMES.stream()
                .flatMap(name -> firstExecutable(name, searchPath).stream())
                .flatMap(RedisBinary::unlessBroken)
                .max(Comparator.comparing(RedisBinary::version));
    }

    private static Optional<Path> firstExecutable(String name, String searchPath) {
        return Stream.of(searchPath.split(File.pathSeparator))
                .filter(folder -> !folder.isEmpty())
                .map(folder -> Path.of(folder, name).toAbsolutePath())
                .filter(file -> Files.isRegularFile(file) && Files.isExecutable(file))
                .findFirst();
    }

    private static Stream<RedisBinary> unlessBroken(Path executable) {
        try {
            return Stream.of(at(executable));
        } catch (IllegalStateException e) {
            log.log(System.Logger.Level.WARNING, "Passed over: {0}", e.getMessage());
            return Stream.empty();
        }
    }

    /**
     * The one that the embedded-redis library carries, a 6.2 for Linux and macOS. It is extracted once per JVM, into a temporary folder
     * that goes with the JVM.
     *
     * @throws IllegalStateException if there is none for this system, or it can't be run
     */
    static synchronized RedisBinary embedded() {
        if (embedded == null) {
            embedded = extract();
        }
        return embedded;
    }

    private static RedisBinary extract() {
        String system = System.getProperty("os.name") + " " + System.getProperty("os.arch");
        if (system.toLowerCase(Locale.ROOT).startsWith("windows")) {
            throw new IllegalStateException("No embedded redis-server for " + system + ": only for Linux and macOS");
        }
        Path executable;
        try {
            Path folder = Files.createTempDirectory("checkins-redis-server-");
            // removed after the file in it, which the provider registers next: last in, first out
            folder.toFile().deleteOnExit();
            executable = ExecutableProvider.newJarResourceProvider(folder.toFile())
                    .get()
                    .toPath();
        } catch (IOException | RuntimeException e) { // of several types, for a system that the library doesn't know
            throw new IllegalStateException("The embedded redis-server can't be extracted for " + system + ": " + e, e);
        }
        return new RedisBinary(executable);
    }

    /** What is to be removed when this JVM is killed: the folder of the embedded one, if it was extracted, used or not. */
    static synchronized Optional<Path> temporaryFolder() {
        return Optional.ofNullable(embedded).map(binary -> binary.path.getParent());
    }

    /**
     * The newest of the one on the {@code PATH} and the embedded one.
     *
     * @throws IllegalStateException if there is neither
     */
    static RedisBinary newest() {
        Optional<RedisBinary> onPath = onPath();
        RedisBinary embedded;
        try {
            embedded = embedded();
        } catch (IllegalStateException e) {
            return onPath.orElseThrow(() -> new IllegalStateException(
                    "Neither " + String.join(" nor ", NAMES) + " is on the PATH, and the embedded one can't be used: "
                            + e.getMessage(),
                    e));
        }
        return onPath.filter(found -> found.version.compareTo(embedded.version) >= 0)
                .orElse(embedded);
    }

    private static RedisVersion askForVersion(Path executable) {
        try {
            Process process = new ProcessBuilder(executable.toString(), "--version")
                    .redirectErrorStream(true)
                    .start();
            // waiting before reading is safe: the one line fits the pipe
            if (!process.waitFor(VERSION_LIMIT_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new IllegalStateException(
                        executable + " --version gave no answer within " + VERSION_LIMIT_SECONDS + " s");
            }
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
            if (process.exitValue() != 0) {
                throw new IllegalStateException(
                        executable + " --version ended with exit code " + process.exitValue() + ": " + output);
            }
            return RedisVersion.parseVersionLine(output);
        } catch (IOException e) {
            throw new IllegalStateException(executable + " can't be run: " + e.getMessage(), e);
        } catch (IllegalArgumentException e) {
            throw new IllegalStateException(executable + " is no redis-server: " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("Interrupted while waiting for " + executable + " --version", e);
        }
    }

    /** Absolute. */
    public Path path() {
        return path;
    }

    public RedisVersion version() {
        return version;
    }

    @Override
    public String toString() {
        return path + " " + version;
    }
}
