package io.ncc.engine;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.ncc.engine.Janitor.Standing;
import io.ncc.engine.Projection.Outcome;
import io.ncc.redis.StreamId;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/**
 * The meters of an engine, in two families. Each meter has the tag {@code group}. The engines of several streams in one process have the first
 * family in common; in the second, tags tell the streams apart.
 *
 * <p>{@code <prefix>.processor.*} is what this process did since its start. Each submitted entry has one outcome:
 * {@code submitted = applied + skipped + foreign + left + rejected + settled-elsewhere}. A batch whose reply was lost is in none of them.
 *
 * <p>{@code <prefix>.stream.*} is what Redis reported at the last housekeeping, about a second ago if Redis answers. All processors report the same
 * values, except {@code groups.passed.over}, which each counts for itself. The scripts count the totals in Redis, so a lost reply changes
 * nothing: {@code appended = applied + foreign + dead + lost + unsettled}. {@code foreign} counts dead letters of other groups that were replayed
 * for those groups. {@code skipped} counts entries that were delivered again after they had been settled; it grows if someone rewinds or removes the
 * group. {@code missed} counts entries that were trimmed before the projection was created.
 *
 * <p>Alert on {@code stream.oldest.unsettled}, on any growth of {@code dead} and {@code lost}, and on growth of {@code skipped} if nobody has rewound
 * or removed the group.
 */
final class EngineMetrics {

    /** After so many nanoseconds without a reply of Redis, gauges are NaN, so that nobody takes old values for current ones. */
    private static final long KNOWN_FOR = TimeUnit.SECONDS.toNanos(10);

    private final Counter applied;
    private final Counter skipped;
    private final Counter foreign;
    private final Counter left;
    private final Counter rejected;
    private final Counter settledElsewhere;
    private final DistributionSummary batchSize;
    private final Timer scriptTime;
    private final Timer latency;
    private final String prefix;
    private final Tags processTags;
    private final Tags streamTags;
    private final AtomicLong skippedEntries = new AtomicLong();
    private volatile @Nullable Standing standing;
    private volatile long seenAt = System.nanoTime() - KNOWN_FOR;

    /** @param tags of the stream; engines of one process share the meters of what the process did */
    EngineMetrics(MeterRegistry registry, String prefix, String group, Tags tags) {
        this.prefix = prefix;
        processTags = Tags.of("group", group);
        streamTags = processTags.and(tags);
        applied = entries(registry, "applied");
        skipped = entries(registry, "skipped");
        foreign = entries(registry, "foreign");
        left = entries(registry, "left");
        rejected = entries(registry, "rejected");
        settledElsewhere = entries(registry, "settled-elsewhere");
        batchSize = DistributionSummary.builder(prefix + ".processor.batch.size")
                .description("Entries in a batch")
                .tags(processTags)
                .register(registry);
        scriptTime = Timer.builder(prefix + ".processor.batch.time")
                .description("Time from sending a batch to the reply")
                .tags(processTags)
                .register(registry);
        latency = Timer.builder(prefix + ".processor.latency")
                .description(
                        "Time from the append of the oldest entry of a batch to its being applied, by the clocks of Redis and of this"
                                + " machine")
                .tags(processTags)
                .publishPercentileHistogram()
                .register(registry);
        total(registry, "applied", Standing::applied);
        total(registry, "dead", Standing::dead);
        total(registry, "lost", Standing::lost);
        total(registry, "skipped", Standing::skipped);
        total(registry, "foreign", Standing::foreign);
        total(registry, "missed", Standing::missed);
        gauge(registry, ".stream.length", "Entries in the stream", null, Standing::length);
        gauge(registry, ".stream.pending", "Entries delivered and not acknowledged", null, Standing::pending);
        gauge(
                registry,
                ".stream.oldest.unsettled",
                "Age of the oldest entry that is not settled; 0 if all are",
                "seconds",
                standing -> standing.oldestUnsettled().toMillis() / 1e3);
        gauge(
                registry,
                ".stream.groups.passed.over",
                "Other groups that were too far behind for trimming to wait for them, in the last ten minutes",
                null,
                Standing::passedOver);
    }

    private Counter entries(MeterRegistry registry, String outcome) {
        return Counter.builder(prefix + ".processor.entries")
                .description("Entries that were submitted by this process, by outcome")
                .tags(processTags)
                .tag("outcome", outcome)
                .register(registry);
    }

    private void total(MeterRegistry registry, String outcome, ToDoubleFunction<Standing> value) {
        FunctionCounter.builder(prefix + ".stream.entries", this, self -> known(value))
                .description("Entries of the stream, by what became of them")
                .tags(streamTags)
                .tag("outcome", outcome)
                .register(registry);
    }

    private void gauge(
            MeterRegistry registry,
            String name,
            String description,
            @Nullable String unit,
            ToDoubleFunction<Standing> value) {
        Gauge.builder(prefix + name, this, self -> System.nanoTime() - seenAt < KNOWN_FOR ? known(value) : Double.NaN)
                .description(description)
                .tags(streamTags)
                .baseUnit(unit)
                .register(registry);
    }

    void processed(Batch batch, Outcome outcome, long nanos) {
        int rejections = outcome.rejected().size();
        applied.increment((double) outcome.applied());
        skipped.increment((double) outcome.skipped());
        skippedEntries.addAndGet(outcome.skipped());
        foreign.increment((double) outcome.foreign());
        left.increment((double) outcome.left());
        rejected.increment(rejections);
        settledElsewhere.increment((double) (batch.size()
                - outcome.applied()
                - outcome.skipped()
                - outcome.foreign()
                - outcome.left()
                - rejections));
        batchSize.record(batch.size());
        scriptTime.record(nanos, TimeUnit.NANOSECONDS);
        StreamId oldest = StreamId.parse(batch.entries().get(0).id());
        latency.record(oldest.ageAt(System.currentTimeMillis()), TimeUnit.MILLISECONDS);
    }

    /** The entries that this engine has skipped since its start. */
    long skipped() {
        return skippedEntries.get();
    }

    private double known(ToDoubleFunction<Standing> value) {
        Standing current = standing;
        return current == null ? Double.NaN : value.applyAsDouble(current);
    }

    void standing(Standing current) {
        standing = current;
        seenAt = System.nanoTime();
    }
}
