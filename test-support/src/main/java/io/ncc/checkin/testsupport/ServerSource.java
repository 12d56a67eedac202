package io.ncc.checkin.testsupport;

import ch.qos.logback.classic.Level;
import io.ncc.checkin.localredis.RedisBinary;
import io.ncc.checkin.localredis.RedisVersion;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Starts the Redis servers for the tests of this JVM: in a container if possible, else from the {@linkplain RedisBinary#chosen binary} that
 * replicas and Sentinels also use. The system property {@value RedisBinary#PROPERTY} overrides this. The choice is made once. If there is no
 * server, the tests fail.
 */
final class ServerSource {

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
            String demanded = System.getProperty(RedisBinary.PROPERTY, "");
            ofThisJvm = demanded.isBlank() ? firstAvailable() : demanded(demanded);
        }
        return ofThisJvm;
    }

    static ServerSource demanded(String demand) {
        if (!demand.equals("container")) {
            return binary(RedisBinary.demanded(demand));
        }
        try {
            return container();
        } catch (IllegalStateException e) {
            throw new IllegalStateException(
                    RedisBinary.PROPERTY + "=" + demand + " can't be had: " + e.getMessage(), e);
        }
    }

    private static ServerSource firstAvailable() {
        var none = new IllegalStateException(
                "No Redis to test with: neither Docker with " + ContainerServer.IMAGE
                        + ", nor a redis-server on the PATH or the embedded one; see the suppressed exceptions for the reasons");
        setTestcontainersLogLevel(Level.OFF); // to have no Docker is no error here
        for (Supplier<ServerSource> source :
                List.<Supplier<ServerSource>>of(ServerSource::container, () -> binary(RedisBinary.chosen()))) {
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

    private static ServerSource binary(RedisBinary binary) {
        if (binary.version().compareTo(OLDEST) < 0) {
            throw new IllegalStateException(binary + " is older than " + OLDEST);
        }
        return new ServerSource(binary.toString(), settings -> LocalServer.start(binary, settings));
    }

    Server start(Map<String, String> settings) {
        return starter.apply(settings);
    }

    @Override
    public String toString() {
        return name;
    }
}
