package io.ncc.checkin.testsupport;

import static org.awaitility.Awaitility.await;

import io.lettuce.core.ClientOptions;
import io.lettuce.core.KillArgs;
import io.lettuce.core.MaintNotificationsConfig;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisException;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.codec.StringCodec;
import io.lettuce.core.output.StatusOutput;
import io.lettuce.core.protocol.CommandArgs;
import io.lettuce.core.protocol.CommandType;
import io.lettuce.core.resource.ClientResources;
import io.lettuce.core.resource.Delay;
import io.ncc.checkin.localredis.RedisVersion;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A real Redis for the tests of one class, running and empty at the start of each:
 *
 * <pre>{@code
 * @RegisterExtension
 * static final RealRedis redis = RealRedis.server().setting("maxmemory", "50mb");
 * }</pre>
 *
 * <p>The server runs in a container if a Docker daemon answers and has the image or can pull it. Otherwise it is the newest of the {@code
 * redis-server} and {@code valkey-server} on the {@code PATH} and the embedded one. The system property {@code checkins.test.redis}
 * ({@code container}, {@code path}, {@code embedded} or the path of a server) chooses one. If there is none, the tests fail.
 *
 * <p>The server keeps its address when it is stopped and started and, by default, every write that it has answered. Before each test, this
 * class undoes only what it did itself: settings that a test changes by commands stay until the server restarts.
 */
public final class RealRedis implements BeforeAllCallback, BeforeEachCallback {

    private static final Logger log = LoggerFactory.getLogger(RealRedis.class);
    private static final String EVERYTHING = "+@all";

    private static final Duration COMMAND_LIMIT = Duration.ofSeconds(10);
    private static final Duration START_LIMIT = Duration.ofSeconds(30);

    private final Map<String, String> settings;
    private @Nullable Connected connected;
    private @Nullable MemoryLimit limitBeforeFilling;

    private RealRedis(Map<String, String> settings) {
        this.settings = settings;
    }

    /** A server without snapshots, with an append-only file that is written before each answer. The file outlives the server, not the machine. */
    public static RealRedis server() {
        return new RealRedis(Map.of("appendonly", "yes", "appendfsync", "no", "save", "\"\""));
    }

    /** The same with a directive of redis.conf, whose value is written as it is there. */
    public RealRedis setting(String name, String value) {
        var all = new LinkedHashMap<>(settings);
        all.put(name, value);
        return new RealRedis(all);
    }

    @Override
    public void beforeAll(ExtensionContext context) {
        // a nested class finds the server of its outer one here; JUnit closes it after the outermost
        context.getStore(ExtensionContext.Namespace.create(RealRedis.class)).computeIfAbsent(this, key -> connect());
    }

    private AutoCloseable connect() {
        ServerSource source = ServerSource.ofThisJvm();
        Server server = source.start(settings);
        try {
            connected = Connected.to(server);
        } catch (RuntimeException e) {
            server.close();
            throw e;
        }
        log.info("Redis {} from {} on port {}", version(), source, port());
        return this::disconnect;
    }

    private void disconnect() {
        connected().close();
        connected = null;
    }

    @Override
    public void beforeEach(ExtensionContext context) {
        if (connected().server.isRunning()) {
            resume();
        } else {
            start();
        }
        releaseMemory();
        permit(EVERYTHING);
        commands().flushall();
    }

    private Connected connected() {
        if (connected == null) {
            throw new IllegalStateException("No server: a RealRedis must be a static field with @RegisterExtension");
        }
        return connected;
    }

    public String host() {
        return connected().server.host();
    }

    public int port() {
        return connected().server.port();
    }

    /** For clients: {@code redis://<host>:<port>}. */
    public String uri() {
        return "redis://" + host() + ':' + port();
    }

    /** Of Redis, as the server says; a Valkey gives the version of Redis that it is compatible with. */
    public RedisVersion version() {
        return RedisVersion.parse(info("server", "redis_version"));
    }

    /**
     * Commands on a connection of the test's own. It reconnects by itself: while the server is away a command waits, for at most ten
     * seconds. One that was on its way when the connection broke is sent again, so it may count twice.
     */
    public RedisCommands<String, String> commands() {
        return connected().connection.sync();
    }

    /** Stops the server as an operator would, paused or not. */
    public void stop() {
        connected().server.stop();
    }

    /** Starts the stopped server with its data and waits until it answers. */
    public void start() {
        connected().server.start();
        awaitAnswer();
    }

    /** Stops and starts the server; it keeps its data. */
    public void restart() {
        stop();
        start();
    }

    /** Ends the server with SIGKILL, as a crash would; {@link #start} brings it back. */
    public void kill() {
        connected().server.kill();
    }

    /** Kills the server and starts it without data. */
    public void restartEmpty() {
        connected().server.startEmpty();
        awaitAnswer();
    }

    /** Freezes the server: connections stay open, and nothing is answered. */
    public void pause() {
        connected().server.pause();
    }

    /** Lets a paused server go on; nothing to do for one that isn't. */
    public void resume() {
        connected().server.resume();
    }

    /**
     * Cuts the connections of all clients but this one's; they may come back at once.
     *
     * @return how many there were
     */
    public long killConnections() {
        return commands().clientKill(KillArgs.Builder.typeNormal().skipme());
    }

    /** Changes what the default user may do: {@code -hset}, {@code +@all}. The next test begins with all permissions. */
    public void permit(String rule) {
        commands()
                .dispatch(
                        CommandType.ACL,
                        new StatusOutput<>(StringCodec.UTF8),
                        new CommandArgs<>(StringCodec.UTF8)
                                .add("SETUSER")
                                .add("default")
                                .add(rule));
    }

    /**
     * Takes a command away from the default user, from Redis 7.0 on only with other keys than these. {@link #permitEverything} undoes it.
     *
     * @param keys patterns, such as {@code ~a:* ~b}
     */
    public void forbidExceptWith(String keys, String command) {
        permit("-" + command);
        if (version().isAtLeast(7, 0)) {
            permit("(" + keys + " +" + command + ")");
        }
    }

    public void permitEverything() {
        if (version().isAtLeast(7, 0)) {
            permit("clearselectors");
        }
        permit(EVERYTHING);
    }

    /** Makes the server refuse whatever may take memory with OOM: its limit is half of what it uses, so deleting a little won't help. */
    public void fillMemory() {
        if (limitBeforeFilling == null) {
            limitBeforeFilling = new MemoryLimit(config("maxmemory"), config("maxmemory-policy"));
        }
        new MemoryLimit(Long.toString(Long.parseLong(info("memory", "used_memory")) / 2), "noeviction").set(commands());
    }

    /** Undoes {@link #fillMemory}; nothing to do where it wasn't called. */
    public void releaseMemory() {
        if (limitBeforeFilling != null) {
            limitBeforeFilling.set(commands());
            limitBeforeFilling = null;
        }
    }

    private String config(String name) {
        return commands().configGet(name).getOrDefault(name, "");
    }

    private String info(String section, String field) {
        return commands()
                .info(section)
                .lines()
                .filter(line -> line.startsWith(field + ':'))
                .map(line -> line.substring(field.length() + 1))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("no " + field + " in INFO " + section));
    }

    /** How often the server has run a command since it was started, by anyone and in scripts, too. */
    public long calls(String command) {
        return commands()
                .info("commandstats")
                .lines()
                .filter(line -> line.startsWith("cmdstat_" + command + ":calls="))
                .mapToLong(line -> Long.parseLong(line.substring(line.indexOf('=') + 1, line.indexOf(','))))
                .sum();
    }

    private void awaitAnswer() {
        await().atMost(START_LIMIT)
                .pollInterval(Duration.ofMillis(10))
                .ignoreExceptionsInstanceOf(RedisException.class)
                .until(commands()::ping, "PONG"::equals);
    }

    private record MemoryLimit(String bytes, String policy) {

        void set(RedisCommands<String, String> commands) {
            commands.configSet("maxmemory-policy", policy);
            commands.configSet("maxmemory", bytes);
        }
    }

    /** A server and a connection to it. */
    private record Connected(
            Server server,
            ClientResources resources,
            RedisClient client,
            StatefulRedisConnection<String, String> connection) {

        static Connected to(Server server) {
            // by default Lettuce waits longer from attempt to attempt, in the end for half a minute
            ClientResources resources = ClientResources.builder()
                    .reconnectDelay(Delay.constant(Duration.ofMillis(20)))
                    .build();
            RedisClient client = RedisClient.create(
                    resources,
                    RedisURI.builder()
                            .withHost(server.host())
                            .withPort(server.port())
                            .withTimeout(COMMAND_LIMIT)
                            .build());
            client.setOptions(ClientOptions.builder()
                    .maintNotificationsConfig(MaintNotificationsConfig.disabled())
                    .build());
            return new Connected(server, resources, client, client.connect());
        }

        void close() {
            connection.close();
            client.shutdown(0, 2, TimeUnit.SECONDS);
            resources.shutdown(0, 2, TimeUnit.SECONDS).awaitUninterruptibly();
            server.close();
        }
    }
}
