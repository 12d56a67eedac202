package io.ncc.checkin.receiver;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.ncc.checkin.service.ProblemType;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.IntSupplier;

/**
 * What is measured. Each valid checkin that was asked to be appended is counted once: {@code checkin.receiver.checkins} by outcome
 * {@code accepted} or {@code repeated}, or {@code checkin.receiver.refused} by reason, the type of the problem. Of those refused as
 * {@code outcome-unknown} some are in the stream. Bodies that were no checkins are in Spring's {@code http.server.requests}, with status 400.
 */
final class ReceiverMetrics {

    private final MeterRegistry registry;
    private final Counter accepted;
    private final Counter repeated;
    private final DistributionSummary writeSize;
    private final Timer writeTime;

    ReceiverMetrics(MeterRegistry registry) {
        this.registry = registry;
        accepted = checkins("accepted");
        repeated = checkins("repeated");
        writeSize = DistributionSummary.builder("checkin.receiver.write.size")
                .description("Checkins in a write to Redis")
                .register(registry);
        writeTime = Timer.builder("checkin.receiver.write.time")
                .description("Time from sending a write to Redis until it is as durable as is promised")
                .publishPercentileHistogram()
                .register(registry);
    }

    private Counter checkins(String outcome) {
        return Counter.builder("checkin.receiver.checkins")
                .description("Checkins that were answered with their ids, by whether they were appended now or before")
                .tag("outcome", outcome)
                .register(registry);
    }

    void queue(IntSupplier length) {
        Gauge.builder("checkin.receiver.queue", length, IntSupplier::getAsInt)
                .description("Checkins that wait for the write before theirs")
                .strongReference(true)
                .register(registry);
    }

    void accepted(int checkins) {
        accepted.increment(checkins);
    }

    void repeated(int checkins) {
        repeated.increment(checkins);
    }

    void refused(ProblemType reason, int checkins) {
        Counter.builder("checkin.receiver.refused")
                .description("Valid checkins that were refused, by reason")
                .tag("reason", reason.slug())
                .register(registry)
                .increment(checkins);
    }

    void written(List<Append> batch, long nanos) {
        writeSize.record(batch.stream().mapToInt(Append::size).sum());
        writeTime.record(nanos, TimeUnit.NANOSECONDS);
    }
}
