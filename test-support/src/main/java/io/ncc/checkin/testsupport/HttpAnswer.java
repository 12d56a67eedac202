package io.ncc.checkin.testsupport;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.HttpURLConnection;
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
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** An HTTP response of a service, and the methods that send requests. A request without a response within ten seconds fails. */
public record HttpAnswer(int status, HttpHeaders headers, String body) {

    private static final HttpClient CLIENT = HttpClient.newHttpClient();
    private static final JsonMapper JSON = new JsonMapper();
    private static final Duration LIMIT = Duration.ofSeconds(10);
    private static final List<AnswerObserver> OBSERVERS = AnswerObserver.all();

    public static HttpAnswer get(String url) {
        return send(HttpRequest.newBuilder(URI.create(url)));
    }

    /** Posts JSON. */
    public static HttpAnswer post(String url, String json) {
        return post(url, "application/json", json);
    }

    public static HttpAnswer post(String url, String contentType, String body) {
        return to(url).header("Content-Type", contentType).post(body);
    }

    /** Posts JSON without a {@code Content-Length}. */
    public static HttpAnswer postChunked(String url, String json) {
        return to(url).postChunked(bytes(json));
    }

    /** A request with headers. Its body is JSON, unless a {@code Content-Type} is given. */
    public static Request to(String url) {
        return new Request(url);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** A request that is not sent yet. */
    public static final class Request {

        private final URI uri;
        private final Map<String, String> headers = new LinkedHashMap<>(Map.of("Content-Type", "application/json"));

        private Request(String url) {
            this.uri = URI.create(url);
        }

        /** In place of an earlier one of that name. */
        public Request header(String name, String value) {
            headers.put(name, value);
            return this;
        }

        public HttpAnswer post(String body) {
            return post(bytes(body));
        }

        public HttpAnswer post(byte[] body) {
            return post(BodyPublishers.ofByteArray(body));
        }

        /** Without a {@code Content-Length}. */
        public HttpAnswer postChunked(byte[] body) {
            return post(BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(body)));
        }

        private HttpAnswer post(BodyPublisher body) {
            HttpRequest.Builder request = HttpRequest.newBuilder(uri).POST(body);
            headers.forEach(request::header);
            return send(request);
        }

        /** Sends the first part of a body, does something while the service waits for more, and sends the rest. */
        public HttpAnswer postInParts(String first, Runnable between, String rest) {
            try {
                HttpURLConnection connection = (HttpURLConnection) uri.toURL().openConnection();
                connection.setConnectTimeout((int) LIMIT.toMillis());
                connection.setReadTimeout((int) LIMIT.toMillis());
                connection.setDoOutput(true);
                connection.setChunkedStreamingMode(0);
                headers.forEach(connection::setRequestProperty);
                try (OutputStream body = connection.getOutputStream()) {
                    body.write(bytes(first));
                    body.flush();
                    between.run();
                    body.write(bytes(rest));
                }
                return read(connection).observed("POST", uri);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        private static HttpAnswer read(HttpURLConnection connection) throws IOException {
            int status = connection.getResponseCode();
            Map<String, List<String>> headers = new HashMap<>(connection.getHeaderFields());
            headers.remove(null); // the status line
            try (InputStream body = status < 400 ? connection.getInputStream() : connection.getErrorStream()) {
                String text = new String(body.readAllBytes(), StandardCharsets.UTF_8);
                return new HttpAnswer(status, HttpHeaders.of(headers, (name, value) -> true), text);
            }
        }
    }

    /** Sends any other request. */
    public static HttpAnswer send(HttpRequest.Builder request) {
        try {
            return of(CLIENT.send(request.timeout(LIMIT).build(), BodyHandlers.ofString()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }

    /** Sends any other request, and doesn't wait for the response, which may take its time. */
    public static CompletableFuture<HttpAnswer> begin(HttpRequest.Builder request) {
        return CLIENT.sendAsync(request.build(), BodyHandlers.ofString()).thenApply(HttpAnswer::of);
    }

    private static HttpAnswer of(HttpResponse<String> response) {
        return new HttpAnswer(response.statusCode(), response.headers(), response.body())
                .observed(response.request().method(), response.uri());
    }

    private HttpAnswer observed(String method, URI uri) {
        OBSERVERS.forEach(observer -> observer.seen(method, uri.getRawPath(), status, this::header, body));
        return this;
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
