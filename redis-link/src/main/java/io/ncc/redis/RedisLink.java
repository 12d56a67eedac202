package io.ncc.redis;

import io.lettuce.core.RedisChannelHandler;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisCommandInterruptedException;
import io.lettuce.core.RedisConnectionException;
import io.lettuce.core.RedisConnectionStateListener;
import io.lettuce.core.RedisException;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.codec.RedisCodec;
import io.lettuce.core.codec.StringCodec;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;

/**
 * A connection to Redis. A background thread opens it, and opens a new one whenever it breaks, until the link is stopped.
 *
 * <p>While there is no connection, commands fail at once. Commands in flight fail when the connection breaks. The link never queues a
 * command and never sends one twice; Lettuce's own reconnection, which does both, is off (see {@link LinkOptions}).
 *
 * <p>The link closes the connection in these cases:
 *
 * <ul>
 *   <li>A command gets no reply in time. A half-open connection would never recover.
 *   <li>The primary may be elsewhere: the server is a replica, doesn't serve the slot of a key, or has lost its cluster.
 *   <li>A reply could not be decoded to its end. The next reply would be decoded from the wrong place.
 * </ul>
 */
public final class RedisLink implements SmartLifecycle {

    /** Links start after the connection factory and before everything that uses a link, and stop in the opposite order. */
    public static final int PHASE = 1;

    private static final Logger log = LoggerFactory.getLogger(RedisLink.class);
    private static final Duration PROBATION = Duration.ofSeconds(10);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(1);
    private static final Duration FIRST_CONNECT_WAIT = Duration.ofSeconds(3);

    private final String name;
    private final RedisConnector connector;
    private final RedisCodec<String, String> codec;
    private final Duration probation;
    private volatile Consumer<RedisCommands<String, String>> greeting = commands -> {};
    private final AtomicReference<@Nullable Session> session = new AtomicReference<>();
    private volatile @Nullable Throwable lastFailure;
    private volatile @Nullable Thread thread;

    /**
     * A link to a single server.
     *
     * @param name for the log
     */
    public RedisLink(String name, RedisClient client) {
        this(name, client, StringCodec.UTF8);
    }

    /**
     * A link to a single server.
     *
     * @param codec of keys and values
     */
    public RedisLink(String name, RedisClient client, RedisCodec<String, String> codec) {
        this(name, new SingleRedis(client), codec);
    }

    /**
     * A link to the server that the connector finds.
     *
     * @param name for the log
     */
    public RedisLink(String name, RedisConnector connector) {
        this(name, connector, StringCodec.UTF8);
    }

    /**
     * A link to the server that the connector finds.
     *
     * @param codec of keys and values
     */
    public RedisLink(String name, RedisConnector connector, RedisCodec<String, String> codec) {
        this(name, connector, codec, PROBATION);
    }

    /** @param probation how long a connection must last to end an outage, after one that broke soon or was given up */
    RedisLink(String name, RedisConnector connector, RedisCodec<String, String> codec, Duration probation) {
        this.name = name;
        this.connector = connector;
        this.codec = codec;
        this.probation = probation;
    }

    /**
     * Sets what is done first on each new connection. To be called before the start.
     *
     * @param greeting gets each connection before any caller does; if it throws, the link closes the connection and opens another later
     */
    public RedisLink greetedWith(Consumer<RedisCommands<String, String>> greeting) {
        this.greeting = greeting;
        return this;
    }

    /** Whether there is a connection now. */
    public boolean isConnected() {
        return openSession() != null;
    }

    /** Why the server is refused; null if there is a connection, or if there is none for another reason. */
    public @Nullable UnfitServerException refusal() {
        return !isConnected() && lastFailure instanceof UnfitServerException refusal ? refusal : null;
    }

    /** The session, if its connection is open. After a connection closes, its session remains until the link has noticed. */
    private @Nullable Session openSession() {
        Session current = session.get();
        return current != null && current.connection.isOpen() ? current : null;
    }

    /**
     * The current connection. A caller may keep it until a command fails, and then has to ask for the connection again.
     *
     * @throws RedisConnectionException if there is none at the moment
     */
    public StatefulRedisConnection<String, String> connection() {
        Session current = openSession();
        if (current == null) {
            throw new RedisConnectionException("Not connected", lastFailure);
        }
        return current.connection;
    }

    /**
     * Sends one or more commands without waiting for the replies. Actions that depend on the result run in the thread that reads the replies, so
     * they must be short.
     *
     * @return fails with a {@link RedisException} if a command wasn't sent, failed, or got no reply in time; {@link RedisCondition} tells which
     */
    public <T extends @Nullable Object> CompletionStage<T> send(
            Function<RedisAsyncCommands<String, String>, ? extends CompletionStage<T>> command) {
        StatefulRedisConnection<String, String> connection;
        try {
            connection = connection();
        } catch (RedisException e) {
            return CompletableFuture.failedFuture(e);
        }
        CompletableFuture<T> result = new CompletableFuture<>();
        command.apply(connection.async()).whenComplete((reply, failure) -> {
            if (failure == null) {
                result.complete(reply);
            } else {
                dropIfUseless(connection, failure);
                result.completeExceptionally(asRedisException(failure));
            }
        });
        return result;
    }

    /** Lettuce fails some commands with exceptions of other types, such as Netty's IOException for a closed channel. */
    private static RedisException asRedisException(Throwable failure) {
        Throwable cause = RedisCondition.unwrapped(failure);
        return cause instanceof RedisException own ? own : new RedisException(cause);
    }

    /**
     * Like {@link #send}, but waits for the result, for as long as the timeouts of the commands allow.
     *
     * @throws RedisException if a command wasn't sent, failed, or got no reply in time; {@link RedisCondition} tells which
     */
    public <T extends @Nullable Object> T call(
            Function<RedisAsyncCommands<String, String>, ? extends CompletionStage<T>> command) {
        return await(send(command));
    }

    /**
     * Waits for the result of what was sent, on one or more links.
     *
     * @throws RedisException if it failed
     */
    public static <T extends @Nullable Object> T await(CompletionStage<T> sent) {
        try {
            return sent.toCompletableFuture().get();
        } catch (ExecutionException e) {
            throw asRedisException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new RedisCommandInterruptedException(e);
        }
    }

    /**
     * Closes the connection if the failure of a command shows that only a new connection can help. The link then opens one. Logs what the Redis user
     * may not do.
     */
    public void dropIfUseless(StatefulRedisConnection<String, String> connection, Throwable failure) {
        Throwable cause = RedisCondition.unwrapped(failure);
        if (cause instanceof Error) { // such as an OutOfMemoryError in the middle of a reply
            drop(connection, cause.getClass().getSimpleName(), failure);
            return;
        }
        RedisCondition condition = RedisCondition.of(failure);
        switch (condition) {
            case TIMEOUT, READ_ONLY, MASTER_DOWN, MOVED, CLUSTER_DOWN -> drop(connection, condition.name(), failure);
            case FORBIDDEN -> logRefusal(connection, String.valueOf(cause.getMessage()));
            default -> {
                // the connection is fine
            }
        }
    }

    /** The server's error names the command. Whoever gets the failure knows no more than that something is forbidden. */
    private void logRefusal(StatefulRedisConnection<String, String> connection, String error) {
        Session current = session.get();
        if (current != null && current.connection.equals(connection) && current.refusals.isDue(error)) {
            log.warn("Redis connection '{}': what is needed is not permitted: {}", name, error);
        }
    }

    /**
     * Closes the connection. The link then opens another, which is {@linkplain #greetedWith greeted} again.
     *
     * @param reason the cause of the exceptions that {@link #connection} throws until then
     */
    public void drop(StatefulRedisConnection<String, String> connection, UnfitServerException reason) {
        drop(connection, String.valueOf(reason.getMessage()), reason);
    }

    private void drop(StatefulRedisConnection<String, String> connection, String name, Throwable reason) {
        Session current = session.get();
        if (current != null && current.connection.equals(connection)) {
            lastFailure = reason;
            current.uselessness = name;
            session.compareAndSet(current, null); // no caller may get it any more
            current.ended.countDown();
        }
    }

    /** Begins to connect, and waits a moment for the first attempt, so that a service normally starts connected. */
    @Override
    public void start() {
        CountDownLatch firstAttempt = new CountDownLatch(1);
        Thread started = new Thread(() -> run(firstAttempt), "redis-" + name);
        started.setDaemon(true);
        thread = started;
        started.start();
        try {
            firstAttempt.await(FIRST_CONNECT_WAIT.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void run(CountDownLatch firstAttempt) {
        Backoff backoff = new Backoff(Duration.ofMillis(20), LONGEST_PAUSE);
        boolean onProbation = false; // the previous connection was given up, or broke soon
        boolean complained = false; // the outage is logged
        String refusal = null; // what is logged of an unfit server, or of a user who may not do what the greeting does
        while (isRunning()) {
            try (StatefulRedisConnection<String, String> connection = connector.connect(codec)) {
                greeting.accept(connection.sync());
                Session opened = new Session(connection);
                lastFailure = null; // before a caller can use the connection, and fail
                session.set(opened);
                firstAttempt.countDown();
                long since = System.nanoTime();
                // on probation, an open connection doesn't end the outage: it has to last
                if (!onProbation || !opened.ended.await(probation.toMillis(), TimeUnit.MILLISECONDS)) {
                    log.info("Redis connection '{}' is open", name);
                    complained = false;
                    refusal = null;
                    backoff.reset();
                    opened.ended.await();
                }
                Duration lasted = Duration.ofNanos(System.nanoTime() - since);
                boolean useless = opened.uselessness != null;
                onProbation = useless || lasted.compareTo(probation) < 0;
                if (!useless && lasted.compareTo(LONGEST_PAUSE) > 0) {
                    backoff.reset();
                }
                if (isRunning() && !complained) {
                    log.warn(
                            "Redis connection '{}' {}; connecting again",
                            name,
                            useless ? "is given up (" + opened.uselessness + ")" : "broke");
                    complained = true;
                }
            } catch (InterruptedException e) {
                return;
            } catch (Throwable e) { // only a stop may end this loop
                lastFailure = e;
                if (e instanceof UnfitServerException || RedisCondition.of(e) == RedisCondition.FORBIDDEN) {
                    String reason = String.valueOf(rootCause(e).getMessage());
                    if (!reason.equals(refusal)) {
                        log.error("Redis connection '{}' is refused: {}", name, reason);
                    }
                    refusal = reason;
                    complained = true;
                } else if (!complained) {
                    log.warn(
                            "Redis connection '{}' can't be opened ({}: {}); retrying",
                            name,
                            RedisCondition.of(e),
                            rootCause(e).getMessage());
                    complained = true;
                }
            } finally {
                session.set(null);
                firstAttempt.countDown();
            }
            try {
                TimeUnit.NANOSECONDS.sleep(backoff.next().toNanos());
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private static Throwable rootCause(Throwable failure) {
        Throwable cause = failure;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause;
    }

    @Override
    public void stop() {
        Thread running = thread;
        thread = null;
        if (running != null) {
            running.interrupt();
            try {
                running.join(FIRST_CONNECT_WAIT.toMillis());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @Override
    public boolean isRunning() {
        return thread != null;
    }

    @Override
    public int getPhase() {
        return PHASE;
    }

    /** One connection, from its opening to its end. */
    private static final class Session implements RedisConnectionStateListener {

        private final StatefulRedisConnection<String, String> connection;
        private final CountDownLatch ended = new CountDownLatch(1);
        private final RepeatedErrors refusals = new RepeatedErrors();
        private volatile @Nullable String uselessness;

        Session(StatefulRedisConnection<String, String> connection) {
            this.connection = connection;
            connection.addListener(this);
            if (!connection.isOpen()) {
                ended.countDown();
            }
        }

        @Override
        public void onRedisDisconnected(RedisChannelHandler<?, ?> handler) {
            ended.countDown();
        }
    }
}
