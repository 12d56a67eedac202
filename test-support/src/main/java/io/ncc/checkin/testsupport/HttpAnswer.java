package io.ncc.checkin.testsupport;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What a service answered, and the requests that tests send. A request that gets no answer in ten seconds fails. */
public record HttpAnswer(int status, HttpHeaders headers, String body) {

    private static final HttpClient CLIENT = HttpClient.newHttpClient();
    private static final JsonMapper JSON = new JsonMapper();
    private static final Duration LIMIT = Duration.ofSeconds(10);

    public static HttpAnswer get(String url) {
        return send(HttpRequest.newBuilder(URI.create(url)));
    }

    /** Posts JSON. */
    public static HttpAnswer post(String url, String json) {
        return post(url, "application/json", json);
    }

    public static HttpAnswer post(String url, String contentType, String body) {
        return post(url, contentType, BodyPublishers.ofString(body));
    }

    /** Posts JSON without a {@code Content-Length}. */
    public static HttpAnswer postChunked(String url, String json) {
        byte[] bytes = json.getBytes(StandardCharsets.UTF_8);
        return post(url, "application/json", BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(bytes)));
    }

    private static HttpAnswer post(String url, String contentType, BodyPublisher body) {
        return send(HttpRequest.newBuilder(URI.create(url))
                .header("Content-Type", contentType)
                .POST(body));
    }

    private static HttpAnswer send(HttpRequest.Builder request) {
        try {
            HttpResponse<String> response = CLIENT.send(request.timeout(LIMIT).build(), BodyHandlers.ofString());
            return new HttpAnswer(response.statusCode(), response.headers(), response.body());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }

    /** The first value of a header. */
    public @Nullable String header(String name) {
        return headers.firstValue(name).orElse(null);
    }

    public JsonNode json() {
        return JSON.readTree(body);
    }

    /** The type of a problem, without the prefix that all have. */
    public String problemType() {
        return json().get("type").asString().replaceFirst("^urn:checkins:problem:", "");
    }
}
