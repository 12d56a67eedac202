package io.ncc.checkin.api.console;

import io.ncc.checkin.api.ApiProperties;
import io.ncc.checkin.service.ProblemType;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.stereotype.Component;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Hands a checkin from the page on to the receiver, which the page can't reach: it is another origin. */
@Component
final class Receiver {

    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(1);
    private static final Duration TIMEOUT = Duration.ofSeconds(10);
    private static final int MOST_AT_ONCE = 20;

    /** What the receiver says beside its body. */
    private static final List<String> HEADERS =
            List.of(HttpHeaders.LOCATION, HttpHeaders.RETRY_AFTER, HttpHeaders.WWW_AUTHENTICATE);

    private final @Nullable URI baseUrl;
    private final JsonMapper mapper;
    private final Semaphore room = new Semaphore(MOST_AT_ONCE);
    private final @Nullable HttpClient client;

    Receiver(ApiProperties properties, JsonMapper mapper) {
        this.baseUrl = properties.receiverBaseUrl();
        this.mapper = mapper;
        this.client = baseUrl == null
                ? null
                : HttpClient.newBuilder()
                        .version(HttpClient.Version.HTTP_1_1)
                        .connectTimeout(CONNECT_TIMEOUT)
                        .build();
    }

    /**
     * Posts a checkin.
     *
     * @param authorization of who sends it; null if there is none
     * @return the answer of the receiver; fails with a problem if there is none
     */
    CompletionStage<ResponseEntity<JsonNode>> post(byte[] checkin, @Nullable String authorization) {
        if (client == null || baseUrl == null) {
            throw ProblemType.NOT_FOUND.exception("checkin.api.receiver-base-url isn't set.");
        }
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(baseUrl + "/checkins"))
                .timeout(TIMEOUT)
                .header(HttpHeaders.CONTENT_TYPE, MediaType.APPLICATION_JSON_VALUE)
                .POST(BodyPublishers.ofByteArray(checkin));
        if (authorization != null) {
            request.header(HttpHeaders.AUTHORIZATION, authorization);
        }
        if (!room.tryAcquire()) {
            throw ProblemType.OVERLOADED.exception("Too many checkins wait for the receiver. Try again later.");
        }
        return client.sendAsync(request.build(), BodyHandlers.ofByteArray())
                .whenComplete((answer, failure) -> room.release())
                .handle((answer, failure) -> {
                    if (failure != null) {
                        throw ProblemType.RECEIVER_UNAVAILABLE.exception();
                    }
                    return handedOn(answer);
                });
    }

    private ResponseEntity<JsonNode> handedOn(HttpResponse<byte[]> answer) {
        try {
            JsonNode body = mapper.readTree(answer.body());
            ResponseEntity.BodyBuilder builder = ResponseEntity.status(answer.statusCode());
            answer.headers()
                    .firstValue(HttpHeaders.CONTENT_TYPE)
                    .ifPresent(type -> builder.header(HttpHeaders.CONTENT_TYPE, type));
            HEADERS.forEach(name -> answer.headers().firstValue(name).ifPresent(value -> builder.header(name, value)));
            return builder.body(body);
        } catch (JacksonException e) {
            throw ProblemType.RECEIVER_UNAVAILABLE.exception(); // it is something else
        }
    }
}
