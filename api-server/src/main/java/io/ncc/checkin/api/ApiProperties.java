package io.ncc.checkin.api;

import java.net.URI;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * The settings of the API server.
 *
 * @param maxWait the longest wait that a request may ask for, until a checkin is applied or can be pulled, 100 ms to 5 min
 * @param claimAfter how long a pulled entry may stay unacknowledged before another pull of the group can claim it, 100 ms or more; the console shows it for all groups, so the processors' should be the same
 * @param consumerTimeout how long a consumer without pending entries may be idle until it is removed from a group that is pulled from, 1 s or more
 * @param maxLength must equal the receiver's max-length, 1,000 or more; once it is reached, no dead letter is replayed
 * @param maxListeners how many clients may follow the stream at once, 1 to 100,000; more are refused; server.tomcat.max-connections must be larger
 * @param listenerBuffer how many bytes to buffer for a slow client that follows the stream, 1,000 or more; beyond that, it is disconnected
 * @param heartbeat how often to send a comment to a client that follows the stream while there are no events, 100 ms to 5 min
 * @param maxPages how many pages of the console may be open at once, 1 to 10,000; more are refused
 * @param readOnly whether to refuse every request that could change something
 * @param receiverBaseUrl the base URL of the receiver, such as http://localhost:8082; if set, the console can send a checkin
 * @param receiverPublicUrl the base URL of the receiver in the commands that the console shows; if not set, receiver-base-url
 */
@ConfigurationProperties(prefix = "checkin.api", ignoreUnknownFields = false)
public record ApiProperties(
        @DefaultValue("30s") Duration maxWait,
        @DefaultValue("60s") Duration claimAfter,
        @DefaultValue("1h") Duration consumerTimeout,
        @DefaultValue("2000000") long maxLength,
        @DefaultValue("1000") int maxListeners,
        @DefaultValue("1000000") int listenerBuffer,
        @DefaultValue("15s") Duration heartbeat,
        @DefaultValue("100") int maxPages,
        @DefaultValue("false") boolean readOnly,
        @Nullable URI receiverBaseUrl,
        @Nullable URI receiverPublicUrl) {

    public ApiProperties {
        require(isBetween(maxWait, 100, 300_000), "max-wait must be from 100ms to 5m");
        require(claimAfter.toMillis() >= 100, "claim-after must be 100ms or more");
        require(consumerTimeout.toMillis() >= 1000, "consumer-timeout must be 1s or more");
        require(maxLength >= 1000, "max-length must be 1000 or more");
        require(maxListeners >= 1 && maxListeners <= 100_000, "max-listeners must be from 1 to 100000");
        require(listenerBuffer >= 1000, "listener-buffer must be 1000 or more");
        require(isBetween(heartbeat, 100, 300_000), "heartbeat must be from 100ms to 5m");
        require(maxPages >= 1 && maxPages <= 10_000, "max-pages must be from 1 to 10000");
        require(isBase(receiverBaseUrl), "receiver-base-url must be a URL with a host and no slash at its end");
        require(isBase(receiverPublicUrl), "receiver-public-url must be a URL with a host and no slash at its end");
        receiverPublicUrl = receiverPublicUrl == null ? receiverBaseUrl : receiverPublicUrl;
    }

    private static boolean isBase(@Nullable URI url) {
        return url == null || (url.getHost() != null && !url.getPath().endsWith("/"));
    }

    private static boolean isBetween(Duration value, long leastMillis, long mostMillis) {
        return value.toMillis() >= leastMillis && value.toMillis() <= mostMillis;
    }

    private static void require(boolean holds, String rule) {
        if (!holds) {
            throw new IllegalArgumentException("checkin.api." + rule);
        }
    }
}
