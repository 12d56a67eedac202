package io.ncc.checkin.receiver;

import java.net.URI;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;
import org.springframework.util.unit.DataUnit;

/**
 * The settings of the receiver.
 *
 * @param apiBaseUrl where the API server is reached, such as http://localhost:8081; with it, a 202 has a Location there
 * @param maxBodySize the largest body of a request for one checkin, 128B to 1MB; a larger one is answered 413
 */
@ConfigurationProperties(prefix = "checkin.receiver", ignoreUnknownFields = false)
record ReceiverProperties(
        @Nullable URI apiBaseUrl, @DefaultValue("4KB") DataSize maxBodySize) {

    private static final DataSize SMALLEST_BODY =
            DataSize.ofBytes(128); // what a checkin of three 19-digit numbers needs
    private static final DataSize LARGEST_BODY = DataSize.of(1, DataUnit.MEGABYTES);

    ReceiverProperties {
        if (apiBaseUrl != null
                && (apiBaseUrl.getHost() == null || apiBaseUrl.getPath().endsWith("/"))) {
            throw new IllegalArgumentException(
                    "checkin.receiver.api-base-url must be a URL with a host and no slash at its end");
        }
        if (maxBodySize.compareTo(SMALLEST_BODY) < 0 || maxBodySize.compareTo(LARGEST_BODY) > 0) {
            throw new IllegalArgumentException("checkin.receiver.max-body-size must be from 128B to 1MB");
        }
    }
}
