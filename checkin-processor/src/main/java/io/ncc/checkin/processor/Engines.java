package io.ncc.checkin.processor;

import io.ncc.checkin.service.AtOnce;
import io.ncc.engine.Engine;
import io.ncc.redis.RedisLink;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.BiFunction;
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
        AtOnce.forEach(all, Engine::start);
    }

    @Override
    public void stop() {
        AtOnce.forEach(all, Engine::stop);
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
