package io.ncc.checkin.service.security;

import java.net.URI;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpMethod;
import org.springframework.http.client.SimpleClientHttpRequestFactory;
import org.springframework.web.client.RequestCallback;
import org.springframework.web.client.ResourceAccessException;
import org.springframework.web.client.ResponseExtractor;
import org.springframework.web.client.RestTemplate;

/**
 * The requests to the issuer of JWTs, for its keys and for where they are. Spring's decoder asks for the keys with each token whose key it doesn't know, and
 * anyone can make up such tokens. So a URL is asked for again only after a pause, and others fail at once.
 */
final class IssuerRequests extends RestTemplate {

    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(1);
    private static final Duration READ_TIMEOUT = Duration.ofSeconds(2);
    private static final long PAUSE_NANOS = Duration.ofSeconds(1).toNanos();

    /** When the last request for a URL had ended. There are a handful of URLs. */
    private final Map<URI, Long> endedAt = new ConcurrentHashMap<>();

    IssuerRequests() {
        SimpleClientHttpRequestFactory factory = new SimpleClientHttpRequestFactory();
        factory.setConnectTimeout(CONNECT_TIMEOUT);
        factory.setReadTimeout(READ_TIMEOUT);
        setRequestFactory(factory);
    }

    @Override
    protected <T> @Nullable T doExecute(
            URI url,
            @Nullable String uriTemplate,
            @Nullable HttpMethod method,
            @Nullable RequestCallback requestCallback,
            @Nullable ResponseExtractor<T> responseExtractor) {
        Long ended = endedAt.get(url);
        if (ended != null && System.nanoTime() - ended < PAUSE_NANOS) {
            throw new ResourceAccessException("The issuer was asked a moment ago");
        }
        try {
            return super.doExecute(url, uriTemplate, method, requestCallback, responseExtractor);
        } finally {
            endedAt.put(url, System.nanoTime());
        }
    }
}
