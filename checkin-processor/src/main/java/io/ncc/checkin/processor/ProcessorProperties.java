package io.ncc.checkin.processor;

import io.ncc.engine.DurationRange;
import io.ncc.engine.EngineSettings;
import io.ncc.engine.Mode;
import java.time.Duration;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * The settings of the processor.
 *
 * @param consumer this processor's name in the group, which no other that runs may have: letters, digits, dot, dash, underscore, at most 100; without it, a new one at each start
 * @param mode group shares the entries out among processors; sequential reads them all, without a group; both may run at once
 * @param batchSize the most entries that are read and applied at once, 1 to 2,000; a batch of 1,000 holds Redis for 3 to 10 ms, by its speed
 * @param maxInFlight how many batches may be under way at once, 1 to 64
 * @param block how long a read waits for new entries, 100 ms to 5 s
 * @param claimAfter an entry that another consumer has held for longer than this is taken over, 100 ms or more
 * @param claimEvery how often to look for such entries, 100 ms or more; each pause is drawn from half to one and a half times this
 * @param maxDeliveries an entry that was delivered more often is applied alone, and set aside if that fails or after twice as many, 1 to 1,000
 * @param simulatedWork a pause before each entry, such as 1s..5s, 20 s at most, so that a person can watch; entries are then applied one at a time
 * @param retainEntries how many settled entries to keep in the stream, 0 to 80 % of max-length
 * @param retainAge for how long to keep settled entries at most; without it, for any time
 * @param maxLength the receiver's limit of the stream's length, 1,000 or more; from 80 % of it on, other groups don't hold back the trimming
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
        @DefaultValue("500000") long retainEntries,
        @Nullable Duration retainAge,
        @DefaultValue("2000000") long maxLength) {

    private static final String METER_PREFIX = "checkin";
    private static final String PREFIX = "checkin.processor";
    private static final Pattern CONSUMER = Pattern.compile("[A-Za-z0-9._-]{1,100}");

    public ProcessorProperties {
        if (consumer != null && !CONSUMER.matcher(consumer).matches()) {
            throw new IllegalArgumentException(
                    PREFIX + ".consumer must be 1 to 100 letters, digits, dots, dashes, underscores");
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
                    retainEntries,
                    retainAge,
                    maxLength);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(PREFIX + '.' + e.getMessage());
        }
    }

    /** Those of the engine. */
    EngineSettings engine() {
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
                retainEntries,
                retainAge,
                maxLength);
    }
}
