package io.ncc.checkin.processor;

import io.ncc.engine.Engine;
import io.ncc.redis.RedisLink;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import org.springframework.context.SmartLifecycle;

/** The engines of a processor, one for each of its projections and partitions. They start and stop at the same time. */
final class Engines implements SmartLifecycle {

    private final Set<ProjectionKind> kinds;
    private final List<Integer> partitions;
    private final Map<ProjectionKind, Map<Integer, Engine>> engines = new EnumMap<>(ProjectionKind.class);
    private final List<Engine> all = new ArrayList<>();

    /** @param engine makes the engine of a projection and a partition */
    Engines(Set<ProjectionKind> kinds, List<Integer> partitions, BiFunction<ProjectionKind, Integer, Engine> engine) {
        this.kinds = kinds;
        this.partitions = partitions;
        for (ProjectionKind kind : kinds) {
            for (int partition : partitions) {
                Engine made = engine.apply(kind, partition);
                engines.computeIfAbsent(kind, first -> new HashMap<>()).put(partition, made);
                all.add(made);
            }
        }
    }

    Set<ProjectionKind> kinds() {
        return kinds;
    }

    List<Integer> partitions() {
        return partitions;
    }

    Engine of(ProjectionKind kind, int partition) {
        return Objects.requireNonNull(Objects.requireNonNull(engines.get(kind)).get(partition));
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
