package io.ncc.checkin.receiver;

import java.net.URI;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * The settings of the receiver.
 *
 * @param apiBaseUrl the base URL of the API server, such as http://localhost:8081; if set, the Location header of a 202 points there
 * @param durability what a 202 means; memory: Redis has the checkin in memory; replica: replicas have it, too; fsync: it is on the disk of Redis
 * @param replicas how many replicas must have the checkin, with durability replica, 1 to 10
 * @param durabilityTimeout how long to wait for replicas or the disk, 10 ms or more, and less than spring.data.redis.timeout
 * @param maxLength the maximum length of the stream, 1,000 or more; once it is reached, checkins are refused
 * @param maxMemoryUse the used share of the maxmemory of Redis at which checkins are refused, 0.1 to 1
 * @param idempotencyTtl for how long the result of a request with an Idempotency-Key is kept, 1 s to 30 d
 * @param repeatWindow for how long a user can't check in at the same location again, 1 s to 24 h; if not set, a user can at any time
 * @param queueSize how many checkins may be queued for a write to Redis, 1,000 to 1,000,000; more are refused; partitions share it, with at least 1,000 for each
 * @param maxBodySize the largest body of a request for one checkin, and the longest element of a batch, 128B to 1MB
 * @param maxBatchSize the largest body of a batch, both as sent and decompressed, 1KB to 1GB
 * @param maxBatchEntries the most checkins in a batch, 1 to 100,000
 * @param maxRequestMemory how much memory all requests together may hold while they are received and answered, 1MB or more; more are refused; if not set, a quarter of the heap
 * @param bodyTimeout how long the body of a request may take to arrive, 100 ms or more
 * @param rateLimit how many requests per second are accepted from one caller, or without a token from one client address; 0 for no limit
 */
@ConfigurationProperties(prefix = "checkin.receiver", ignoreUnknownFields = false)
record ReceiverProperties(
        @Nullable URI apiBaseUrl,
        @DefaultValue("memory") Durability durability,
        @DefaultValue("1") int replicas,
        @DefaultValue("1s") Duration durabilityTimeout,
        @DefaultValue("2000000") long maxLength,
        @DefaultValue("0.9") double maxMemoryUse,
        @DefaultValue("1h") Duration idempotencyTtl,
        @Nullable Duration repeatWindow,
        @DefaultValue("20000") int queueSize,
        @DefaultValue("4KB") DataSize maxBodySize,
        @DefaultValue("2MB") DataSize maxBatchSize,
        @DefaultValue("10000") int maxBatchEntries,
        @Nullable DataSize maxRequestMemory,
        @DefaultValue("30s") Duration bodyTimeout,
        @DefaultValue("0") int rateLimit) {

    ReceiverProperties {
        require(
                apiBaseUrl == null
                        || (apiBaseUrl.getHost() != null
                                && !apiBaseUrl.getPath().endsWith("/")),
                "api-base-url must be a URL with a host and no slash at its end");
        require(replicas >= 1 && replicas <= 10, "replicas must be from 1 to 10");
        require(isFrom(durabilityTimeout, 10), "durability-timeout must be 10ms or more");
        require(maxLength >= 1000, "max-length must be 1000 or more");
        require(maxMemoryUse >= 0.1 && maxMemoryUse <= 1, "max-memory-use must be from 0.1 to 1");
        require(
                isFrom(idempotencyTtl, 1000) && idempotencyTtl.compareTo(Duration.ofDays(30)) <= 0,
                "idempotency-ttl must be from 1s to 30d");
        require(
                repeatWindow == null
                        || (isFrom(repeatWindow, 1000) && repeatWindow.compareTo(Duration.ofHours(24)) <= 0),
                "repeat-window must be from 1s to 24h");
        require(queueSize >= 1000 && queueSize <= 1_000_000, "queue-size must be from 1000 to 1000000");
        // what a checkin of three 19-digit numbers needs
        require(
                isBetween(maxBodySize, DataSize.ofBytes(128), DataSize.ofMegabytes(1)),
                "max-body-size must be from 128B to 1MB");
        require(
                isBetween(maxBatchSize, DataSize.ofKilobytes(1), DataSize.ofGigabytes(1)),
                "max-batch-size must be from 1KB to 1GB");
        require(maxBatchEntries >= 1 && maxBatchEntries <= 100_000, "max-batch-entries must be from 1 to 100000");
        require(
                maxRequestMemory == null || maxRequestMemory.compareTo(DataSize.ofMegabytes(1)) >= 0,
                "max-request-memory must be 1MB or more");
        require(isFrom(bodyTimeout, 100), "body-timeout must be 100ms or more");
        require(rateLimit >= 0, "rate-limit must be 0 or more");
    }

    /**
     * The maximum length of the stream of each partition.
     *
     * @param partitions how many share {@code max-length}
     */
    long maxLength(int partitions) {
        require(
                maxLength / partitions >= 1000,
                "max-length must be 1000 or more, for each of " + partitions + " partitions");
        return maxLength / partitions;
    }

    /** One that waits longer than commands may take would never be answered. */
    void requireDurabilityTimeoutBelow(Duration commandTimeout) {
        require(
                durability == Durability.MEMORY || durabilityTimeout.compareTo(commandTimeout) < 0,
                "durability-timeout must be less than spring.data.redis.timeout, " + commandTimeout.toMillis() + "ms");
    }

    private static boolean isFrom(Duration value, long millis) {
        return value.compareTo(Duration.ofMillis(millis)) >= 0;
    }

    private static boolean isBetween(DataSize value, DataSize least, DataSize most) {
        return value.compareTo(least) >= 0 && value.compareTo(most) <= 0;
    }

    private static void require(boolean holds, String rule) {
        if (!holds) {
            throw new IllegalArgumentException("checkin.receiver." + rule);
        }
    }
}
