package io.ncc.checkin.processor;

import io.ncc.engine.Engine;
import io.ncc.redis.RedisLink;
import java.util.List;
import java.util.SortedMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Consumer;
import org.springframework.context.SmartLifecycle;

/** The engines of a processor, one for each of its partitions. They start and stop at the same time. */
final class Engines implements SmartLifecycle {

    private final SortedMap<Integer, Engine> byPartition;

    /** @param byPartition one engine or more */
    Engines(SortedMap<Integer, Engine> byPartition) {
        this.byPartition = byPartition;
    }

    List<Integer> partitions() {
        return List.copyOf(byPartition.keySet());
    }

    /** @param partition one of {@link #partitions} */
    Engine of(int partition) {
        return byPartition.get(partition);
    }

    /** Whether all loops of all engines complete their turns. */
    boolean areTurning() {
        return byPartition.values().stream().allMatch(Engine::isTurning);
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
        ExecutorService threads = Executors.newFixedThreadPool(byPartition.size());
        try {
            CompletableFuture.allOf(byPartition.values().stream()
                            .map(engine -> CompletableFuture.runAsync(() -> action.accept(engine), threads))
                            .toArray(CompletableFuture[]::new))
                    .join();
        } finally {
            threads.shutdown();
        }
    }

    @Override
    public boolean isRunning() {
        return byPartition.values().stream().anyMatch(Engine::isRunning);
    }

    @Override
    public int getPhase() {
        return RedisLink.PHASE;
    }
}
