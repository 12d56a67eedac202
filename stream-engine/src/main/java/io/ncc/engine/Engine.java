package io.ncc.engine;

import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisException;
import io.lettuce.core.api.sync.RedisCommands;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.ncc.redis.RedisCondition;
import io.ncc.redis.RedisConnector;
import io.ncc.redis.RedisLink;
import io.ncc.redis.ServerSettings;
import io.ncc.redis.SingleRedis;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;

/**
 * Feeds one projection from a stream. It runs a loop that reads, in group mode a loop that claims, and a loop for housekeeping, on two
 * connections.
 */
public final class Engine implements SmartLifecycle {

    private static final Logger log = LoggerFactory.getLogger(Engine.class);

    /** A loop hangs if a turn takes longer: each ends within seconds, whatever Redis does. */
    private static final Duration LONGEST_TURN = Duration.ofSeconds(30);

    /** The longest time for the housekeeping at a stop, which is one call unless there is much to trim. */
    private static final Duration LAST_TURNS = Duration.ofSeconds(2);

    private final ServerSettings settingsOfServer = new ServerSettings();
    private final RedisLink readLink;
    private final RedisLink scriptLink;
    private final EntrySource source;
    private final EntryReader reader;
    private final Janitor janitor;
    private final ConsumerGroup group;
    private final List<Periodic> periodic = new ArrayList<>();
    private volatile boolean running;

    /** @param consumer the name of this process in the group; no other running process may have it */
    public Engine(
            RedisClient client,
            Projection projection,
            String consumer,
            EngineSettings settings,
            MeterRegistry registry) {
        this(new SingleRedis(client), projection, consumer, settings, registry, "", Tags.empty());
    }

    /**
     * An engine that is one of several in this process.
     *
     * @param consumer the name of this process in the group; no other running process may have it
     * @param suffix of the names of its threads and connections
     * @param tags tell its stream from those of the other engines of the same group: the meters of the stream have these tags
     */
    public Engine(
            RedisConnector connector,
            Projection projection,
            String consumer,
            EngineSettings settings,
            MeterRegistry registry,
            String suffix,
            Tags tags) {
        this.readLink = new RedisLink("read" + suffix, connector, new EntryCodec());
        this.scriptLink = new RedisLink("script" + suffix, connector, new EntryCodec()).greetedWith(settingsOfServer);
        GroupKeys keys = projection.keys();
        Mode mode = settings.mode();
        EngineMetrics metrics = new EngineMetrics(registry, settings.meterPrefix(), keys.group(), tags);
        this.group = new ConsumerGroup(scriptLink, keys, consumer);
        Applier applier = new Applier(scriptLink, projection, consumer, metrics, settings);
        this.source = mode == Mode.GROUP
                ? new GroupSource(readLink, group, settings)
                : new SequentialSource(readLink, group, settings);
        this.reader = new EntryReader("reader" + suffix, source, scriptLink, applier);
        BooleanSupplier readerReports = () -> reader.trouble() != null;
        if (mode == Mode.GROUP) {
            Reclaimer reclaimer = new Reclaimer(scriptLink, applier, group, settings);
            periodic.add(new Periodic("reclaimer" + suffix, settings.claimEvery(), reclaimer, readerReports));
        }
        this.janitor = new Janitor(scriptLink, projection, consumer, metrics, settings);
        periodic.add(new Periodic("janitor" + suffix, Janitor.INTERVAL, janitor, readerReports));
        log.info("Consumer {} of group {} of {}, with {}", consumer, keys.group(), keys.stream(), settings);
    }

    /**
     * Sets what is done first on each new connection. To be called before the start.
     *
     * @param greeting if it throws, the connection is closed, and another one is opened later
     */
    public Engine greetedWith(Consumer<RedisCommands<String, String>> greeting) {
        readLink.greetedWith(greeting);
        scriptLink.greetedWith(greeting.andThen(settingsOfServer));
        return this;
    }

    /** The name of its group. */
    public String group() {
        return group.keys().group();
    }

    /** The connection that runs the scripts. */
    public RedisLink scriptLink() {
        return scriptLink;
    }

    /** The condition that now prevents reading, claiming or housekeeping; null if there is none. */
    public @Nullable RedisCondition trouble() {
        RedisCondition trouble = reader.trouble();
        for (Periodic task : periodic) {
            trouble = trouble == null ? task.trouble() : trouble;
        }
        return trouble;
    }

    /** Whether all loops complete their turns; if not, one hangs, and only a restart helps. */
    public boolean isTurning() {
        return reader.sinceLastTurn().compareTo(LONGEST_TURN) < 0
                && periodic.stream().allMatch(task -> task.overdue().compareTo(LONGEST_TURN) < 0);
    }

    @Override
    public void start() {
        readLink.start();
        scriptLink.start();
        reader.start();
        periodic.forEach(Periodic::start);
        running = true;
    }

    /**
     * Stops reading and claiming, waits for batches in flight, and leaves the group. Afterwards the checkpoint is the last entry that all processors
     * have settled, so that another program may go on there. In sequential mode, the group then stands there, too.
     */
    @Override
    public void stop() {
        running = false;
        periodic.forEach(Periodic::stop);
        reader.stop();
        moveCheckpointAndGroup();
        scriptLink.stop();
        readLink.stop();
    }

    private void moveCheckpointAndGroup() {
        if (!scriptLink.isConnected()) {
            return;
        }
        try {
            long start = System.nanoTime();
            while (janitor.run(() -> {}) && System.nanoTime() - start < LAST_TURNS.toNanos()) {
                // there is more to do
            }
            source.handOver();
        } catch (RedisException e) {
            log.warn("Stopped without moving the checkpoint and the group to the end ({})", RedisCondition.of(e));
        }
    }

    /**
     * What is wrong with the keys, if {@link #trouble} is {@link RedisCondition#WRONG_TYPE}: what Redis says of the keys of the group when it is asked
     * now, and what the failures said of others.
     */
    public List<String> damagedKeys() {
        List<String> damaged = new ArrayList<>();
        try {
            damaged.addAll(group.damagedKeys());
        } catch (RedisException e) {
            // not allowed to look, or away meanwhile
        }
        addTo(damaged, reader.damage());
        periodic.forEach(task -> addTo(damaged, task.damage()));
        return damaged;
    }

    private static void addTo(List<String> damaged, @Nullable String damage) {
        if (damage != null && damaged.stream().noneMatch(known -> keyOf(known).equals(keyOf(damage)))) {
            damaged.add(damage);
        }
    }

    private static String keyOf(String damage) {
        return damage.split(" ", 2)[0];
    }

    @Override
    public boolean isRunning() {
        return running;
    }

    @Override
    public int getPhase() {
        return RedisLink.PHASE;
    }
}
