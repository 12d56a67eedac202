package io.ncc.checkin.processor;

import java.time.Duration;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * The settings of the processor.
 *
 * @param consumer this processor's name in the group: letters, digits, dot, dash, underscore, at most 100; without it, one that nobody else has
 * @param batchSize the most entries that are read and applied at once, 1 to 2,000; a batch of 1,000 holds Redis for about 3 ms
 * @param maxInFlight how many batches may be under way at once, 1 to 64
 * @param block how long a read waits for new entries, 100 ms to 5 s
 * @param claimAfter an entry that another consumer has held for longer than this is taken over, 100 ms or more
 * @param claimEvery how often to look for such entries, 100 ms or more; each pause is drawn from half to one and a half times this
 */
@ConfigurationProperties(prefix = "checkin.processor", ignoreUnknownFields = false)
record ProcessorProperties(
        @Nullable String consumer,
        @DefaultValue("1000") int batchSize,
        @DefaultValue("4") int maxInFlight,
        @DefaultValue("2s") Duration block,
        @DefaultValue("60s") Duration claimAfter,
        @DefaultValue("10s") Duration claimEvery) {

    private static final Pattern CONSUMER = Pattern.compile("[A-Za-z0-9._-]{1,100}");

    ProcessorProperties {
        require(
                consumer == null || CONSUMER.matcher(consumer).matches(),
                "consumer must be 1 to 100 letters, digits, dots, dashes, underscores");
        require(batchSize >= 1 && batchSize <= 2000, "batch-size must be from 1 to 2000");
        require(maxInFlight >= 1 && maxInFlight <= 64, "max-in-flight must be from 1 to 64");
        require(isFrom(block, 100) && block.toMillis() <= 5000, "block must be from 100ms to 5s");
        require(isFrom(claimAfter, 100), "claim-after must be 100ms or more");
        require(isFrom(claimEvery, 100), "claim-every must be 100ms or more");
    }

    private static boolean isFrom(Duration value, long millis) {
        return value.compareTo(Duration.ofMillis(millis)) >= 0;
    }

    private static void require(boolean holds, String rule) {
        if (!holds) {
            throw new IllegalArgumentException("checkin.processor." + rule);
        }
    }
}
