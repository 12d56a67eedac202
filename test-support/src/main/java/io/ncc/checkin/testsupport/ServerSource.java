package io.ncc.checkin.testsupport;

import ch.qos.logback.classic.Level;
import io.ncc.checkin.localredis.RedisBinary;
import io.ncc.checkin.localredis.RedisVersion;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where the servers of this JVM's tests come from: a container, else a redis-server on the {@code PATH}, else the embedded one; or the
 * one that the system property {@value #PROPERTY} demands. It is decided once. Without any there is an error: tests of Redis don't pass
 * without one.
 */
final class ServerSource {

    /** {@code container}, {@code path}, {@code embedded}, or the path of a redis-server. */
    static final String PROPERTY = "checkins.test.redis";

    private static final Logger log = LoggerFactory.getLogger(ServerSource.class);
    private static final RedisVersion OLDEST = new RedisVersion(6, 2, 0);

    private static @Nullable ServerSource ofThisJvm;

    private final String name;
    private final Function<Map<String, String>, Server> starter;

    private ServerSource(String name, Function<Map<String, String>, Server> starter) {
        this.name = name;
        this.starter = starter;
    }

    /**
     * The source that all tests of this JVM use.
     *
     * @throws IllegalStateException if there is none, or not the demanded one
     */
    static synchronized ServerSource ofThisJvm() {
        if (ofThisJvm == null) {
            String demanded = System.getProperty(PROPERTY, "");
            ofThisJvm = demanded.isBlank() ? firstAvailable() : demanded(demanded);
        }
        return ofThisJvm;
    }

    static ServerSource demanded(String demand) {
        try {
            return switch (demand) {
                case "container" -> container();
                case "path" -> onPath();
                case "embedded" -> embedded();
                default -> binary(RedisBinary.at(Path.of(demand)));
            };
        } catch (IllegalStateException e) {
            throw new IllegalStateException(PROPERTY + "=" + demand + " can't be had: " + e.getMessage(), e);
        }
    }

    private static ServerSource firstAvailable() {
        var none = new IllegalStateException(
                "No Redis to test with: neither Docker with " + ContainerServer.IMAGE
                        + ", nor a redis-server on the PATH, nor the embedded one; see the suppressed exceptions for the reasons");
        setTestcontainersLogLevel(Level.OFF); // to have no Docker is no error here
        for (Supplier<ServerSource> source : List.<Supplier<ServerSource>>of(
                ServerSource::container, ServerSource::onPath, ServerSource::embedded)) {
            try {
                return source.get();
            } catch (IllegalStateException e) {
                log.info("Looking further for a Redis: {}", e.getMessage());
                none.addSuppressed(e);
            } finally {
                setTestcontainersLogLevel(Level.WARN);
            }
        }
        throw none;
    }

    private static void setTestcontainersLogLevel(Level level) {
        for (String name : List.of("org.testcontainers", "tc")) {
            if (LoggerFactory.getLogger(name) instanceof ch.qos.logback.classic.Logger logger) {
                logger.setLevel(level);
            }
        }
    }

    private static ServerSource container() {
        ContainerServer.requireImages();
        return new ServerSource("a container of " + ContainerServer.IMAGE, ContainerServer::start);
    }

    private static ServerSource onPath() {
        RedisBinary binary = RedisBinary.onPath()
                .orElseThrow(() -> new IllegalStateException("no redis-server or valkey-server on the PATH"));
        if (binary.version().compareTo(OLDEST) < 0) {
            throw new IllegalStateException(binary + " is older than " + OLDEST);
        }
        return binary(binary);
    }

    private static ServerSource embedded() {
        return binary(RedisBinary.embedded());
    }

    private static ServerSource binary(RedisBinary binary) {
        return new ServerSource(binary.path().toString(), settings -> LocalServer.start(binary, settings));
    }

    Server start(Map<String, String> settings) {
        return starter.apply(settings);
    }

    @Override
    public String toString() {
        return name;
    }
}
