package io.ncc.checkin.testsupport;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** A client of the live events. A thread of its own reads them as they come; what it has read can be asked for at any time. */
public final class LiveFollower implements AutoCloseable {

    private static final HttpClient CLIENT =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private static final Duration LIMIT = Duration.ofSeconds(10);

    /**
     * What the server sent, up to an empty line.
     *
     * @param name {@code message} where the server gives none
     * @param id null where the server gives none
     */
    public record Event(String name, @Nullable String id, String data) {}

    private static final List<AnswerObserver> OBSERVERS = AnswerObserver.all();

    /** The events that were looked at. Many clients get the same. */
    private static final Set<String> OBSERVED = ConcurrentHashMap.newKeySet();

    private final HttpResponse<InputStream> response;
    private final List<Event> events = new ArrayList<>(); // guarded by itself
    private final AtomicInteger heartbeats = new AtomicInteger();
    private volatile @Nullable String lastId;
    private volatile @Nullable AssertionError wrong;
    private final Thread reader;

    private LiveFollower(HttpResponse<InputStream> response) {
        this.response = response;
        this.reader = new Thread(this::read, "live follower");
        reader.setDaemon(true);
        reader.start();
    }

    /**
     * Returns once the server has answered.
     *
     * @throws UncheckedIOException if it doesn't
     */
    public static LiveFollower follow(String url, @Nullable String lastEventId) {
        return follow(url, lastEventId, null);
    }

    /** The same with a bearer token. */
    public static LiveFollower follow(String url, @Nullable String lastEventId, @Nullable String token) {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(URI.create(url)).timeout(LIMIT).header("Accept", "text/event-stream");
        if (lastEventId != null) {
            request.header("Last-Event-ID", lastEventId);
        }
        if (token != null) {
            request.header("Authorization", "Bearer " + token);
        }
        try {
            HttpResponse<InputStream> response = CLIENT.send(request.build(), BodyHandlers.ofInputStream());
            if (response.statusCode() != 200) {
                String body = new String(response.body().readAllBytes(), StandardCharsets.UTF_8);
                observe(response, body);
                throw new AssertionError("refused with " + response.statusCode() + ' ' + body);
            }
            observe(response, "");
            return new LiveFollower(response);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }

    private static void observe(HttpResponse<?> response, String body) {
        OBSERVERS.forEach(observer -> observer.seen(
                response.request().method(),
                response.uri().getRawPath(),
                response.statusCode(),
                name -> response.headers().firstValue(name).orElse(null),
                body));
    }

    private void observeEvent(String event) {
        if (!OBSERVERS.isEmpty() && OBSERVED.add(event)) {
            observe(response, event);
        }
    }

    private void read() {
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8))) {
            String name = "message";
            String id = null;
            StringBuilder data = new StringBuilder();
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (line.startsWith(":")) {
                    heartbeats.incrementAndGet();
                } else if (line.startsWith("event: ")) {
                    name = line.substring("event: ".length());
                } else if (line.startsWith("id: ")) {
                    id = line.substring("id: ".length());
                } else if (line.startsWith("data: ")) {
                    data.append(line.substring("data: ".length()));
                } else if (!line.isEmpty()) {
                    throw new AssertionError("not a line of an event: " + line);
                } else {
                    if (id != null) {
                        lastId = id;
                    }
                    if (!data.isEmpty()) {
                        String idMember = id == null ? "" : "\"id\":\"" + id + "\",";
                        observeEvent("{\"event\":\"" + name + "\"," + idMember + "\"data\":" + data + '}');
                        synchronized (events) {
                            events.add(new Event(name, id, data.toString()));
                        }
                    }
                    name = "message";
                    id = null;
                    data.setLength(0);
                }
            }
        } catch (IOException e) {
            // closed, by either side
        } catch (AssertionError e) {
            wrong = e;
        }
    }

    public @Nullable String header(String name) {
        return response.headers().firstValue(name).orElse(null);
    }

    /** Fails if something that was read is wrong. */
    public List<Event> events() {
        requireNothingWrong();
        synchronized (events) {
            return List.copyOf(events);
        }
    }

    private void requireNothingWrong() {
        AssertionError found = wrong;
        if (found != null) {
            throw found;
        }
    }

    /** What it has seen: the ids of checkins, and the names of all other events. */
    public List<String> seen() {
        return events().stream()
                .map(event -> event.name().equals("message") ? String.valueOf(event.id()) : event.name())
                .toList();
    }

    /** What a browser would come back with: the last id, also one of a heartbeat. */
    public @Nullable String lastId() {
        return lastId;
    }

    public int count() {
        requireNothingWrong();
        synchronized (events) {
            return events.size();
        }
    }

    public int heartbeats() {
        return heartbeats.get();
    }

    public boolean hasEnded() {
        return !reader.isAlive();
    }

    /** Leaves; what was read by then stays readable. Fails if something of it is wrong. */
    @Override
    public void close() {
        try {
            response.body().close();
            reader.join();
            requireNothingWrong();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
