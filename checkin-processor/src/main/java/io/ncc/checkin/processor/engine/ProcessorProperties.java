package io.ncc.checkin.processor.engine;

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

    private static final Pattern CONSUMER = Pattern.compile("[A-Za-z0-9._-]{1,100}");

    public ProcessorProperties {
        require(
                consumer == null || CONSUMER.matcher(consumer).matches(),
                "consumer must be 1 to 100 letters, digits, dots, dashes, underscores");
        require(batchSize >= 1 && batchSize <= 2000, "batch-size must be from 1 to 2000");
        require(maxInFlight >= 1 && maxInFlight <= 64, "max-in-flight must be from 1 to 64");
        require(isFrom(block, 100) && block.toMillis() <= 5000, "block must be from 100ms to 5s");
        require(isFrom(claimAfter, 100), "claim-after must be 100ms or more");
        require(isFrom(claimEvery, 100), "claim-every must be 100ms or more");
        require(maxDeliveries >= 1 && maxDeliveries <= 1000, "max-deliveries must be from 1 to 1000");
        require(
                simulatedWork == null || simulatedWork.longest().compareTo(Duration.ofSeconds(20)) <= 0,
                "simulated-work must be 20s at most");
        require(retainEntries >= 0, "retain-entries must be 0 or more");
        require(retainAge == null || isFrom(retainAge, 1), "retain-age must be 1ms or more");
        require(maxLength >= 1000, "max-length must be 1000 or more");
        require(retainEntries <= holdLength(maxLength), "retain-entries must be at most 80 % of max-length");
    }

    private static boolean isFrom(Duration value, long millis) {
        return value.compareTo(Duration.ofMillis(millis)) >= 0;
    }

    private static void require(boolean holds, String rule) {
        if (!holds) {
            throw new IllegalArgumentException("checkin.processor." + rule);
        }
    }

    private static long holdLength(long maxLength) {
        return maxLength / 5 * 4;
    }

    /** The length of the stream from which on other groups don't hold back the trimming. */
    long holdLength() {
        return holdLength(maxLength);
    }

    /** With simulated work, entries are taken one at a time. */
    int effectiveBatchSize() {
        return simulatedWork == null ? batchSize : 1;
    }

    int effectiveMaxInFlight() {
        return simulatedWork == null ? maxInFlight : 1;
    }
}
