package io.ncc.checkin.processor;

import io.ncc.engine.Engine;
import io.ncc.redis.RedisLink;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Consumer;
import org.springframework.context.SmartLifecycle;

/** The engines of a processor, one for each of its projections and partitions. They start and stop at the same time. */
final class Engines implements SmartLifecycle {

    private final Map<ProjectionKind, SortedMap<Integer, Engine>> byKind = new EnumMap<>(ProjectionKind.class);
    private final List<Engine> all = new ArrayList<>();

    void add(ProjectionKind kind, int partition, Engine engine) {
        byKind.computeIfAbsent(kind, first -> new TreeMap<>()).put(partition, engine);
        all.add(engine);
    }

    Set<ProjectionKind> kinds() {
        return byKind.keySet();
    }

    /** By partition. */
    SortedMap<Integer, Engine> of(ProjectionKind kind) {
        return byKind.getOrDefault(kind, new TreeMap<>());
    }

    /** Whether all loops of all engines complete their turns. */
    boolean areTurning() {
        return all.stream().allMatch(Engine::isTurning);
    }

    @Override
    public void start() {
        forEachAtOnce(Engine::start);
    }

    @Override
    public void stop() {
        forEachAtOnce(Engine::stop);
    }

    private void forEachAtOnce(Consumer<Engine> action) {
        ExecutorService threads = Executors.newFixedThreadPool(all.size());
        try {
            CompletableFuture.allOf(all.stream()
                            .map(engine -> CompletableFuture.runAsync(() -> action.accept(engine), threads))
                            .toArray(CompletableFuture[]::new))
                    .join();
        } finally {
            threads.shutdown();
        }
    }

    @Override
    public boolean isRunning() {
        return all.stream().anyMatch(Engine::isRunning);
    }

    @Override
    public int getPhase() {
        return RedisLink.PHASE;
    }
}
