package io.ncc.engine;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * The settings of an {@link Engine}. A value out of range causes an {@link IllegalArgumentException}, whose message names the setting as in a
 * configuration file, such as {@code batch-size}.
 *
 * @param meterPrefix the prefix of the meter names: {@code <prefix>.processor} is what this process did, {@code <prefix>.stream} what Redis reports
 * @param mode how the stream is read
 * @param batchSize the most entries that are read and applied at once, 1 to 2,000
 * @param maxInFlight how many batches may be in flight at once, 1 to 64
 * @param block how long a read waits for new entries, 100 ms to 5 s
 * @param claimAfter how long an entry may be pending with another consumer before this one claims it, 100 ms or more
 * @param claimEvery how often to look for entries to claim, 100 ms or more; each pause is random, from 0.5 to 1.5 times this
 * @param maxDeliveries an entry with more deliveries is applied alone and becomes a dead letter if that fails, 1 to 1,000; with more than twice as
 *     many, it may become one without another attempt
 * @param simulatedWork a random pause before each entry, 20 s at most; entries are then applied one at a time; null for no pause
 * @param keepConsumer whether the consumer stays in the group after a stop, until it has been idle for 24 hours
 * @param retainEntries how many settled entries to keep in the stream, 0 to 80 % of {@code maxLength}
 * @param retainAge the longest time to keep settled entries, 1 ms or more; null for no limit
 * @param maxLength the maximum length of the stream, which the producers enforce, 1,000 or more; from 80 % of it on, trimming doesn't wait for other
 *     groups
 */
public record EngineSettings(
        String meterPrefix,
        Mode mode,
        int batchSize,
        int maxInFlight,
        Duration block,
        Duration claimAfter,
        Duration claimEvery,
        int maxDeliveries,
        @Nullable DurationRange simulatedWork,
        boolean keepConsumer,
        long retainEntries,
        @Nullable Duration retainAge,
        long maxLength) {

    public EngineSettings {
        require(!meterPrefix.isBlank(), "meter-prefix must not be blank");
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

    /** Batches of 1,000 in group mode, four of them in flight; 500,000 settled entries are kept. */
    public static EngineSettings defaults(String meterPrefix) {
        return new EngineSettings(
                meterPrefix,
                Mode.GROUP,
                1000,
                4,
                Duration.ofSeconds(2),
                Duration.ofSeconds(60),
                Duration.ofSeconds(10),
                5,
                null,
                false,
                500_000,
                null,
                2_000_000);
    }

    /** The same for one of several streams that share the lengths evenly. */
    public EngineSettings shareOf(int streams) {
        long length = maxLength / streams;
        return new EngineSettings(
                meterPrefix,
                mode,
                batchSize,
                maxInFlight,
                block,
                claimAfter,
                claimEvery,
                maxDeliveries,
                simulatedWork,
                keepConsumer,
                Math.min(retainEntries / streams, holdLength(length)),
                retainAge,
                length);
    }

    private static boolean isFrom(Duration value, long millis) {
        return value.compareTo(Duration.ofMillis(millis)) >= 0;
    }

    private static void require(boolean holds, String rule) {
        if (!holds) {
            throw new IllegalArgumentException(rule);
        }
    }

    private static long holdLength(long maxLength) {
        return maxLength / 5 * 4;
    }

    /** From this length of the stream on, trimming doesn't wait for other groups. */
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
