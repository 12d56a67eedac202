package io.ncc.checkin.processor;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.ncc.checkin.processor.CheckinProjection.Outcome;
import java.util.concurrent.TimeUnit;

/**
 * What this processor has done since its start. Each entry that it submitted was applied, or rejected (and stays pending), or settled by
 * someone else: {@code submitted = applied + rejected + settled elsewhere}. A batch whose reply was lost is in none of them.
 */
final class ProcessorMetrics {

    private final Counter applied;
    private final Counter rejected;
    private final Counter settledElsewhere;
    private final DistributionSummary batchSize;
    private final Timer batchTime;

    ProcessorMetrics(MeterRegistry registry) {
        applied = counter(registry, "applied");
        rejected = counter(registry, "rejected");
        settledElsewhere = counter(registry, "settled-elsewhere");
        batchSize = DistributionSummary.builder("checkin.processor.batch.size")
                .description("Entries in a batch that was applied")
                .register(registry);
        batchTime = Timer.builder("checkin.processor.batch.time")
                .description("Time from sending a batch to the reply")
                .register(registry);
    }

    private static Counter counter(MeterRegistry registry, String outcome) {
        return Counter.builder("checkin.processor.entries")
                .description("Entries that were submitted, by outcome")
                .tag("outcome", outcome)
                .register(registry);
    }

    void applied(int submitted, Outcome outcome, long nanos) {
        int rejections = outcome.rejected().size();
        applied.increment((double) outcome.applied());
        rejected.increment(rejections);
        settledElsewhere.increment((double) (submitted - outcome.applied() - rejections));
        batchSize.record(submitted);
        batchTime.record(nanos, TimeUnit.NANOSECONDS);
    }
}
