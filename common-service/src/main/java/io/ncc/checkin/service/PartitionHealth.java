package io.ncc.checkin.service;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.ncc.checkin.model.Partitions;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.IntFunction;
import java.util.function.IntPredicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.boot.health.contributor.Status;

/**
 * Whether a service can do its work. With partitions, it is down only if the service can do its work in none of them. The detail {@code away} says
 * which of them are unavailable, and why.
 *
 * <p>Anyone may ask for the health of a service, as often as they like. So those who ask at the same time, or soon after one another, share an answer.
 */
public final class PartitionHealth implements HealthIndicator {

    private static final long SHARED_FOR_NANOS = Duration.ofMillis(200).toNanos();

    private final Partitions partitions;
    private final List<Integer> own;
    private final IntFunction<Supplier<Health>> ofPartition;

    private final Lock asking = new ReentrantLock();
    private @Nullable Health last; // guarded by the lock
    private long lastAt; // guarded by the lock

    /**
     * @param own the partitions that the service works with
     * @param ofPartition begins to find out the health of one partition, and returns what waits for it
     */
    public PartitionHealth(Partitions partitions, List<Integer> own, IntFunction<Supplier<Health>> ofPartition) {
        this.partitions = partitions;
        this.own = own;
        this.ofPartition = ofPartition;
    }

    /**
     * Registers a gauge for each partition, if there are partitions: 1 if the service can do its work there, else 0.
     *
     * @param tags of the gauge, beside the partition
     */
    public PartitionHealth withGauge(MeterRegistry registry, Tags tags, IntPredicate isAvailable) {
        if (partitions.arePartitioned()) {
            for (int partition : own) {
                Gauge.builder("checkin.partition.available", () -> isAvailable.test(partition) ? 1 : 0)
                        .description("Whether the service can do its work in this partition")
                        .tags(tags.and("partition", Integer.toString(partition)))
                        .register(registry);
            }
        }
        return this;
    }

    @Override
    public Health health() {
        asking.lock();
        try {
            Health health = last;
            if (health == null || System.nanoTime() - lastAt > SHARED_FOR_NANOS) {
                health = ask();
                last = health;
                lastAt = System.nanoTime();
            }
            return health;
        } finally {
            asking.unlock();
        }
    }

    private Health ask() {
        List<Supplier<Health>> begun = own.stream().map(ofPartition::apply).toList();
        if (!partitions.arePartitioned()) {
            return begun.get(0).get();
        }
        Map<String, Object> away = new LinkedHashMap<>();
        for (int i = 0; i < own.size(); i++) {
            Health health = begun.get(i).get();
            if (!health.getStatus().equals(Status.UP)) {
                away.put(Integer.toString(own.get(i)), health.getDetails());
            }
        }
        Health.Builder health = away.size() < own.size() ? Health.up() : Health.down();
        return away.isEmpty() ? health.build() : health.withDetail("away", away).build();
    }
}
