package io.ncc.checkin.processor;

import io.ncc.engine.DurationRange;
import io.ncc.engine.EngineSettings;
import io.ncc.engine.Mode;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * The settings of the processor.
 *
 * @param consumer the name of this consumer in the group, unique among running processors, 1 to 100 letters, digits, dots, dashes or underscores; if not set, a new name at each start
 * @param mode group: processors share the entries through the consumer group; sequential: a processor reads all entries, without a group; both may run at once
 * @param batchSize the most entries that are read and applied at once, 1 to 2,000; a batch of 1,000 blocks Redis for 3 to 10 ms, depending on the machine
 * @param maxInFlight how many batches may be in flight at once, 1 to 64
 * @param block how long a read waits for new entries, 100 ms to 5 s
 * @param claimAfter how long an entry may be pending with another consumer before this one claims it, 100 ms or more
 * @param claimEvery how often to look for entries to claim, 100 ms or more; each pause is random, from 0.5 to 1.5 times this
 * @param maxDeliveries an entry with more deliveries is applied alone and becomes a dead letter if that fails, 1 to 1,000; with more than twice as many, it may become one without another attempt
 * @param simulatedWork a random pause before each entry, for demonstrations, such as 1s..5s, 20 s at most; entries are then applied one at a time
 * @param keepConsumer whether the consumer stays in the group after a stop, until it has been idle for 24 hours
 * @param projections what to make of the checkins: totals (of users and locations), boards (rankings, and who checked in last), or both
 * @param partitions which partitions this processor takes, a range such as 0-31 or one number; if not set, all
 * @param retainEntries how many settled entries to keep in the stream, 0 to 80 % of max-length
 * @param retainAge the longest time to keep settled entries; if not set, no limit
 * @param maxLength must equal the receiver's max-length, 1,000 or more; from 80 % of it on, trimming doesn't wait for other groups
 */
@ConfigurationProperties(prefix = "checkin.processor", ignoreUnknownFields = false)
public record ProcessorProperties(
        @Nullable String consumer,
        @DefaultValue("group") Mode mode,
        @DefaultValue("1000") int batchSize,
        @DefaultValue("4") int maxInFlight,
        @DefaultValue("2s") Duration block,
        @DefaultValue("60s") Duration claimAfter,
        @DefaultValue("10s") Duration claimEvery,
        @DefaultValue("5") int maxDeliveries,
        @Nullable DurationRange simulatedWork,
        @DefaultValue("false") boolean keepConsumer,
        @DefaultValue("totals,boards") Set<ProjectionKind> projections,
        @Nullable String partitions,
        @DefaultValue("500000") long retainEntries,
        @Nullable Duration retainAge,
        @DefaultValue("2000000") long maxLength) {

    private static final String METER_PREFIX = "checkin";
    private static final String PREFIX = "checkin.processor";
    private static final Pattern RANGE = Pattern.compile("(\\d{1,3})(?:-(\\d{1,3}))?");
    private static final Pattern CONSUMER = Pattern.compile("[A-Za-z0-9._-]{1,100}");

    public ProcessorProperties {
        if (consumer != null && !CONSUMER.matcher(consumer).matches()) {
            throw new IllegalArgumentException(
                    PREFIX + ".consumer must be 1 to 100 letters, digits, dots, dashes, underscores");
        }
        if (projections.isEmpty()) {
            throw new IllegalArgumentException(PREFIX + ".projections must be totals, boards or both");
        }
        try {
            new EngineSettings(
                    METER_PREFIX,
                    mode,
                    batchSize,
                    maxInFlight,
                    block,
                    claimAfter,
                    claimEvery,
                    maxDeliveries,
                    simulatedWork,
                    keepConsumer,
                    retainEntries,
                    retainAge,
                    maxLength);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(PREFIX + '.' + e.getMessage());
        }
    }

    /**
     * The partitions to take, ascending.
     *
     * @param count how many there are
     */
    List<Integer> partitions(int count) {
        if (partitions == null) {
            return IntStream.range(0, count).boxed().toList();
        }
        Matcher range = RANGE.matcher(partitions);
        if (range.matches()) {
            int first = Integer.parseInt(range.group(1));
            int last = range.group(2) == null ? first : Integer.parseInt(range.group(2));
            if (first <= last && last < count) {
                return IntStream.rangeClosed(first, last).boxed().toList();
            }
        }
        throw new IllegalArgumentException(PREFIX + ".partitions must be a range such as 0-31, or a number, from 0 to "
                + (count - 1) + ", not " + partitions);
    }

    /**
     * The settings of the engine of each partition.
     *
     * @param count how many partitions share {@code retain-entries} and {@code max-length}
     */
    EngineSettings engine(int count) {
        try {
            return engine().shareOf(count);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    PREFIX + '.' + e.getMessage() + ", for each of " + count + " partitions", e);
        }
    }

    private EngineSettings engine() {
        return new EngineSettings(
                METER_PREFIX,
                mode,
                batchSize,
                maxInFlight,
                block,
                claimAfter,
                claimEvery,
                maxDeliveries,
                simulatedWork,
                keepConsumer,
                retainEntries,
                retainAge,
                maxLength);
    }
}
