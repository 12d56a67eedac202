package io.ncc.checkin.receiver;

import io.lettuce.core.RedisException;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.SetArgs;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.sync.RedisCommands;
import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.receiver.DurabilityGuard.NotDurableException;
import io.ncc.checkin.service.LogLimit;
import io.ncc.checkin.service.ProblemType;
import io.ncc.redis.LuaScript;
import io.ncc.redis.RedisCondition;
import io.ncc.redis.RedisLink;
import io.ncc.redis.StreamId;
import io.ncc.redis.UnfitServerException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.web.ErrorResponseException;

/**
 * Appends checkins to the stream of a partition. One write is on the wire at a time, and what arrives meanwhile goes out together in the next; a checkin that
 * finds nothing on the wire goes at once, alone. Nothing is sent a second time.
 */
final class CheckinAppender {

    /** The most checkins in one write: they hold Redis for two to three milliseconds. */
    static final int MOST_AT_ONCE = 1_000;

    private static final Logger log = LoggerFactory.getLogger(CheckinAppender.class);

    private static final Duration PROBE_LIFETIME = Duration.ofSeconds(1);
    private static final String NO_KEY = "0";
    private static final String NO_WINDOW = "0";

    private final LogLimit errors = new LogLimit();
    private final LogLimit damagedResults = new LogLimit();
    private final LuaScript script = LuaScript.of(CheckinAppender.class, "append");
    private final RedisLink redis;
    private final Partitions partitions;
    private final int partition;
    private final Keys keys;
    private final DurabilityGuard durability;
    private final MemoryGuard memory;
    private final ReceiverMetrics metrics;
    private final long maxLength;
    private final String idempotencyTtl;

    /** In milliseconds, or {@value #NO_WINDOW}. */
    private final String repeatWindow;

    private final int queueSize;
    private final Duration longestWait;

    private final Object lock = new Object();
    private final Queue<Append> waiting = new ArrayDeque<>();
    private int checkinsWaiting;
    private boolean writing;

    /** As of the last look. */
    private volatile boolean inTrouble;

    /** @param longestWait how long a request may wait for the one before it; it is refused then, and not sent late */
    CheckinAppender(
            RedisLink redis,
            Partitions partitions,
            int partition,
            DurabilityGuard durability,
            MemoryGuard memory,
            ReceiverMetrics metrics,
            ReceiverProperties properties,
            Duration longestWait) {
        this.redis = redis;
        this.partitions = partitions;
        this.partition = partition;
        this.keys = partitions.keys(partition);
        this.durability = durability;
        this.memory = memory;
        this.metrics = metrics;
        this.maxLength = properties.maxLength(partitions.count());
        this.idempotencyTtl = Long.toString(properties.idempotencyTtl().toMillis());
        Duration window = properties.repeatWindow();
        this.repeatWindow = window == null ? NO_WINDOW : Long.toString(window.toMillis());
        this.queueSize = Math.max(properties.queueSize() / partitions.count(), MOST_AT_ONCE);
        this.longestWait = longestWait;
    }

    /**
     * Appends checkins, all or none of them. Doesn't wait: what depends on the result is done by the thread that reads the replies of Redis, and
     * must be short.
     *
     * @param checkins 1 to {@value #MOST_AT_ONCE}
     * @param idempotencyKey what was appended with it before is not appended again
     * @return their ids, once they are as durable as is promised, or that they were refused as repeats; or a problem, an {@link ErrorResponseException}: with
     *     {@link ProblemType#OUTCOME_UNKNOWN} they may be in the stream, with any other they aren't
     */
    CompletionStage<List<IdRun>> append(List<Checkin> checkins, @Nullable String idempotencyKey) {
        Append append = new Append(checkins, idempotencyKey == null ? null : keys.idempotency(idempotencyKey));
        boolean first;
        synchronized (lock) {
            if (checkinsWaiting + append.size() > queueSize) {
                return CompletableFuture.failedFuture(refusal(ProblemType.QUEUE_FULL, append));
            }
            waiting.add(append);
            checkinsWaiting += append.size();
            first = !writing;
            writing = true;
        }
        if (first) {
            writeNext();
        }
        return append.result;
    }

    /** Counts checkins that are refused without being sent, because others before them were. */
    void countRefused(int checkins, ErrorResponseException problem) {
        metrics.refused(ProblemType.of(problem), checkins);
    }

    /** The id of a checkin that this appended, as clients get it. */
    String idOutside(StreamId id) {
        return partitions.idOutside(partition, id.toString());
    }

    int checkinsWaiting() {
        synchronized (lock) {
            return checkinsWaiting;
        }
    }

    private List<Append> take() {
        synchronized (lock) {
            List<Append> taken = new ArrayList<>();
            int size = 0;
            while (!waiting.isEmpty()
                    && (taken.isEmpty() || size + waiting.element().size() <= MOST_AT_ONCE)) {
                Append next = waiting.remove();
                size += next.size();
                taken.add(next);
            }
            checkinsWaiting -= size;
            writing = !taken.isEmpty();
            return taken;
        }
    }

    private void writeNext() {
        for (List<Append> batch = take(); !batch.isEmpty(); batch = take()) {
            ProblemType refused;
            try {
                refused = refusedOrWritten(batch);
            } catch (RuntimeException e) { // else nobody would ever be answered, nor anything written any more
                if (errors.passes()) {
                    log.error("A write could not be prepared", e);
                }
                refused = ProblemType.INTERNAL_ERROR;
            }
            if (refused == null) {
                return; // it goes on when the reply is there
            }
            for (Append append : batch) {
                append.result.completeExceptionally(refusal(refused, append));
            }
        }
    }

    /** Null if the batch was sent. */
    private @Nullable ProblemType refusedOrWritten(List<Append> batch) {
        StatefulRedisConnection<String, String> connection;
        try {
            connection = redis.connection();
        } catch (RedisException e) {
            return notConnected(e);
        }
        if (System.nanoTime() - batch.get(0).since > longestWait.toNanos()) {
            return ProblemType.REDIS_UNAVAILABLE;
        }
        if (memory.isOverLimit(connection)) {
            return ProblemType.MEMORY_LIMIT;
        }
        long start = System.nanoTime();
        writeOrFail(connection, batch).whenComplete((replies, error) -> {
            if (error != null && isNotDurable(error)) {
                // the next has to show that it does before anything is written
                redis.drop(
                        connection,
                        new UnfitServerException(
                                new NotDurableException("it did not confirm that a write is durable")));
            } else if (error != null) {
                redis.dropIfUseless(connection, error);
            }
            writeNext(); // before the answers to this one: while Redis works, they are sent
            if (error != null) {
                fail(batch, error);
            } else {
                metrics.written(batch, System.nanoTime() - start);
                for (int i = 0; i < batch.size(); i++) {
                    completeOrFail(batch.get(i), (String) replies.get(i));
                }
            }
        });
        return null;
    }

    private static ProblemType notConnected(Throwable e) {
        return e.getCause() instanceof UnfitServerException refusal && refusal.getCause() instanceof NotDurableException
                ? ProblemType.DURABILITY_UNAVAILABLE
                : ProblemType.REDIS_UNAVAILABLE;
    }

    private CompletionStage<List<Object>> writeOrFail(
            StatefulRedisConnection<String, String> connection, List<Append> batch) {
        try {
            return write(connection, batch);
        } catch (RuntimeException e) {
            return CompletableFuture.failedFuture(e); // else nobody would ever be answered
        }
    }

    private CompletionStage<List<Object>> write(
            StatefulRedisConnection<String, String> connection, List<Append> batch) {
        List<String> scriptKeys = new ArrayList<>();
        List<String> args = new ArrayList<>(5 + 5 * batch.size());
        scriptKeys.add(keys.checkins());
        args.add(Long.toString(maxLength));
        args.add(idempotencyTtl);
        args.add(durability.waits() ? "1" : "0");
        args.add(repeatWindow);
        args.add(Long.toString(
                batch.stream().filter(append -> append.idempotencyKey != null).count()));
        for (Append append : batch) {
            if (append.idempotencyKey == null) {
                args.add(NO_KEY);
            } else {
                args.add(Integer.toString(scriptKeys.size()));
                scriptKeys.add(append.idempotencyKey);
            }
            args.add(Integer.toString(append.size()));
            for (Checkin checkin : append.checkins) {
                args.add(Long.toString(checkin.userId()));
                args.add(Long.toString(checkin.locationId()));
                args.add(Integer.toString(checkin.starRating()));
            }
        }
        if (!repeatWindow.equals(NO_WINDOW)) {
            for (Append append : batch) {
                append.checkins.forEach(
                        checkin -> scriptKeys.add(keys.checkedIn(checkin.userId(), checkin.locationId())));
            }
        }
        return script.<List<Object>>run(
                        connection.async(),
                        ScriptOutputType.MULTI,
                        scriptKeys.toArray(String[]::new),
                        args.toArray(String[]::new))
                .thenCompose(replies -> {
                    if (replies.stream().noneMatch(CheckinAppender::saysStored)) {
                        return CompletableFuture.completedFuture(replies);
                    }
                    return durability.await(connection.async()).thenApply(durable -> {
                        if (!durable) {
                            throw new NotDurableException("not confirmed in time");
                        }
                        return replies;
                    });
                });
    }

    private static boolean saysStored(Object reply) {
        return !reply.toString().startsWith("!");
    }

    private void completeOrFail(Append append, String reply) {
        try {
            complete(append, reply);
        } catch (RuntimeException e) { // those behind it must have their answers
            if (damagedResults.passes()) {
                log.error("The result of a request ({}) can't be read: {}", append.idempotencyKey, reply, e);
            }
            append.result.completeExceptionally(refusal(ProblemType.INTERNAL_ERROR, append));
        }
    }

    private void complete(Append append, String reply) {
        switch (reply.charAt(0)) {
            case '+', '=' -> {
                List<IdRun> ids = IdRun.parse(reply.substring(2));
                int refused = ids.stream()
                        .filter(IdRun::isRefused)
                        .mapToInt(IdRun::count)
                        .sum();
                if (reply.charAt(0) == '+') {
                    metrics.accepted(append.size() - refused);
                } else {
                    metrics.repeated(append.size() - refused);
                }
                if (refused > 0) {
                    metrics.refused(ProblemType.REPEAT, refused);
                }
                append.result.complete(ids);
            }
            default -> {
                ProblemType type = refusedBy(reply);
                if (type == ProblemType.REPEAT) {
                    metrics.refused(type, append.size());
                    append.result.complete(List.of(IdRun.refused(append.size())));
                    return;
                }
                if (type == ProblemType.INTERNAL_ERROR && damagedResults.passes()) {
                    log.error("{} holds something that is no result of a request ({})", append.idempotencyKey, reply);
                }
                append.result.completeExceptionally(refusal(type, append));
            }
        }
    }

    private static ProblemType refusedBy(String reply) {
        return switch (reply) {
            case "!mismatch" -> ProblemType.IDEMPOTENCY_MISMATCH;
            case "!repeat" -> ProblemType.REPEAT;
            case "!full" -> ProblemType.STREAM_FULL;
            case "!exhausted" -> ProblemType.IDS_EXHAUSTED;
            case "!unknown" -> ProblemType.OUTCOME_UNKNOWN;
            default -> ProblemType.INTERNAL_ERROR;
        };
    }

    private void fail(List<Append> batch, Throwable error) {
        ProblemType type = typeOf(error);
        if (type == ProblemType.INTERNAL_ERROR && errors.passes()) {
            log.error("{} requests could not be appended for an unexpected reason", batch.size(), error);
        }
        batch.forEach(append -> append.result.completeExceptionally(refusal(type, append)));
    }

    private static boolean isNotDurable(Throwable error) {
        return RedisCondition.unwrapped(error) instanceof NotDurableException;
    }

    private static ProblemType typeOf(Throwable error) {
        if (isNotDurable(error)) {
            return ProblemType.OUTCOME_UNKNOWN;
        }
        RedisCondition condition = RedisCondition.of(error);
        return switch (condition) {
            case AWAY, TIMEOUT -> ProblemType.OUTCOME_UNKNOWN;
            case UNFIT -> notConnected(error);
            case READ_ONLY, MASTER_DOWN -> ProblemType.REDIS_READ_ONLY;
            case OUT_OF_MEMORY -> ProblemType.REDIS_OUT_OF_MEMORY;
            default -> condition.isOutage() ? ProblemType.REDIS_UNAVAILABLE : ProblemType.INTERNAL_ERROR;
        };
    }

    private ErrorResponseException refusal(ProblemType type, Append append) {
        metrics.refused(type, append.size());
        if (type == ProblemType.OUTCOME_UNKNOWN) {
            return type.exception("Redis didn't confirm. It may be stored or not; " + ifSentAgain(append));
        }
        return type.exception();
    }

    private String ifSentAgain(Append append) {
        if (append.idempotencyKey != null) {
            return "sent again with the same Idempotency-Key, it is stored once.";
        }
        return repeatWindow.equals(NO_WINDOW)
                ? "sent again, it may be stored twice."
                : "sent again within checkin.receiver.repeat-window, it is refused as a repeat if it is stored.";
    }

    /** To greet a connection with: whether what is appended on it can be remembered, and is as durable as it has to be. */
    void check(RedisCommands<String, String> commands) {
        durability.check(commands, () -> {
            try {
                commands.get(keys.idempotency(""));
                commands.set(keys.idempotency(""), "", SetArgs.Builder.px(PROBE_LIFETIME.toMillis()));
            } catch (RedisException e) {
                if (RedisCondition.of(e) == RedisCondition.FORBIDDEN) {
                    throw e; // anything else may pass while the connection stays
                }
            }
        });
    }

    /** By what a 202 keeps its promise, for people. */
    String durability() {
        return durability.mechanism();
    }

    /** Whether a checkin could be appended, as of the last check. Starts a new check in the background. */
    boolean isAvailable() {
        trouble();
        return redis.isConnected() && !inTrouble;
    }

    /** Why the server is refused; null if it isn't. */
    @Nullable
    UnfitServerException refusal() {
        return redis.refusal();
    }

    /** Finds out what stands in the way of appending now; empty if nothing does. */
    CompletionStage<Optional<ProblemType>> trouble() {
        return redis.<String>send(commands ->
                        commands.set(keys.idempotency(""), "", SetArgs.Builder.px(PROBE_LIFETIME.toMillis())))
                .thenCompose(written -> redis.<Long>send(commands -> commands.xlen(keys.checkins())))
                .thenApply(this::limitReached)
                .exceptionally(failure -> Optional.of(typeOfProbe(RedisCondition.unwrapped(failure))))
                .thenApply(trouble -> {
                    inTrouble = trouble.isPresent();
                    return trouble;
                });
    }

    private Optional<ProblemType> limitReached(long length) {
        if (length >= maxLength) {
            return Optional.of(ProblemType.STREAM_FULL);
        }
        return memory.isOverLimit(redis.connection()) ? Optional.of(ProblemType.MEMORY_LIMIT) : Optional.empty();
    }

    /** Nobody wants to know whether the probe itself was written. */
    private static ProblemType typeOfProbe(Throwable failure) {
        ProblemType type = typeOf(failure);
        return type == ProblemType.OUTCOME_UNKNOWN ? notConnected(failure) : type;
    }
}
